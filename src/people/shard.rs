//! A part of the sessions, behind one lock: what each answer of a server changes.
//!
//! ```ignore
//! shard.begin(session, &newcomer, room, now);
//! assert_eq!(shard.seen(session, address, asked, now), Seen::Here { learns: true, user: None });
//! shard.end(session, now);
//! ```

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::limits::{Address, Now};

use super::record::{Newcomer, Proofs, Record};
use super::{Idle, SessionKey};

/// How long an end is remembered: longer than any answer is waited for.
pub(super) const ENDED: Duration = Duration::from_secs(120);
/// How long a silent session is remembered beyond its idle time, so that whoever comes back has his name and his beginning.
pub(super) const SILENT: Duration = Duration::from_secs(8 * 3600);

/// How soon a full shard is looked through again for what is over.
const AGAIN: Duration = Duration::from_secs(1);

/// What became of a success within a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It is known and lives on. `learns`: not everything is known yet by which its requests can be told from others.
    Here {
        /// Whether [`People::learn`](super::People::learn) is worth while.
        learns: bool,
        /// Whose it is, as far as the server has said.
        user: Option<Arc<str>>,
    },
    /// It is not known.
    Unknown,
    /// It has ended since that was asked.
    Over,
}

/// How many sessions there may be.
#[derive(Clone, Copy)]
pub(super) struct Room<'a> {
    pub(super) held: &'a AtomicUsize,
    pub(super) most: usize,
    pub(super) idle: &'a Idle,
}

#[derive(Default)]
pub(super) struct Shard {
    records: HashMap<SessionKey, Record>,
    last_generation: u64,
    /// When what is over was last dropped.
    swept: Now,
}

impl Shard {
    /// False if there is no room.
    pub(super) fn begin(
        &mut self,
        session: SessionKey,
        who: &Newcomer<'_>,
        room: Room<'_>,
        now: Now,
    ) -> bool {
        if !self.records.contains_key(&session) && !self.make_room(room, now) {
            return false;
        }
        self.last_generation += 1;
        let record = Record::new(who, self.last_generation, now);
        if self.records.insert(session, record).is_none() {
            room.held.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Only if it is not known: whoever came first knows more.
    pub(super) fn find(
        &mut self,
        session: SessionKey,
        who: &Newcomer<'_>,
        proofs: Proofs,
        room: Room<'_>,
        now: Now,
    ) {
        if !self.records.contains_key(&session) && self.begin(session, who, room, now) {
            self.learn(session, proofs);
        }
    }

    fn make_room(&mut self, room: Room<'_>, now: Now) -> bool {
        if room.held.load(Ordering::Relaxed) < room.most {
            return true;
        }
        // SECURITY: not with every request of those who find no room.
        if now.since(self.swept) < AGAIN {
            return false;
        }
        self.sweep(room.idle, true, room.held, now);
        room.held.load(Ordering::Relaxed) < room.most
    }

    pub(super) fn name(&mut self, session: SessionKey, user: Arc<str>) {
        if let Some(record) = self.records.get_mut(&session) {
            record.user = Some(user);
        }
    }

    /// PERF: what a request of a signed-in user costs.
    pub(super) fn seen(
        &mut self,
        session: SessionKey,
        address: Address,
        asked: Now,
        now: Now,
    ) -> Seen {
        let Some(record) = self.records.get_mut(&session) else {
            return Seen::Unknown;
        };
        if record.ended.is_some_and(|ended| asked <= ended) {
            return Seen::Over;
        }
        // A success that was asked for after the end refutes it.
        record.ended = None;
        record.active = record.active.max(now);
        record.address = address;
        record.requests += 1;
        Seen::Here {
            learns: record.known.contains(&None),
            user: record.user.clone(),
        }
    }

    pub(super) fn learn(&mut self, session: SessionKey, proofs: Proofs) {
        if let Some(record) = self.records.get_mut(&session) {
            record.learn(proofs);
        }
    }

    pub(super) fn is_own(&self, session: SessionKey, address: Address, proofs: Proofs) -> bool {
        let record = self.records.get(&session);
        record.is_some_and(|record| record.ended.is_none() && record.is_own(address, proofs))
    }

    /// Whose it was.
    pub(super) fn end(&mut self, session: SessionKey, now: Now) -> Option<Arc<str>> {
        let record = self.records.get_mut(&session)?;
        record.ended = Some(now);
        record.user.clone()
    }

    /// The generation that a channel belongs to.
    pub(super) fn open(&mut self, session: SessionKey) -> Option<u64> {
        let record = self.records.get_mut(&session)?;
        record.channels += 1;
        Some(record.generation)
    }

    pub(super) fn close(&mut self, session: SessionKey, generation: u64, now: Now) {
        if let Entry::Occupied(mut record) = self.records.entry(session)
            && record.get().generation == generation
        {
            let record = record.get_mut();
            record.channels = record.channels.saturating_sub(1);
            record.active = record.active.max(now);
        }
    }

    /// Drops what is over; where it is crowded, also whoever has been silent for his idle time.
    pub(super) fn sweep(&mut self, idle: &Idle, crowded: bool, held: &AtomicUsize, now: Now) {
        self.swept = self.swept.max(now);
        let before = self.records.len();
        self.records.retain(|_, record| match record.ended {
            Some(ended) => now.since(ended) <= ENDED,
            None if record.is_live() => true,
            None => {
                let beyond = if crowded { Duration::ZERO } else { SILENT };
                now.since(record.active) <= idle.of(record.kind).saturating_add(beyond)
            }
        });
        held.fetch_sub(before - self.records.len(), Ordering::Relaxed);
    }

    pub(super) fn forget_elsewhere(&mut self, now: Now) {
        for record in self.records.values_mut() {
            if std::mem::take(&mut record.elsewhere) {
                record.active = record.active.max(now);
            }
        }
    }

    pub(super) fn each(&self, mut show: impl FnMut(&Record)) {
        self.records.values().for_each(&mut show);
    }

    pub(super) fn records(&mut self) -> &mut HashMap<SessionKey, Record> {
        &mut self.records
    }
}
