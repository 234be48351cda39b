//! The three proofs of a session request: session id in the path, CSRF token in a header, cookie.
//!
//! ```text
//! GET /icws/1234567890/connection HTTP/1.1
//! ININ-ICWS-CSRF-Token: BmFnZW50MQ...
//! Cookie: icws_1234567890=dba2f460-58ce-47ba-85b3-1bcf4e1e526e
//! ```

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer;
use super::server::State;
use super::session::Session;
use super::token::CsrfToken;
use crate::wire::{Connected, Reply, Request};

/// `errorCode` of a 401, as public clients observed them.
const SESSION_ID_UNREADABLE: i64 = 1;
const SESSION_OR_TOKEN_NOT_FOUND: i64 = 2;
const COOKIE_MISSING: i64 = 4;
const PROOF_INVALID: i64 = -2_147_221_499;

/// Checks all three.
pub(super) fn of_all(
    state: &State,
    connected: &Connected,
    request: &Request,
    sid: &str,
) -> Result<Arc<Session>, Reply> {
    let session = find(state, sid)?;
    let token = request.first("ININ-ICWS-CSRF-Token").unwrap_or_default();
    if CsrfToken::decode(&token).is_none() {
        return Err(refuse(
            SESSION_OR_TOKEN_NOT_FOUND,
            "An authentication token was expected in the request, but not found.",
        ));
    }
    check_cookie(&session, request)?;
    if token != session.csrf_token {
        return Err(invalid());
    }
    check_peer(state, connected, &session)?;
    Ok(session)
}

/// Checks the session id and the cookie: reading messages needs no CSRF token, because an `EventSource` cannot send one.
pub(super) fn of_cookie(
    state: &State,
    connected: &Connected,
    request: &Request,
    sid: &str,
) -> Result<Arc<Session>, Reply> {
    let session = find(state, sid)?;
    check_cookie(&session, request)?;
    check_peer(state, connected, &session)?;
    Ok(session)
}

fn find(state: &State, sid: &str) -> Result<Arc<Session>, Reply> {
    // Real ids are decimals of up to ten digits; an eleven-digit one was seen answered as no id at all.
    if sid.len() > 10 || sid.is_empty() || !sid.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refuse(
            SESSION_ID_UNREADABLE,
            "This request requires a session ID!",
        ));
    }
    state
        .sessions
        .get(sid)
        .ok_or_else(|| refuse(SESSION_OR_TOKEN_NOT_FOUND, "The session was not found."))
}

/// Looks for the cookie the way a lenient server does: some clients send a whole Set-Cookie text back, some a bare number first.
fn check_cookie(session: &Session, request: &Request) -> Result<(), Reply> {
    let name = session.cookie_name();
    let sent = request.all("cookie").join(";");
    let values: Vec<&str> = sent
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(n, _)| *n == name)
        .map(|(_, v)| v)
        .collect();
    match values.as_slice() {
        [] => Err(refuse(
            COOKIE_MISSING,
            "The session cookie was expected in the request, but not found.",
        )),
        values if values.contains(&session.cookie_value.as_str()) => Ok(()),
        _ => Err(invalid()),
    }
}

fn check_peer(state: &State, connected: &Connected, session: &Session) -> Result<(), Reply> {
    if state.behaviour().strict_peer && connected.peer.ip() != session.peer {
        return Err(invalid());
    }
    Ok(())
}

fn refuse(code: i64, message: &str) -> Reply {
    answer::unauthorized(&json!({"errorCode": code, "message": message}))
}

fn invalid() -> Reply {
    let body: Value = json!({
        "errorId": "error.request.connection.authenticationFailure",
        "errorCode": PROOF_INVALID,
        "message": "The authentication process failed.",
    });
    answer::unauthorized(&body)
}
