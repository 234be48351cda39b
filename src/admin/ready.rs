//! `/readyz`: whether this process wants requests, and which servers are down.
//!
//! ```text
//! 200 ready                          503 not ready: starting
//!     down: search1, wall2           503 not ready: draining
//! ```
//!
//! A server that is down is told, to whoever may see the rest of the admin listener, and changes nothing: the gateway beside this one would
//! not reach it either, so a fail-over between gateways would only cut everybody else off.

use std::fmt::Write;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;

use super::guard::Known;
use super::{Gateway, text};
use crate::runtime::Phase;
use crate::snapshot::Snapshot;
use crate::upstream::health::Condition;

/// The most names in the answer.
const NAMES: usize = 20;

pub(super) async fn ready(
    State(gateway): State<Gateway>,
    Extension(Known(known)): Extension<Known>,
) -> impl IntoResponse {
    match gateway.runtime.phase() {
        Phase::Ready if known => text(StatusCode::OK, told(&gateway.snapshot.load())),
        // SECURITY: names of servers are not for those without a pass.
        Phase::Ready => text(StatusCode::OK, with(&[])),
        Phase::Starting => not_yet("not ready: starting\n"),
        Phase::Draining => not_yet("not ready: draining\n"),
    }
}

fn not_yet(why: &str) -> super::Text {
    text(StatusCode::SERVICE_UNAVAILABLE, why.to_owned())
}

fn told(snapshot: &Snapshot) -> String {
    let facts = snapshot.upstreams.iter().map(|upstream| &upstream.facts);
    let down: Vec<&str> = facts
        .filter(|facts| facts.health.condition() == Condition::Down)
        .map(|facts| &*facts.name)
        .collect();
    with(&down)
}

fn with(down: &[&str]) -> String {
    let mut answer = "ready\n".to_owned();
    if !down.is_empty() {
        let named: Vec<&str> = down.iter().take(NAMES).copied().collect();
        let _ = write!(answer, "down: {}", named.join(", "));
        if down.len() > NAMES {
            let _ = write!(answer, " and {} more", down.len() - NAMES);
        }
        answer.push('\n');
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_same_whatever_is_down() {
        assert_eq!(with(&[]), "ready\n");
        assert_eq!(with(&["a", "b"]), "ready\ndown: a, b\n");
        let many = with(&["s"; 25]);
        assert!(many.starts_with("ready\ndown: s, s, "), "{many}");
        assert!(many.ends_with("s and 5 more\n"), "{many}");
    }
}
