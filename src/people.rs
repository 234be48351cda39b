//! Who is signed in through this gateway, by kind, server and user.
//!
//! Sessions of users come into the registry by a server's success and by nothing else: the answer that signs a user in, or a success
//! within a session that began before this process. Each further success keeps a session alive. It ends by the server's success to a
//! sign-out, by the server's word that there is no such session, if that word was said to the session's own client, and it counts
//! no longer once it has been silent for [`Idle`]; a channel that stands open is not silent. Visitors are those of the chats and callbacks that
//! [`interactions`](crate::limits::interactions) has; they are looked at there and kept nowhere else.
//!
//! SECURITY: no request by itself makes, keeps or ends anybody here. No id of a session, no cookie and no token is kept, only digests
//! under a key of the process.
//!
//! ```
//! use portcullis::limits::{Address, Now};
//! use portcullis::people::{Idle, Kind, Newcomer, People};
//! use std::sync::Arc;
//! let people = Arc::new(People::new());
//! let (server, idle) = (Arc::from("icserver1"), Idle::default());
//! let address = Address::from(std::net::IpAddr::from([192, 0, 2, 7]));
//! let session = people.session(Kind::Icws, &server, "1234567890");
//! people.signed_in(session, &Newcomer { kind: Kind::Icws, server: &server, address, asked: Now(0) }, &idle, Now(5));
//! people.named(session, "agent1");
//! assert_eq!(people.list(&idle, Now(9))[0].user.as_deref(), Some("agent1"));
//! people.signed_out(session, Now(10));
//! assert!(people.list(&idle, Now(11)).is_empty());
//! ```

mod channel;
mod idle;
mod kind;
mod memory;
mod name;
mod record;
mod shard;
mod told;
mod view;
mod visitors;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::kinds::session::Credential;
use crate::limits::interactions::{Digest, Digests, Key};
use crate::limits::{Address, Now};

pub use channel::Channel;
pub use idle::Idle;
pub use kind::Kind;
pub use memory::Heritage;
pub use record::{Newcomer, Proofs};
pub use shard::Seen;
pub use view::View;
pub use visitors::visitors;

use record::Proof;
use shard::Shard;

/// Most sessions that are remembered, ended and silent ones among them. Who signs in beyond is counted and not listed.
///
/// SECURITY: the bound of the memory; about 300 bytes each.
pub const MOST_HELD: usize = 65_536;

/// No lock is shared by all cores.
const SHARDS: usize = 64;

/// A session, by a digest that nobody can turn back.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionKey(Digest);

/// The registry. Created once, outlives every snapshot.
pub struct People {
    digests: Digests,
    shards: Vec<Mutex<Shard>>,
    /// Sessions in all shards together.
    held: AtomicUsize,
    unlisted: AtomicU64,
}

impl People {
    /// Nobody is there.
    pub fn new() -> Self {
        People::with(Digests::default())
    }

    /// Nobody is there yet, and sessions are remembered under this key.
    pub fn under(key: &Key) -> Self {
        People::with(key.into())
    }

    fn with(digests: Digests) -> Self {
        People {
            digests,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            held: AtomicUsize::new(0),
            unlisted: AtomicU64::new(0),
        }
    }

    /// What stands for a session of a server.
    pub fn session(&self, kind: Kind, server: &str, id: &str) -> SessionKey {
        SessionKey(self.digests.of(("session", kind.name(), server, id)))
    }

