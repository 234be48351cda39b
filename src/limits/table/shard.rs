//! A shard: the entries whose addresses hash here, behind one lock.
//!
//! An entry is in its bucket's chain, and either pinned or in the list of idle ones. Every step takes the same time however many entries
//! there are, but for a walk over the bans when the last one that may be held is taken.
//!
//! ```ignore
//! let mut state = shard.lock();
//! let found = state.find(key);
//! let slot = state.change(found, key, now, |entry| entry.open += 1);
//! ```

#[cfg(test)]
mod invariants;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::clock::Now;
use super::super::rules::{Exceeded, Limit, Mode, ScopeId};
use super::super::strikes::Strikes;
use super::bans::{Ban, Bans, BansFull, Cause};
use super::entry::{Entry, Key, NONE};
use super::idle::Idle;
use super::slab::Slab;

/// The most entries of a shard: beyond, slots would not be u32.
const MOST: usize = 1 << 28;
/// Idle entries at rest that go when a new one comes: the table follows what is active, faster than it grew.
const DROPPED: usize = 2;

/// A part of the table.
#[derive(Debug)]
pub(super) struct Shard(Mutex<State>);

/// What is behind the lock.
#[derive(Debug)]
pub(super) struct State {
    /// The first entry of each bucket. PERF: made once; an index that grows would stop everybody while it moves.
    buckets: Box<[u32]>,
    pub(super) slab: Slab,
    idle: Idle,
    pub(super) bans: Bans,
    /// The latest moment that a caller has brought.
    latest: Now,
    pub(super) untracked: u64,
    pub(super) missed_bans: u64,
}

