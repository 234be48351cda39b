//! Browsers that have signed in: each has a number of its own, by which it is known for half a day.
//!
//! ```ignore
//! let id = sessions.begin(&token, now)?;
//! let key = sessions.find(&id, &token, now);    // None as soon as the token is another one
//! ```

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::rand::rand_bytes;
use openssl::sha::sha256;

use super::Token;
use crate::limits::Now;

/// From the sign-in to the end, used or not.
pub(super) const LASTS: Duration = Duration::from_secs(12 * 3600);
/// Sessions at the same time; for one more the oldest ends. Only who knows the token can begin one.
const MOST: usize = 256;

/// The digest of a session's number: what is kept is worth nothing to whoever reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key([u8; 32]);

impl Key {
    fn of(id: &str) -> Key {
        Key(sha256(id.as_bytes()))
    }
}

struct Session {
    key: Key,
    /// It ends when this is no longer the token of the file.
    token: Token,
    until: Now,
}

/// The sessions, the oldest first.
#[derive(Default)]
pub(super) struct Sessions {
    list: Mutex<VecDeque<Session>>,
}

impl Sessions {
    /// Begins a session of somebody who knows the token. Returns its number, which nobody else will ever see.
    pub(super) fn begin(&self, token: &Token, now: Now) -> Result<String, ErrorStack> {
        let mut number = [0; 32];
        rand_bytes(&mut number)?;
        let id: String = number.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut list = self.lock();
        list.retain(|session| session.until > now && session.token == *token);
        while list.len() >= MOST {
            list.pop_front();
        }
        list.push_back(Session {
            key: Key::of(&id),
            token: *token,
            until: now.after(LASTS),
        });
        Ok(id)
    }

    /// The session with this number, if it runs.
    pub(super) fn find(&self, id: &str, token: &Token, now: Now) -> Option<Key> {
        let key = Key::of(id);
        self.runs(key, token, now).then_some(key)
    }

    /// Whether a session runs.
    pub(super) fn runs(&self, key: Key, token: &Token, now: Now) -> bool {
        let list = self.lock();
        let mut known = list.iter().filter(|session| session.key == key);
        known.any(|session| session.until > now && session.token == *token)
    }

    /// Ends the session with this number.
    pub(super) fn end(&self, id: &str) {
        let key = Key::of(id);
        self.lock().retain(|session| session.key != key);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Session>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Token {
        Token::new(&text.repeat(16)).unwrap()
    }

    #[test]
    fn a_session_lasts_half_a_day_and_not_beyond_its_token_or_its_end() {
        let sessions = Sessions::default();
        let (now, token, other) = (Now(1), token("a"), token("b"));
        let id = sessions.begin(&token, now).unwrap();
        assert_eq!(id.len(), 64);
        let shortly_before = now.after(LASTS - Duration::from_secs(1));
        assert!(sessions.find(&id, &token, shortly_before).is_some());
        assert!(sessions.find(&id, &token, now.after(LASTS)).is_none());
        assert!(sessions.find(&id, &other, now).is_none());
        assert!(sessions.find(&format!("{id}0"), &token, now).is_none());
        sessions.end(&id);
        assert!(sessions.find(&id, &token, now).is_none());
    }

    #[test]
    fn the_oldest_session_makes_room_and_what_is_over_takes_none() {
        let sessions = Sessions::default();
        let (now, token) = (Now(1), token("a"));
        let first = sessions.begin(&token, now).unwrap();
        let second = sessions.begin(&token, now).unwrap();
        for _ in 2..=MOST {
            sessions.begin(&token, now).unwrap();
        }
        assert!(sessions.find(&first, &token, now).is_none());
        assert!(sessions.find(&second, &token, now).is_some());
        sessions.begin(&token, now.after(LASTS)).unwrap();
        assert_eq!(sessions.lock().len(), 1);
    }
}
