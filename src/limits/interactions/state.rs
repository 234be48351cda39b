//! The interactions of one pair: by number, by the server's id, and by the participant's.
//!
//! SECURITY: ids of chats and participants are what a visitor proves himself with, so only digests of them are kept.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Duration;

use super::count::{Ask, Counts, Kind, User};
use super::window::Window;
use crate::limits::address::Address;
use crate::limits::clock::Now;

/// Ended participants that are remembered, so that a late answer about one does no harm.
const REMEMBERED: usize = 16 * 1024;
/// How long: longer than any request of a page takes.
const LATE: Duration = Duration::from_secs(60);

/// How far an interaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A start is on its way to the server.
    Reserved,
    /// A start was sent and nobody heard the answer.
    InDoubt,
    /// The server has said that it runs.
    Running {
        id: u64,
        participant: u64,
        server: u64,
    },
}

/// One place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub kind: Kind,
    pub owner: Address,
    /// A digest of the user's name; `None`: anonymous or unknown.
    pub user: Option<u64>,
    pub anonymous: bool,
    pub phase: Phase,
    pub heard: Now,
    /// What it may be silent for.
    pub silence: Duration,
}

#[derive(Debug, Default)]
pub(super) struct State {
    seed: RandomState,
    next: u64,
    records: HashMap<u64, Record>,
    by_id: HashMap<(Kind, u64), u64>,
    by_participant: HashMap<u64, u64>,
    by_address: HashMap<Address, u32>,
    by_user: HashMap<u64, u32>,
    pub anonymous: u32,
    pub chats: u32,
    pub callbacks: u32,
    pub starts: Window,
    pub chat_starts: Window,
    pub callback_starts: Window,
    ended: HashMap<u64, Now>,
}

impl State {
    pub(super) fn digest(&self, text: impl Hash) -> u64 {
        self.seed.hash_one(text)
    }

    pub(super) fn of_address(&self, address: Address) -> u32 {
        self.by_address.get(&address).copied().unwrap_or(0)
    }

    pub(super) fn of_user(&self, user: u64) -> u32 {
        self.by_user.get(&user).copied().unwrap_or(0)
    }

    pub(super) fn of_kind(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Chat => self.chats,
            Kind::Callback => self.callbacks,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn record_of(&self, participant: u64) -> Option<(u64, &Record)> {
        let number = *self.by_participant.get(&participant)?;
        Some((number, self.records.get(&number)?))
    }

    pub(super) fn number_of(&self, kind: Kind, id: u64) -> Option<u64> {
        self.by_id.get(&(kind, id)).copied()
    }

    pub(super) fn record_mut(&mut self, number: u64) -> Option<&mut Record> {
        self.records.get_mut(&number)
    }

    /// One more place.
    pub(super) fn add(&mut self, ask: &Ask<'_>, phase: Phase, silence: Duration, now: Now) -> u64 {
        let user = match ask.user {
            User::Named(name) => Some(self.digest(name)),
            User::Anonymous | User::Unknown => None,
        };
        let record = Record {
            kind: ask.kind,
            owner: ask.address,
            user,
            anonymous: ask.user == User::Anonymous,
            phase,
            heard: now,
            silence,
        };
        let number = self.next;
        self.next += 1;
        self.records.insert(number, record);
        *self.by_address.entry(record.owner).or_default() += 1;
        if let Some(user) = record.user {
            *self.by_user.entry(user).or_default() += 1;
        }
        self.anonymous += u32::from(record.anonymous);
        *self.kind_mut(record.kind) += 1;
        self.link(number);
        number
    }

    /// Gives a place another phase.
    pub(super) fn become_phase(&mut self, number: u64, phase: Phase, now: Now) {
        self.unlink(number, now);
        if let Some(record) = self.records.get_mut(&number) {
            record.phase = phase;
            record.heard = now;
        }
        self.link(number);
    }

    /// One place less. Returns its kind.
    pub(super) fn remove(&mut self, number: u64, now: Now) -> Option<Kind> {
        self.unlink(number, now);
        let record = self.records.remove(&number)?;
        less(&mut self.by_address, record.owner);
        if let Some(user) = record.user {
            less(&mut self.by_user, user);
        }
        self.anonymous = self.anonymous.saturating_sub(u32::from(record.anonymous));
        let count = self.kind_mut(record.kind);
        *count = count.saturating_sub(1);
        Some(record.kind)
    }

    /// Places of which nothing was heard for too long. A reserved one is held by its request, however long that takes.
    pub(super) fn silent(&self, now: Now) -> Vec<u64> {
        let is_silent = |record: &Record| {
            record.phase != Phase::Reserved && now.since(record.heard) >= record.silence
        };
        let silent = self.records.iter().filter(|(_, record)| is_silent(record));
        silent.map(|(number, _)| *number).collect()
    }

    /// Whether this participant has ended not long ago.
    pub(super) fn has_ended(&self, participant: u64, now: Now) -> bool {
        self.ended
            .get(&participant)
            .is_some_and(|then| now.since(*then) < LATE)
    }

    /// Remembers that a participant has ended.
    pub(super) fn remember(&mut self, participant: u64, now: Now) {
        if self.ended.len() >= REMEMBERED {
            self.ended.retain(|_, then| now.since(*then) < LATE);
        }
        if self.ended.len() < REMEMBERED {
            self.ended.insert(participant, now);
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let of = |phase| {
            let places = self.records.values().filter(|record| record.phase == phase);
            u32::try_from(places.count()).unwrap_or(u32::MAX)
        };
        Counts {
            chats: self.chats,
            callbacks: self.callbacks,
            reserved: of(Phase::Reserved),
            in_doubt: of(Phase::InDoubt),
        }
    }

    fn kind_mut(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::Chat => &mut self.chats,
            Kind::Callback => &mut self.callbacks,
        }
    }

    fn link(&mut self, number: u64) {
        if let Some(record) = self.records.get(&number)
            && let Phase::Running {
                id, participant, ..
            } = record.phase
        {
            self.by_id.insert((record.kind, id), number);
            self.by_participant.insert(participant, number);
        }
    }

    fn unlink(&mut self, number: u64, now: Now) {
        let Some(record) = self.records.get(&number).copied() else {
            return;
        };
        if let Phase::Running {
            id, participant, ..
        } = record.phase
        {
            self.by_id.remove(&(record.kind, id));
            self.by_participant.remove(&participant);
            self.remember(participant, now);
        }
    }
}

fn less<K: Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}
