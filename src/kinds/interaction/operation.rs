//! What a request does to a chat or a callback, told from its method and path.
//!
//! Two readers can read a path differently, and the limit must hold whichever of them the server is. So the readings of
//! `routing::path_safety` are all looked at: a path that is a start in any of them is a start, one that names a participant in any of
//! them keeps that participant alive, and only a path with one reading, as long as it has to be, ends anything.
//!
//! ```
//! use http::Method;
//! use portcullis::kinds::interaction::{Interaction, Operation, Wire};
//! let smuggled = Operation::of(Wire::Webtools, &Method::POST, "/websvcs/queue/..;x/chat/%2573tart");
//! assert_eq!(smuggled, Some(Operation::Start(Interaction::Chat)));
//! assert_eq!(Operation::of(Wire::Webtools, &Method::GET, "/websvcs/serverConfiguration"), None);
//! ```

use http::Method;

use super::{Id, Interaction, Wire};
use crate::routing::path_safety;

/// What a request does to a chat or a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Begins one.
    Start(Interaction),
    /// Goes on with one, after a fail-over or with a new page. In Web Tools it gets a new participant id.
    Reconnect(Interaction),
    /// Asks a chat for what is new.
    Poll {
        /// Who asks.
        participant: Id,
    },
    /// Ends one, if the server says so.
    Exit {
        /// What is ended.
        interaction: Interaction,
        /// Whose it is.
        participant: Id,
    },
    /// Asks where a callback stands.
    Status {
        /// Who asks.
        participant: Id,
    },
    /// Anything else in a participant's name. It shows that the page lives, and its answer may say that the session is gone.
    Touch {
        /// What it is about.
        subject: Subject,
        /// In whose name.
        participant: Id,
    },
    /// The same where the server may see somebody else in the path, or speak of somebody else: a path with two readings, more segments
    /// than the operation has, another method, a question about a party. It shows that the page lives, and whatever the answer says, it
    /// ends nothing.
    Life {
        /// What it is about.
        subject: Subject,
        /// In whose name.
        participant: Id,
    },
}

/// What an [`Operation::Touch`] is about; in Web Tools the name of the object that wraps its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A chat.
    Chat,
    /// A callback.
    Callback,
    /// Somebody who takes part in either.
    Party,
}

impl Operation {
    /// The operation of a request, from its method and its path as the server sees it, without the query. `None` for a request that
    /// does nothing to an interaction.
    pub fn of(wire: Wire, method: &Method, path: &str) -> Option<Self> {
        // A browser asks for permission so before it starts anything (Fetch, "CORS-preflight fetch").
        if method == Method::OPTIONS {
            return None;
        }
        if path_safety::is_plain(path) {
            return Self::exact(wire, method, path);
        }
        // SECURITY: routing refuses such a path. If that ever changes, it is at least not the way around the limit.
        let Some(readings) = path_safety::texts(path) else {
            return Some(Self::Start(Interaction::Chat));
        };
        let mut found = None;
        for reading in &readings {
            match Self::exact(wire, method, reading) {
                Some(start @ Self::Start(_)) => return Some(start),
                Some(operation) => found = Some(operation.life()),
                None => {}
            }
        }
        found
    }

    /// The operation of a path that is read as it is. Any method but OPTIONS may start something: what the servers make of the others
    /// is not documented.
    fn exact(wire: Wire, method: &Method, path: &str) -> Option<Self> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let (root, first) = (segments.next()?, segments.next()?);
        let (second, third) = (segments.next(), segments.next());
        let operation = match wire {
            Wire::Webtools if is(root, "websvcs") => webtools(method, first, second, third),
            Wire::Icws if is(root, "icws") => icws(method, first, second, third),
            _ => None,
        }?;
        // SECURITY: of a participant that only the server sees in the rest, or in another method, it says that it does not know him.
        Some(match segments.next() {
            None if operation.is_called_with(method) => operation,
            _ => operation.life(),
        })
    }

    /// Whether it is called with this method. Web Tools has no DELETE; in ICWS it is INFERRED.
    fn is_called_with(&self, method: &Method) -> bool {
        match self {
            Self::Poll { .. } | Self::Status { .. } => method == Method::GET,
            Self::Exit { .. } => method == Method::POST || method == Method::DELETE,
            Self::Start(_) | Self::Reconnect(_) | Self::Touch { .. } | Self::Life { .. } => true,
        }
    }

    /// What is left of it where nothing may be concluded but that the page lives.
    fn life(self) -> Self {
        let subject = self.subject();
        match self {
            Self::Poll { participant }
            | Self::Status { participant }
            | Self::Exit { participant, .. }
            | Self::Touch { participant, .. } => Self::Life {
                subject,
                participant,
            },
            whole @ (Self::Start(_) | Self::Reconnect(_) | Self::Life { .. }) => whole,
        }
    }

    /// Whether its answer may end what it is about.
    pub fn may_end(&self) -> bool {
        !matches!(self, Self::Life { .. })
    }

    /// The participant in whose name the request is made.
    pub fn participant(&self) -> Option<&Id> {
        match self {
            Self::Start(_) | Self::Reconnect(_) => None,
            Self::Poll { participant }
            | Self::Status { participant }
            | Self::Exit { participant, .. }
            | Self::Touch { participant, .. }
            | Self::Life { participant, .. } => Some(participant),
        }
    }

    /// What the request is about.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Start(interaction)
            | Self::Reconnect(interaction)
            | Self::Exit { interaction, .. } => (*interaction).into(),
            Self::Poll { .. } => Subject::Chat,
            Self::Status { .. } => Subject::Callback,
            Self::Touch { subject, .. } | Self::Life { subject, .. } => *subject,
        }
    }
}

