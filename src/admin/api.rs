//! The JSON that `portcullis bans` and `portcullis limits` speak, for scripts too.
//!
//! ```text
//! GET  /api/bans                     {"bans": [{"address": "192.0.2.7", "seconds_left": 581, ...}]}
//! POST /api/bans                     {"address": "192.0.2.7", "seconds": 3600}
//! POST /api/bans/lift                {"address": "192.0.2.7"}
//! GET  /api/limits?address=A         what A has used of each limit
//! GET  /api/interactions             chats and callbacks by pair
//! ```
//!
//! A mistake is answered `{"error": "..."}` with 400, 404, 409 or 415.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::routing::{get, post};
use log::info;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Gateway;
use crate::limits::told::{cause, seconds};
use crate::limits::{Address, Ban, Clock, Now};
use crate::snapshot::Snapshot;

/// The longest ban: ten years.
const LONGEST: u64 = 10 * 365 * 86_400;

type Answer = (StatusCode, [(HeaderName, &'static str); 2], String);

/// The routes below `/api/`.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/api/bans", get(list).post(add))
        .route("/api/bans/lift", post(lift))
        .route("/api/limits", get(limits))
        .route("/api/interactions", get(interactions))
}

async fn list(State(gateway): State<Gateway>) -> Answer {
    let now = Clock::now();
    let bans = gateway.runtime.limits.table.bans(now);
    let bans: Vec<Value> = bans.iter().map(|ban| told(ban, now)).collect();
    json(StatusCode::OK, json!({ "bans": bans }))
}

fn told(ban: &Ban, now: Now) -> Value {
    json!({
        "address": ban.address.to_string(),
        "seconds_left": seconds(ban.until.since(now)),
        "seconds_since": now.since(ban.since).as_secs(),
        "cause": cause(ban.cause),
        "refused_since": ban.refused,
    })
}

async fn add(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Answer {
    let (asked, address) = match asked(&headers, &body) {
        Ok(asked) => asked,
        Err(answer) => return *answer,
    };
    let seconds = asked.get("seconds").and_then(Value::as_u64);
    let Some(seconds) = seconds.filter(|seconds| (1..=LONGEST).contains(seconds)) else {
        let why = format!("`seconds` must be a whole number from 1 to {LONGEST}");
        return error(StatusCode::BAD_REQUEST, &why);
    };
    let snapshot = gateway.snapshot.load();
    if let Some(why) = never_banned(&snapshot, address) {
        return error(StatusCode::CONFLICT, &format!("{address} {why}"));
    }
    let lasts = Duration::from_secs(seconds);
    let table = &gateway.runtime.limits.table;
    match table.ban(address, lasts, Clock::now()) {
        Ok(()) => {
            info!("an operator has banned {address} for {seconds} s");
            gateway.runtime.metrics.bans_started.inc();
            json(StatusCode::OK, json!({ "banned": address.to_string() }))
        }
        Err(full) => error(StatusCode::CONFLICT, &full.to_string()),
    }
}

/// Why a ban of this address would not hold.
fn never_banned(snapshot: &Snapshot, address: Address) -> Option<&'static str> {
    let client = address.first();
    if snapshot.limits.exempts(client) {
        Some("is in `limits.exempt`, where no ban holds: take it out of there first")
    } else if snapshot.client_address.trusts(client) {
        Some("is one of `client_address.trusted_proxies`: ban the clients behind it")
    } else {
        None
    }
}

async fn lift(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Answer {
    let (_, address) = match asked(&headers, &body) {
        Ok(asked) => asked,
        Err(answer) => return *answer,
    };
    if gateway.runtime.limits.table.lift(address, Clock::now()) {
        info!("an operator has lifted the ban of {address}");
        return json(StatusCode::OK, json!({ "lifted": address.to_string() }));
    }
    error(StatusCode::NOT_FOUND, &format!("{address} is not banned"))
}

async fn limits(State(gateway): State<Gateway>, RawQuery(query): RawQuery) -> Answer {
    let given = query
        .as_deref()
        .and_then(|query| query.strip_prefix("address="));
    let text = given.map(|text| percent_decode_str(text).decode_utf8_lossy());
    let address: Address = match text.as_deref().map(str::parse) {
        Some(Ok(address)) => address,
        Some(Err(wrong)) => return bad_address(&wrong),
        None => {
            return error(
                StatusCode::BAD_REQUEST,
                "say which: `/api/limits?address=192.0.2.7`",
            );
        }
    };
    let snapshot = gateway.snapshot.load();
    json(
        StatusCode::OK,
        gateway.runtime.limits.told(address, &snapshot.limits),
    )
}

async fn interactions(State(gateway): State<Gateway>) -> Answer {
    json(StatusCode::OK, gateway.runtime.limits.interactions_told())
}

/// What a state-changing call asks for.
fn asked(headers: &HeaderMap, body: &[u8]) -> Result<(Value, Address), Box<Answer>> {
    // SECURITY: a page elsewhere can make a browser post a form here, but not JSON: for that the browser asks first, and gets no.
    let media = headers
        .get(header::CONTENT_TYPE)
        .and_then(|media| media.to_str().ok());
    let is_json = media
        .and_then(|media| media.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        let why = "send JSON with `Content-Type: application/json`";
        return Err(Box::new(error(StatusCode::UNSUPPORTED_MEDIA_TYPE, why)));
    }
    let asked: Value = serde_json::from_slice(body).map_err(|wrong| {
        error(
            StatusCode::BAD_REQUEST,
            &format!("this is not JSON: {wrong}"),
        )
    })?;
    let address = asked.get("address").and_then(Value::as_str);
    let Some(address) = address else {
        return Err(Box::new(error(
            StatusCode::BAD_REQUEST,
            "`address` is missing",
        )));
    };
    let address = address
        .parse()
        .map_err(|wrong| Box::new(bad_address(&wrong)))?;
    Ok((asked, address))
}

fn bad_address(wrong: &impl std::fmt::Display) -> Answer {
    error(StatusCode::BAD_REQUEST, &wrong.to_string())
}

fn error(status: StatusCode, why: &str) -> Answer {
    json(status, json!({ "error": why }))
}

fn json(status: StatusCode, value: Value) -> Answer {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, format!("{value}\n"))
}
