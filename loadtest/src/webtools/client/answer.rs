//! What an answer means to the page, and how often each request is repeated.
//!
//! ```
//! use loadtest::webtools::client::{Outcome, Request};
//! let outcome = Outcome::read(200, br#"{"chat":{"status":{"type":"failure","reason":"error.websvc.unavailable"}}}"#);
//! assert!(matches!(outcome, Outcome::Refused(reason) if reason == "error.websvc.unavailable"));
//! assert_eq!(loadtest::webtools::client::retries(Request::PartyInfo), None, "without end");
//! ```

use serde_json::Value;

/// The requests of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// GET serverConfiguration.
    Configuration,
    /// POST chat/start.
    Start,
    /// GET chat/poll.
    Poll,
    /// POST chat/sendMessage.
    SendMessage,
    /// POST chat/setTypingState.
    SetTypingState,
    /// POST chat/exit.
    Exit,
    /// POST chat/reconnect.
    Reconnect,
    /// GET chat/getfile.
    GetFile,
    /// POST partyInfo.
    PartyInfo,
    /// POST queue/query.
    QueueQuery,
    /// POST register.
    Register,
    /// POST problemReport.
    ProblemReport,
    /// POST callback/create.
    CreateCallback,
    /// GET callback/status.
    CallbackStatus,
    /// POST callback/disconnect.
    DisconnectCallback,
    /// POST callback/reconnect.
    ReconnectCallback,
}

impl Request {
    /// Path below the fragment, without a participant id.
    pub fn path(self) -> &'static str {
        match self {
            Self::Configuration => "/websvcs/serverConfiguration",
            Self::Start => "/websvcs/chat/start",
            Self::Poll => "/websvcs/chat/poll",
            Self::SendMessage => "/websvcs/chat/sendMessage",
            Self::SetTypingState => "/websvcs/chat/setTypingState",
            Self::Exit => "/websvcs/chat/exit",
            Self::Reconnect => "/websvcs/chat/reconnect",
            Self::GetFile => "/websvcs/chat/getfile",
            Self::PartyInfo => "/websvcs/partyInfo",
            Self::QueueQuery => "/websvcs/queue/query",
            Self::Register => "/websvcs/register",
            Self::ProblemReport => "/websvcs/problemReport",
            Self::CreateCallback => "/websvcs/callback/create",
            Self::CallbackStatus => "/websvcs/callback/status",
            Self::DisconnectCallback => "/websvcs/callback/disconnect",
            Self::ReconnectCallback => "/websvcs/callback/reconnect",
        }
    }

    /// Whether it is a GET.
    pub fn is_get(self) -> bool {
        matches!(
            self,
            Self::Configuration | Self::Poll | Self::GetFile | Self::CallbackStatus
        )
    }
}

/// How often a request is repeated on 500 and 504; `None` is without end, which is what the page's table amounts to for
/// the requests it does not list.
pub fn retries(request: Request) -> Option<u32> {
    match request {
        Request::Poll | Request::Exit | Request::ProblemReport | Request::GetFile => Some(0),
        // Repeats of the configuration are part of choosing a server, not of this table.
        Request::Configuration => Some(0),
        Request::Start
        | Request::SendMessage
        | Request::SetTypingState
        | Request::Reconnect
        | Request::Register
        | Request::CreateCallback => Some(1),
        Request::PartyInfo
        | Request::QueueQuery
        | Request::CallbackStatus
        | Request::DisconnectCallback
        | Request::ReconnectCallback => None,
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// 200 with JSON whose status is success (or that has no status, as the configuration).
    Success(Value),
    /// 200 with JSON whose status is failure: the reason.
    Refused(String),
    /// 200 with something that is not JSON.
    NotJson,
    /// Another status, 204 included: a failure of the transport to this page.
    Status(u16),
    /// The connection could not be made, or broke.
    Broken,
    /// No answer in time.
    TimedOut,
}

impl Outcome {
    /// Reads an answer.
    pub fn read(status: u16, body: &[u8]) -> Self {
        if status != 200 {
            return Self::Status(status);
        }
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self::NotJson;
        };
        let status = match &value {
            Value::Object(envelope) => envelope
                .values()
                .next()
                .and_then(|inner| inner.get("status")),
            _ => None,
        };
        match status
            .and_then(|status| status.get("type"))
            .and_then(Value::as_str)
        {
            Some("failure") => {
                let reason = status
                    .and_then(|status| status.get("reason"))
                    .and_then(Value::as_str);
                Self::Refused(reason.unwrap_or_default().to_owned())
            }
            _ => Self::Success(value),
        }
    }

    /// Whether the transport failed in the eyes of the page: no 200.
    pub fn is_transport_failure(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Broken | Self::TimedOut)
    }

    /// Whether the page repeats the request at once, if its table lets it.
    pub fn is_repeated(&self) -> bool {
        matches!(self, Self::Status(500 | 504))
    }

    /// The value of a success, or why there is none.
    ///
    /// # Errors
    /// Anything but a success.
    pub fn success(self) -> Result<Value, Failure> {
        match self {
            Self::Success(value) => Ok(value),
            other => Err(Failure(other)),
        }
    }
}

/// A request that did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure(pub Outcome);

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the page saw a failure: {:?}", self.0)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_is_a_success_and_a_failure_is_a_200_too() {
        for (status, body, expected) in [
            (204, "", Outcome::Status(204)),
            (404, "{}", Outcome::Status(404)),
            (200, "<html>", Outcome::NotJson),
            (200, "", Outcome::NotJson),
            (
                200,
                r#"{"chat":{"status":{"type":"failure","reason":"r"}}}"#,
                Outcome::Refused("r".into()),
            ),
            (
                200,
                r#"{"chat":{"status":{"type":"failure"}}}"#,
                Outcome::Refused(String::new()),
            ),
        ] {
            assert_eq!(
                Outcome::read(status, body.as_bytes()),
                expected,
                "{status} {body}"
            );
        }
        assert!(matches!(
            Outcome::read(200, br#"[{"serverConfiguration":{}}]"#),
            Outcome::Success(_)
        ));
    }

    #[test]
    fn only_500_and_504_are_repeated() {
        for status in [200, 204, 301, 401, 403, 404, 429, 502, 503] {
            assert!(!Outcome::Status(status).is_repeated(), "{status}");
        }
        assert!(Outcome::Status(500).is_repeated() && Outcome::Status(504).is_repeated());
        assert!(!Outcome::TimedOut.is_repeated() && !Outcome::Broken.is_repeated());
    }
}
