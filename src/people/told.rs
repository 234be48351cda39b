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
        let users: Vec<Value> = views.iter().map(|view| view.one(now)).collect();
        json!({
            "users": users,
            "connected": View::counted(&views),
            "not_listed_since_start": unlisted,
        })
    }

    /// The first of all these, as many as a page shows: `total` and `shown` in place of `users`.
    pub fn told_in_part(mut views: Vec<View>, most: usize, unlisted: u64, now: Now) -> Value {
        let (total, connected) = (views.len(), View::counted(&views));
        if total > most {
            // PERF: sixty thousand are not sorted for the sake of some hundred.
            views.select_nth_unstable_by(most, View::order);
            views.truncate(most);
        }
        views.sort_by(View::order);
        let shown: Vec<Value> = views.iter().map(|view| view.one(now)).collect();
        json!({
            "total": total,
            "shown": shown,
            "connected": connected,
            "not_listed_since_start": unlisted,
        })
    }

    /// How many of these are on each server.
    fn counted(views: &[View]) -> Vec<Value> {
        let mut counts: BTreeMap<(Kind, Arc<str>), u64> = BTreeMap::new();
        for view in views {
            *counts
                .entry((view.kind, Arc::clone(&view.server)))
                .or_default() += 1;
        }
        let connected = counts.iter().map(
            |((kind, server), users)| json!({ "kind": kind.name(), "server": &**server, "users": users }),
        );
        connected.collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_the_beginning_of_the_whole_and_the_counts_are_of_all() {
        let view = |number: u32| View {
            user: Some(format!("agent{number:04}").into()),
            kind: Kind::Icws,
            server: Arc::from(if number < 1500 { "a" } else { "b" }),
            address: std::net::IpAddr::from([192, 0, 2, 7]).into(),
            since: Now(0),
            active: Now(0),
            live: false,
            requests: 1,
        };
        // In no order.
        let views: Vec<View> = (0..2000).map(|number| view(number * 7 % 2000)).collect();
        let whole = View::told(views.clone(), 0, Now(5));
        let part = View::told_in_part(views, 500, 0, Now(5));
        assert_eq!(part["total"], 2000);
        assert_eq!(part["connected"], whole["connected"]);
        let shown = part["shown"].as_array().unwrap();
        assert_eq!(shown[..], whole["users"].as_array().unwrap()[..500]);
    }
}
