//! Ids and names as they are kept: sixteen bytes that nobody can turn back.
//!
//! ```ignore
//! let digests = Digests::default();
//! assert_eq!(digests.id(Kind::Chat, "7a"), digests.id(Kind::Chat, "7a"));
//! assert_ne!(digests.id(Kind::Chat, "7a"), digests.id(Kind::Callback, "7a"));
//! ```

use std::hash::{BuildHasher, Hash, RandomState};

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::tally::Kind;

/// Longest id that is counted, in bytes. The vendor's are GUIDs.
pub const MAX_ID_BYTES: usize = 256;

/// Stands for an id or a name.
///
/// SECURITY: whoever knows a participant id speaks as that visitor, and a chatID is enough to reconnect. Neither is kept, so no list,
/// log or dump can show one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Digest(u128);

impl Digest {
    /// A part of it, for a table of several parts.
    pub(crate) fn spread(self) -> usize {
        // As good as any other bits of it.
        self.0 as usize
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        format!("{:032x}", digest.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Digest)
    }
}

/// Makes digests.
///
/// SECURITY: a keyed hash with a key that the process draws at random. An unkeyed one would let a visitor look for a user name that
/// collides with somebody else's.
#[derive(Clone)]
pub(crate) struct Digests(SipHasher13);

/// The key of the process, which only its successor gets to know.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct DigestKey(u64, u64);

impl DigestKey {
    fn draw() -> Self {
        // Each of these is keyed anew by the system's own randomness.
        let half = || RandomState::new().hash_one("portcullis");
        DigestKey(half(), half())
    }
}

impl From<DigestKey> for Digests {
    fn from(DigestKey(high, low): DigestKey) -> Self {
        Digests(SipHasher13::new_with_keys(high, low))
    }
}

impl Default for Digests {
    fn default() -> Self {
        DigestKey::draw().into()
    }
}

impl Digests {
    /// Its key, for the successor of the process.
    pub(super) fn key(&self) -> DigestKey {
        let (high, low) = self.0.keys();
        DigestKey(high, low)
    }

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

    /// Of anything else; whoever asks says what it is of, so that two kinds of ids never meet.
    pub(crate) fn of(&self, value: impl Hash) -> Digest {
        let mut hasher = self.0;
        value.hash(&mut hasher);
        Digest(hasher.finish128().as_u128())
    }
}

fn is_usable(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID_BYTES
}
