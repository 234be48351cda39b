//! What requests see of the health of servers: that they answer, that there is no connection, that no answer comes.
//!
//! A status is none of it: a server that says 503 has answered.

use std::ptr;

use pingora_core::Error;

use super::failure;
use crate::exchange::Exchange;
use crate::reason::Reason;
use crate::runtime::Runtime;
use crate::upstream::Upstream;
use crate::upstream::health::Failure;

/// The head of an answer is there.
pub fn answered(exchange: &Exchange, runtime: &Runtime) {
    if let Some(call) = &exchange.call {
        runtime.health.answered(&call.upstream);
    }
}

/// No connection came about.
pub fn unreached(exchange: &Exchange, error: &Error, runtime: &Runtime) {
    if let Some(call) = &exchange.call
        && failure::reason(error).is_of_server()
    {
        let failure = Failure::of(error, call.timeouts.connect);
        if !matches!(failure, Failure::Ours(_)) {
            runtime.health.unreached(&call.upstream, &failure);
        }
    }
}

/// There was a connection, and then an error in place of an answer.
pub fn left(exchange: &Exchange, upstream: &Upstream, error: &Error, runtime: &Runtime) {
    let answered = exchange.timings.upstream_status.is_some();
    let call = exchange.call.as_ref();
    let again_there = error.retry() && call.is_some_and(|call| ptr::eq(&*call.upstream, upstream));
    match failure::reason(error) {
        // A server that wants another certificate of ours says so only now.
        Reason::UpstreamTls if !answered => {
            let failure = match Failure::of(error, exchange.timings.started.elapsed()) {
                told @ Failure::Tls(_) => told,
                _ => Failure::Tls("older than 1.3 (min_tls)".to_owned()),
            };
            runtime.health.unreached(upstream, &failure);
        }
        // A kept connection that the server was just closing says nothing of it, and the request is on its way there again.
        reason if reason.is_of_server() && !answered && !again_there => {
            runtime.health.left(upstream);
        }
        _ => {}
    }
}
