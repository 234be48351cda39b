//! Chats and callbacks that run, by pair of servers: a place is reserved before a server hears of a start, and kept until the
//! interaction has ended.
//!
//! Counts belong to a pair, since a chat survives a switchover; limits are the vendor's ([`Rules`]) and come with every call, so that
//! a reload changes them and forgets nothing.
//!
//! ```
//! use portcullis::limits::{Now, interactions::{Ask, Interactions, Kind, Rules, User}};
//! let interactions = Interactions::default();
//! let pair = interactions.pair("chat");
//! let ask = Ask { kind: Kind::Chat, address: "192.0.2.7".parse().unwrap(), trusted: false, user: User::Anonymous };
//! let mut place = pair.reserve(&ask, &Rules::default(), Now(0)).unwrap().slot;
//! place.sent();
//! place.started("chat1", "chat-id", "participant-id", Now(1));
//! assert_eq!(pair.counts().chats, 1);
//! pair.ended("participant-id", Now(2));
//! assert_eq!(pair.counts().chats, 0);
//! ```

mod count;
mod pair;
mod rules;
mod slot;
mod state;
mod window;

use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;

use super::address::Address;
use super::clock::Now;

pub use count::{Ask, Counts, Kind, User};
pub use pair::{Pair, Reserved};
pub use rules::{Burst, Parameter, Rules};
pub use slot::Slot;

use count::Totals;

/// Every pair that a file has had since the process began.
#[derive(Debug, Default)]
pub struct Interactions {
    pairs: Mutex<IndexMap<Box<str>, Arc<Pair>>>,
    totals: Arc<Totals>,
}

impl Interactions {
    /// The pair of this name, made if need be. Names come from the file only.
    pub fn pair(&self, name: &str) -> Arc<Pair> {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = pairs
            .entry(name.into())
            .or_insert_with(|| Arc::new(Pair::new(name, self.totals.clone())));
        pair.clone()
    }

    /// Ends what has been silent for too long.
    pub fn sweep(&self, now: Now) {
        for pair in self.all() {
            pair.sweep(now);
        }
    }

    /// Looks at every pair's counts.
    pub fn each_pair(&self, mut look: impl FnMut(&str, Counts)) {
        for pair in self.all() {
            look(pair.name(), pair.counts());
        }
    }

    /// What one address has running, by pair.
    pub fn of(&self, address: Address) -> Vec<(String, u32)> {
        let count = |pair: Arc<Pair>| (pair.name().to_owned(), pair.of(address));
        self.all()
            .into_iter()
            .map(count)
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    fn all(&self) -> Vec<Arc<Pair>> {
        let pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        pairs.values().cloned().collect()
    }
}
