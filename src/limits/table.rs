//! The table of client addresses: one for the process, shared by the front door and by requests, exact and bounded.
//!
//! - A decision is made under the lock of one of 64 parts. An address chooses its part by a hash with a secret seed, so nobody can aim.
//! - There is an end to the entries. A new address evicts the one that was idle for the longest time; one with an open connection, a
//!   request in flight or a ban is never evicted. If a part is full of such, which takes half a million living addresses, a new
//!   address passes uncounted: refusing it would do the attacker's work.
//! - Bans fill at most a quarter of the table.
//! - A limit is a number passed in with each call: a reload changes it and forgets nothing.
//!
//! ```
//! use portcullis::limits::{Address, ConnectionRules, Mode, Now, Table};
//! use std::sync::Arc;
//! let table = Arc::new(Table::new(1_000));
//! let client: Address = "192.0.2.7".parse().unwrap();
//! let one = ConnectionRules { new: None, open: Some((1, Mode::Enforce)) };
//! let held = table.connect(client, &one, None, Now(0)).unwrap();
//! assert!(table.connect(client, &one, None, Now(1)).is_err());
//! drop(held);
//! assert!(table.connect(client, &one, None, Now(2)).is_ok());
//! ```

mod entry;
mod guards;
mod shard;

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::address::Address;
use super::clock::Now;
use super::rules::{BanRules, ConnectionRules, Exceeded, Limit, Mode, RequestRules, ScopeId};
use entry::Key;
use shard::Shard;

pub use entry::{Ban, Cause};
pub use guards::{ConnectionGuard, RequestGuard};

const SHARDS: usize = 64;

/// What every client address has used.
pub struct Table {
    shards: Vec<Mutex<Shard>>,
    seed: RandomState,
    /// Bans that one part may hold.
    bans: usize,
}

/// Something that was let in.
#[derive(Debug)]
pub struct Admitted<G> {
    /// Gives back in `drop` what it holds.
    pub guard: G,
    /// What would have been refused, were it enforced.
    pub observed: Option<Exceeded>,
}

/// What one address has used.
#[derive(Debug, Clone)]
pub struct Used {
    /// The state of the rate of new connections.
    pub connections: u64,
    /// The state of the rate of requests.
    pub requests: u64,
    /// Open connections.
    pub open: u32,
    /// Requests in flight.
    pub in_flight: u32,
    /// Refusals within the window.
    pub refusals: u32,
    /// The ban in force.
    pub ban: Option<Ban>,
}

/// As many addresses are banned as the table may hold bans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room for one more ban: lift some, or ban the network in the firewall")]
pub struct BansFull;

