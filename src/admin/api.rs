//! The JSON that `portcullis bans`, `limits`, `users` and `servers` speak, for scripts too.
//!
//! ```text
//! GET  /api/bans                     {"bans": [{"address": "192.0.2.7", "seconds_left": 581, ...}]}
//! POST /api/bans                     {"address": "192.0.2.7", "seconds": 3600, "cut": false}
//! POST /api/bans/lift                {"address": "192.0.2.7"}
//! GET  /api/limits?address=A         what A has used of each limit
//! GET  /api/interactions             chats and callbacks by pair
//! GET  /api/users                    who is connected; ?kind= and ?server= narrow it
//! GET  /api/servers                  every server, and how it is
//! GET  /api/reload                   what runs and how the last reload ended
//! GET  /api/live                     all of it each second, for the dashboard: see `live`
//! ```
//!
//! A mistake is answered `{"error": "..."}` with 400, 404, 405, 408, 409, 413 or 415.

mod servers;
mod users;

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use hyper::body::Body;
use log::info;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Gateway;
use crate::limits::told::{cause, seconds};
use crate::limits::{Address, Ban, Clock, Now};
use crate::snapshot::Snapshot;

/// The longest ban: ten years.
const LONGEST: u64 = 10 * 365 * 86_400;
/// The largest call.
const LARGEST: usize = 16 * 1024;
/// The time in which a call must have come whole.
const WITHIN: Duration = Duration::from_secs(5);

pub(super) type Answer = (StatusCode, [(HeaderName, &'static str); 2], String);

/// The routes below `/api/`.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/api/bans", get(list).post(add))
        .route("/api/bans/lift", post(lift))
        .route("/api/limits", get(limits))
        .route("/api/interactions", get(interactions))
        .route("/api/users", get(users::users))
        .route("/api/servers", get(servers::servers))
        .route("/api/reload", get(reload))
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(LARGEST))
}

/// `Allow` comes from the router.
pub(super) async fn other_method() -> Answer {
    error(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path takes other methods: see `Allow`",
    )
}

/// An answer that may be long: a hundred thousand bans take tens of milliseconds, which are not those of the threads that serve clients.
async fn long(made: impl FnOnce() -> Value + Send + 'static) -> Answer {
    match spawn_blocking(|| json(StatusCode::OK, made())).await {
        Ok(answer) => answer,
        Err(_) => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the list could not be made",
        ),
    }
}

async fn list(State(gateway): State<Gateway>) -> Answer {
    long(move || {
        let now = Clock::now();
        let bans = gateway.runtime.limits.table.bans(now);
        let bans: Vec<Value> = bans.iter().map(|ban| told(ban, now)).collect();
        json!({ "bans": bans })
    })
    .await
}

pub(super) fn told(ban: &Ban, now: Now) -> Value {
    json!({
        "address": ban.address.to_string(),
        "seconds_left": seconds(ban.until.since(now)),
        "seconds_since": now.since(ban.since).as_secs(),
        "cause": cause(ban.cause),
        "refused_since": ban.refused,
    })
}

async fn add(State(gateway): State<Gateway>, Asked { value, address }: Asked) -> Answer {
    let seconds = value.get("seconds").and_then(Value::as_u64);
    let Some(seconds) = seconds.filter(|seconds| (1..=LONGEST).contains(seconds)) else {
        let why = format!("`seconds` must be a whole number from 1 to {LONGEST}");
        return error(StatusCode::BAD_REQUEST, &why);
    };
    let cut = match value.get("cut") {
        None => false,
        Some(Value::Bool(cut)) => *cut,
        Some(_) => return error(StatusCode::BAD_REQUEST, "`cut` must be true or false"),
    };
    let snapshot = gateway.snapshot.load();
    if let Some(why) = never_banned(&snapshot, address) {
        return error(StatusCode::CONFLICT, &format!("{address} {why}"));
    }
    let lasts = Duration::from_secs(seconds);
    let table = &gateway.runtime.limits.table;
    match table.ban(address, lasts, Clock::now()) {
        Ok(()) => {
            let ends = if cut {
                ", and ends what it has open"
            } else {
                ""
            };
            info!("an operator has banned {address} for {seconds} s{ends}");
            gateway.runtime.metrics.bans_started.inc();
            if cut {
                gateway.runtime.limits.cut(address);
            }
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

async fn lift(State(gateway): State<Gateway>, Asked { address, .. }: Asked) -> Answer {
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

async fn reload(State(gateway): State<Gateway>) -> Answer {
    json(StatusCode::OK, gateway.runtime.reloads.told())
}

/// What a state-changing call asks for.
struct Asked {
    value: Value,
    address: Address,
}

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Answer;

    async fn from_request(request: Request, state: &S) -> Result<Self, Answer> {
        if !is_json(request.headers()) {
            let why = "send JSON with `Content-Type: application/json`";
            return Err(error(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
        // Before anybody is told to go on (RFC 9110, 10.1.1).
        if request.body().size_hint().lower() > LARGEST as u64 {
            return Err(unread(StatusCode::PAYLOAD_TOO_LARGE));
        }
        let body = match timeout(WITHIN, Bytes::from_request(request, state)).await {
            Ok(Ok(body)) => body,
            Ok(Err(rejected)) => return Err(unread(rejected.into_response().status())),
            Err(_) => return Err(unread(StatusCode::REQUEST_TIMEOUT)),
        };
        let value: Value = serde_json::from_slice(&body).map_err(|wrong| {
            let why = format!("this is not JSON: {wrong}");
            error(StatusCode::BAD_REQUEST, &why)
        })?;
        let address = value.get("address").and_then(Value::as_str);
        let Some(address) = address else {
            return Err(error(StatusCode::BAD_REQUEST, "`address` is missing"));
        };
        let address = address.parse().map_err(|wrong| bad_address(&wrong))?;
        Ok(Asked { value, address })
    }
}

/// SECURITY: a page elsewhere can make a browser post a form here, but not JSON: for that the browser asks first, and gets no.
fn is_json(headers: &HeaderMap) -> bool {
    let media = headers
        .get(header::CONTENT_TYPE)
        .and_then(|media| media.to_str().ok());
    media
        .and_then(|media| media.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

/// Why a body was not read.
fn unread(status: StatusCode) -> Answer {
    let why = match status {
        StatusCode::PAYLOAD_TOO_LARGE => format!("no call is larger than {LARGEST} bytes"),
        StatusCode::REQUEST_TIMEOUT => format!("the body did not come within {WITHIN:?}"),
        _ => "the body broke off".to_owned(),
    };
    error(status, &why)
}

fn bad_address(wrong: &impl std::fmt::Display) -> Answer {
    error(StatusCode::BAD_REQUEST, &wrong.to_string())
}

pub(super) fn error(status: StatusCode, why: &str) -> Answer {
    json(status, json!({ "error": why }))
}

pub(super) fn json(status: StatusCode, value: Value) -> Answer {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, format!("{value}\n"))
}
