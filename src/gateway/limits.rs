//! Whether the client may ask now: its ban, its rate and its requests at the same time, for the process, the kind and the route.
//!
//! ```ignore
//! limits::check(exchange, runtime, &decision.route.limits)?;
//! ```

use crate::exchange::Exchange;
use crate::limits::doorkeeper::reason;
use crate::limits::{Address, Clock};
use crate::routing::decide::Refusal;
use crate::runtime::Runtime;
use crate::snapshot::Scoped;

/// The key under which the client is counted; `None` where no limit holds for it.
///
/// SECURITY: a trusted proxy that names no client is not counted itself, or it would be banned for what others did.
pub fn counted_as(exchange: &Exchange) -> Option<Address> {
    let client = exchange.client?.to_canonical();
    let snapshot = &exchange.snapshot;
    let free = snapshot.client_address.trusts(client) || snapshot.limits.exempts(client);
    (!free).then(|| Address::from(client))
}

/// Counts the request against every limit that holds for it, or against none if one of them is exceeded.
///
/// # Errors
/// The limit that is exceeded, with the time after which the request would pass.
pub fn check(exchange: &mut Exchange, runtime: &Runtime, scopes: &Scoped) -> Result<(), Refusal> {
    let Some(address) = exchange.counted_as else {
        return Ok(());
    };
    let limits = &exchange.snapshot.limits;
    let ban = limits.ban.as_ref();
    let admitted = runtime
        .limits
        .table
        .request(address, scopes, ban, Clock::now());
    match admitted {
        Ok(admitted) => {
            if let Some(exceeded) = admitted.observed {
                runtime.observed(reason(exceeded.limit), address, limits);
            }
            exchange.guards.push(Box::new(admitted.guard));
            Ok(())
        }
        Err(exceeded) => Err(Refusal {
            detail: runtime.limits.scope_name(exceeded.scope),
            retry_after: exceeded.retry_after,
            ..reason(exceeded.limit).into()
        }),
    }
}
