//! The slots of a shard: entries keep their place for as long as they live.
//!
//! PERF: grown by a chunk at a time, so that memory never doubles and no entry is copied under the lock. Chunks are not given back:
//! after a flood the memory stays and is used again.
//!
//! ```ignore
//! let slot = slab.claim()?;
//! *slab.get_mut(slot) = Entry::new(key);
//! slab.release(slot);
//! ```

use super::super::strikes::Strikes;
use super::entry::{Entry, NONE};

/// Slots in a chunk, as a power of two.
const CHUNK_BITS: u32 = 8;
const CHUNK: usize = 1 << CHUNK_BITS;

/// Entries, and beside each its strikes.
#[derive(Debug)]
pub(super) struct Slab {
    entries: Vec<Box<[Entry]>>,
    /// PERF: apart from the entries, because a decision does not look at them.
    strikes: Vec<Box<[Strikes]>>,
    /// The first free slot below `grown`.
    free: u32,
    /// Slots that have ever been claimed.
    grown: u32,
    /// Slots that are claimed now.
    len: u32,
    capacity: u32,
}

impl Slab {
    pub fn new(capacity: u32) -> Self {
        let chunks = (capacity as usize).div_ceil(CHUNK);
        Slab {
            entries: Vec::with_capacity(chunks),
            strikes: Vec::with_capacity(chunks),
            free: NONE,
            grown: 0,
            len: 0,
            capacity,
        }
    }

    pub fn len(&self) -> usize {
        self.len as usize
    }

    pub fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Bytes once all slots are in use.
    pub fn most_bytes(&self) -> usize {
        let chunks = self.capacity().div_ceil(CHUNK);
        let slots = size_of::<Entry>() + size_of::<Strikes>();
        chunks * (2 * size_of::<Box<[Entry]>>() + CHUNK * slots)
    }

    pub fn get(&self, slot: u32) -> &Entry {
        let (chunk, at) = place(slot);
        &self.entries[chunk][at]
    }

    pub fn get_mut(&mut self, slot: u32) -> &mut Entry {
        let (chunk, at) = place(slot);
        &mut self.entries[chunk][at]
    }

    pub fn strikes(&self, slot: u32) -> &Strikes {
        let (chunk, at) = place(slot);
        &self.strikes[chunk][at]
    }

    pub fn strikes_mut(&mut self, slot: u32) -> &mut Strikes {
        let (chunk, at) = place(slot);
        &mut self.strikes[chunk][at]
    }

    /// A slot for `entry`; `None` if all are claimed.
    pub fn claim(&mut self, entry: Entry) -> Option<u32> {
        let slot = if self.free != NONE {
            let slot = self.free;
            self.free = self.get(slot).next;
            slot
        } else if self.grown < self.capacity {
            if self.grown as usize == self.entries.len() * CHUNK {
                self.entries.push(vec![entry; CHUNK].into_boxed_slice());
                self.strikes
                    .push(vec![Strikes::default(); CHUNK].into_boxed_slice());
            }
            self.grown += 1;
            self.grown - 1
        } else {
            return None;
        };
        self.len += 1;
        *self.get_mut(slot) = entry;
        Some(slot)
    }

    pub fn release(&mut self, slot: u32) {
        let next = self.free;
        self.get_mut(slot).next = next;
        self.free = slot;
        self.len -= 1;
    }
}

fn place(slot: u32) -> (usize, usize) {
    ((slot >> CHUNK_BITS) as usize, slot as usize & (CHUNK - 1))
}
