//! A visitor's page, and what it and the gateway read in an answer.

use loadtest::webtools::{Answer, Node, Operation};
use serde_json::Value;

use super::*;

/// A page with a chat or a callback.
pub(super) struct Page {
    pub(super) kind: Kind,
    pub(super) visitor: u8,
    pub(super) node: Node,
    pub(super) id: String,
    pub(super) participant: String,
}

/// What a page asks for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wish {
    Poll,
    Touch,
    Exit,
}

impl Page {
    /// Of a chat or a callback that this answer has started or rejoined; none if it has not.
    pub(super) fn begin(kind: Kind, visitor: u8, node: Node, answer: &Answer) -> Option<Self> {
        let Answer::Envelope(answer) = answer else {
            return None;
        };
        let (envelope, id) = match kind {
            Kind::Chat => ("chat", "chatID"),
            Kind::Callback => ("callback", "callbackID"),
        };
        Some(Self {
            kind,
            visitor,
            node,
            id: answer[envelope][id].as_str()?.to_owned(),
            participant: answer[envelope]["participantID"].as_str()?.to_owned(),
        })
    }

    pub(super) fn operation(&self, wish: Wish) -> Operation {
        let participant = self.participant.clone();
        match (self.kind, wish) {
            (Kind::Chat, Wish::Poll) => Operation::Poll(participant),
            (Kind::Chat, Wish::Touch) => Operation::SetTypingState(participant),
            (Kind::Chat, Wish::Exit) => Operation::Exit(participant),
            (Kind::Callback, Wish::Exit) => Operation::DisconnectCallback(participant),
            (Kind::Callback, _) => Operation::CallbackStatus(participant),
        }
    }
}

/// What an answer says of the participant who asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Word {
    Lives,
    Left,
    UnknownSession,
    Nothing,
}

impl Word {
    pub(super) fn read(wish: Wish, participant: &str, answer: &Answer) -> Self {
        let Answer::Envelope(answer) = answer else {
            return Self::Nothing;
        };
        let body = answer.get("chat").or(answer.get("callback"));
        let body = body.unwrap_or(&Value::Null);
        if body["status"]["reason"] == "error.websvc.unknownEntity.session" {
            return Self::UnknownSession;
        }
        if body["status"]["type"] != "success" {
            return Self::Nothing;
        }
        let none = Vec::new();
        let mut events = body["events"].as_array().unwrap_or(&none).iter();
        let left =
            events.any(|e| e["state"] == "disconnected" && e["participantID"] == participant);
        if left || wish == Wish::Exit {
            Self::Left
        } else {
            Self::Lives
        }
    }
}
