//! `GET /api/servers`: every server of the file, and how it is.
//!
//! ```json
//! {"servers": [{"name": "chat2", "kind": "webtools", "url": "http://chat2.corp.local:8114/", "health": "standby",
//!   "since_seconds": 7205, "why": null,
//!   "probe": {"path": "/websvcs/serverConfiguration", "interval_seconds": 10.0, "timeout_seconds": 3.0, "rise": 2, "fall": 3,
//!             "expect": null, "last_seconds_ago": 4.2, "last_outcome": "standby", "last_seconds": 0.003},
//!   "passive": {"failures_in_a_row": 0}, "open_streams": 0}]}
//! ```
//!
//! `probe` is null with `health: off`, and what it has of the last probe is null before the first.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use super::{Answer, Gateway, json};
use crate::upstream::Upstream;
use crate::upstream::health::{Rule, View};

pub(super) async fn servers(State(gateway): State<Gateway>) -> Answer {
    let snapshot = gateway.snapshot.load();
    let streams = gateway.runtime.metrics.upstreams.open_streams();
    let all = snapshot.upstreams.iter();
    let servers: Vec<Value> = all.map(|upstream| told(upstream, &streams)).collect();
    json(StatusCode::OK, json!({ "servers": servers }))
}

fn told(upstream: &Upstream, streams: &HashMap<String, u64>) -> Value {
    let facts = &upstream.facts;
    let view = facts.health.view();
    json!({
        "name": &*facts.name,
        "kind": facts.kind.name(),
        "url": facts.url,
        "health": view.condition.word(),
        "since_seconds": view.since.as_secs(),
        "why": view.why,
        "probe": facts.probe.as_ref().map(|rule| probe(rule, &view)),
        "passive": { "failures_in_a_row": view.failures },
        "open_streams": streams.get(&*facts.name).unwrap_or(&0),
    })
}

fn probe(rule: &Rule, view: &View) -> Value {
    let last = view.probe;
    json!({
        "path": rule.path,
        "interval_seconds": seconds(rule.interval),
        "timeout_seconds": seconds(rule.timeout),
        "rise": rule.thresholds.rise,
        "fall": rule.thresholds.fall,
        "expect": rule.expect,
        "last_seconds_ago": last.map(|last| seconds(last.at.elapsed())),
        "last_outcome": last.map(|last| last.outcome),
        "last_seconds": last.map(|last| seconds(last.took)),
    })
}

/// To the millisecond, which is more than anybody reads.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
