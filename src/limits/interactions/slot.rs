//! The place of one start, from before it is forwarded until the server has answered.
//!
//! ```
//! use portcullis::limits::interactions::{Ask, Counts, Interactions, Kind, Rules, User};
//! use portcullis::limits::{Address, Now};
//! let pair = Interactions::new().pair("cic");
//! let address = Address::from(std::net::IpAddr::from([192, 0, 2, 7]));
//! let ask = Ask { kind: Kind::Chat, address, trusted: false, user: User::Unknown };
//! let mut slot = pair.reserve(ask, &Rules::default(), Now(0)).unwrap().slot;
//! slot.sent();
//! drop(slot); // the visitor has gone, and nobody knows whether the server has begun a chat
//! assert_eq!(pair.counts(), Counts { in_doubt: 1, ..Counts::default() });
//! ```

use std::fmt;
use std::sync::Arc;

use super::pair::Pair;
use crate::limits::clock::Now;

/// What became of a start that the server has answered with success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// It is counted from now on.
    Counted,
    /// Its id was counted already, by a reconnect that was faster or by a server that repeats itself. It counts once.
    Again,
    /// Its end was told before its start. It does not count.
    Over,
    /// One of its ids cannot be one. It counts in doubt until silence has passed.
    InDoubt,
    /// The pair holds [`MOST_HELD`](super::MOST_HELD), so it was not counted from the beginning.
    NotCounted,
}

/// A place, reserved. Dropped before [`sent`](Self::sent) it is free again. Dropped later without the server's word it counts in doubt
/// until silence has passed: a page gives up after 12 s and can leave a living chat behind.
#[must_use = "a dropped slot is a free place"]
pub struct Slot {
    pair: Arc<Pair>,
    /// None once its outcome is known, and of a start that is not counted.
    number: Option<u64>,
    sent: bool,
}

impl Slot {
    pub(super) fn new(pair: Arc<Pair>, number: Option<u64>) -> Self {
        Self {
            pair,
            number,
            sent: false,
        }
    }

    /// From now on the server may have seen the start. To be called before its first byte leaves, not after: a connection that breaks in
    /// between would otherwise make a living chat free.
    pub fn sent(&mut self) {
        self.sent = true;
    }

    /// The server has started it. An answer without one of the ids is no answer: drop the slot.
    pub fn started(mut self, server: &Arc<str>, id: &str, participant: &str, now: Now) -> Started {
        self.sent = true;
        let Some(number) = self.number else {
            return Started::NotCounted;
        };
        let outcome = self.pair.started(number, server, id, participant, now);
        if outcome != Started::InDoubt {
            self.number = None;
        }
        outcome
    }

    /// The server has answered that it did not start it, or was never reached. The burst's place is not given back.
    pub fn failed(mut self) {
        self.sent = false;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.pair.unanswered(number, self.sent);
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot(of {}, sent: {})", self.pair.name(), self.sent)
    }
}
