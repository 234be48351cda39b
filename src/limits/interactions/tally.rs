//! Who holds how many places: the numbers that the limits look at.
//!
//! ```ignore
//! let owner = Owner { kind: Kind::Chat, address, who: Who::Anonymous };
//! assert!(tally.try_add(owner, Some(1500)));
//! tally.remove(owner);
//! ```

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use crate::limits::address::Address;

/// What an interaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A chat.
    Chat,
    /// A callback.
    Callback,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Chat, Self::Callback];

    /// For logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Callback => "callback",
        }
    }
}

/// Whose account an interaction counts for.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Who {
    /// It is not known, so for none.
    Unknown,
    /// For none, and that is known.
    Anonymous,
    /// For this one.
    Named(Digest),
}

/// To whom a place is charged. What was added is removed with the same one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) kind: Kind,
    pub(super) address: Address,
    pub(super) who: Who,
}

/// The numbers of a pair. They count what is started, reserved and in doubt alike.
#[derive(Default)]
pub(super) struct Tally {
    totals: Arc<Totals>,
    kinds: [u32; 2],
    anonymous: u32,
    addresses: HashMap<Address, u32>,
    users: HashMap<Digest, u32>,
}

impl Tally {
    pub(super) fn new(totals: Arc<Totals>) -> Self {
        Self {
            totals,
            ..Self::default()
        }
    }

    /// Adds one, unless the total of all pairs has reached its limit.
    pub(super) fn try_add(&mut self, owner: Owner, total: Option<u32>) -> bool {
        let room = self.totals.try_add(owner.kind, total.unwrap_or(u32::MAX));
        if room {
            self.count(owner);
        }
        room
    }

    /// Adds one, whatever the total.
    pub(super) fn add(&mut self, owner: Owner) {
        self.totals.try_add(owner.kind, u32::MAX);
        self.count(owner);
    }

    fn count(&mut self, owner: Owner) {
        self.kinds[owner.kind as usize] += 1;
        *self.addresses.entry(owner.address).or_default() += 1;
        match owner.who {
            Who::Unknown => {}
            Who::Anonymous => self.anonymous += 1,
            Who::Named(user) => *self.users.entry(user).or_default() += 1,
        }
    }

    /// Removes one.
    pub(super) fn remove(&mut self, owner: Owner) {
        self.totals.remove(owner.kind);
        let of_kind = &mut self.kinds[owner.kind as usize];
        *of_kind = less(*of_kind);
        take_one(&mut self.addresses, owner.address);
        match owner.who {
            Who::Unknown => {}
            Who::Anonymous => self.anonymous = less(self.anonymous),
            Who::Named(user) => take_one(&mut self.users, user),
        }
    }

    /// Removes one from what this user has and from nothing else: its owner is now unknown.
    pub(super) fn remove_user(&mut self, user: Digest) {
        take_one(&mut self.users, user);
    }

    pub(super) fn of_kind(&self, kind: Kind) -> u32 {
        self.kinds[kind as usize]
    }

    pub(super) fn all(&self) -> u32 {
        self.kinds.iter().sum()
    }

    pub(super) fn anonymous(&self) -> u32 {
        self.anonymous
    }

    pub(super) fn address(&self, address: Address) -> u32 {
        self.addresses.get(&address).copied().unwrap_or(0)
    }

    pub(super) fn user(&self, user: Digest) -> u32 {
        self.users.get(&user).copied().unwrap_or(0)
    }

    /// Whether these are the numbers of just these owners.
    #[cfg(test)]
    pub(super) fn is_of(&self, owners: impl Iterator<Item = Owner>) -> bool {
        let mut again = Tally::default();
        owners.for_each(|owner| again.add(owner));
        self.kinds == again.kinds
            && self.anonymous == again.anonymous
            && self.addresses == again.addresses
            && self.users == again.users
    }
}

fn less(count: u32) -> u32 {
    debug_assert!(count > 0, "removed more than was added");
    count.saturating_sub(1)
}

/// One fewer; a key that has none left is forgotten, so that the map holds who is there now.
fn take_one<K: Eq + Hash>(map: &mut HashMap<K, u32>, key: K) {
    if let Entry::Occupied(mut entry) = map.entry(key) {
        *entry.get_mut() = less(*entry.get());
        if *entry.get() == 0 {
            entry.remove();
        }
    } else {
        debug_assert!(false, "removed what was not added");
    }
}

/// The numbers of all pairs.
#[derive(Debug, Default)]
pub(super) struct Totals([AtomicU32; 2]);

impl Totals {
    pub(super) fn of(&self, kind: Kind) -> u32 {
        self.0[kind as usize].load(Ordering::Relaxed)
    }

    /// Adds one if there are fewer than `most`.
    fn try_add(&self, kind: Kind, most: u32) -> bool {
        // One exchange looks and adds: pairs have locks of their own, so nothing else keeps two of them from passing together.
        let add = |count: u32| (count < most).then(|| count.saturating_add(1));
        self.0[kind as usize]
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .is_ok()
    }

    fn remove(&self, kind: Kind) {
        let less = |count: u32| count.checked_sub(1);
        let removed =
            self.0[kind as usize].fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        debug_assert!(removed.is_ok(), "removed more than was added");
    }
}
