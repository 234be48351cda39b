//! What an administrator should hear of, but not with every request: each sentence is logged once an hour.
//!
//! ```
//! use portcullis::observe::notices::Notices;
//! let notices = Notices::default();
//! assert!(notices.warn("the backup names a server that no route leads to"));
//! assert!(!notices.warn("the backup names a server that no route leads to"));
//! ```

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::warn;

const AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);
/// SECURITY: what a server says decides about these sentences, so there is an end to what is remembered of them.
const REMEMBERED: usize = 1024;

/// The sentences of the last hour, as digests.
#[derive(Debug, Default)]
pub struct Notices {
    said: Mutex<HashMap<u64, Instant>>,
}

impl Notices {
    /// Logs a warning unless the same one was logged within the hour. Returns whether it did.
    pub fn warn(&self, sentence: &str) -> bool {
        let due = self.is_due(sentence, Instant::now());
        if due {
            warn!("{sentence}");
        }
        due
    }

    fn is_due(&self, sentence: &str, now: Instant) -> bool {
        let mut digest = DefaultHasher::new();
        sentence.hash(&mut digest);
        let digest = digest.finish();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said
            .get(&digest)
            .is_some_and(|then| now < *then + AGAIN_AFTER)
        {
            return false;
        }
        if said.len() >= REMEMBERED {
            said.retain(|_, then| now < *then + AGAIN_AFTER);
        }
        if said.len() >= REMEMBERED {
            return false;
        }
        said.insert(digest, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_said_once_an_hour_and_others_beside_it() {
        let notices = Notices::default();
        let now = Instant::now();
        assert!(notices.is_due("a", now));
        assert!(!notices.is_due("a", now + AGAIN_AFTER / 2));
        assert!(notices.is_due("b", now + AGAIN_AFTER / 2));
        assert!(notices.is_due("a", now + AGAIN_AFTER));
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let notices = Notices::default();
        let now = Instant::now();
        let due = (0..2 * REMEMBERED)
            .filter(|number| notices.is_due(&number.to_string(), now))
            .count();
        assert_eq!(due, REMEMBERED);
        assert!(notices.is_due("later", now + AGAIN_AFTER));
    }
}
