//! What the next process goes on with, so that an upgrade gives nobody a second helping of chats. For the successor only, never for a
//! file: the key of the digests is in it.
//!
//! ```
//! use portcullis::limits::interactions::{Heritage, Interactions};
//! use portcullis::limits::Clock;
//! let old = Interactions::new();
//! let new = Interactions::after(&old.key());
//! let heritage = serde_json::to_string(&Heritage::of(&old, Clock::now()))?;
//! serde_json::from_str::<Heritage>(&heritage)?.restore(&new, Clock::now());
//! # Ok::<(), serde_json::Error>(())
//! ```

use serde::{Deserialize, Serialize};

use super::Interactions;
use super::digest::{DigestKey, Digests};
use super::pair::memory::KeptPair;
use crate::limits::clock::Now;

/// The key under which ids are remembered. SECURITY: with it, who sees a digest can try ids out; it goes to a successor and nowhere else.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub(super) DigestKey);

impl From<&Key> for Digests {
    fn from(key: &Key) -> Self {
        key.0.into()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The chats and callbacks of a process at one moment.
#[derive(Serialize, Deserialize)]
pub struct Heritage(Vec<KeptPair>);

impl Heritage {
    /// What there is at `now`.
    pub fn of(interactions: &Interactions, now: Now) -> Heritage {
        let pairs = interactions.pairs();
        Heritage(pairs.iter().map(|pair| KeptPair::of(pair, now)).collect())
    }

    /// Puts it into a process that was made with the old one's key and has seen nothing yet.
    pub fn restore(&self, interactions: &Interactions, now: Now) {
        for kept in &self.0 {
            kept.restore(&interactions.pair(&kept.name), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::{address, ask, calm};
    use super::super::{Counts, Interactions, Kind, Rules, Silence, User};
    use super::*;
    use crate::limits::{Clock, Mode};

    fn handed_on(old: &Interactions, now: Now) -> Interactions {
        let text = serde_json::to_string(&Heritage::of(old, now)).unwrap();
        assert!(!text.contains("chat 1"), "no id leaves the process: {text}");
        let key = serde_json::to_string(&old.key()).unwrap();
        let new = Interactions::after(&serde_json::from_str(&key).unwrap());
        let heritage: Heritage = serde_json::from_str(&text).unwrap();
        heritage.restore(&new, now);
        new
    }

    #[test]
    fn a_chat_counts_on_for_its_address_and_its_end_is_understood() {
        let (old, now) = (Interactions::new(), Clock::now());
        let server: Arc<str> = Arc::from("chat1");
        let rules = Rules {
            per_address: 1,
            mode: Some(Mode::Enforce),
            ..calm()
        };
        let reserved = old.pair("chat").reserve(ask(Kind::Chat, 1), &rules, now);
        let slot = reserved.unwrap().slot;
        slot.started(&server, "chat 1", "participant 1", now);
        let new = handed_on(&old, now);
        let pair = new.pair("chat");
        assert!(pair.is_sound());
        assert_eq!(new.total(Kind::Chat), 1);
        let again = pair.reserve(ask(Kind::Chat, 1), &rules, now);
        assert!(again.is_err(), "the address has its one chat already");
        assert!(pair.seen(&server, "participant 1", now));
        assert!(pair.ended("participant 1", now));
        assert!(pair.reserve(ask(Kind::Chat, 1), &rules, now).is_ok());
    }

    #[test]
    fn a_start_whose_answer_the_old_process_hears_is_in_doubt_and_names_nobody() {
        let (old, now) = (Interactions::new(), Clock::now());
        let mut named = ask(Kind::Callback, 1);
        named.user = User::Named("wally");
        let mut slot = old.pair("chat").reserve(named, &calm(), now).unwrap().slot;
        slot.sent();
        let new = handed_on(&old, now);
        let pair = new.pair("chat");
        let expected = Counts {
            in_doubt: 1,
            ..Counts::default()
        };
        assert_eq!(pair.counts(), expected);
        assert!(pair.is_sound());
        assert_eq!(pair.of(address(1)), 1);
        let later = now.after(std::time::Duration::from_secs(16 * 60));
        assert_eq!(pair.sweep(Silence::default(), later), 1);
        assert_eq!(pair.counts(), Counts::default());
    }
}
