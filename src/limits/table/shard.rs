//! One part of the table: entries that stay where they are, an index over them, and the idle ones in the order of their last use.
//!
//! ```text
//! index   (scope, address) -> slot
//! slots   in chunks, never moved: a guard finds its entry by the number of its slot
//! idle    a list through the entries without connection, request or ban: the only ones that can be evicted
//! bans    by their end
//! ```

use std::collections::BTreeSet;

use hashbrown::HashTable;

use super::entry::{Ban, Entry, Key};
use crate::limits::clock::Now;

/// Slots that are allocated at once: small enough that the last chunk of each shard wastes little.
const CHUNK: usize = 256;
/// Stands for no slot.
const NONE: u32 = u32::MAX;
/// Entries that one insertion may tidy away.
const TIDY: usize = 2;

pub(super) struct Shard {
    chunks: Vec<Vec<Slot>>,
    index: HashTable<u32>,
    free: Vec<u32>,
    /// The idle entry that was used last, and the one that was not for the longest time.
    newest: u32,
    oldest: u32,
    bans: BTreeSet<(Now, u32)>,
    most: usize,
}

struct Slot {
    entry: Entry,
    hash: u64,
    newer: u32,
    older: u32,
    idle: bool,
}

impl Shard {
    pub(super) fn new(most: usize) -> Shard {
        Shard {
            chunks: Vec::new(),
            index: HashTable::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
            bans: BTreeSet::new(),
            most,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn bans(&self) -> impl Iterator<Item = &Entry> {
        let slots = self.bans.iter().filter_map(|(_, at)| self.slot(*at));
        slots.map(|slot| &slot.entry)
    }

    pub(super) fn find(&self, key: Key, hash: u64) -> Option<u32> {
        let found = self.index.find(hash, |&at| {
            self.slot(at).is_some_and(|slot| slot.entry.key == key)
        });
        found.copied()
    }

    pub(super) fn entry(&self, at: u32) -> Option<&Entry> {
        self.slot(at).map(|slot| &slot.entry)
    }

    /// The slot of this key, made if need be. `None` if the shard is full of entries that may not go.
    pub(super) fn find_or_insert(&mut self, key: Key, hash: u64, now: Now) -> Option<u32> {
        if let Some(at) = self.find(key, hash) {
            return Some(at);
        }
        self.end_bans(now);
        self.tidy(now);
        if self.len() >= self.most {
            let oldest = self.oldest;
            self.remove(oldest)?;
        }
        let slot = Slot {
            entry: Entry::new(key),
            hash,
            newer: NONE,
            older: NONE,
            idle: false,
        };
        let at = match self.free.pop() {
            Some(at) => {
                *self.slot_mut(at)? = slot;
                at
            }
            None => self.push(slot)?,
        };
        let chunks = &self.chunks;
        self.index
            .insert_unique(hash, at, |&at| look(chunks, at).map_or(0, |slot| slot.hash));
        self.join_idle(at);
        Some(at)
    }

    /// Changes an entry, and keeps the lists right that depend on it.
    pub(super) fn change<T>(&mut self, at: u32, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let slot = self.slot_mut(at)?;
        let before = slot.entry.ban.as_ref().map(|ban| ban.until);
        let changed = change(&mut slot.entry);
        let after = slot.entry.ban.as_ref().map(|ban| ban.until);
        let (pinned, idle) = (slot.entry.is_pinned(), slot.idle);
        if before != after {
            if let Some(until) = before {
                self.bans.remove(&(until, at));
            }
            if let Some(until) = after {
                self.bans.insert((until, at));
            }
        }
        if idle {
            self.leave_idle(at);
        }
        if !pinned {
            self.join_idle(at);
        }
        Some(changed)
    }

    /// Begins a ban, unless as many as may be are in force.
    pub(super) fn ban(&mut self, at: u32, ban: Ban, most: usize) -> bool {
        let is_banned = self.entry(at).is_some_and(|entry| entry.ban.is_some());
        if !is_banned && self.bans.len() >= most {
            return false;
        }
        self.change(at, |entry| entry.ban = Some(Box::new(ban)))
            .is_some()
    }

    /// Forgets the bans that are over.
    pub(super) fn end_bans(&mut self, now: Now) {
        while let Some(&(until, at)) = self.bans.first() {
            if until > now {
                break;
            }
            if self.change(at, |entry| entry.ban = None).is_none() {
                self.bans.pop_first();
            }
        }
    }

    /// Drops a few entries of which nothing is worth remembering, so that the table is as large as its clients are many.
    fn tidy(&mut self, now: Now) {
        for _ in 0..TIDY {
            let oldest = self.oldest;
            if !self
                .entry(oldest)
                .is_some_and(|entry| entry.is_at_rest(now))
            {
                break;
            }
            self.remove(oldest);
        }
    }

    fn remove(&mut self, at: u32) -> Option<()> {
        let hash = self.slot(at)?.hash;
        self.leave_idle(at);
        self.index
            .find_entry(hash, |&other| other == at)
            .ok()?
            .remove();
        self.free.push(at);
        Some(())
    }

    fn push(&mut self, slot: Slot) -> Option<u32> {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut()?;
        chunk.push(slot);
        u32::try_from(before + chunk.len() - 1).ok()
    }

    fn slot(&self, at: u32) -> Option<&Slot> {
        look(&self.chunks, at)
    }

    fn slot_mut(&mut self, at: u32) -> Option<&mut Slot> {
        let at = at as usize;
        self.chunks.get_mut(at / CHUNK)?.get_mut(at % CHUNK)
    }

    fn join_idle(&mut self, at: u32) {
        let newest = self.newest;
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        (slot.idle, slot.newer, slot.older) = (true, NONE, newest);
        match self.slot_mut(newest) {
            Some(second) => second.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
    }

    fn leave_idle(&mut self, at: u32) {
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        if !std::mem::take(&mut slot.idle) {
            return;
        }
        let (newer, older) = (slot.newer, slot.older);
        match self.slot_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match self.slot_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }
}

fn look(chunks: &[Vec<Slot>], at: u32) -> Option<&Slot> {
    let at = at as usize;
    chunks.get(at / CHUNK)?.get(at % CHUNK)
}
