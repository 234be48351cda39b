//! Everything that the dashboard shows, at one moment. What can be many is cut to [`MOST`], with the total told.
//!
//! No id of a session or chat, no cookie and no token is in it, for none is in what it is made from.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::Gateway;
use super::users;
use crate::admin::api;
use crate::limits::Clock;
use crate::observe::pace::{KEPT, Pace, Second};
use crate::reason::Reason;
use crate::runtime::Phase;

/// Entries of each list.
const MOST: usize = users::MOST;

/// The last ten minutes, for somebody who can sign out or who cannot.
pub(super) fn history(pace: &Pace, signed_in: bool) -> Value {
    let seconds = pace.seconds();
    json!({
        "signed_in": signed_in,
        "kept_seconds": KEPT,
        "seconds": seconds.iter().map(second).collect::<Vec<_>>(),
    })
}

/// In milliseconds since 1970, for each second, for each second, seconds, seconds, and connections.
fn second(second: &Second) -> Value {
    let Second {
        at,
        requests,
        refused,
        p50,
        p99,
        connections,
    } = second;
    // What the eye cannot see need not travel.
    let short = |number: f64| (number * 1e6).round() / 1e6;
    json!([
        at,
        short(*requests),
        short(*refused),
        p50.map(short),
        p99.map(short),
        connections
    ])
}

/// As it is now.
pub(super) fn sample(gateway: &Gateway) -> Value {
    let Gateway { runtime, .. } = gateway;
    let at = SystemTime::now().duration_since(UNIX_EPOCH);
    let reload = runtime.reloads.summary();
    json!({
        "timestamp_seconds": at.map_or(0, |at| at.as_secs()),
        "version": env!("CARGO_PKG_VERSION"),
        "ready": runtime.phase() == Phase::Ready,
        "process": runtime.process(),
        "predecessor_connections": runtime.metrics.predecessor_connections.get(),
        "second": runtime.pace.last().as_ref().map(second),
        "users": users::told(gateway, ""),
        "servers": servers(gateway),
        "refusals": refusals(gateway),
        "interactions": interactions(gateway),
        "bans": bans(gateway),
        "certificates": certificates(gateway),
        "reload": reload,
    })
}

fn servers(gateway: &Gateway) -> Value {
    let upstreams = &gateway.snapshot.load().upstreams;
    let metrics = &gateway.runtime.metrics.upstreams;
    let open = metrics.open_streams();
    let told = upstreams.iter().take(MOST).map(|upstream| {
        let facts = &upstream.facts;
        let seen = metrics.seen(upstream);
        let health = facts.health.view();
        let errors: serde_json::Map<String, Value> = seen
            .errors
            .iter()
            .map(|(reason, errors)| (reason.code().to_owned(), json!(errors)))
            .collect();
        json!({
            "server": &*facts.name,
            "kind": facts.kind.name(),
            "url": facts.url,
            "pair": facts.pair,
            "insecure": upstream.is_insecure(),
            "connections_new": seen.new,
            "connections_reused": seen.reused,
            "streams_open": open.get(&*facts.name).copied().unwrap_or_default(),
            "errors": errors,
            "health": health.condition.word(),
            "since_seconds": health.since.as_secs(),
            "why": health.why,
        })
    });
    json!({ "total": upstreams.len(), "shown": told.collect::<Vec<_>>() })
}

/// By reason; those that never happened are left out.
fn refusals(gateway: &Gateway) -> Value {
    let metrics = &gateway.runtime.metrics;
    let (refused, observed) = (metrics.refusals(), metrics.observations());
    let lately = gateway.runtime.pace.refused_lately();
    let all = Reason::ALL.iter().zip(refused).zip(observed).enumerate();
    let told = all
        .filter(|(_, ((_, refused), observed))| refused + observed > 0)
        .map(|(at, ((reason, refused), observed))| {
            json!({
                "reason": reason.code(),
                "last_minute": lately.get(at).copied().unwrap_or_default(),
                "since_start": refused,
                "observed_since_start": observed,
            })
        });
    told.collect()
}

fn interactions(gateway: &Gateway) -> Value {
    let mut told = gateway.runtime.limits.interactions_told();
    let pairs = told["pairs"].as_array_mut();
    let mut shown = pairs.map(std::mem::take).unwrap_or_default();
    let total = shown.len();
    shown.truncate(MOST);
    json!({ "total": total, "shown": shown })
}

fn bans(gateway: &Gateway) -> Value {
    let now = Clock::now();
    let (total, bans) = gateway.runtime.limits.table.newest_bans(MOST, now);
    let shown: Vec<Value> = bans.iter().map(|ban| api::told(ban, now)).collect();
    json!({ "total": total, "shown": shown })
}

/// Those that expire first.
fn certificates(gateway: &Gateway) -> Value {
    let snapshot = gateway.snapshot.load();
    let mut all: Vec<_> = snapshot.contents.expiries().collect();
    all.sort_unstable_by_key(|(file, until)| (*until, *file));
    let shown = all.iter().take(MOST).map(|(file, until)| {
        json!({ "file": file.to_string_lossy(), "not_after_timestamp_seconds": until })
    });
    json!({ "total": all.len(), "shown": shown.collect::<Vec<_>>() })
}
