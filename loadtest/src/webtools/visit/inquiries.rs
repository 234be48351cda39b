//! The operations beside chats and callbacks: queues, accounts, problem reports.
//!
//! ```
//! # use std::time::Instant;
//! # use loadtest::webtools::{Answer, Node, Operation, Site, Visit};
//! let (mut site, now) = (Site::default(), Instant::now());
//! let visit = Visit { node: Node::A, visitor: "192.0.2.7", now };
//! let body = serde_json::json!({"queueName": "Sales", "queueType": "Workgroup"});
//! let Answer::Envelope(answer) = site.perform(&visit, &Operation::QueueQuery, &body) else { panic!() };
//! assert_eq!(answer["queue"]["estimatedWaitTime"], 30);
//! ```

use serde_json::{Map, Value, json};

use super::wish::{account, queue_type};
use super::{Failed, Fields, fields, text};
use crate::webtools::reason::Reason;
use crate::webtools::site::Site;

/// Longest problem report the page sends, in characters.
const LONGEST_REPORT: usize = 15_359;
/// Most problem reports kept.
const REPORTS_KEPT: usize = 1_000;

impl Site {
    pub(super) fn query(&self, body: &Value) -> Result<Fields, Failed> {
        let anonymous = account(self, body)?.is_none();
        if !self.parameters.queue_access.admits(anonymous) {
            return Err(Reason::UnsupportedOperation.into());
        }
        let kind = text(body, &["queueType"]).ok_or(Reason::MissingData)?;
        queue_type(&kind)?;
        let name = text(body, &["queueName"]).ok_or(Reason::MissingData)?;
        let queue = self
            .queues
            .get(&name.to_ascii_lowercase())
            .ok_or(Reason::InvalidQueue)?;
        Ok(fields([
            ("agentsAvailable", json!(queue.agents_available)),
            ("estimatedWaitTime", json!(queue.estimated_wait)),
        ]))
    }

    pub(super) fn register(&mut self, body: &Value) -> Result<Fields, Failed> {
        let within = body.get("participant").unwrap_or(body);
        let name = text(within, &["name", "userID", "username"]).ok_or(Reason::MissingData)?;
        let credentials = text(within, &["credentials", "password"]).ok_or(Reason::MissingData)?;
        if self.accounts.contains_key(&name) {
            return Err(Reason::AccountExists.into());
        }
        self.accounts.insert(name, credentials);
        Ok(Map::new())
    }

    pub(super) fn report(&mut self, body: &Value) -> Result<Fields, Failed> {
        if !self.parameters.problem_reports {
            return Err(Reason::UnsupportedOperation.into());
        }
        let report = body.to_string();
        if report.chars().count() > LONGEST_REPORT {
            return Err(Reason::InvalidContent.into());
        }
        self.problem_reports.push_back(report);
        if self.problem_reports.len() > REPORTS_KEPT {
            self.problem_reports.pop_front();
        }
        Ok(Map::new())
    }
}
