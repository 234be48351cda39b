//! One callback request: who asked, where it stands, and how its status is told.
//!
//! ```
//! use std::time::Instant;
//! use loadtest::webtools::Callback;
//! let callback = Callback::new("192.0.2.7", "Wally", "Marketing", None, Instant::now());
//! assert_eq!(callback.acd_status(Instant::now())["interactionState"], "Initializing");
//! ```

use std::time::Instant;

use serde_json::{Value, json};

use super::event::{Party, new_id};

/// A callback, waiting or over.
#[derive(Clone, Debug)]
pub struct Callback {
    /// Callback id: stays the same over reconnects.
    pub id: String,
    /// Address of the visitor who asked for it.
    pub owner: String,
    /// The participant id that asks for the status.
    pub participant: String,
    /// Id of the visitor's identity.
    pub user_identity: String,
    /// Name of the visitor.
    pub name: String,
    /// Target queue.
    pub queue: String,
    /// Name of the account, None for an anonymous visitor.
    pub user: Option<String>,
    /// When it was asked for.
    pub created: Instant,
    /// When its page was last heard.
    pub heard: Instant,
    /// `interactionState` of the status: Initializing, Offering, Alerting, Connected, Disconnected …
    pub state: String,
    /// The agent it was given to.
    pub agent: Option<Party>,
    /// Whether it is over.
    pub ended: bool,
}

impl Callback {
    /// A callback that has just been asked for.
    pub fn new(owner: &str, name: &str, queue: &str, user: Option<String>, now: Instant) -> Self {
        Self {
            id: new_id(),
            owner: owner.into(),
            participant: new_id(),
            user_identity: new_id(),
            name: name.into(),
            queue: queue.into(),
            user,
            created: now,
            heard: now,
            state: "Initializing".into(),
            agent: None,
            ended: false,
        }
    }

    /// Ends it.
    pub fn end(&mut self) {
        self.ended = true;
        self.state = "Disconnected".into();
    }

    /// The `acdStatus` block. Times are seconds.
    pub fn acd_status(&self, now: Instant) -> Value {
        json!({
            "queueWaitTime": now.saturating_duration_since(self.created).as_secs(),
            "interactionState": self.state,
            "estimatedCallbackTime": 60,
            "queuePosition": 1,
            "queueName": self.queue,
            "longestWaitTime": now.saturating_duration_since(self.created).as_secs(),
            "callsWaitingCount": 1,
            "loggedInAgentsCount": 2,
            "availableAgentsCount": 1,
        })
    }

    /// The `assignedAgent` block; empty names until somebody took it.
    pub fn assigned_agent(&self) -> Value {
        match &self.agent {
            Some(agent) => json!({"name": agent.name, "participantID": agent.id}),
            None => json!({"name": "", "participantID": super::event::SYSTEM_ID}),
        }
    }
}
