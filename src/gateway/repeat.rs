//! Whether a request is tried again, and where: never where the server may have seen it, unless a second time does no harm.
//!
//! ```text
//! connecting failed                     nothing was sent      the server's next address, any method; then the next server
//! a reused connection was closed        before any answer     once more on a fresh connection, if method and kind allow it
//! a connection broke                    before any answer     the next server, once, if method and kind allow it
//! anything else                                               no
//! ```
//!
//! A next server there is only on a route whose servers stand in for one another.

use std::net::SocketAddr;

use log::{info, warn};
use pingora_core::upstreams::peer::{HttpPeer, Peer};
use pingora_core::{Error, ErrorType};
use pingora_proxy::Session;

use super::fail_over;
use super::failure::{self, Told};
use crate::exchange::Exchange;
use crate::observe::refusals::and_more;
use crate::reason::Reason;
use crate::respond;
use crate::runtime::Runtime;
use crate::upstream::server::{AT_ONCE, TRIES};

/// Nothing was sent yet: the server's next address may be tried, for any method.
pub fn next_address(
    exchange: &mut Exchange,
    peer: &HttpPeer,
    mut error: Box<Error>,
    runtime: &Runtime,
) -> Box<Error> {
    let Some(call) = &exchange.call else {
        return error;
    };
    let failed: Option<SocketAddr> = peer.address().as_inet().copied();
    let another = failed.is_some_and(|failed| call.upstream.avoid(failed));
    // A second handshake with a machine that showed a wrong certificate is not another address's business.
    let reachable = !matches!(
        error.etype(),
        ErrorType::InvalidCert | ErrorType::TLSHandshakeFailure
    );
    let again = another && reachable && exchange.tries < TRIES;
    let again = if again {
        let server = &call.upstream.facts.name;
        if let Some(silent) = runtime.refusals.may_tell(Reason::UpstreamConnect) {
            warn!(
                "{} {server} has another address to try: {}{}",
                exchange.id,
                Told(&error),
                and_more(silent)
            );
        }
        true
    } else {
        fail_over::goes_on(exchange, &Told(&error), runtime)
    };
    error.set_retry(again);
    error
}

/// A connection broke after it was made. Only a reused connection that the server had closed meanwhile may be replaced, once, only
/// for methods that are idempotent, and only where the kind agrees.
pub fn repeat_or_not(
    session: &mut Session,
    exchange: &mut Exchange,
    mut error: Box<Error>,
    reused: bool,
    runtime: &Runtime,
) -> Box<Error> {
    let head = session.req_header();
    let repeatable = exchange.interim == 0
        && head.method.is_idempotent()
        && !session.as_ref().retry_buffer_truncated()
        && respond::begun(session).is_none()
        && !session.is_upgrade_req()
        && exchange.call.as_ref().is_some_and(|call| {
            let kind = call.upstream.facts.kind;
            kind.may_repeat(&call.method, call.inner_path())
        });
    let at_once = !exchange.repeated && exchange.timings.started.elapsed() < AT_ONCE;
    if repeatable && at_once {
        error.retry.decide_reuse(reused);
    } else {
        error.set_retry(false);
    }
    // One that is only slow is not asked a second time elsewhere: that would make two slow servers of one.
    let broke = || {
        matches!(
            failure::reason(&error),
            Reason::UpstreamBroken | Reason::UpstreamTls
        )
    };
    // SECURITY: a request that a server may have seen goes on once. One that kills whoever looks at it kills two, not all.
    let goes_on = repeatable && !exchange.repeated && !error.retry() && broke();
    if goes_on && fail_over::goes_on(exchange, &Told(&error), runtime) {
        exchange.repeated = true;
        error.set_retry(true);
    } else if error.retry() {
        exchange.repeated = true;
        info!(
            "{} is sent once more, on a fresh connection: {}",
            exchange.id,
            Told(&error)
        );
    }
    error
}
