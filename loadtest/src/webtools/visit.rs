//! What each operation does to the shared state, and the answer it gives.
//!
//! ```
//! # use std::time::Instant;
//! # use loadtest::webtools::{Answer, Node, Operation, Site, Visit};
//! let mut site = Site::default();
//! let visit = Visit { node: Node::B, visitor: "192.0.2.7", now: Instant::now() };
//! let Answer::Envelope(answer) = site.perform(&visit, &Operation::Poll("gone".into()), &serde_json::json!({})) else {
//!     panic!("a poll is always answered by an envelope")
//! };
//! assert_eq!(answer["chat"]["status"]["reason"], "error.websvc.unknownEntity.participant");
//! ```

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::chat::SharedFile;
use super::operation::Operation;
use super::reason::Reason;
use super::site::{Node, Site};

mod callbacks;
mod chats;
mod inquiries;
mod wish;

/// Who calls, where and when.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The server that was called.
    pub node: Node,
    /// Address of the visitor: the first entry of X-Forwarded-For.
    pub visitor: &'a str,
    /// Now.
    pub now: Instant,
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// 200 with this envelope, success or failure.
    Envelope(Value),
    /// Refused by a limit: 200 with this failure, or 404, as the server is set.
    Refused(Value),
    /// 200 with the bytes of a file.
    File(SharedFile),
    /// 404.
    NotFound,
}

/// The fields of a success.
type Fields = Map<String, Value>;

/// Why an operation did not succeed.
enum Failed {
    For(Reason),
    ByLimit,
}

impl From<Reason> for Failed {
    fn from(reason: Reason) -> Self {
        Self::For(reason)
    }
}

impl Site {
    /// Performs one operation.
    pub fn perform(&mut self, visit: &Visit<'_>, operation: &Operation, body: &Value) -> Answer {
        self.settle(visit.now);
        let done = match operation {
            Operation::ServerConfiguration => {
                return Answer::Envelope(super::configuration::server_configuration(self));
            }
            Operation::GetFile(participant, hash) => {
                let chat = self.chat_of(visit.node, participant).ok();
                let file = chat.and_then(|chat| chat.file(hash)).cloned();
                return file.map_or(Answer::NotFound, Answer::File);
            }
            Operation::Start => self.start(visit, body),
            Operation::Poll(id) => self.poll(visit, id),
            Operation::SendMessage(id) => self.send_message(visit, id, body),
            Operation::SetTypingState(id) => self.set_typing(visit, id, body),
            Operation::Exit(id) => self.exit(visit, id),
            Operation::Reconnect => self.reconnect(visit, body),
            Operation::PartyInfo(id) => self.party_info(visit, id, body),
            Operation::QueueQuery => self.query(body),
            Operation::Register => self.register(body),
            Operation::ProblemReport => self.report(body),
            Operation::CreateCallback => self.create_callback(visit, body),
            Operation::CallbackStatus(id) => self.callback_status(visit, id),
            Operation::DisconnectCallback(id) => self.disconnect_callback(visit, id),
            Operation::ReconnectCallback => self.reconnect_callback(visit, body),
        };
        match done {
            Ok(fields) => Answer::Envelope(self.wrap(operation, fields, None)),
            Err(Failed::For(reason)) => Answer::Envelope(self.failure(operation, reason)),
            Err(Failed::ByLimit) => Answer::Refused(self.failure(operation, Reason::Unavailable)),
        }
    }

    /// The envelope of a failure.
    pub fn failure(&self, operation: &Operation, reason: Reason) -> Value {
        self.wrap(operation, Map::new(), Some(reason))
    }

    fn wrap(&self, operation: &Operation, mut fields: Fields, failed: Option<Reason>) -> Value {
        let name = operation.envelope();
        let mut envelope = Map::new();
        if name == "chat" {
            let wait = u64::try_from(self.parameters.poll_wait.as_millis()).unwrap_or(u64::MAX);
            envelope.insert("pollWaitSuggestion".into(), wait.into());
            envelope.insert("cfgVer".into(), self.cfg_ver.into());
        }
        let events = fields.remove("events");
        envelope.append(&mut fields);
        let status = match failed {
            None => json!({"type": "success"}),
            Some(reason) => json!({"type": "failure", "reason": reason.code()}),
        };
        envelope.insert("status".into(), status);
        if let Some(events) = events {
            envelope.insert("events".into(), events);
        }
        json!({ name: envelope })
    }
}

/// The first of these fields that is a text with something in it; a number counts as its digits, as XML cannot tell.
fn text(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match value.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Fields {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
