//! The operations of `/websvcs/`, recognised from method and path.
//!
//! ```
//! use loadtest::webtools::Operation;
//! let poll = Operation::parse("GET", "/WebSvcs/chat/poll/7a").unwrap();
//! assert_eq!(poll, Operation::Poll("7a".into()));
//! ```

/// One operation; the text is the participant id in the path (empty when it is missing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// GET serverConfiguration.
    ServerConfiguration,
    /// POST chat/start.
    Start,
    /// GET chat/poll.
    Poll(String),
    /// POST chat/sendMessage.
    SendMessage(String),
    /// POST chat/setTypingState.
    SetTypingState(String),
    /// POST chat/exit.
    Exit(String),
    /// POST chat/reconnect.
    Reconnect,
    /// GET chat/getfile, with the file's hash.
    GetFile(String, String),
    /// POST partyInfo.
    PartyInfo(String),
    /// POST queue/query.
    QueueQuery,
    /// POST register.
    Register,
    /// POST problemReport.
    ProblemReport,
    /// POST callback/create.
    CreateCallback,
    /// GET callback/status.
    CallbackStatus(String),
    /// POST callback/disconnect.
    DisconnectCallback(String),
    /// POST callback/reconnect.
    ReconnectCallback,
}

/// Why a request is no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOperation {
    /// Nothing is at this path.
    NotFound,
    /// Something is there, for another method.
    WrongMethod,
}

impl Operation {
    /// Recognises an operation. The fixed parts of a path match in any case, as they do in the wild.
    pub fn parse(method: &str, path: &str) -> Result<Self, NoOperation> {
        let mut segments = path
            .strip_prefix('/')
            .ok_or(NoOperation::NotFound)?
            .split('/');
        if !segments
            .next()
            .is_some_and(|first| first.eq_ignore_ascii_case("websvcs"))
        {
            return Err(NoOperation::NotFound);
        }
        let raw: Vec<&str> = segments.collect();
        let lower: Vec<String> = raw
            .iter()
            .map(|segment| segment.to_ascii_lowercase())
            .collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let id = |at: usize| raw.get(at).map_or_else(String::new, |id| (*id).to_owned());
        let operation = match lower.as_slice() {
            ["serverconfiguration"] => Self::ServerConfiguration,
            ["chat", "start"] => Self::Start,
            ["chat", "poll"] | ["chat", "poll", _] => Self::Poll(id(2)),
            ["chat", "sendmessage"] | ["chat", "sendmessage", _] => Self::SendMessage(id(2)),
            ["chat", "settypingstate"] | ["chat", "settypingstate", _] => {
                Self::SetTypingState(id(2))
            }
            ["chat", "exit"] | ["chat", "exit", _] => Self::Exit(id(2)),
            ["chat", "reconnect"] => Self::Reconnect,
            ["chat", "getfile", _, _, _] => Self::GetFile(id(2), id(3)),
            ["partyinfo"] | ["partyinfo", _] => Self::PartyInfo(id(1)),
            ["queue", "query"] => Self::QueueQuery,
            ["register"] => Self::Register,
            ["problemreport"] => Self::ProblemReport,
            ["callback", "create"] => Self::CreateCallback,
            ["callback", "status"] | ["callback", "status", _] => Self::CallbackStatus(id(2)),
            ["callback", "disconnect"] | ["callback", "disconnect", _] => {
                Self::DisconnectCallback(id(2))
            }
            ["callback", "reconnect"] => Self::ReconnectCallback,
            _ => return Err(NoOperation::NotFound),
        };
        if method == operation.method() {
            Ok(operation)
        } else {
            Err(NoOperation::WrongMethod)
        }
    }

    /// The method it is called with.
    pub fn method(&self) -> &'static str {
        match self {
            Self::ServerConfiguration
            | Self::Poll(_)
            | Self::GetFile(..)
            | Self::CallbackStatus(_) => "GET",
            _ => "POST",
        }
    }

    /// The name of the object that wraps its answer.
    pub fn envelope(&self) -> &'static str {
        match self {
            Self::ServerConfiguration => "serverConfiguration",
            Self::PartyInfo(_) => "partyInfo",
            Self::QueueQuery => "queue",
            Self::Register => "registration",
            Self::ProblemReport => "problemReport",
            Self::CreateCallback
            | Self::CallbackStatus(_)
            | Self::DisconnectCallback(_)
            | Self::ReconnectCallback => "callback",
            _ => "chat",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_recognised_in_any_case() {
        for (method, path, expected) in [
            (
                "GET",
                "/websvcs/serverConfiguration",
                Operation::ServerConfiguration,
            ),
            ("POST", "/WEBSVCS/CHAT/START", Operation::Start),
            (
                "POST",
                "/websvcs/chat/sendMessage/Ab-9",
                Operation::SendMessage("Ab-9".into()),
            ),
            (
                "POST",
                "/websvcs/chat/sendMessage",
                Operation::SendMessage(String::new()),
            ),
            (
                "POST",
                "/websvcs/chat/sendMessage/",
                Operation::SendMessage(String::new()),
            ),
            (
                "POST",
                "/WebSvcs/chat/setTypingState/p",
                Operation::SetTypingState("p".into()),
            ),
            ("POST", "/websvcs/chat/exit/p", Operation::Exit("p".into())),
            ("POST", "/websvcs/chat/reconnect", Operation::Reconnect),
            (
                "GET",
                "/websvcs/chat/getfile/p/h/-a.pdf",
                Operation::GetFile("p".into(), "h".into()),
            ),
            (
                "POST",
                "/websvcs/partyInfo/p",
                Operation::PartyInfo("p".into()),
            ),
            ("POST", "/websvcs/queue/query", Operation::QueueQuery),
            ("POST", "/websvcs/register", Operation::Register),
            ("POST", "/websvcs/problemReport", Operation::ProblemReport),
            (
                "POST",
                "/websvcs/callback/create",
                Operation::CreateCallback,
            ),
            (
                "GET",
                "/websvcs/callback/status/p",
                Operation::CallbackStatus("p".into()),
            ),
            (
                "POST",
                "/websvcs/callback/disconnect/p",
                Operation::DisconnectCallback("p".into()),
            ),
            (
                "POST",
                "/websvcs/callback/reconnect",
                Operation::ReconnectCallback,
            ),
        ] {
            assert_eq!(Operation::parse(method, path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn anything_else_is_not_an_operation() {
        for path in [
            "/",
            "/websvcs",
            "/icws/connection",
            "/websvcs/chat",
            "/websvcs/chat/poll/a/b",
            "/websvcsx/register",
        ] {
            assert_eq!(
                Operation::parse("GET", path),
                Err(NoOperation::NotFound),
                "{path}"
            );
        }
        assert_eq!(
            Operation::parse("GET", "/websvcs/chat/start"),
            Err(NoOperation::WrongMethod)
        );
    }
}
