//! The operator's hands: who is banned, banning and lifting, and what an address has used.
//!
//! ```
//! use portcullis::limits::{Address, Clock, Table};
//! use std::time::Duration;
//! let table = Table::new(1000);
//! let address: Address = "2001:db8::/64".parse()?;
//! table.ban(address, Duration::from_secs(3600), Clock::now())?;
//! assert_eq!(table.bans(Clock::now())[0].address, address);
//! assert!(table.lift(address, Clock::now()));
//! assert!(!table.lift(address, Clock::now()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::cmp::Reverse;
use std::time::Duration;

use super::super::address::Address;
use super::super::clock::Now;
use super::super::rules::ScopeId;
use super::Table;
use super::bans::{Ban, BansFull, Cause};

/// What an address has used within a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Theoretical arrival of new connections; [`RateLimit::left`](super::super::RateLimit::left) says what that leaves.
    pub connections: u64,
    /// Theoretical arrival of requests.
    pub requests: u64,
    /// Connections that are open.
    pub open: u32,
    /// Requests that are running.
    pub in_flight: u32,
    /// Refusals within the window.
    pub refusals: u32,
    /// The ban that runs.
    pub ban: Option<Ban>,
}

impl Table {
    /// Bans an address, in place of a ban that runs. What is open keeps running, unless [`Table::cut`] follows.
    ///
    /// # Errors
    /// There is no room for one more.
    pub fn ban(&self, address: Address, lasts: Duration, now: Now) -> Result<(), BansFull> {
        let (shard, key) = self.place(address);
        let mut state = shard.lock();
        let now = state.time(now);
        let found = state.find(key);
        let slot = state.change(found, key, now, |_| ()).ok_or(BansFull)?;
        state.begin_ban(slot, now.after(lasts), Cause::Operator, now)
    }

    /// Makes the ban of an address one that ends what is open, too. Returns whether one runs.
    pub fn cut(&self, address: Address, now: Now) -> bool {
        self.with_ban(address, now, |ban| ban.cuts = true).is_some()
    }

    /// Whether the address has a ban that ends what is open.
    #[must_use]
    pub fn is_cut(&self, address: Address, now: Now) -> bool {
        self.with_ban(address, now, |ban| ban.cuts).unwrap_or(false)
    }

    fn with_ban<T>(&self, address: Address, now: Now, of: impl FnOnce(&mut Ban) -> T) -> Option<T> {
        let (shard, key) = self.place(address);
        let mut state = shard.lock();
        let now = state.time(now);
        let slot = state.find(key)?;
        if !state.is_banned(slot, now) {
            return None;
        }
        let at = state.slab.get(slot).ban;
        Some(of(state.bans.get_mut(at)))
    }

    /// Ends the ban of an address and forgets its strikes. Returns whether one ran.
    pub fn lift(&self, address: Address, now: Now) -> bool {
        let (shard, key) = self.place(address);
        let mut state = shard.lock();
        let now = state.time(now);
        let Some(slot) = state.find(key) else {
            return false;
        };
        let runs = state.is_banned(slot, now);
        if runs {
            state.end_ban(slot);
            state.slab.get_mut(slot).struck_until = Now(0);
        }
        runs
    }

    /// The bans that run, the one that ends first at the beginning.
    #[must_use]
    pub fn bans(&self, now: Now) -> Vec<Ban> {
        let mut bans = Vec::new();
        for shard in &self.shards {
            let mut state = shard.lock();
            let now = state.time(now);
            state.end_bans(now);
            bans.extend(state.bans.all().copied());
        }
        bans.sort_unstable_by_key(|ban| (ban.until, ban.address));
        bans
    }

    /// How many bans run, and those that began last, the newest at the beginning.
    #[must_use]
    pub fn newest_bans(&self, most: usize, now: Now) -> (usize, Vec<Ban>) {
        let newest_first = |ban: &Ban| (Reverse(ban.since), ban.address);
        let (mut total, mut bans) = (0, Vec::new());
        for shard in &self.shards {
            let mut state = shard.lock();
            let now = state.time(now);
            state.end_bans(now);
            total += state.bans.len();
            bans.extend(state.bans.all().copied());
            drop(state);
            // PERF: a quarter of a million bans are neither kept nor sorted for the sake of some hundred.
            if bans.len() > most {
                bans.select_nth_unstable_by_key(most, newest_first);
                bans.truncate(most);
            }
        }
        bans.sort_unstable_by_key(newest_first);
        (total, bans)
    }

    /// How many bans run.
    #[must_use]
    pub fn bans_len(&self, now: Now) -> usize {
        self.sum(|state| {
            let now = state.time(now);
            state.end_bans(now);
            state.bans.len()
        })
    }

    /// What an address has used within a scope; refusals are those within `window`. `None`: nothing is kept of it. Connections, refusals
    /// and bans are those of [`ScopeId::PROCESS`].
    #[must_use]
    pub fn used(
        &self,
        address: Address,
        scope: ScopeId,
        window: Duration,
        now: Now,
    ) -> Option<Used> {
        let (shard, key) = self.place(address);
        let mut state = shard.lock();
        let now = state.time(now);
        let slot = state.find(key.within(scope))?;
        let is_banned = state.is_banned(slot, now);
        let entry = state.slab.get(slot);
        let struck = entry.struck_until > now;
        Some(Used {
            connections: entry.connections,
            requests: entry.requests,
            open: entry.open,
            in_flight: entry.in_flight,
            refusals: match struck {
                true => state.slab.strikes(slot).count(window, now),
                false => 0,
            },
            ban: is_banned.then(|| *state.bans.get(entry.ban)),
        })
    }
}