    /// What stands for what a request shows for itself.
    pub fn proofs(&self, session: SessionKey, shown: [Credential<'_>; 2]) -> Proofs {
        let mut number = 0_u8;
        Proofs(shown.map(|credential| {
            number += 1;
            match credential {
                Credential::Unasked => Proof::Unasked,
                Credential::Missing => Proof::Missing,
                Credential::Sent(bytes) => {
                    Proof::Shown(self.digests.of(("proof", session.0, number, bytes)))
                }
            }
        }))
    }

    /// A server has signed somebody in. False if there is no room to list him.
    pub fn signed_in(
        &self,
        session: SessionKey,
        who: &Newcomer<'_>,
        idle: &Idle,
        now: Now,
    ) -> bool {
        let listed = self
            .shard(session)
            .begin(session, who, self.room(idle), now);
        if !listed {
            self.unlisted.fetch_add(1, Ordering::Relaxed);
        }
        listed
    }

    /// The same by a success within a session that is not known, as after a restart. Its user is not known then. Where there is no room
    /// nothing happens: whoever found none at his sign-in is counted already.
    pub fn found(
        &self,
        session: SessionKey,
        who: &Newcomer<'_>,
        proofs: Proofs,
        idle: &Idle,
        now: Now,
    ) {
        self.shard(session)
            .find(session, who, proofs, self.room(idle), now);
    }

    /// The server has said whose session it is. Returns the name as it is shown.
    pub fn named(&self, session: SessionKey, user: &str) -> Option<Arc<str>> {
        let user = name::shown(user)?;
        self.shard(session).name(session, user.clone());
        Some(user)
    }

    /// A server has answered a request within this session with success; it came in at `asked`, from `address`.
    pub fn seen(&self, session: SessionKey, address: Address, asked: Now, now: Now) -> Seen {
        self.shard(session).seen(session, address, asked, now)
    }

    /// With that success these were right.
    pub fn learn(&self, session: SessionKey, proofs: Proofs) {
        self.shard(session).learn(session, proofs);
    }

    /// Whether a request from `address` that shows these comes from the session's own client.
    pub fn is_own(&self, session: SessionKey, address: Address, proofs: Proofs) -> bool {
        self.shard(session).is_own(session, address, proofs)
    }

    /// The session has ended, at the server's word. What was asked before does not bring it back. Returns whose it was.
    pub fn signed_out(&self, session: SessionKey, now: Now) -> Option<Arc<str>> {
        self.shard(session).end(session, now)
    }

    /// A channel of this session stands open for as long as the guard lives; none for a session that is not known.
    pub fn channel(self: &Arc<Self>, session: SessionKey) -> Option<Channel> {
        let generation = self.shard(session).open(session)?;
        Some(Channel::new(Arc::clone(self), session, generation))
    }

    fn closed(&self, session: SessionKey, generation: u64, now: Now) {
        self.shard(session).close(session, generation, now);
    }

    /// Forgets what is over; to be called every few seconds.
    pub fn sweep(&self, idle: &Idle, now: Now) {
        let crowded = self.held.load(Ordering::Relaxed) > MOST_HELD / 4 * 3;
        for shard in &self.shards {
            lock(shard).sweep(idle, crowded, &self.held, now);
        }
    }

    /// The process before this one has ended, and with it the channels that it had.
    pub fn predecessor_ended(&self, now: Now) {
        for shard in &self.shards {
            lock(shard).forget_elsewhere(now);
        }
    }

    /// Who is signed in, in no order.
    pub fn list(&self, idle: &Idle, now: Now) -> Vec<View> {
        let mut views = Vec::new();
        for shard in &self.shards {
            lock(shard).each(|record| {
                if record.is_there(idle, now) {
                    views.push(record.view());
                }
            });
        }
        views
    }

    /// How many are signed in, by kind and server.
    pub fn counts(&self, idle: &Idle, now: Now) -> BTreeMap<(Kind, Arc<str>), u64> {
        let mut counts = BTreeMap::new();
        for shard in &self.shards {
            lock(shard).each(|record| {
                if record.is_there(idle, now) {
                    let place = (record.kind, Arc::clone(&record.server));
                    *counts.entry(place).or_default() += 1;
                }
            });
        }
        counts
    }

    /// Sign-ins since the process began that found no room.
    pub fn unlisted(&self) -> u64 {
        self.unlisted.load(Ordering::Relaxed)
    }

    /// How many sessions are remembered, ended and silent ones among them.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn room<'a>(&'a self, idle: &'a Idle) -> shard::Room<'a> {
        shard::Room {
            held: &self.held,
            most: MOST_HELD,
            idle,
        }
    }

    fn shard(&self, session: SessionKey) -> MutexGuard<'_, Shard> {
        // SECURITY: the digest is keyed, so nobody can choose ids that meet in one shard.
        lock(&self.shards[session.0.spread() % SHARDS])
    }
}

impl Default for People {
    fn default() -> Self {
        People::new()
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
