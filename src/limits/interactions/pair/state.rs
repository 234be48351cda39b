//! What a pair knows of its interactions, and what each answer of a server changes. Behind the pair's lock.
//!
//! ```ignore
//! let number = state.reserve(owner, now);
//! state.start(number, Arrival { key, participant, at_server, server }, now);
//! state.end(key, now);
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::clock::Now;
use crate::limits::interactions::digest::Digest;
use crate::limits::interactions::rules::Silence;
use crate::limits::interactions::tally::{Owner, Tally, Totals, Who};
use crate::limits::interactions::tombstones::Tombstones;
use crate::limits::interactions::window::Bursts;
use crate::limits::interactions::{Rejoined, Started};

/// A start without its answer.
pub(super) struct Start {
    pub(super) owner: Owner,
    pub(super) asked: Now,
    /// Since when it is in doubt; none while its request is there.
    pub(super) doubt: Option<Now>,
}

/// An interaction that the server has.
pub(super) struct Record {
    pub(super) owner: Owner,
    pub(super) since: Now,
    pub(super) active: Now,
    pub(super) server: Arc<str>,
    pub(super) participant: Digest,
    /// When the start or the reconnect that gave this participant id was asked for.
    pub(super) asked: Now,
    /// Known from a reconnect only, so that the owner is a guess.
    pub(super) adopted: bool,
    /// Answered with success.
    pub(super) requests: u64,
}

/// What the answer to a start or a reconnect says.
pub(super) struct Arrival {
    pub(super) key: Digest,
    pub(super) participant: Digest,
    /// The same at this server, for ends that only this server has told.
    pub(super) at_server: Digest,
    pub(super) server: Arc<str>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) tally: Tally,
    pub(super) bursts: Bursts,
    pub(super) starts: HashMap<u64, Start>,
    pub(super) records: HashMap<Digest, Record>,
    /// The present participant id of each record, and no older one.
    pub(super) participants: HashMap<Digest, Digest>,
    /// Participants that have left, up to when that was told.
    pub(super) left: Tombstones,
    /// Participants at a server that did not know their session, likewise.
    pub(super) unknown: Tombstones,
    /// Interactions that have ended, up to when their last participant id was asked for: starts and reconnects before that one are part
    /// of what has ended.
    ended: Tombstones,
    /// The latest time that a call has told.
    pub(super) latest: Now,
    pub(super) uncounted: u64,
    pub(super) last_number: u64,
}

impl State {
    pub(super) fn new(totals: Arc<Totals>) -> Self {
        Self {
            tally: Tally::new(totals),
            ..Self::default()
        }
    }

    /// Keeps the place of a start that is charged already.
    pub(super) fn reserve(&mut self, owner: Owner, now: Now) -> u64 {
        self.last_number += 1;
        let start = Start {
            owner,
            asked: now,
            doubt: None,
        };
        self.starts.insert(self.last_number, start);
        self.last_number
    }

    /// The start's request is gone without the server's word.
    pub(super) fn unanswered(&mut self, number: u64, sent: bool) {
        if !sent {
            if let Some(start) = self.starts.remove(&number) {
                self.tally.remove(start.owner);
            }
            return;
        }
        let Some(start) = self.starts.get_mut(&number) else {
            return;
        };
        start.doubt = Some(self.latest);
        // SECURITY: only the server's success proves a name. If doubts counted for it, five aborted starts in the name of somebody else
        // would lock that account out.
        if let Who::Named(user) = start.owner.who {
            start.owner.who = Who::Unknown;
            self.tally.remove_user(user);
        }
    }

    /// The server has started it.
    pub(super) fn start(&mut self, number: u64, arrival: Arrival, now: Now) -> Started {
        let Some(Start { owner, asked, .. }) = self.starts.remove(&number) else {
            return Started::NotCounted;
        };
        let is_over = self.left.get(arrival.participant, now).is_some()
            || self.unknown.get(arrival.at_server, now).is_some();
        if is_over || self.ended.covers(arrival.key, asked, now) {
            self.tally.remove(owner);
            return Started::Over;
        }
        let Some(record) = self.records.get_mut(&arrival.key) else {
            self.insert(owner, asked, arrival, false, now);
            return Started::Counted;
        };
        if record.adopted {
            // Whoever started it owns it; the reconnect that was faster may have come from elsewhere.
            self.tally.remove(record.owner);
            record.owner = owner;
            record.since = asked;
            record.adopted = false;
        } else {
            self.tally.remove(owner);
        }
        self.move_to(arrival, asked, now);
        Started::Again
    }

    /// The same with the participant id that the interaction has, if it is known.
    ///
    /// SECURITY: a visitor who names another one would be seen no more under his own: his chat would run on and not be counted.
    pub(super) fn with_own_participant(&self, arrival: Arrival) -> Arrival {
        match self.records.get(&arrival.key) {
            None => arrival,
            Some(record) => Arrival {
                participant: record.participant,
                ..arrival
            },
        }
    }

