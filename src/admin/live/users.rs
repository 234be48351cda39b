//! Who is connected, as many as a page shows, and `GET /api/live/users?find=TEXT` for those that it does not.
//!
//! ```text
//! {"total": 12345, "shown": [{"user": "agent1", "kind": "icws", ...}], "connected": [...], "not_listed_since_start": 0}
//! ```

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::super::api::{Answer, error, json as answer};
use super::Gateway;
use crate::limits::Clock;
use crate::people::View;

/// Users in one answer.
pub(super) const MOST: usize = 500;
/// The longest text that is looked for.
const LONGEST: usize = 100;

pub(super) async fn find(State(gateway): State<Gateway>, RawQuery(query): RawQuery) -> Answer {
    let text = query
        .as_deref()
        .unwrap_or_default()
        .strip_prefix("find=")
        .map(|text| folded(&percent_decode_str(text).decode_utf8_lossy()));
    let Some(text) = text.filter(|text| text.len() <= LONGEST) else {
        let why =
            format!("say what to find: `/api/live/users?find=agent1`, at most {LONGEST} bytes");
        return error(StatusCode::BAD_REQUEST, &why);
    };
    match spawn_blocking(move || told(&gateway, &text)).await {
        Ok(told) => answer(StatusCode::OK, told),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "the search broke off"),
    }
}

/// Those in whom this text is, in small letters, by user, kind, server or address; all of them if it is empty.
pub(super) fn told(gateway: &Gateway, text: &str) -> Value {
    let now = Clock::now();
    let rules = &gateway.snapshot.load().people;
    let mut views = gateway.runtime.connected(rules, now);
    if !text.is_empty() {
        views.retain(|view| has(view, text));
    }
    View::told_in_part(views, MOST, gateway.runtime.people.unlisted(), now)
}

fn has(view: &View, text: &str) -> bool {
    let user = view.user.as_deref().unwrap_or_default();
    folded(user).contains(text)
        || view.kind.name().contains(text)
        || folded(&view.server).contains(text)
        || view.address.to_string().contains(text)
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is looked for, and not identified: one hit more does no harm"
)]
fn folded(text: &str) -> String {
    text.to_lowercase()
}
