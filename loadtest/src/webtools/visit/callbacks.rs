//! The operations of callbacks.
//!
//! ```
//! # use std::time::Instant;
//! # use loadtest::webtools::{Answer, Node, Operation, Site, Visit};
//! let (mut site, now) = (Site::default(), Instant::now());
//! let visit = Visit { node: Node::A, visitor: "192.0.2.7", now };
//! let participant = serde_json::json!({"name": "Wally", "telephone": "555 0100"});
//! let body = serde_json::json!({"participant": participant, "target": "Sales", "targettype": "Workgroup"});
//! let Answer::Envelope(answer) = site.perform(&visit, &Operation::CreateCallback, &body) else { panic!() };
//! assert!(answer["callback"]["callbackID"].is_string());
//! ```

use serde_json::{Map, Value, json};

use super::wish::Wish;
use super::{Failed, Fields, Visit, fields, text};
use crate::webtools::callback::Callback;
use crate::webtools::event::new_id;
use crate::webtools::reason::Reason;
use crate::webtools::site::{Node, Site};
use crate::webtools::truth::Kind;

impl Site {
    pub(super) fn create_callback(
        &mut self,
        visit: &Visit<'_>,
        body: &Value,
    ) -> Result<Fields, Failed> {
        let wish = Wish::read(self, body)?;
        let participant = body.get("participant").unwrap_or(&Value::Null);
        text(participant, &["telephone"]).ok_or(Reason::MissingData)?;
        self.admit(
            Kind::Callback,
            visit.visitor,
            wish.user.as_deref(),
            &wish.queue,
            visit.now,
        )
        .map_err(|_| Failed::ByLimit)?;
        let callback = Callback::new(visit.visitor, &wish.name, &wish.queue, wish.user, visit.now);
        self.place(
            &callback.participant,
            visit.node,
            Kind::Callback,
            &callback.id,
        );
        let fields = requested(&callback);
        self.callbacks.insert(callback.id.clone(), callback);
        Ok(fields)
    }

    pub(super) fn callback_status(
        &mut self,
        visit: &Visit<'_>,
        participant: &str,
    ) -> Result<Fields, Failed> {
        let callback = self.waiting_callback(visit.node, participant)?;
        callback.heard = visit.now;
        Ok(fields([
            ("participantID", json!(callback.participant)),
            ("callbackID", json!(callback.id)),
            ("userIdentityID", json!(callback.user_identity)),
            ("assignedAgent", callback.assigned_agent()),
            ("acdStatus", callback.acd_status(visit.now)),
        ]))
    }

    pub(super) fn disconnect_callback(
        &mut self,
        visit: &Visit<'_>,
        participant: &str,
    ) -> Result<Fields, Failed> {
        let id = self.waiting_callback(visit.node, participant)?.id.clone();
        self.end_callback(&id);
        Ok(Map::new())
    }

    pub(super) fn reconnect_callback(
        &mut self,
        visit: &Visit<'_>,
        body: &Value,
    ) -> Result<Fields, Failed> {
        let id = text(body, &["callbackID"]).ok_or(Reason::MissingData)?;
        let recovery = self.recovery;
        let waiting = self
            .callbacks
            .get_mut(&id)
            .filter(|callback| !callback.ended);
        let callback = waiting.ok_or(Reason::UnknownSession)?;
        let stays = self
            .places
            .get(&callback.participant)
            .is_some_and(|place| place.node == visit.node);
        if !stays && !recovery {
            return Err(Reason::UnknownSession.into());
        }
        let old = std::mem::replace(&mut callback.participant, new_id());
        callback.heard = visit.now;
        let (fields, participant) = (requested(callback), callback.participant.clone());
        self.places.remove(&old);
        self.place(&participant, visit.node, Kind::Callback, &id);
        Ok(fields)
    }

    fn waiting_callback(&mut self, node: Node, participant: &str) -> Result<&mut Callback, Reason> {
        let id = self.placed(node, participant)?.id.clone();
        let callback = self
            .callbacks
            .get_mut(&id)
            .ok_or(Reason::UnknownParticipant)?;
        if callback.ended {
            return Err(Reason::UnknownSession);
        }
        Ok(callback)
    }
}

fn requested(callback: &Callback) -> Fields {
    fields([
        ("participantID", json!(callback.participant)),
        ("callbackID", json!(callback.id)),
        ("userIdentityID", json!(callback.user_identity)),
    ])
}
