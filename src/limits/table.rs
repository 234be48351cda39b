//! The table of addresses: what each has open, has used and has been refused, and who is banned.
//!
//! - **Exact.** All that is kept of an address, in every scope, is in one shard behind one lock, and a decision checks and charges in
//!   one go. What is refused is charged nowhere.
//! - **Bounded.** It never holds more than [`Table::capacity`] entries, [`Table::bytes`] with everything in use. When a shard is full,
//!   the entry that has been idle for longest goes. An entry with an open connection, a request in flight or a ban never goes.
//! - **Harmless.** What is kept of one address never decides about another. Who is forgotten begins anew, with everything it may use.
//! - **Never a reason to refuse.** Should a shard be full of entries that cannot go, a new address is admitted and not counted (see
//!   [`Table::untracked`]). That takes as many connections and requests at the same time as the table has entries, because bans may
//!   take a quarter of a shard at most; refusing then would let whoever holds them shut out everybody else.
//!
//! An address pays with a flood over many routes only within its own shard: it can push out what is idle there, and harms nobody by it.
//!
//! ```
//! use portcullis::limits::{Address, Clock, Mode, RequestRules, ScopeId, Table};
//! let table = Table::new(1000);
//! let client: Address = "192.0.2.7".parse()?;
//! let rules = RequestRules { rate: None, in_flight: Some((1, Mode::Enforce)) };
//! let scopes = [(ScopeId::PROCESS, rules)];
//! let running = table.request(client, &scopes, None, Clock::now());
//! assert!(table.request(client, &scopes, None, Clock::now()).is_err());
//! drop(running);
//! assert!(table.request(client, &scopes, None, Clock::now()).is_ok());
//! # Ok::<(), portcullis::limits::NotAnAddress>(())
//! ```

mod bans;
mod entry;
mod guard;
mod idle;
mod judge;
mod memory;
mod operator;
mod shard;
mod slab;
#[cfg(test)]
mod tests;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

pub use bans::{Ban, BansFull, Cause};
pub use guard::{ConnectionGuard, RequestGuard};
pub(super) use memory::Refusals;
pub use operator::Used;

use super::address::Address;
use super::clock::Now;
use super::rules::{BanRules, ConnectionRules, Exceeded, Mode, RequestRules, ScopeId};
use super::strikes;
use entry::Key;
use guard::Held;
use judge::Verdict;
use shard::Shard;

/// Shards of a large table. PERF: many more than processors, so that two rarely meet at one lock.
const SHARDS: usize = 64;
/// A small table has fewer: a shard of a handful of entries would be full while others are empty.
const SMALLEST_SHARD: usize = 4096;

/// What every address has used. One for the life of the process; shared by everything that decides about clients.
#[derive(Debug)]
pub struct Table {
    /// PERF: shared one by one, so that guards of different shards do not count references in the same cache line.
    shards: Box<[Arc<Shard>]>,
    /// SECURITY: secret, so that nobody can pick addresses that share a shard or a bucket.
    seed: RandomState,
}

/// What is admitted, for as long as the guard lives.
#[derive(Debug)]
pub struct Admitted<Guard> {
    /// Gives back in `drop` what is counted as open or in flight.
    pub guard: Guard,
    /// What would have been refused, were every limit enforced.
    pub observed: Option<Exceeded>,
}