impl Table {
    /// A table for so many addresses, scopes of their own included.
    pub fn new(addresses: usize) -> Self {
        let most = addresses.div_ceil(SHARDS).max(1);
        // The secret seed spreads evenly, but not exactly: a part may hold a little more than its share.
        let most = most + most / 32;
        Table {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(most))).collect(),
            seed: RandomState::new(),
            bans: most.div_ceil(4),
        }
    }

    /// One more connection of an address: ban, rate, number. `bans` says whether a ban for refusals still counts.
    ///
    /// # Errors
    /// The first limit that is exceeded. Nothing was counted then.
    pub fn connect(
        self: &Arc<Self>,
        address: Address,
        rules: &ConnectionRules,
        bans: Option<&BanRules>,
        now: Now,
    ) -> Result<Admitted<ConnectionGuard>, Exceeded> {
        let (number, hash) = self.place(address);
        let mut shard = self.lock(number);
        let key = Key {
            scope: ScopeId::PROCESS,
            address,
        };
        let Some(at) = shard.find_or_insert(key, hash, now) else {
            return Ok(Admitted {
                guard: ConnectionGuard::none(),
                observed: None,
            });
        };
        let decided = shard.change(at, |entry| {
            let mut observed = None;
            refuse_banned(entry, bans, now, &mut observed)?;
            if let Some((limit, mode)) = &rules.new
                && let Err(wait) = limit.check(entry.connections, now)
            {
                judge(Limit::NewConnections, Some(wait), *mode, &mut observed)?;
            }
            if let Some((most, mode)) = rules.open
                && entry.open >= most
            {
                judge(Limit::OpenConnections, None, mode, &mut observed)?;
            }
            if let Some((limit, _)) = &rules.new
                && limit.check(entry.connections, now).is_ok()
            {
                limit.charge(&mut entry.connections, now);
            }
            entry.open += 1;
            Ok(observed)
        });
        let observed = decided.unwrap_or(Ok(None))?;
        drop(shard);
        Ok(Admitted {
            guard: ConnectionGuard::new(self.clone(), number, at),
            observed,
        })
    }

    /// One more request of an address: ban, then rate and number of every scope. It counts in all of them or in none.
    ///
    /// # Errors
    /// A limit that is exceeded, with the time after which all rates would admit it.
    pub fn request(
        self: &Arc<Self>,
        address: Address,
        scopes: &[(ScopeId, RequestRules)],
        bans: Option<&BanRules>,
        now: Now,
    ) -> Result<Admitted<RequestGuard>, Exceeded> {
        let (number, hash) = self.place(address);
        let mut shard = self.lock(number);
        let mut slots = guards::Slots::default();
        let (mut refused, mut observed): (Option<Exceeded>, _) = (None, None);
        for (scope, rules) in scopes {
            let key = Key {
                scope: *scope,
                address,
            };
            let Some(at) = shard.find_or_insert(key, of_scope(hash, *scope), now) else {
                slots.push(u32::MAX);
                continue;
            };
            // Pinned before the next scope's insertion could evict it.
            let judged = shard.change(at, |entry| {
                refuse_banned(entry, bans, now, &mut observed)?;
                let judged = judge_request(entry, *scope, rules, now, &mut observed);
                entry.in_flight += 1;
                judged
            });
            let judged = judged.unwrap_or(Ok(()));
            match judged {
                Err(exceeded) if exceeded.limit == Limit::Banned => {
                    refused = Some(exceeded);
                    break;
                }
                Err(exceeded) => refused = Some(longest(refused, exceeded)),
                Ok(()) => {}
            }
            slots.push(at);
        }
        if let Some(exceeded) = refused {
            slots.release(&mut shard);
            return Err(exceeded);
        }
        for (at, (_, rules)) in slots.iter().zip(scopes) {
            if let Some((limit, _)) = &rules.rate {
                shard.change(at, |entry| {
                    if limit.check(entry.requests, now).is_ok() {
                        limit.charge(&mut entry.requests, now);
                    }
                });
            }
        }
        drop(shard);
        Ok(Admitted {
            guard: RequestGuard::new(self.clone(), number, slots),
            observed,
        })
    }

    /// One more refusal. `Some` when there were too many: whether a ban began, which only [`Mode::Observe`] and a table full of bans
    /// prevent.
    pub fn strike(&self, address: Address, rules: &BanRules, now: Now) -> Option<bool> {
        let (number, hash) = self.place(address);
        let mut shard = self.lock(number);
        let key = Key {
            scope: ScopeId::PROCESS,
            address,
        };
        let at = shard.find_or_insert(key, hash, now)?;
        let counted = shard.change(at, |entry| {
            let counted = entry.strikes.add(rules.within, now);
            let enough = entry.ban.is_none() && counted >= rules.refusals;
            if enough {
                entry.strikes = Default::default();
            }
            enough.then_some(counted)
        });
        let counted = counted.flatten()?;
        let ban = Ban {
            address,
            since: now,
            until: now.after(rules.lasts),
            cause: Cause::Refusals(counted),
            refused: 0,
        };
        Some(rules.mode == Mode::Enforce && shard.ban(at, ban, self.bans))
    }

    /// Shuts an address out. A ban in force is replaced.
    ///
    /// # Errors
    /// The table holds as many bans as it may.
    pub fn ban(&self, address: Address, lasts: Duration, now: Now) -> Result<(), BansFull> {
        let (number, hash) = self.place(address);
        let mut shard = self.lock(number);
        let key = Key {
            scope: ScopeId::PROCESS,
            address,
        };
        let at = shard.find_or_insert(key, hash, now).ok_or(BansFull)?;
        let ban = Ban {
            address,
            since: now,
            until: now.after(lasts),
            cause: Cause::Operator,
            refused: 0,
        };
        shard.ban(at, ban, self.bans).then_some(()).ok_or(BansFull)
    }

    /// Ends the ban of an address, and forgets the refusals that would soon lead to the next. Whether there was one.
    pub fn lift(&self, address: Address, now: Now) -> bool {
        let (number, hash) = self.place(address);
        let mut shard = self.lock(number);
        shard.end_bans(now);
        let key = Key {
            scope: ScopeId::PROCESS,
            address,
        };
        let Some(at) = shard.find(key, hash) else {
            return false;
        };
        let lifted = shard.change(at, |entry| {
            entry.strikes = Default::default();
            entry.ban.take()
        });
        lifted.flatten().is_some()
    }

    /// The bans in force, those that end first at the front.
    pub fn bans(&self, now: Now) -> Vec<Ban> {
        let mut bans = Vec::new();
        for number in 0..self.shards.len() {
            let mut shard = self.lock(number);
            shard.end_bans(now);
            bans.extend(
                shard
                    .bans()
                    .filter_map(|entry| entry.ban.as_deref().copied()),
            );
        }
        bans.sort_unstable_by_key(|ban| (ban.until, ban.address));
        bans
    }

    /// How many bans are in force.
    pub fn bans_len(&self, now: Now) -> usize {
        let count = |number| {
            let mut shard = self.lock(number);
            shard.end_bans(now);
            shard.bans().count()
        };
        (0..self.shards.len()).map(count).sum()
    }

    /// What an address has used within a scope; refusals are those within `window`. `None`: nothing is known of it.
    pub fn used(
        &self,
        address: Address,
        scope: ScopeId,
        window: Duration,
        now: Now,
    ) -> Option<Used> {
        let (number, hash) = self.place(address);
        let mut shard = self.lock(number);
        shard.end_bans(now);
        let at = shard.find(Key { scope, address }, of_scope(hash, scope))?;
        let entry = shard.entry(at)?;
        Some(Used {
            connections: entry.connections,
            requests: entry.requests,
            open: entry.open,
            in_flight: entry.in_flight,
            refusals: entry.strikes.count(window, now),
            ban: entry.ban.as_deref().copied(),
        })
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        (0..self.shards.len())
            .map(|number| self.lock(number).len())
            .sum()
    }

    /// Whether nothing is known of anybody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn place(&self, address: Address) -> (usize, u64) {
        let hash = self.seed.hash_one(address.number());
        // The index uses the upper bits and the lowest ones; these are from the middle.
        ((hash >> 40) as usize % SHARDS, hash)
    }

    fn lock(&self, number: usize) -> MutexGuard<'_, Shard> {
        // Numbers are made by `place`, below `SHARDS`. A panic in another thread leaves numbers, not broken memory.
        self.shards[number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// PERF: one hash with the seed for all scopes.
fn of_scope(hash: u64, scope: ScopeId) -> u64 {
    hash.rotate_left(scope.0 % 64) ^ u64::from(scope.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A ban for refusals holds as long as the file wants such bans enforced, an operator's always.
fn refuse_banned(
    entry: &mut entry::Entry,
    rules: Option<&BanRules>,
    now: Now,
    observed: &mut Option<Exceeded>,
) -> Result<(), Exceeded> {
    let Some(ban) = entry.ban.as_mut().filter(|ban| ban.until > now) else {
        return Ok(());
    };
    let left = Some(ban.until.since(now));
    let mode = match (ban.cause, rules) {
        (Cause::Operator, _) => Mode::Enforce,
        (Cause::Refusals(_), Some(rules)) => rules.mode,
        (Cause::Refusals(_), None) => return Ok(()),
    };
    if mode == Mode::Enforce {
        ban.refused = ban.refused.saturating_add(1);
    }
    judge(Limit::Banned, left, mode, observed)
}

fn judge_request(
    entry: &entry::Entry,
    scope: ScopeId,
    rules: &RequestRules,
    now: Now,
    observed: &mut Option<Exceeded>,
) -> Result<(), Exceeded> {
    let of_scope = |exceeded| Exceeded { scope, ..exceeded };
    let mut of_this = None;
    if let Some((limit, mode)) = &rules.rate
        && let Err(wait) = limit.check(entry.requests, now)
    {
        judge(Limit::Requests, Some(wait), *mode, &mut of_this).map_err(of_scope)?;
    }
    if let Some((most, mode)) = rules.in_flight
        && entry.in_flight >= most
    {
        judge(Limit::RequestsInFlight, None, mode, &mut of_this).map_err(of_scope)?;
    }
    *observed = observed.or(of_this.map(of_scope));
    Ok(())
}

fn judge(
    limit: Limit,
    retry_after: Option<Duration>,
    mode: Mode,
    observed: &mut Option<Exceeded>,
) -> Result<(), Exceeded> {
    let exceeded = Exceeded {
        limit,
        scope: ScopeId::PROCESS,
        retry_after,
    };
    match mode {
        Mode::Enforce => Err(exceeded),
        Mode::Observe => {
            observed.get_or_insert(exceeded);
            Ok(())
        }
    }
}

/// Of two limits that are exceeded, the one that lasts longer: who waits for that is admitted.
fn longest(first: Option<Exceeded>, second: Exceeded) -> Exceeded {
    match first {
        Some(first) if first.retry_after >= second.retry_after => first,
        _ => second,
    }
}
