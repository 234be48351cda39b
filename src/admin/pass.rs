//! What lets a request in: a certificate, the token, or a session that began with it.
//!
//! ```ignore
//! let pass = pass::of(&gateway, &arrival, request.headers())?;
//! ```

use std::time::Duration;

use axum::http::{HeaderMap, header};

use super::arrival::Arrival;
use super::attempts::Attempt;
use super::session::Key;
use super::{Gateway, Token};
use crate::limits::{Address, Clock};
use crate::observe::refusals::and_more;
use crate::snapshot;

/// What has let a request in.
#[derive(Clone, Copy)]
pub(super) enum Pass {
    /// The file asks for nothing.
    Nothing,
    /// Authorities that vouch for the client.
    Certificate(u64),
    /// It knows the token.
    Token(Token),
    /// It has signed in.
    Session(Key),
}

/// Why a request is not let in.
#[derive(Debug)]
pub(super) enum NoPass {
    /// It shows nothing, or what is over.
    Stranger,
    /// It has a token, and not ours.
    WrongToken,
    /// Nobody looks at its token for so long.
    Wait(Duration),
}

/// The pass of a request.
///
/// # Errors
/// [`NoPass`]
pub(super) fn of(
    gateway: &Gateway,
    arrival: &Arrival,
    headers: &HeaderMap,
) -> Result<Pass, NoPass> {
    let snapshot = gateway.snapshot.load();
    let admin = &snapshot.admin;
    let authorities = authorities(admin);
    if admin.token.is_none() && authorities.is_none() {
        // SECURITY: after a reload that takes the listener back to loopback and its token away, these are the rules of another address
        // than the one that this connection came to.
        return match arrival.local.ip().to_canonical().is_loopback() {
            true => Ok(Pass::Nothing),
            false => Err(NoPass::Stranger),
        };
    }
    // SECURITY: by whom it was vouched for then counts only while the file names them now.
    if let Some(vouched) = arrival.vouched.filter(|_| arrival.vouched == authorities) {
        return Ok(Pass::Certificate(vouched));
    }
    let Some(token) = &admin.token else {
        return Err(NoPass::Stranger);
    };
    if let Some(given) = bearer(headers) {
        return try_token(gateway, arrival, token, given).map(|()| Pass::Token(*token));
    }
    let sessions = &gateway.runtime.operators.sessions;
    cookies(headers, arrival)
        .find_map(|id| sessions.find(id, token, Clock::now()))
        .map(Pass::Session)
        .ok_or(NoPass::Stranger)
}

impl Pass {
    /// Whether it would still let somebody in.
    pub(super) fn holds(&self, gateway: &Gateway) -> bool {
        let snapshot = gateway.snapshot.load();
        let admin = &snapshot.admin;
        match self {
            Pass::Nothing => admin.token.is_none() && authorities(admin).is_none(),
            Pass::Certificate(vouched) => authorities(admin) == Some(*vouched),
            Pass::Token(token) => admin.token.as_ref() == Some(token),
            Pass::Session(key) => admin.token.as_ref().is_some_and(|token| {
                let sessions = &gateway.runtime.operators.sessions;
                sessions.runs(*key, token, Clock::now())
            }),
        }
    }
}

/// Looks at a token that somebody gives.
pub(super) fn try_token(
    gateway: &Gateway,
    arrival: &Arrival,
    token: &Token,
    given: &str,
) -> Result<(), NoPass> {
    let from = Address::from(arrival.peer.ip());
    let attempts = &gateway.runtime.operators.attempts;
    match attempts.judge(from, Clock::now(), || token.is(given)) {
        Attempt::Right => Ok(()),
        Attempt::Wrong(telling) => {
            if let Some(silent) = telling {
                let more = and_more(silent);
                log::warn!("the admin listener was given a wrong token by {from}{more}");
            }
            Err(NoPass::WrongToken)
        }
        Attempt::Wait(time) => Err(NoPass::Wait(time)),
    }
}

fn authorities(admin: &snapshot::Admin) -> Option<u64> {
    admin.tls.as_ref().and_then(|tls| tls.authorities())
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750, 2.1). One that is no text is a wrong one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, given) = value.split_at_checked(7)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return None;
    }
    Some(std::str::from_utf8(given).unwrap_or_default().trim())
}

/// The name of the session's cookie. SECURITY: by `__Host-` a browser knows that it came by TLS from this very host.
pub(super) fn cookie_name(arrival: &Arrival) -> &'static str {
    match arrival.tls {
        true => "__Host-portcullis",
        false => "portcullis",
    }
}

/// The numbers of sessions that a request brings.
pub(super) fn cookies<'h>(
    headers: &'h HeaderMap,
    arrival: &Arrival,
) -> impl Iterator<Item = &'h str> {
    let wanted = cookie_name(arrival);
    let fields = headers.get_all(header::COOKIE).iter();
    let pairs = fields.filter_map(|field| field.to_str().ok());
    let pairs = pairs.flat_map(|field| field.split(';'));
    pairs.filter_map(move |pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted).then_some(value)
    })
}

#[cfg(test)]
mod tests;
