//! The operations of chats.
//!
//! ```
//! # use std::time::Instant;
//! # use loadtest::webtools::{Answer, Node, Operation, Site, Visit};
//! let (mut site, now) = (Site::default(), Instant::now());
//! let visit = Visit { node: Node::A, visitor: "192.0.2.7", now };
//! let unknown = serde_json::json!({"chatID": "gone"});
//! let Answer::Envelope(answer) = site.perform(&visit, &Operation::Reconnect, &unknown) else { panic!() };
//! assert_eq!(answer["chat"]["status"]["reason"], "error.websvc.unknownEntity.session");
//! ```

use serde_json::{Map, Value, json};

use super::wish::Wish;
use super::{Failed, Fields, Visit, fields, text};
use crate::webtools::chat::Chat;
use crate::webtools::event::{Event, Party, State};
use crate::webtools::reason::Reason;
use crate::webtools::site::{Node, Place, Site};
use crate::webtools::truth::Kind;

impl Site {
    pub(super) fn start(&mut self, visit: &Visit<'_>, body: &Value) -> Result<Fields, Failed> {
        let wish = Wish::read(self, body)?;
        self.admit(
            Kind::Chat,
            visit.visitor,
            wish.user.as_deref(),
            &wish.queue,
            visit.now,
        )
        .map_err(|_| Failed::ByLimit)?;
        let mut chat = Chat::new(visit.visitor, &wish.name, &wish.queue, wish.user, visit.now);
        chat.announce(chat.visitor.clone(), State::Active);
        chat.tell(Event::Text {
            by: Party::system(&self.parameters.system_name),
            text: format!("{} has joined the conversation.", wish.name),
        });
        self.place(&chat.visitor.id, visit.node, Kind::Chat, &chat.id);
        let fields = joined(&chat);
        self.chats.insert(chat.id.clone(), chat);
        Ok(fields)
    }

    pub(super) fn poll(&mut self, visit: &Visit<'_>, participant: &str) -> Result<Fields, Failed> {
        let chat = self.chat_of_mut(visit.node, participant)?;
        if chat.ended && !chat.has_events() {
            return Err(Reason::UnknownSession.into());
        }
        chat.heard = visit.now;
        Ok(news(chat))
    }

    pub(super) fn send_message(
        &mut self,
        visit: &Visit<'_>,
        participant: &str,
        body: &Value,
    ) -> Result<Fields, Failed> {
        let chat = self.open_chat(visit, participant)?;
        let message = text(body, &["message"]).ok_or(Reason::MissingData)?;
        chat.say(&message, visit.now);
        Ok(news(chat))
    }

    pub(super) fn set_typing(
        &mut self,
        visit: &Visit<'_>,
        participant: &str,
        body: &Value,
    ) -> Result<Fields, Failed> {
        let chat = self.open_chat(visit, participant)?;
        chat.typing = body
            .get("typingIndicator")
            .and_then(Value::as_bool)
            .ok_or(Reason::MissingData)?;
        Ok(news(chat))
    }

    pub(super) fn exit(&mut self, visit: &Visit<'_>, participant: &str) -> Result<Fields, Failed> {
        let id = self.open_chat(visit, participant)?.id.clone();
        self.end_chat(&id);
        // Its page wants no goodbye: the very next poll is told that the session is unknown.
        if let Some(chat) = self.chats.get_mut(&id) {
            chat.take_events();
        }
        Ok(Map::new())
    }

    pub(super) fn reconnect(&mut self, visit: &Visit<'_>, body: &Value) -> Result<Fields, Failed> {
        let id = text(body, &["chatID"]).ok_or(Reason::MissingData)?;
        let recovery = self.recovery;
        let chat = self
            .chats
            .get_mut(&id)
            .filter(|chat| !chat.ended)
            .ok_or(Reason::UnknownSession)?;
        let stays = self
            .places
            .get(&chat.visitor.id)
            .is_some_and(|place| place.node == visit.node);
        if !stays && !recovery {
            return Err(Reason::UnknownSession.into());
        }
        let old = chat.rename_visitor();
        chat.heard = visit.now;
        let (fields, participant) = (joined(chat), chat.visitor.id.clone());
        self.places.remove(&old);
        self.place(&participant, visit.node, Kind::Chat, &id);
        Ok(fields)
    }

    pub(super) fn party_info(
        &mut self,
        visit: &Visit<'_>,
        own: &str,
        body: &Value,
    ) -> Result<Fields, Failed> {
        let place = self.placed(visit.node, own)?.clone();
        let wanted = text(body, &["participantID"]).ok_or(Reason::MissingData)?;
        let mut parties = vec![Party::system(&self.parameters.system_name)];
        match place.kind {
            Kind::Chat => {
                let chat = self.chats.get(&place.id).ok_or(Reason::UnknownSession)?;
                parties.push(chat.visitor.clone());
                parties.extend(chat.agent.clone());
            }
            Kind::Callback => {
                let callback = self
                    .callbacks
                    .get(&place.id)
                    .ok_or(Reason::UnknownSession)?;
                parties.push(Party::visitor(&callback.participant, &callback.name));
                parties.extend(callback.agent.clone());
            }
        }
        let party = parties
            .into_iter()
            .find(|party| party.id == wanted)
            .ok_or(Reason::UnknownParticipant)?;
        Ok(fields([
            ("name", json!(party.name)),
            ("photo", Value::Null),
        ]))
    }

    pub(super) fn place(&mut self, participant: &str, node: Node, kind: Kind, id: &str) {
        let id = id.to_owned();
        self.places
            .insert(participant.to_owned(), Place { node, kind, id });
    }

    /// A participant id counts only on the server that gave it out.
    pub(super) fn placed(&self, node: Node, participant: &str) -> Result<&Place, Reason> {
        let place = self
            .places
            .get(participant)
            .filter(|place| place.node == node);
        place.ok_or(Reason::UnknownParticipant)
    }

    pub(super) fn chat_of(&self, node: Node, participant: &str) -> Result<&Chat, Reason> {
        let place = self.placed(node, participant)?;
        self.chats.get(&place.id).ok_or(Reason::UnknownParticipant)
    }

    pub(super) fn chat_of_mut(
        &mut self,
        node: Node,
        participant: &str,
    ) -> Result<&mut Chat, Reason> {
        let id = self.placed(node, participant)?.id.clone();
        self.chats.get_mut(&id).ok_or(Reason::UnknownParticipant)
    }

    /// The chat of this participant, which must not be over; any of its requests shows that the page lives.
    pub(super) fn open_chat(
        &mut self,
        visit: &Visit<'_>,
        participant: &str,
    ) -> Result<&mut Chat, Reason> {
        let chat = self.chat_of_mut(visit.node, participant)?;
        if chat.ended {
            return Err(Reason::UnknownSession);
        }
        chat.heard = visit.now;
        Ok(chat)
    }
}

/// A start or a reconnect tells the ids; the events wait for the first poll.
fn joined(chat: &Chat) -> Fields {
    fields([
        ("participantID", json!(chat.visitor.id)),
        ("chatID", json!(chat.id)),
        ("dateFormat", json!("M/d/yyyy")),
        ("timeFormat", json!("h:mm:ss tt")),
        ("events", json!([])),
    ])
}

fn news(chat: &mut Chat) -> Fields {
    fields([("events", Value::Array(chat.take_events()))])
}
