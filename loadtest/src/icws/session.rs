//! Sessions: what a login creates and every later request must prove.
//!
//! ```no_run
//! # fn example(server: &loadtest::icws::IcwsServer) {
//! for session in server.sessions() {
//!     println!("{} {} from {}", session.id, session.user, session.peer);
//! }
//! # }
//! ```

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::mailbox::Mailbox;

/// Sessions that one simulated server holds at most.
pub(super) const MAX_SESSIONS: usize = 200_000;
/// Subscriptions that one session holds at most.
pub(super) const MAX_SUBSCRIPTIONS: usize = 1000;

/// One session.
pub struct Session {
    /// Session id: decimal digits.
    pub id: String,
    /// User id as given at login.
    pub user: String,
    /// Application name as given at login.
    pub application: String,
    /// Language fixed by Accept-Language at login.
    pub language: String,
    /// Address that the login came from.
    pub peer: IpAddr,
    /// The CSRF token that requests must carry.
    pub csrf_token: String,
    /// Value of the cookie `icws_<id>`.
    pub cookie_value: String,
    mailbox: Mailbox,
    subscriptions: Mutex<BTreeMap<String, Value>>,
    station: Mutex<Option<Value>>,
}

impl std::fmt::Debug for Session {
    /// Without the proofs, which are credentials.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = out.debug_struct("Session");
        shown
            .field("id", &self.id)
            .field("user", &self.user)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(
        id: String,
        who: (String, String, String),
        peer: IpAddr,
        proofs: (String, String),
    ) -> Self {
        let (user, application, language) = who;
        let (csrf_token, cookie_value) = proofs;
        Self {
            id,
            user,
            application,
            language,
            peer,
            csrf_token,
            cookie_value,
            mailbox: Mailbox::default(),
            subscriptions: Mutex::default(),
            station: Mutex::default(),
        }
    }

    /// Name of the session cookie.
    pub fn cookie_name(&self) -> String {
        format!("icws_{}", self.id)
    }

    /// The session's messages.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Subscriptions now: path after `messaging/subscriptions/` to the body of its PUT.
    pub fn subscriptions(&self) -> BTreeMap<String, Value> {
        lock(&self.subscriptions).clone()
    }

    pub(super) fn subscribe(&self, to: &str, settings: Value) -> bool {
        let mut subscriptions = lock(&self.subscriptions);
        let fits = subscriptions.len() < MAX_SUBSCRIPTIONS || subscriptions.contains_key(to);
        if fits {
            subscriptions.insert(to.to_owned(), settings);
        }
        fits
    }

    pub(super) fn unsubscribe(&self, from: &str) -> bool {
        lock(&self.subscriptions).remove(from).is_some()
    }

    pub(super) fn station(&self) -> MutexGuard<'_, Option<Value>> {
        lock(&self.station)
    }
}

/// The live sessions of one server.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

impl Sessions {
    /// Adds a session unless its id is taken or there are too many.
    pub(super) fn add(&self, session: Session) -> Option<Arc<Session>> {
        let mut sessions = lock(&self.0);
        if sessions.len() >= MAX_SESSIONS || sessions.contains_key(&session.id) {
            return None;
        }
        let session = Arc::new(session);
        sessions.insert(session.id.clone(), Arc::clone(&session));
        Some(session)
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Session>> {
        lock(&self.0).get(id).cloned()
    }

    pub(super) fn end(&self, id: &str) -> bool {
        let ended = lock(&self.0).remove(id);
        if let Some(session) = &ended {
            session.mailbox.close();
        }
        ended.is_some()
    }

    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        lock(&self.0).values().cloned().collect()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