    /// The server has let a page rejoin. `newcomer` is charged if the interaction is not known.
    pub(super) fn rejoin(
        &mut self,
        arrival: Arrival,
        newcomer: Owner,
        asked: Now,
        now: Now,
    ) -> Rejoined {
        if let Some(record) = self.records.get_mut(&arrival.key)
            && record.asked > asked
        {
            // A later reconnect was answered first; this one's participant id is old already.
            record.active = record.active.max(now);
            return Rejoined::Stale;
        }
        // An end that was told before the reconnect was asked for is refuted by it.
        let has_left = self.left.covers(arrival.participant, asked, now);
        if has_left || self.ended.covers(arrival.key, asked, now) {
            self.ended.put(arrival.key, asked, now);
            self.remove(arrival.key);
            return Rejoined::Over;
        }
        if self.records.contains_key(&arrival.key) {
            self.move_to(arrival, asked, now);
            return Rejoined::Rekeyed;
        }
        if self.is_full() {
            self.uncounted += 1;
            return Rejoined::NotCounted;
        }
        self.tally.add(newcomer);
        self.insert(newcomer, asked, arrival, true, now);
        Rejoined::Anew
    }

    pub(super) fn is_full(&self) -> bool {
        self.tally.all() >= super::MOST_HELD
    }

    fn insert(&mut self, owner: Owner, asked: Now, arrival: Arrival, adopted: bool, now: Now) {
        self.participants.insert(arrival.participant, arrival.key);
        let record = Record {
            owner,
            since: asked,
            active: now,
            server: arrival.server,
            participant: arrival.participant,
            asked,
            adopted,
            requests: 1,
        };
        self.records.insert(arrival.key, record);
    }

    /// Gives a record the participant id and the server of an answer, unless it has those of a later one.
    fn move_to(&mut self, arrival: Arrival, asked: Now, now: Now) {
        let Some(record) = self.records.get_mut(&arrival.key) else {
            return;
        };
        record.active = record.active.max(now);
        record.requests += 1;
        if record.asked > asked {
            return;
        }
        record.asked = asked;
        record.server = arrival.server;
        let old = std::mem::replace(&mut record.participant, arrival.participant);
        self.forget_participant(old, arrival.key);
        self.participants.insert(arrival.participant, arrival.key);
    }

    /// A participant id goes with its record, unless a server has given it to another one since.
    fn forget_participant(&mut self, participant: Digest, key: Digest) {
        if self.participants.get(&participant) == Some(&key) {
            self.participants.remove(&participant);
        }
    }

    /// The record that has this participant id now.
    pub(super) fn record_of(&mut self, participant: Digest) -> Option<(Digest, &mut Record)> {
        let key = *self.participants.get(&participant)?;
        self.records.get_mut(&key).map(|record| (key, record))
    }

    /// Ends a record at the server's word.
    pub(super) fn end(&mut self, key: Digest, now: Now) -> bool {
        let asked = self.records.get(&key).map(|record| record.asked);
        if let Some(asked) = asked {
            self.ended.put(key, asked, now);
        }
        self.remove(key)
    }

    /// False when there is no such record.
    fn remove(&mut self, key: Digest) -> bool {
        let Some(record) = self.records.remove(&key) else {
            return false;
        };
        self.forget_participant(record.participant, key);
        self.tally.remove(record.owner);
        true
    }

    /// Ends what has been silent for longer.
    pub(super) fn sweep(&mut self, silence: Silence, now: Now) -> usize {
        let is_over = |owner: &Owner, then: Now| now.since(then) > silence.of(owner.kind);
        let silent = self.records.iter();
        let silent = silent.filter(|(_, record)| is_over(&record.owner, record.active));
        let silent: Vec<Digest> = silent.map(|(key, _)| *key).collect();
        for key in &silent {
            self.remove(*key);
        }
        for tombstones in [&mut self.left, &mut self.unknown, &mut self.ended] {
            tombstones.forget(now);
        }
        let doubted = |start: &Start, since| now.since(since) > silence.in_doubt(start.owner.kind);
        silent.len() + self.drop_doubts(doubted)
    }

    /// Drops the starts in doubt that are to be dropped.
    pub(super) fn drop_doubts(&mut self, is_dropped: impl Fn(&Start, Now) -> bool) -> usize {
        let (starts, tally) = (&mut self.starts, &mut self.tally);
        let before = starts.len();
        starts.retain(|_, start| {
            let drops = start.doubt.is_some_and(|since| is_dropped(start, since));
            if drops {
                tally.remove(start.owner);
            }
            !drops
        });
        before - starts.len()
    }

    /// Whether the numbers are those of what is there.
    #[cfg(test)]
    pub(super) fn is_sound(&self) -> bool {
        let starts = self.starts.values().map(|start| start.owner);
        let records = self.records.values().map(|record| record.owner);
        let alive = |(participant, key): (&Digest, &Digest)| {
            let record = self.records.get(key);
            record.is_some_and(|record| record.participant == *participant)
        };
        self.tally.is_of(starts.chain(records)) && self.participants.iter().all(alive)
    }
}
