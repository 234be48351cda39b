//! What is counted as open or in flight, given back when it is dropped.
//!
//! ```ignore
//! let admitted = table.connect(address, &rules, None, Clock::now())?;
//! drop(admitted.guard); // one connection less
//! ```

use std::sync::Arc;

use super::shard::Shard;

/// Slots in the guard itself: process, kind and route.
const INLINE: usize = 3;

/// The slots that a request is counted in.
#[derive(Debug, Default)]
pub(super) struct Held {
    first: [Option<u32>; INLINE],
    len: usize,
    /// PERF: empty, and so without memory of its own, as long as there are no more scopes than those three.
    rest: Vec<u32>,
}

impl Held {
    /// `None`: it was not counted there, because the table had no room.
    pub fn push(&mut self, slot: Option<u32>) {
        match (self.first.get_mut(self.len), slot) {
            (Some(place), slot) => {
                *place = slot;
                self.len += 1;
            }
            (None, slot) => self.rest.extend(slot),
        }
    }

    fn slots(&self) -> impl Iterator<Item = u32> {
        let first = self.first.iter().copied().flatten();
        first.chain(self.rest.iter().copied())
    }
}

/// An open connection. SECURITY: a slot that is counted in cannot be forgotten, so this one is still the address's own.
#[derive(Debug)]
#[must_use = "the connection is counted only as long as this lives"]
pub struct ConnectionGuard {
    shard: Arc<Shard>,
    slot: Option<u32>,
}

impl ConnectionGuard {
    pub(super) fn new(shard: &Arc<Shard>, slot: Option<u32>) -> Self {
        ConnectionGuard {
            shard: shard.clone(),
            slot,
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            let close = |open: &mut u32| *open = open.saturating_sub(1);
            self.shard
                .lock()
                .update(slot, |entry| close(&mut entry.open));
        }
    }
}

/// A request in flight, in all of its scopes.
#[derive(Debug)]
#[must_use = "the request is counted only as long as this lives"]
pub struct RequestGuard {
    shard: Arc<Shard>,
    held: Held,
}

impl RequestGuard {
    pub(super) fn new(shard: &Arc<Shard>, held: Held) -> Self {
        RequestGuard {
            shard: shard.clone(),
            held,
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let end = |in_flight: &mut u32| *in_flight = in_flight.saturating_sub(1);
        let mut state = self.shard.lock();
        for slot in self.held.slots() {
            state.update(slot, |entry| end(&mut entry.in_flight));
        }
    }
}