impl Table {
    /// A table that keeps at least `capacity` addresses, and at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let count = (capacity / SMALLEST_SHARD).clamp(1, SHARDS);
        // The largest power of two that is not above it: the hash's first bits choose.
        let count = 1 << count.ilog2();
        let mean = capacity.div_ceil(count);
        // Addresses do not spread evenly. Four standard deviations: of a thousand tables two have a shard that needs more.
        let uneven = if count == 1 { 0 } else { 4 * mean.isqrt() };
        let shard = || Arc::new(Shard::new(mean + uneven));
        Table {
            shards: std::iter::repeat_with(shard).take(count).collect(),
            seed: RandomState::new(),
        }
    }

    /// Decides about a new connection at `now`: its address's ban, then the rate of new connections, then those that are open.
    ///
    /// # Errors
    /// The limit that is exceeded; of several, the one with the longest wait. Nothing is counted then.
    pub fn connect(
        &self,
        address: Address,
        rules: &ConnectionRules,
        ban: Option<&BanRules>,
        now: Now,
    ) -> Result<Admitted<ConnectionGuard>, Exceeded> {
        let (shard, key) = self.place(address);
        let mut state = shard.lock();
        let now = state.time(now);
        let found = state.find(key);
        let banned = found.and_then(|slot| state.banned(slot, mode_of(ban), now));
        if let Some((exceeded, Mode::Enforce)) = banned {
            return Err(exceeded);
        }
        let mut verdict = Verdict {
            refused: None,
            observed: banned.map(|(exceeded, _)| exceeded),
        };
        state.judge(found, key, |entry| {
            judge::connection(entry, rules, now, &mut verdict);
        });
        if let Some(exceeded) = verdict.refused {
            state.touch(found);
            return Err(exceeded);
        }
        let slot = state.change(found, key, now, |entry| {
            judge::charge_connection(entry, rules, now);
        });
        drop(state);
        Ok(Admitted {
            guard: ConnectionGuard::new(shard, slot),
            observed: verdict.observed,
        })
    }

    /// Decides about a request at `now`: its address's ban, then the rate and the number in flight in each of `scopes`. Either all
    /// scopes admit it, or none is charged. A scope that is named twice counts once, by the first rules.
    ///
    /// # Errors
    /// The limit that is exceeded; of several, the one with the longest wait.
    pub fn request(
        &self,
        address: Address,
        scopes: &[(ScopeId, RequestRules)],
        ban: Option<&BanRules>,
        now: Now,
    ) -> Result<Admitted<RequestGuard>, Exceeded> {
        let (shard, process) = self.place(address);
        let mut state = shard.lock();
        let now = state.time(now);
        let itself = state.find(process);
        let banned = itself.and_then(|slot| state.banned(slot, mode_of(ban), now));
        if let Some((exceeded, Mode::Enforce)) = banned {
            return Err(exceeded);
        }
        let mut verdict = Verdict {
            refused: None,
            observed: banned.map(|(exceeded, _)| exceeded),
        };
        for (scope, rules) in scopes {
            let key = process.within(*scope);
            let found = state.find(key);
            state.judge(found, key, |entry| {
                judge::request(entry, *scope, rules, now, &mut verdict);
            });
        }
        if let Some(exceeded) = verdict.refused {
            for (scope, _) in scopes {
                let found = state.find(process.within(*scope));
                state.touch(found);
            }
            return Err(exceeded);
        }
        let mut held = Held::default();
        for (at, (scope, rules)) in scopes.iter().enumerate() {
            if scopes.iter().take(at).any(|(before, _)| before == scope) {
                continue;
            }
            let key = process.within(*scope);
            // Again: what went in for the scope before may have pushed it out.
            let found = state.find(key);
            held.push(state.change(found, key, now, |entry| {
                judge::charge_request(entry, rules, now);
            }));
        }
        drop(state);
        Ok(Admitted {
            guard: RequestGuard::new(shard, held),
            observed: verdict.observed,
        })
    }

    /// Counts a refusal against an address that is not banned, and bans it when that makes too many.
    ///
    /// Returns whether a ban began, once the number is reached. `Some(false)`: it would have begun, but the rules only observe or the
    /// table holds as many bans as it may; that is said once per window for each address.
    pub fn strike(&self, address: Address, rules: &BanRules, now: Now) -> Option<bool> {
        let (shard, key) = self.place(address);
        let mut state = shard.lock();
        let now = state.time(now);
        let found = state.find(key);
        if found.is_some_and(|slot| state.is_banned(slot, now)) {
            return None;
        }
        state.touch(found);
        let slot = state.change(found, key, now, |_| ())?;
        let refusals = state.strike(slot, rules.within, now);
        if refusals < rules.refusals.clamp(1, strikes::MOST) {
            return None;
        }
        if rules.mode == Mode::Enforce {
            let cause = Cause::Refusals(refusals);
            let begun = state.begin_ban(slot, now.after(rules.lasts), cause, now);
            if begun.is_ok() {
                return Some(true);
            }
        }
        if !state.slab.strikes_mut(slot).may_tell() {
            return None;
        }
        if rules.mode == Mode::Enforce {
            state.missed_bans = state.missed_bans.saturating_add(1);
        }
        Some(false)
    }

    /// Entries in the table: one for each address, and one for each scope beside the process in which it was counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sum(|state| state.slab.len())
    }

    /// Whether nothing is kept of anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries there will ever be: what was asked for and less than a tenth more, so that shards may fill unevenly.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.sum(|state| state.slab.capacity())
    }

    /// The most memory the table will ever ask for, in bytes: full, and with as many bans as it may hold. What the allocator adds is a
    /// few percent.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.sum(|state| state.most_bytes())
    }

    /// Connections and requests that were admitted without being counted in a scope, refusals that were not counted towards a ban, and
    /// bans of an operator that were turned down, because everything in their shard was in use.
    #[must_use]
    pub fn untracked(&self) -> u64 {
        self.sum(|state| state.untracked)
    }

    /// Bans that did not begin because their shard held as many as it may; of an address, one per window.
    #[must_use]
    pub fn missed_bans(&self) -> u64 {
        self.sum(|state| state.missed_bans)
    }

    fn sum<T: std::iter::Sum>(&self, of: impl Fn(&mut shard::State) -> T) -> T {
        self.shards.iter().map(|shard| of(&mut shard.lock())).sum()
    }

    /// Where everything about the address is, and its key for the whole process.
    fn place(&self, address: Address) -> (&Arc<Shard>, Key) {
        let hash = self.seed.hash_one(address.number());
        // The upper half chooses the shard, the lower half the bucket in it.
        let number = (hash >> 32) as usize & (self.shards.len() - 1);
        (&self.shards[number], Key::new(address, hash as u32))
    }
}

/// Without rules a ban that began by itself is over: the operator has switched bans off.
fn mode_of(ban: Option<&BanRules>) -> Option<Mode> {
    ban.map(|rules| rules.mode)
}