impl From<Interaction> for Subject {
    fn from(interaction: Interaction) -> Self {
        match interaction {
            Interaction::Chat => Self::Chat,
            Interaction::Callback => Self::Callback,
        }
    }
}

/// Web Tools Developer's Guide and the vendor's page, which spells the fixed parts in any case.
fn webtools(
    method: &Method,
    first: &str,
    second: Option<&str>,
    third: Option<&str>,
) -> Option<Operation> {
    if is(first, "partyInfo") {
        // "Unknown" may be said of the party that is asked about.
        return touch(Subject::Party, second).map(Operation::life);
    }
    let verb = second?;
    let chat = is(first, "chat");
    let interaction = match chat {
        true => Interaction::Chat,
        false if is(first, "callback") => Interaction::Callback,
        false => return None,
    };
    let (start, exit) = match chat {
        true => ("start", "exit"),
        false => ("create", "disconnect"),
    };
    if is(verb, start) {
        Some(Operation::Start(interaction))
    } else if is(verb, "reconnect") {
        Some(Operation::Reconnect(interaction))
    } else if chat && is(verb, "getfile") {
        // Its answer is a file. The page behind it polls anyway.
        None
    } else if chat && is(verb, "poll") {
        third
            .and_then(Id::new)
            .map(|participant| Operation::Poll { participant })
    } else if !chat && is(verb, "status") {
        third
            .and_then(Id::new)
            .map(|participant| Operation::Status { participant })
    } else if is(verb, exit) && method == Method::POST {
        third.and_then(Id::new).map(|participant| Operation::Exit {
            interaction,
            participant,
        })
    } else {
        touch(interaction.into(), third)
    }
}

/// `web-chat` as in the vendor's generated library and ICWS's reference: `start`, `reconnect`, `messages/{id}`, `exit/{id}`,
/// `send-message/{id}`, `typing-state/{id}`, `message-history/{id}`, `file/{id}/...`. INFERRED: `poll`, `end` and `disconnect` of
/// chats, all that ends a callback, and DELETE.
fn icws(
    method: &Method,
    first: &str,
    second: Option<&str>,
    third: Option<&str>,
) -> Option<Operation> {
    let chat = is(first, "web-chat");
    let interaction = match chat {
        true => Interaction::Chat,
        false if is(first, "web-callback") => Interaction::Callback,
        false => return None,
    };
    let verb = second?;
    let is_exit = ["exit", "end", "disconnect"]
        .iter()
        .any(|end| is(verb, end));
    let may_end = method == Method::POST || method == Method::DELETE;
    let participant = third.and_then(Id::new);
    if is(verb, if chat { "start" } else { "create" }) {
        return Some(Operation::Start(interaction));
    }
    if is(verb, "reconnect") {
        return Some(Operation::Reconnect(interaction));
    }
    if chat && is(verb, "file") {
        return None;
    }
    let Some(participant) = participant else {
        let whole = (method == Method::DELETE && !is_exit).then(|| Id::new(verb));
        return whole.flatten().map(|participant| Operation::Exit {
            interaction,
            participant,
        });
    };
    Some(if chat && (is(verb, "messages") || is(verb, "poll")) {
        Operation::Poll { participant }
    } else if !chat && is(verb, "status") {
        Operation::Status { participant }
    } else if is_exit && may_end {
        Operation::Exit {
            interaction,
            participant,
        }
    } else {
        let subject = interaction.into();
        Operation::Touch {
            subject,
            participant,
        }
    })
}

fn touch(subject: Subject, participant: Option<&str>) -> Option<Operation> {
    let participant = participant.and_then(Id::new)?;
    Some(Operation::Touch {
        subject,
        participant,
    })
}

/// Whether a server could take this segment for the word.
fn is(segment: &str, word: &str) -> bool {
    // Windows drops dots and blanks at the end of a name.
    let segment = segment.trim_end_matches(['.', ' ']);
    if segment.is_ascii() {
        return segment.eq_ignore_ascii_case(word);
    }
    // SECURITY: who compares without regard to case beyond ASCII takes these for the letters they look like.
    let letters = segment.chars().map(|letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        '\u{130}' | '\u{131}' => 'i',
        other => other.to_ascii_lowercase(),
    });
    letters.eq(word.chars().map(|letter| letter.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests;
