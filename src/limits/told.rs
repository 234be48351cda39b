//! What an operator sees of one address, and of the chats and callbacks, as JSON. No id of a chat and no name of a visitor is in it:
//! who knows the one can speak in the other's place.
//!
//! ```text
//! {"address": "192.0.2.7", "tracked": true, "banned": null, "refusals": 1,
//!  "connections": {"open": 2, "most": 1000, "mode": "enforce", ...}, "requests": {"left": 997, ...}, "interactions": [...]}
//! ```

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::interactions::Pair;
use super::{Address, Cause, Clock, Limits, Mode, Now, RateLimit, ScopeId, Used};
use crate::observe::line::counted;
use crate::snapshot;

impl Limits {
    /// What `address` has used, beside the limits of the file.
    pub fn told(&self, address: Address, rules: &snapshot::Limits) -> Value {
        let now = Clock::now();
        let window = rules
            .ban
            .as_ref()
            .map_or(Duration::from_secs(1), |ban| ban.within);
        let used = self.table.used(address, ScopeId::PROCESS, window, now);
        let tracked = used.is_some();
        let used = used.unwrap_or(Used {
            connections: 0,
            requests: 0,
            open: 0,
            in_flight: 0,
            refusals: 0,
            ban: None,
        });
        let process = rules
            .requests
            .first()
            .map(|(_, process)| process.clone())
            .unwrap_or_default();
        let ban = used.ban.map(|ban| {
            json!({
                "seconds_left": seconds(ban.until.since(now)),
                "seconds_since": now.since(ban.since).as_secs(),
                "cause": cause(ban.cause),
                "refused_since": ban.refused,
            })
        });
        json!({
            "address": address.to_string(),
            "tracked": tracked,
            "banned": ban,
            "refusals": used.refusals,
            "refusals_to_a_ban": rules.ban.as_ref().map(|ban| ban.refusals),
            "connections": cap("open", used.open, rules.connections.open),
            "new_connections": rate(used.connections, rules.connections.new, now),
            "requests": rate(used.requests, process.rate, now),
            "requests_in_flight": cap("now", used.in_flight, process.in_flight),
            "interactions": self.interactions.pairs().iter().filter(|pair| pair.of(address) > 0).map(|pair| {
                json!({ "pair": &**pair.name(), "active": pair.of(address) })
            }).collect::<Vec<_>>(),
        })
    }

    /// The chats and callbacks of every pair.
    pub fn interactions_told(&self) -> Value {
        let told = |pair: &Arc<Pair>| {
            let counts = pair.counts();
            json!({
                "pair": &**pair.name(),
                "chats": counts.chats,
                "callbacks": counts.callbacks,
                "starting": counts.reserved,
                "in_doubt": counts.in_doubt,
                "not_counted_since_start": counts.uncounted,
            })
        };
        json!({ "pairs": self.interactions.pairs().iter().map(told).collect::<Vec<_>>() })
    }
}

/// Whole seconds, so that what has not ended is not told as 0.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

pub(crate) fn cause(cause: Cause) -> String {
    match cause {
        Cause::Refusals(refusals) => counted(refusals, "refusal"),
        Cause::Operator => "an operator".to_owned(),
    }
}

fn cap(word: &str, used: u32, limit: Option<(u32, Mode)>) -> Value {
    json!({ word: used, "most": limit.map(|(most, _)| most), "mode": mode(limit.map(|(_, mode)| mode)) })
}

fn rate(used: u64, limit: Option<(RateLimit, Mode)>, now: Now) -> Value {
    json!({
        "left": limit.map(|(limit, _)| limit.left(used, now)),
        "burst": limit.map(|(limit, _)| limit.burst()),
        "mode": mode(limit.map(|(_, mode)| mode)),
    })
}

fn mode(mode: Option<Mode>) -> &'static str {
    match mode {
        Some(Mode::Enforce) => "enforce",
        Some(Mode::Observe) => "observe",
        None => "off",
    }
}
