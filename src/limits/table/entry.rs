//! What is known of one client address within one scope.

use crate::limits::address::Address;
use crate::limits::clock::Now;
use crate::limits::rules::ScopeId;
use crate::limits::strikes::Strikes;

/// What an entry is about. Bans, refusals and connections are those of the whole process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub scope: ScopeId,
    pub address: Address,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub key: Key,
    /// The state of the rate of new connections.
    pub connections: u64,
    /// The state of the rate of requests.
    pub requests: u64,
    pub open: u32,
    pub in_flight: u32,
    pub strikes: Strikes,
    /// PERF: few have one, so it is not part of every entry.
    pub ban: Option<Box<Ban>>,
}

/// Why an address is shut out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// So many refusals within the window.
    Refusals(u32),
    /// An operator said so.
    Operator,
}

/// A ban in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// Whom it holds for.
    pub address: Address,
    /// When it began.
    pub since: Now,
    /// When it ends.
    pub until: Now,
    /// Why it began.
    pub cause: Cause,
    /// Connections and requests it has refused.
    pub refused: u32,
}

impl Entry {
    pub(super) fn new(key: Key) -> Entry {
        Entry {
            key,
            connections: 0,
            requests: 0,
            open: 0,
            in_flight: 0,
            strikes: Strikes::default(),
            ban: None,
        }
    }

    /// SECURITY: such an entry is never evicted: a guard points to it, or an attacker would like it to go.
    pub(super) fn is_pinned(&self) -> bool {
        self.open > 0 || self.in_flight > 0 || self.ban.is_some()
    }

    /// Nothing would be different if it were made anew.
    pub(super) fn is_at_rest(&self, now: Now) -> bool {
        !self.is_pinned()
            && self.connections <= now.0
            && self.requests <= now.0
            && self.strikes.is_over(now)
    }
}
