//! What a connection or a request holds in the table, given back when it is over, however it ends.

use std::sync::Arc;

use super::Table;
use super::shard::Shard;

/// The scopes that one request may count in: the process, a kind, a route.
const SCOPES: usize = 3;

/// One open connection of an address.
pub struct ConnectionGuard(Option<Place>);

struct Place {
    table: Arc<Table>,
    shard: usize,
    slot: u32,
}

impl ConnectionGuard {
    pub(super) fn new(table: Arc<Table>, shard: usize, slot: u32) -> Self {
        ConnectionGuard(Some(Place { table, shard, slot }))
    }

    /// Of a connection that could not be counted.
    pub(super) fn none() -> Self {
        ConnectionGuard(None)
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        if let Some(place) = &self.0 {
            let mut shard = place.table.lock(place.shard);
            shard.change(place.slot, |entry| {
                debug_assert!(entry.open > 0);
                entry.open = entry.open.saturating_sub(1);
            });
        }
    }
}

/// Where one request counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slots {
    at: [u32; SCOPES],
    used: usize,
}

impl Slots {
    /// The next scope's slot; `u32::MAX`, which is none, where it could not be counted.
    pub(super) fn push(&mut self, at: u32) {
        if let Some(free) = self.at.get_mut(self.used) {
            *free = at;
            self.used += 1;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + use<> {
        self.at.into_iter().take(self.used)
    }

    /// Gives the places back.
    pub(super) fn release(&self, shard: &mut Shard) {
        for at in self.iter() {
            shard.change(at, |entry| {
                debug_assert!(entry.in_flight > 0);
                entry.in_flight = entry.in_flight.saturating_sub(1);
            });
        }
    }
}

/// One request of an address, in every scope that it counts in.
pub struct RequestGuard {
    table: Arc<Table>,
    shard: usize,
    slots: Slots,
}

impl RequestGuard {
    pub(super) fn new(table: Arc<Table>, shard: usize, slots: Slots) -> Self {
        RequestGuard {
            table,
            shard,
            slots,
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.slots.release(&mut self.table.lock(self.shard));
    }
}

impl std::fmt::Debug for ConnectionGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConnectionGuard")
    }
}

impl std::fmt::Debug for RequestGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RequestGuard")
    }
}
