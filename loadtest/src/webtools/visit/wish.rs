//! What a visitor asks for, parsed from the body of a request.
//!
//! ```
//! # use std::time::Instant;
//! # use loadtest::webtools::{Answer, Node, Operation, Site, Visit};
//! let (mut site, now) = (Site::default(), Instant::now());
//! let visit = Visit { node: Node::A, visitor: "192.0.2.7", now };
//! let body = serde_json::json!({"participant": {"name": "Wally"}, "target": "Nowhere", "targetType": "Workgroup"});
//! let Answer::Envelope(answer) = site.perform(&visit, &Operation::Start, &body) else { panic!() };
//! assert_eq!(answer["chat"]["status"]["reason"], "error.websvc.unknownEntity.badTarget");
//! ```

use serde_json::Value;

use super::text;
use crate::webtools::reason::Reason;
use crate::webtools::site::Site;

/// What a visitor asks for in chat/start and callback/create.
pub(super) struct Wish {
    pub(super) name: String,
    pub(super) user: Option<String>,
    pub(super) queue: String,
}

impl Wish {
    pub(super) fn read(site: &Site, body: &Value) -> Result<Self, Reason> {
        let participant = body.get("participant").ok_or(Reason::MissingData)?;
        let name = text(participant, &["name"]).ok_or(Reason::MissingData)?;
        let queue = text(body, &["target"]).ok_or(Reason::MissingData)?;
        // Two spellings are in use: the page's and that of the Developer's Guide.
        queue_type(&text(body, &["targetType", "targettype"]).ok_or(Reason::MissingData)?)?;
        if !site.queues.contains_key(&queue.to_ascii_lowercase()) {
            return Err(Reason::BadTarget);
        }
        let user = account(site, body)?;
        Ok(Self { name, user, queue })
    }
}

/// The name of the account that `participant` gives credentials of; None for an anonymous visitor.
pub(super) fn account(site: &Site, body: &Value) -> Result<Option<String>, Reason> {
    let participant = body.get("participant").unwrap_or(&Value::Null);
    let Some(credentials) = text(participant, &["credentials"]) else {
        return Ok(None);
    };
    let name = text(participant, &["name"]).ok_or(Reason::MissingData)?;
    match site.accounts.get(&name) {
        Some(expected) if *expected == credentials => Ok(Some(name)),
        _ => Err(Reason::BadCredentials),
    }
}

pub(super) fn queue_type(kind: &str) -> Result<(), Reason> {
    let known = ["Workgroup", "User", "Station", "System"];
    let is_known = known.iter().any(|known| known.eq_ignore_ascii_case(kind));
    is_known.then_some(()).ok_or(Reason::InvalidQueueType)
}
