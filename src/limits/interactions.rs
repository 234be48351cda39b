//! Chats and callbacks, counted by what the servers answer and limited before a server sees the next one.
//!
//! A start reserves its place before it is forwarded ([`Pair::reserve`]), so that parallel starts cannot pass together. The server's
//! answer makes it a counted interaction under its chatID or callbackID ([`Slot::started`]) or gives the place back
//! ([`Slot::failed`]). A start whose answer never came stays counted, in doubt: the server may have a chat that nobody knows. A
//! reconnect gives an interaction its new participant id; exit, disconnect, an unknown session and silence end it.
//!
//! All of it belongs to a [`Pair`]: the two servers of a switchover pair share their chats, so they share the counts. [`Interactions`]
//! owns the pairs by the names that the file gives them. A reload changes the [`Rules`], which come with each call, and no count.
//!
//! * [`Rules`], [`Parameter`]: the vendor's parameters, their names and defaults
//! * [`Pair`], [`Slot`]: what is counted, and the place of one start
//!
//! ```
//! use portcullis::limits::interactions::{Ask, Interactions, Kind, Rules, Started, User};
//! use portcullis::limits::{Address, Now};
//! use std::sync::Arc;
//! let interactions = Interactions::new();
//! let (pair, rules, now) = (interactions.pair("cic"), Rules::default(), Now(0));
//! let address = Address::from(std::net::IpAddr::from([192, 0, 2, 7]));
//! let ask = Ask { kind: Kind::Chat, address, trusted: false, user: User::Anonymous };
//! let mut slot = pair.reserve(ask, &rules, now).unwrap().slot;
//! slot.sent();
//! assert_eq!(slot.started(&Arc::from("cic-a"), "chat 1", "participant 1", now), Started::Counted);
//! assert_eq!((pair.of(address), interactions.total(Kind::Chat)), (1, 1));
//! assert!(pair.ended("participant 1", now));
//! assert_eq!(pair.of(address), 0);
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::clock::Now;

mod admission;
mod ask;
mod digest;
mod memory;
mod pair;
mod parameter;
mod rules;
mod slot;
mod tally;
mod tombstones;
mod view;
mod window;

pub use ask::{Ask, Rejoin, Rejoined, Reserved, User};
pub use digest::MAX_ID_BYTES;
pub(crate) use digest::{Digest, Digests};
pub use memory::{Heritage, Key};
pub use pair::{MOST_HELD, Pair};
pub use parameter::Parameter;
pub use rules::{Burst, Rules, Silence};
pub use slot::{Slot, Started};
pub use tally::Kind;
pub use view::{Counts, Phase, View};

use tally::Totals;

/// The pairs of the process. Created once, outlives every snapshot.
#[derive(Default)]
pub struct Interactions {
    digests: Digests,
    totals: Arc<Totals>,
    /// As many as the file names, and those of an earlier file until they are empty.
    pairs: Mutex<BTreeMap<Arc<str>, Arc<Pair>>>,
}

impl Interactions {
    /// No pairs, nothing counted.
    pub fn new() -> Self {
        Self::default()
    }

    /// No pairs yet, and ids are remembered as the process before did.
    pub fn after(key: &Key) -> Self {
        Interactions {
            digests: key.0.into(),
            ..Self::default()
        }
    }

    /// For the process that comes after this one.
    pub fn key(&self) -> Key {
        Key(self.digests.key())
    }

    /// The pair of this name, or the single server; made on the first call, the same one ever after.
    pub fn pair(&self, name: &str) -> Arc<Pair> {
        let mut pairs = self.lock();
        if let Some(pair) = pairs.get(name) {
            return Arc::clone(pair);
        }
        let name: Arc<str> = Arc::from(name);
        let pair = Pair::new(
            Arc::clone(&name),
            self.digests.clone(),
            Arc::clone(&self.totals),
        );
        let pair = Arc::new(pair);
        pairs.insert(name, Arc::clone(&pair));
        pair
    }

    /// All pairs, by name.
    pub fn pairs(&self) -> Vec<Arc<Pair>> {
        self.lock().values().cloned().collect()
    }

    /// Chats or callbacks of all pairs, as `total_chats` and `total_callbacks` see them: started, reserved and in doubt.
    pub fn total(&self, kind: Kind) -> u32 {
        self.totals.of(kind)
    }

    /// Ends what has been silent in every pair; to be called every few seconds. `silence` tells it for each pair by name; `None`
    /// says that the file does not name the pair any more: the defaults apply to what is left of it, and then it is forgotten.
    /// Returns how many ended.
    pub fn sweep(&self, silence: impl Fn(&str) -> Option<Silence>, now: Now) -> usize {
        let mut ended = 0;
        let mut unnamed = Vec::new();
        for pair in self.pairs() {
            let own = silence(pair.name());
            ended += pair.sweep(own.unwrap_or_default(), now);
            if own.is_none() {
                unnamed.push(Arc::clone(pair.name()));
            }
        }
        let mut pairs = self.lock();
        for name in unnamed {
            // Nobody can get hold of it meanwhile: that takes the lock held here, and a slot or a snapshot would hold it already.
            let gone = |pair: &Arc<Pair>| Arc::strong_count(pair) == 1 && pair.is_empty();
            if pairs.get(&name).is_some_and(gone) {
                pairs.remove(&name);
            }
        }
        ended
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<Pair>>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
