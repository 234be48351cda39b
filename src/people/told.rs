//! Who is there, as JSON.
//!
//! ```text
//! {"users": [{"user": "agent1", "kind": "icws", "server": "icserver1", "address": "192.0.2.7", "seconds_since": 3605,
//!             "seconds_idle": 0, "live": true, "requests": 412}],
//!  "connected": [{"kind": "icws", "server": "icserver1", "users": 1}], "not_listed_since_start": 0}
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::limits::Now;

use super::{Kind, View};

impl View {
    /// Of all these, sorted.
    pub fn told(mut views: Vec<View>, unlisted: u64, now: Now) -> Value {
        views.sort_by(View::order);
        let mut counts: BTreeMap<(Kind, Arc<str>), u64> = BTreeMap::new();
        for view in &views {
            *counts
                .entry((view.kind, Arc::clone(&view.server)))
                .or_default() += 1;
        }
        let users: Vec<Value> = views.iter().map(|view| view.one(now)).collect();
        let connected = counts.iter().map(
            |((kind, server), users)| json!({ "kind": kind.name(), "server": &**server, "users": users }),
        );
        json!({
            "users": users,
            "connected": connected.collect::<Vec<_>>(),
            "not_listed_since_start": unlisted,
        })
    }

    fn one(&self, now: Now) -> Value {
        json!({
            "user": self.user.as_deref(),
            "kind": self.kind.name(),
            "server": &*self.server,
            "address": self.address.to_string(),
            "seconds_since": now.since(self.since).as_secs(),
            "seconds_idle": now.since(self.active).as_secs(),
            "live": self.live,
            "requests": self.requests,
        })
    }
}
