//! The bans of a shard. They may take a quarter of its entries at most, so that there is always room for clients.
//!
//! A ban that is over is dropped when its address is seen, when bans are listed or counted, when room is needed for another one, and a
//! few at a time as new addresses come.
//!
//! ```ignore
//! let at = bans.begin(Ban { address, since, until, cause, cuts: false, refused: 0 }, slot)?;
//! ```

use std::fmt;

use super::super::address::Address;
use super::super::clock::Now;
use super::slab::Slab;

/// Bans looked at when a new address comes.
const SWEPT: usize = 2;

/// Why an address is banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// So many refusals within the window.
    Refusals(u32),
    /// Somebody said so.
    Operator,
}

/// A ban that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// Who is shut out.
    pub address: Address,
    /// When it began.
    pub since: Now,
    /// When it is over.
    pub until: Now,
    /// Why it began.
    pub cause: Cause,
    /// It ends what is open, too.
    pub cuts: bool,
    /// Connections and requests that it has refused.
    pub refused: u64,
}

/// The table holds as many bans as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BansFull;

impl fmt::Display for BansFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room for one more ban: lift some, or ban the network in the firewall")
    }
}

impl std::error::Error for BansFull {}

#[derive(Debug)]
struct Record {
    ban: Ban,
    slot: u32,
}

/// The bans of a shard, in no order. Each entry knows where its ban is.
#[derive(Debug)]
pub(super) struct Bans {
    records: Vec<Record>,
    most: usize,
    /// No ban ends before.
    soonest: Now,
    /// Where the next sweep goes on.
    swept: usize,
}

impl Bans {
    pub fn new(most: usize) -> Self {
        Bans {
            records: Vec::new(),
            most,
            soonest: Now(u64::MAX),
            swept: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_full(&self) -> bool {
        self.records.len() >= self.most
    }

    pub fn most_bytes(&self) -> usize {
        self.most * size_of::<Record>()
    }

    pub fn get(&self, at: u32) -> &Ban {
        &self.records[at as usize].ban
    }

    pub fn get_mut(&mut self, at: u32) -> &mut Ban {
        &mut self.records[at as usize].ban
    }

    pub fn all(&self) -> impl Iterator<Item = &Ban> {
        self.records.iter().map(|record| &record.ban)
    }

    /// Records a ban of the entry in `slot`. The caller has made sure that there is room.
    pub fn push(&mut self, ban: Ban, slot: u32) -> u32 {
        if self.records.capacity() == 0 {
            // PERF: all at once, so that no growth copies under the lock or leaves holes; pages count as memory when they are used.
            self.records.reserve_exact(self.most);
        }
        self.ends(ban.until);
        self.records.push(Record { ban, slot });
        // `most` is below the number of slots, which are u32.
        (self.records.len() - 1) as u32
    }

    /// A ban ends at `until`, earlier perhaps than all others.
    pub fn ends(&mut self, until: Now) {
        self.soonest = self.soonest.min(until);
    }

    /// Forgets a ban. The one that takes its place is told to its entry.
    pub fn remove(&mut self, at: u32, slab: &mut Slab) {
        self.records.swap_remove(at as usize);
        if let Some(moved) = self.records.get(at as usize) {
            slab.get_mut(moved.slot).ban = at;
        }
    }

    /// The slots of some bans that are over: a few, wherever the last sweep stopped.
    pub fn some_over(&mut self, now: Now) -> [Option<u32>; SWEPT] {
        if now < self.soonest {
            return [None; SWEPT];
        }
        // Backwards, so that one that takes the place of another has been looked at.
        let end = if self.swept == 0 {
            self.records.len()
        } else {
            self.swept
        };
        self.swept = end.saturating_sub(SWEPT);
        std::array::from_fn(|step| {
            let record = self.records.get(end.checked_sub(step + 1)?)?;
            (record.ban.until <= now).then_some(record.slot)
        })
    }

    /// The slots of all bans that are over.
    pub fn all_over(&mut self, now: Now) -> Vec<u32> {
        if now < self.soonest {
            return Vec::new();
        }
        let running = self.records.iter().map(|record| record.ban.until);
        let soonest = running.filter(|until| *until > now).min();
        self.soonest = soonest.unwrap_or(Now(u64::MAX));
        let over = self.records.iter().filter(|record| record.ban.until <= now);
        over.map(|record| record.slot).collect()
    }
}
