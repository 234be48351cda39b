//! A server that turns out to be the gateway itself gets no request. What the file alone tells is refused with it (`config::itself`).

use pingora_core::Result;
use pingora_core::protocols::Digest;
use pingora_core::upstreams::peer::{HttpPeer, Peer};

use super::failure;
use crate::exchange::Exchange;
use crate::observe::refusals::and_more;
use crate::reason::Reason;
use crate::runtime::Runtime;

/// Looks at a new connection, before a byte of the request is sent.
///
/// # Errors
/// [`Reason::UpstreamConnect`].
pub fn refuse(
    exchange: &Exchange,
    reused: bool,
    peer: &HttpPeer,
    digest: Option<&Digest>,
    runtime: &Runtime,
) -> Result<()> {
    // PERF: one that is used again was looked at when it was new.
    let Some(to) = peer.address().as_inet().filter(|_| !reused) else {
        return Ok(());
    };
    let socket = digest.and_then(|digest| digest.socket_digest.as_ref());
    let from = socket
        .and_then(|socket| socket.local_addr()?.as_inet())
        .map(|near| near.ip());
    if !runtime.itself.is(*to, from) {
        return Ok(());
    }
    if let Some(silent) = runtime.refusals.may_tell(Reason::UpstreamConnect) {
        let server = exchange
            .call
            .as_ref()
            .map_or("-", |call| &call.upstream.facts.name);
        let more = and_more(silent);
        log::error!(
            "{} {server} is the gateway itself, at {to}, and gets no requests{more}",
            exchange.id
        );
    }
    Err(failure::error(Reason::UpstreamConnect))
}
