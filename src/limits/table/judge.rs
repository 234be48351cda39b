//! What the rules say about an entry. Nothing is charged before everything has been judged.
//!
//! ```ignore
//! let mut verdict = Verdict::default();
//! judge::connection(&mut entry, &rules, now, &mut verdict);
//! if verdict.refused.is_none() { judge::charge_connection(&mut entry, &rules, now); }
//! ```

use std::time::Duration;

use super::super::clock::Now;
use super::super::gcra::RateLimit;
use super::super::rules::{ConnectionRules, Exceeded, Limit, Mode, RequestRules, ScopeId};
use super::entry::Entry;

/// What has been exceeded so far.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Of what is enforced, the limit with the longest wait: only who waits for all of them is admitted.
    pub refused: Option<Exceeded>,
    /// The first of what is only observed.
    pub observed: Option<Exceeded>,
}

impl Verdict {
    pub fn exceeds(&mut self, exceeded: Exceeded, mode: Mode) {
        match mode {
            Mode::Observe => self.observed = self.observed.or(Some(exceeded)),
            Mode::Enforce => {
                let longest = self.refused.map(|refused| refused.retry_after);
                if longest.is_none_or(|longest| exceeded.retry_after > longest) {
                    self.refused = Some(exceeded);
                }
            }
        }
    }
}

/// Judges one more connection.
pub(super) fn connection(
    entry: &mut Entry,
    rules: &ConnectionRules,
    now: Now,
    verdict: &mut Verdict,
) {
    let scope = ScopeId::PROCESS;
    let waits = wait(rules.new, &mut entry.connections, now);
    tell(waits, Limit::NewConnections, scope, verdict);
    tell(
        full(rules.open, entry.open),
        Limit::OpenConnections,
        scope,
        verdict,
    );
}

/// Judges one more request in `scope`.
pub(super) fn request(
    entry: &mut Entry,
    scope: ScopeId,
    rules: &RequestRules,
    now: Now,
    verdict: &mut Verdict,
) {
    let waits = wait(rules.rate, &mut entry.requests, now);
    tell(waits, Limit::Requests, scope, verdict);
    tell(
        full(rules.in_flight, entry.in_flight),
        Limit::RequestsInFlight,
        scope,
        verdict,
    );
}

/// Charges a connection that has been admitted.
pub(super) fn charge_connection(entry: &mut Entry, rules: &ConnectionRules, now: Now) {
    charge(rules.new, &mut entry.connections, now);
    entry.open = entry.open.saturating_add(1);
}

/// Charges a request that has been admitted.
pub(super) fn charge_request(entry: &mut Entry, rules: &RequestRules, now: Now) {
    charge(rules.rate, &mut entry.requests, now);
    entry.in_flight = entry.in_flight.saturating_add(1);
}

/// What has been exceeded, with the wait if it is known.
type Over = Option<(Option<Duration>, Mode)>;

fn wait(rate: Option<(RateLimit, Mode)>, arrival: &mut u64, now: Now) -> Over {
    let (limit, mode) = rate?;
    let wait = limit.judge(arrival, now).err()?;
    Some((Some(wait), mode))
}

fn full(most: Option<(u32, Mode)>, count: u32) -> Over {
    let (most, mode) = most?;
    (count >= most).then_some((None, mode))
}

fn tell(over: Over, limit: Limit, scope: ScopeId, verdict: &mut Verdict) {
    if let Some((retry_after, mode)) = over {
        let exceeded = Exceeded {
            limit,
            scope,
            retry_after,
        };
        verdict.exceeds(exceeded, mode);
    }
}

fn charge(rate: Option<(RateLimit, Mode)>, arrival: &mut u64, now: Now) {
    if let Some((limit, _)) = rate {
        // Only observed: what would have been refused costs nothing, as if it had been.
        let _ = limit.take(arrival, now);
    }
}
