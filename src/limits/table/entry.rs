//! What is kept of one address in one scope: 64 bytes, one cache line.
//!
//! ```ignore
//! let entry = Entry::new(key);
//! assert!(!entry.is_pinned());
//! ```

use super::super::address::Address;
use super::super::clock::Now;
use super::super::rules::ScopeId;

/// No entry, no ban.
pub(super) const NONE: u32 = u32::MAX;

/// Who is counted, and in which scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub address: Address,
    pub scope: ScopeId,
    /// The half of the address's hash that chooses the bucket.
    hash: u32,
}

impl Key {
    pub fn new(address: Address, hash: u32) -> Self {
        Key {
            address,
            scope: ScopeId::PROCESS,
            hash,
        }
    }

    /// The same address in another scope.
    pub fn within(self, scope: ScopeId) -> Self {
        Key { scope, ..self }
    }

    /// PERF: one address is hashed once for all of its scopes. Odd, so that scopes spread; the address's share stays secret.
    pub fn bucket(self) -> usize {
        (self.hash ^ self.scope.0.wrapping_mul(0x9e37_79b1)) as usize
    }
}

/// PERF: exactly a cache line. What a decision does not need is elsewhere: strikes in the slab, the rest of a ban in `bans`.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Entry {
    pub key: Key,
    /// The next entry of the same bucket, or the next free slot.
    pub next: u32,
    /// Neighbours among the idle entries.
    pub older: u32,
    pub newer: u32,
    /// Where its ban is.
    pub ban: u32,
    /// Theoretical arrival of new connections.
    pub connections: u64,
    /// Theoretical arrival of requests.
    pub requests: u64,
    /// Connections that are open.
    pub open: u32,
    /// Requests that are running.
    pub in_flight: u32,
    /// When its strikes have all left the window; those before that are rubbish.
    pub struck_until: Now,
}

impl Entry {
    /// A key of which nothing is known.
    pub fn new(key: Key) -> Self {
        Entry {
            key,
            next: NONE,
            older: NONE,
            newer: NONE,
            ban: NONE,
            connections: 0,
            requests: 0,
            open: 0,
            in_flight: 0,
            struck_until: Now(0),
        }
    }

    /// SECURITY: such an entry must not be forgotten, and guards and bans rely on its place.
    pub fn is_pinned(&self) -> bool {
        self.open > 0 || self.in_flight > 0 || self.ban != NONE
    }

    /// Whether it says no more than no entry would.
    pub fn is_at_rest(&self, now: Now) -> bool {
        let busy_until = self.connections.max(self.requests).max(self.struck_until.0);
        !self.is_pinned() && busy_until <= now.0
    }
}
