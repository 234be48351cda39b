//! Bodies on their way: the cap on a request's, and a look at small answers for kinds that ask.

use bytes::Bytes;
use pingora_core::Result;

use super::{failure, interaction, people};
use crate::exchange::{Call, Exchange};
use crate::front_door::BodyProgress;
use crate::kinds::interaction::MAX_BODY_BYTES;
use crate::reason::Reason;
use crate::routing::decide::{Goal, Incoming, decide};

/// An answer larger than this is not shown to its kind.
pub const OBSERVED: usize = 64 * 1024;
/// The same for what is said of a chat or callback. SECURITY: servers repeat a visitor's name, perhaps with six bytes for one, and a
/// visitor must not make an answer so large that it is not looked at.
const OF_INTERACTIONS: usize = MAX_BODY_BYTES;

/// The connection to the server stands: from here on a silent upload is the client's doing.
pub fn server_is_there() {
    if let Some(progress) = BodyProgress::current() {
        progress.start();
    }
}

/// Counts a chunk of the request's body against the route's cap.
///
/// # Errors
/// [`Reason::BodyTooLarge`]; the server's connection is closed and the client gets 413.
pub fn request_chunk(exchange: &mut Exchange, chunk: Option<&Bytes>, end: bool) -> Result<()> {
    if let Some(progress) = BodyProgress::current() {
        progress.tick(chunk.map_or(0, Bytes::len));
        if end {
            progress.finished();
        }
    }
    match &exchange.route {
        Some(route) if exchange.timings.received > route.body_limit => {
            Err(failure::error(Reason::BodyTooLarge))
        }
        _ => Ok(()),
    }
}

/// Keeps a copy of a small answer for the kind that asked to see it. The answer itself passes at once and unchanged. Returns what the
/// kind found worth telling the administrator.
pub fn response_chunk(exchange: &mut Exchange, chunk: Option<&Bytes>, end: bool) -> Vec<String> {
    let Some(mut kept) = exchange.observed.take() else {
        return Vec::new();
    };
    if let Some(chunk) = chunk {
        let most = match (&exchange.interaction, &exchange.awaited) {
            (None, None) => OBSERVED,
            _ => OF_INTERACTIONS,
        };
        if kept.len() + chunk.len() > most {
            exchange.awaited = None;
            return interaction::unreadable(exchange).into_iter().collect();
        }
        kept.extend_from_slice(chunk);
    }
    if let Some(awaited) = exchange
        .awaited
        .take_if(|awaited| end || awaited.is_whole(kept.len()))
    {
        if let Some(user) = people::settle(&awaited, &kept) {
            exchange.user = Some(user);
        }
        if awaited.alone {
            return Vec::new();
        }
    }
    if let Some(running) = &exchange.interaction {
        // A client that knows the length may be done, and say its next word, before the server's last chunk has been an empty one.
        if end || running.is_whole(kept.len()) {
            return interaction::settle(exchange, &kept).into_iter().collect();
        }
    } else if end && let Some(call) = &exchange.call {
        let leads = |path: &str| leads(exchange, call, path);
        return call.upstream.facts.kind.observed(call, &kept, &leads);
    }
    exchange.observed = Some(kept);
    Vec::new()
}

/// Whether a request for this path, on the host of this call, would reach a server.
fn leads(exchange: &Exchange, call: &Call, path: &str) -> bool {
    let Some(connection) = &exchange.connection else {
        return false;
    };
    let incoming = Incoming {
        host: &call.authority,
        port: connection.listener.listen.port(),
        sni: None,
        method: &call.method,
        path,
        query: None,
    };
    decide(&exchange.snapshot, &incoming)
        .is_ok_and(|decision| matches!(decision.goal, Goal::Server { .. }))
}
