//! A request whose server did not take it goes on to the next one, on routes whose servers stand in for one another.
//!
//! ```ignore
//! if fail_over::goes_on(exchange, &why, runtime) { error.set_retry(true) }
//! ```

use std::fmt::Display;
use std::sync::Arc;

use log::warn;

use crate::exchange::Exchange;
use crate::observe::refusals::and_more;
use crate::reason::Reason;
use crate::routing::fail_over::next;
use crate::runtime::Runtime;
use crate::snapshot::{Behind, Target};

/// Has the request go to the next server of its route. Returns whether there is one.
pub fn goes_on(exchange: &mut Exchange, why: &dyn Display, runtime: &Runtime) -> bool {
    let Some(call) = &mut exchange.call else {
        return false;
    };
    // SECURITY: on every other route the client has chosen the server, and perhaps signed in there.
    let Target::InTurn(servers) = &call.route.target else {
        return false;
    };
    let here = |upstream| Arc::ptr_eq(upstream, &call.upstream);
    if let Some(here) = servers.iter().position(|behind| here(&behind.upstream)) {
        exchange.asked_servers.add(here);
    }
    let usable = |at: usize| servers.get(at).is_some_and(Behind::is_usable);
    let there = next(servers.len(), exchange.asked_servers, usable);
    let Some(behind) = there.and_then(|there| servers.get(there)) else {
        return false;
    };
    let (from, to) = (&call.upstream.facts.name, &behind.upstream.facts.name);
    // As few lines as of what cannot be reached and goes nowhere: a client makes one with each request.
    if let Some(silent) = runtime.refusals.may_tell(Reason::UpstreamConnect) {
        let more = and_more(silent);
        warn!("{} goes on from {from} to {to}: {why}{more}", exchange.id);
    }
    let (upstream, timeouts) = (behind.upstream.clone(), behind.timeouts);
    (call.upstream, call.timeouts) = (upstream, timeouts);
    exchange.tries = 0;
    true
}