impl Shard {
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, MOST);
        Shard(Mutex::new(State {
            // Twice as many as needed: a chain is a miss of the cache for each step.
            buckets: vec![NONE; 2 * capacity.next_power_of_two()].into_boxed_slice(),
            slab: Slab::new(capacity as u32),
            idle: Idle::new(),
            bans: Bans::new(capacity.div_ceil(4)),
            latest: Now(0),
            untracked: 0,
            missed_bans: 0,
        }))
    }

    /// Nothing below panics half way, so a poisoned lock guards nothing worse than any other.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// SECURITY: who read the clock first may get the lock last. Going back in time would forgive a key what it has just used.
    pub fn time(&mut self, now: Now) -> Now {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// The most bytes behind this lock.
    pub fn most_bytes(&self) -> usize {
        let fixed = size_of::<Shard>() + size_of_val::<[u32]>(&self.buckets);
        fixed + self.slab.most_bytes() + self.bans.most_bytes()
    }

    pub fn find(&self, key: Key) -> Option<u32> {
        let mut slot = self.buckets[self.bucket(key)];
        while slot != NONE {
            let entry = self.slab.get(slot);
            if entry.key == key {
                return Some(slot);
            }
            slot = entry.next;
        }
        None
    }

    /// The slots of all entries.
    pub fn slots(&self) -> impl Iterator<Item = u32> {
        let next = |slot: u32| (slot != NONE).then_some(slot);
        let chain = move |first: &u32| {
            std::iter::successors(next(*first), move |slot| next(self.slab.get(*slot).next))
        };
        self.buckets.iter().flat_map(chain)
    }

    /// Shows the entry to `of`, or one of which nothing is known.
    pub fn judge<T>(
        &mut self,
        found: Option<u32>,
        key: Key,
        of: impl FnOnce(&mut Entry) -> T,
    ) -> T {
        match found {
            Some(slot) => of(self.slab.get_mut(slot)),
            None => of(&mut Entry::new(key)),
        }
    }

    /// It was asked for: others go before it.
    pub fn touch(&mut self, found: Option<u32>) {
        if let Some(slot) = found
            && !self.slab.get(slot).is_pinned()
        {
            self.idle.renew(&mut self.slab, slot);
        }
    }

    /// Changes an entry, and makes it first if there is none. `None`: there is no room.
    pub fn change(
        &mut self,
        found: Option<u32>,
        key: Key,
        now: Now,
        change: impl FnOnce(&mut Entry),
    ) -> Option<u32> {
        if let Some(slot) = found {
            self.update(slot, change);
            return Some(slot);
        }
        self.make_room(now);
        let mut entry = Entry::new(key);
        change(&mut entry);
        let bucket = self.bucket(key);
        entry.next = self.buckets[bucket];
        let Some(slot) = self.slab.claim(entry) else {
            self.untracked = self.untracked.saturating_add(1);
            return None;
        };
        self.buckets[bucket] = slot;
        if !entry.is_pinned() {
            self.idle.push(&mut self.slab, slot);
        }
        Some(slot)
    }

    /// Changes the entry in `slot`, which is on the list of idle ones exactly if it is not pinned.
    pub fn update(&mut self, slot: u32, change: impl FnOnce(&mut Entry)) {
        let entry = self.slab.get_mut(slot);
        let was_pinned = entry.is_pinned();
        change(entry);
        match (was_pinned, entry.is_pinned()) {
            (false, true) => self.idle.unlink(&mut self.slab, slot),
            (true, false) => self.idle.push(&mut self.slab, slot),
            (true, true) | (false, false) => {}
        }
    }

    /// Counts a refusal. Returns those within the window.
    pub fn strike(&mut self, slot: u32, within: Duration, now: Now) -> u32 {
        let over = Strikes::over(within, now);
        let entry = self.slab.get_mut(slot);
        let rubbish = entry.struck_until <= now;
        entry.struck_until = entry.struck_until.max(over);
        let strikes = self.slab.strikes_mut(slot);
        if rubbish {
            *strikes = Strikes::default();
        }
        strikes.add(within, now)
    }

    /// The ban of an entry that runs at `now`, and whether it refuses, if bans that began by themselves are in `mode` (`None`: off).
    pub fn banned(&mut self, slot: u32, mode: Option<Mode>, now: Now) -> Option<(Exceeded, Mode)> {
        if !self.is_banned(slot, now) {
            return None;
        }
        let ban = self.bans.get_mut(self.slab.get(slot).ban);
        let mode = match ban.cause {
            Cause::Operator => Mode::Enforce,
            Cause::Refusals(_) => mode?,
        };
        if mode == Mode::Enforce {
            ban.refused = ban.refused.saturating_add(1);
        }
        let exceeded = Exceeded {
            limit: Limit::Banned,
            scope: ScopeId::PROCESS,
            retry_after: Some(ban.until.since(now)),
        };
        Some((exceeded, mode))
    }

    /// Whether a ban of the entry runs at `now`. One that is over is dropped.
    pub fn is_banned(&mut self, slot: u32, now: Now) -> bool {
        let at = self.slab.get(slot).ban;
        if at == NONE {
            return false;
        }
        let runs = self.bans.get(at).until > now;
        if !runs {
            self.end_ban(slot);
        }
        runs
    }

    /// Begins a ban, in place of one that runs. The strikes that led to it are forgotten: after it they begin anew.
    ///
    /// # Errors
    /// There are as many bans as may be.
    pub fn begin_ban(
        &mut self,
        slot: u32,
        until: Now,
        cause: Cause,
        now: Now,
    ) -> Result<(), BansFull> {
        let entry = self.slab.get(slot);
        let ban = Ban {
            address: entry.key.address,
            since: now,
            until,
            cause,
            cuts: false,
            refused: 0,
        };
        if entry.ban != NONE {
            *self.bans.get_mut(entry.ban) = ban;
            self.bans.ends(until);
        } else {
            if self.bans.is_full() {
                self.end_bans(now);
            }
            if self.bans.is_full() {
                return Err(BansFull);
            }
            let at = self.bans.push(ban, slot);
            self.update(slot, |entry| entry.ban = at);
        }
        self.slab.get_mut(slot).struck_until = Now(0);
        Ok(())
    }

    /// Drops the ban of an entry that has one.
    pub fn end_ban(&mut self, slot: u32) {
        let at = self.slab.get(slot).ban;
        self.update(slot, |entry| entry.ban = NONE);
        self.bans.remove(at, &mut self.slab);
    }

    /// Drops all bans that are over.
    pub fn end_bans(&mut self, now: Now) {
        for slot in self.bans.all_over(now) {
            self.end_ban(slot);
        }
    }

    /// Drops what says nothing any more, and if that leaves no room, what has been idle for longest.
    fn make_room(&mut self, now: Now) {
        for slot in self.bans.some_over(now).into_iter().flatten() {
            self.end_ban(slot);
        }
        for _ in 0..DROPPED {
            match self.idle.oldest() {
                Some(oldest) if self.slab.get(oldest).is_at_rest(now) => self.forget(oldest),
                Some(_) | None => break,
            }
        }
        if self.slab.len() == self.slab.capacity()
            && let Some(oldest) = self.idle.oldest()
        {
            self.forget(oldest);
        }
    }

    /// SECURITY: for idle entries only, which nothing refers to.
    fn forget(&mut self, slot: u32) {
        self.idle.unlink(&mut self.slab, slot);
        let Entry { key, next, .. } = *self.slab.get(slot);
        let bucket = self.bucket(key);
        if self.buckets[bucket] == slot {
            self.buckets[bucket] = next;
        } else {
            let mut before = self.buckets[bucket];
            while self.slab.get(before).next != slot {
                before = self.slab.get(before).next;
            }
            self.slab.get_mut(before).next = next;
        }
        self.slab.release(slot);
    }

    fn bucket(&self, key: Key) -> usize {
        // A power of two of them.
        key.bucket() & (self.buckets.len() - 1)
    }
}
