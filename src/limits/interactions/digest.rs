//! Ids and names as they are kept: sixteen bytes that nobody can turn back.
//!
//! ```ignore
//! let digests = Digests::default();
//! assert_eq!(digests.id(Kind::Chat, "7a"), digests.id(Kind::Chat, "7a"));
//! assert_ne!(digests.id(Kind::Chat, "7a"), digests.id(Kind::Callback, "7a"));
//! ```

use std::hash::{BuildHasher, Hash, RandomState};

use super::tally::Kind;

/// Longest id that is counted, in bytes. The vendor's are GUIDs.
pub const MAX_ID_BYTES: usize = 256;

/// Stands for an id or a name.
///
/// SECURITY: whoever knows a participant id speaks as that visitor, and a chatID is enough to reconnect. Neither is kept, so no list,
/// log or dump can show one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest(u128);

/// Makes digests.
///
/// SECURITY: two keyed hashes with keys that the process draws at random. An unkeyed one would let a visitor look for a user name that
/// collides with somebody else's.
#[derive(Clone, Default)]
pub(super) struct Digests {
    high: RandomState,
    low: RandomState,
}

impl Digests {
    /// Of a chatID or callbackID; none of one that is empty or too long.
    pub(super) fn id(&self, kind: Kind, id: &str) -> Option<Digest> {
        is_usable(id).then(|| self.of((kind, id)))
    }

    /// Of a participant id; none of one that is empty or too long.
    pub(super) fn participant(&self, id: &str) -> Option<Digest> {
        is_usable(id).then(|| self.of(id))
    }

    /// Of a participant id at one server.
    pub(super) fn participant_at(&self, server: &str, id: &str) -> Digest {
        self.of((server, id))
    }

    /// Of a visitor's account. As it is spelt: whether a server tells case apart is not known, and the gateway shall refuse nobody whom
    /// the server would admit.
    pub(super) fn user(&self, name: &str) -> Digest {
        self.of(name)
    }

    fn of(&self, value: impl Hash) -> Digest {
        let (high, low) = (self.high.hash_one(&value), self.low.hash_one(&value));
        Digest(u128::from(high) << 64 | u128::from(low))
    }
}

fn is_usable(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID_BYTES
}
