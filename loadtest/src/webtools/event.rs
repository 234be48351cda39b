//! What happens in a chat, as the page is told of it in `events`.
//!
//! ```
//! use loadtest::webtools::{Event, Party, SYSTEM_ID};
//! let event = Event::Text { by: Party::system("CIC"), text: "Welcome".into() };
//! let json = event.json(4, Some(1));
//! assert_eq!(json["participantID"], SYSTEM_ID);
//! assert_eq!(json["conversationSequenceNumber"], 1);
//! ```

use serde_json::{Value, json};

/// The participant id under which the server itself speaks.
pub const SYSTEM_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Participant id.
    pub id: String,
    /// Shown name.
    pub name: String,
    /// `System`, `WebUser` or `Agent`.
    pub kind: &'static str,
}

impl Party {
    /// The server itself.
    pub fn system(name: &str) -> Self {
        Self {
            id: SYSTEM_ID.into(),
            name: name.into(),
            kind: "System",
        }
    }

    /// The visitor.
    pub fn visitor(id: &str, name: &str) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            kind: "WebUser",
        }
    }

    /// An agent with an id of its own.
    pub fn agent(name: &str) -> Self {
        Self {
            id: new_id(),
            name: name.into(),
            kind: "Agent",
        }
    }
}

/// A fresh GUID, as participants, chats and callbacks have.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The state of a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not offered yet.
    Initializing,
    /// Offered to an agent.
    Alerting,
    /// Takes part.
    Active,
    /// Put on hold.
    Held,
    /// In voicemail.
    Voicemail,
    /// Gone.
    Disconnected,
}

impl State {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Alerting => "alerting",
            Self::Active => "active",
            Self::Held => "held",
            Self::Voicemail => "voicemail",
            Self::Disconnected => "disconnected",
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A participant came, went or changed.
    StateChanged {
        /// Whose state.
        who: Party,
        /// The new state.
        state: State,
    },
    /// Somebody said something.
    Text {
        /// Who.
        by: Party,
        /// What.
        text: String,
    },
    /// Somebody pushed a page.
    Url {
        /// Who.
        by: Party,
        /// The address.
        url: String,
    },
    /// Somebody sent a file.
    File {
        /// Who.
        by: Party,
        /// Its path below the server, `/websvcs/chat/getfile/…`.
        path: String,
    },
    /// Somebody began or stopped typing.
    Typing {
        /// Who.
        by: Party,
        /// Whether typing goes on.
        typing: bool,
    },
}

impl Event {
    /// Whether the event has a place in the conversation, and so a conversation sequence number (Developer's Guide,
    /// "Common Response Format": received text, addresses and files).
    pub fn is_conversation(&self) -> bool {
        matches!(
            self,
            Self::Text { .. } | Self::Url { .. } | Self::File { .. }
        )
    }

    /// The JSON form.
    pub fn json(&self, sequence: u64, conversation: Option<u64>) -> Value {
        match self {
            Self::StateChanged { who, state } => json!({
                "type": "participantStateChanged",
                "participantID": who.id,
                "sequenceNumber": sequence,
                "state": state.word(),
                "participantName": who.name,
                "participantType": who.kind,
            }),
            Self::Text { by, text } => said("text", by, text, sequence, conversation),
            Self::Url { by, url } => said("url", by, url, sequence, conversation),
            Self::File { by, path } => said("file", by, path, sequence, conversation),
            Self::Typing { by, typing } => json!({
                "type": "typingIndicator",
                "participantID": by.id,
                "sequenceNumber": sequence,
                "value": typing,
                "displayName": by.name,
                "participantType": by.kind,
            }),
        }
    }
}

fn said(kind: &str, by: &Party, value: &str, sequence: u64, conversation: Option<u64>) -> Value {
    json!({
        "type": kind,
        "participantID": by.id,
        "sequenceNumber": sequence,
        "conversationSequenceNumber": conversation,
        "contentType": "text/plain",
        "value": value,
        "displayName": by.name,
        "participantType": by.kind,
    })
}
