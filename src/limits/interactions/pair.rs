//! One switchover pair, or one single server: its interactions and what they cost against the limits.
//!
//! Chats and callbacks survive a switchover, so both servers of a pair count into one [`Pair`]; the page chooses the server. All of it
//! is behind one lock, which is held for a few look-ups: starts are rare, and so are pages.
//!
//! Ids are compared as they are given, so the caller passes one spelling of each.
//!
//! ```
//! use portcullis::limits::interactions::{Interactions, Kind, Rejoin, Rejoined};
//! use portcullis::limits::{Address, Now};
//! let pair = Interactions::new().pair("cic");
//! let (server, address) = ("cic-b".into(), Address::from(std::net::IpAddr::from([192, 0, 2, 7])));
//! let rejoin =
//!     Rejoin { kind: Kind::Chat, server: &server, id: "chat 1", participant: "participant 2", vouched: true, address, asked: Now(0) };
//! assert_eq!(pair.reconnected(&rejoin, Now(5)), Rejoined::Anew, "the gateway was restarted since the chat began");
//! assert_eq!(pair.counts().chats, 1);
//! ```

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::admission;
use super::ask::{Ask, Rejoin, Rejoined, Reserved, User};
use super::digest::Digests;
use super::parameter::Parameter;
use super::rules::{Rules, Silence};
use super::slot::{Slot, Started};
use super::tally::{Kind, Owner, Totals, Who};
use super::view::{Counts, Phase, View};
use crate::limits::address::Address;
use crate::limits::clock::Now;
use crate::limits::rules::Mode;

pub(super) mod memory;
mod state;

use state::{Arrival, State};

/// Most interactions that a pair holds: started, reserved and in doubt. What comes on top is let through and not counted.
///
/// SECURITY: the bound of the memory. Limits of active interactions above it would not be reached, so a file must not state them.
pub const MOST_HELD: u32 = 65_536;

/// The counts of one pair. Everything that is heard of its two servers comes here.
pub struct Pair {
    name: Arc<str>,
    digests: Digests,
    state: Mutex<State>,
}

impl Pair {
    pub(super) fn new(name: Arc<str>, digests: Digests, totals: Arc<Totals>) -> Self {
        Self {
            name,
            digests,
            state: Mutex::new(State::new(totals)),
        }
    }

    /// Its name in the file.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Reserves the place of a start, before it is forwarded. All limits are asked and charged as one.
    ///
    /// # Errors
    /// The first limit that is reached. Nothing was charged, bursts included.
    pub fn reserve(
        self: &Arc<Self>,
        ask: Ask<'_>,
        rules: &Rules,
        now: Now,
    ) -> Result<Reserved, Parameter> {
        let who = match ask.user {
            User::Unknown => Who::Unknown,
            User::Anonymous => Who::Anonymous,
            User::Named(name) => Who::Named(self.digests.user(name)),
        };
        let owner = Owner {
            kind: ask.kind,
            address: ask.address,
            who,
        };
        let mut state = self.lock(now);
        let State { tally, bursts, .. } = &mut *state;
        let judge = |_| admission::exceeded(&owner, ask.trusted, rules, tally, bursts, now);
        let mut over = rules.mode.and_then(judge);
        let enforced = rules.mode == Some(Mode::Enforce);
        if let Some(parameter) = over.filter(|_| enforced) {
            return Err(parameter);
        }
        let counts = !state.is_full();
        let (total, parameter) = rules.total(ask.kind);
        let total = total.filter(|_| rules.mode.is_some());
        if counts && !state.tally.try_add(owner, total) {
            if enforced {
                return Err(parameter);
            }
            over = over.or(Some(parameter));
            state.tally.add(owner);
        }
        if over.is_none() && rules.mode.is_some() {
            // Under Observe, what enforcing would refuse takes no place either: a steady excess is then seen as the part that exceeds.
            state.bursts.take(ask.kind, now);
        }
        let number = counts.then(|| state.reserve(owner, now));
        state.uncounted += u64::from(!counts);
        drop(state);
        Ok(Reserved {
            slot: Slot::new(Arc::clone(self), number),
            observed: over,
        })
    }

    /// A server has let a page rejoin its interaction. Its old participant id is worth nothing from now on.
    pub fn reconnected(&self, rejoin: &Rejoin<'_>, now: Now) -> Rejoined {
        let arrival = self.arrival(rejoin.kind, rejoin.server, rejoin.id, rejoin.participant);
        let Some(arrival) = arrival else {
            return Rejoined::NotCounted;
        };
        let newcomer = Owner {
            kind: rejoin.kind,
            address: rejoin.address,
            who: Who::Unknown,
        };
        let mut state = self.lock(now);
        let arrival = match rejoin.vouched {
            true => arrival,
            false => state.with_own_participant(arrival),
        };
        state.rejoin(arrival, newcomer, rejoin.asked, now)
    }

    /// A server has answered this participant with success, so its interaction lives, on this server. True if it is counted.
    pub fn seen(&self, server: &Arc<str>, participant: &str, now: Now) -> bool {
        let Some(participant) = self.digests.participant(participant) else {
            return false;
        };
        let mut state = self.lock(now);
        let record = state.record_of(participant);
        let is_counted = record.is_some();
        if let Some((_, record)) = record {
            record.active = record.active.max(now);
            record.requests += 1;
            if record.server != *server {
                record.server = Arc::clone(server);
            }
        }
        is_counted
    }

    /// The participant has left: exit or disconnect was answered with success, or its own state has become disconnected. An agent's has
    /// no meaning here. True if that ended a counted interaction.
    pub fn ended(&self, participant: &str, now: Now) -> bool {
        let Some(participant) = self.digests.participant(participant) else {
            return false;
        };
        let mut state = self.lock(now);
        state.left.put(participant, now, now);
        let key = state.record_of(participant).map(|(key, _)| key);
        key.is_some_and(|key| state.end(key, now))
    }

    /// A server has answered this participant with `error.websvc.unknownEntity.session`. That ends its interaction if this server is
    /// the one that it is on: in a fail-over the page asks the other one, too. True if it ended one.
    pub fn unknown_session(&self, server: &str, participant: &str, now: Now) -> bool {
        let Some(digest) = self.digests.participant(participant) else {
            return false;
        };
        let mut state = self.lock(now);
        match state.record_of(digest) {
            Some((key, record)) => *record.server == *server && state.end(key, now),
            None => {
                let at_server = self.digests.participant_at(server, participant);
                state.unknown.put(at_server, now, now);
                false
            }
        }
    }

    /// Ends what has been silent, and the doubts that are as old. Looks at everything the pair holds, at most [`MOST_HELD`]: for a call
    /// every few seconds. Returns how many ended.
    pub fn sweep(&self, silence: Silence, now: Now) -> usize {
        self.lock(now).sweep(silence, now)
    }

    /// Drops what is in doubt for an address, at an operator's word: after a server has hung, the visitors behind one address may have
    /// used its limit up with starts that never were. Returns how many.
    pub fn forget_doubts(&self, address: Address) -> usize {
        let mut state = self.unclocked();
        state.drop_doubts(|start, _| start.owner.address == address)
    }

    /// How many interactions there are.
    pub fn counts(&self) -> Counts {
        let state = self.unclocked();
        let mut counts = Counts {
            uncounted: state.uncounted,
            ..Counts::default()
        };
        for record in state.records.values() {
            match record.owner.kind {
                Kind::Chat => counts.chats += 1,
                Kind::Callback => counts.callbacks += 1,
            }
        }
        for start in state.starts.values() {
            match start.doubt {
                None => counts.reserved += 1,
                Some(_) => counts.in_doubt += 1,
            }
        }
        counts
    }

    /// How many interactions the limit per address sees of this one: started, reserved and in doubt.
    pub fn of(&self, address: Address) -> u32 {
        self.unclocked().tally.address(address)
    }

    /// All interactions, the oldest first, for an operator.
    pub fn list(&self) -> Vec<View> {
        let state = self.unclocked();
        let records = state.records.values().map(|record| View {
            kind: record.owner.kind,
            address: record.owner.address,
            phase: Phase::Started,
            server: Some(Arc::clone(&record.server)),
            since: record.since,
            active: record.active,
            requests: record.requests,
        });
        let starts = state.starts.values().map(|start| View {
            kind: start.owner.kind,
            address: start.owner.address,
            phase: start.doubt.map_or(Phase::Reserved, |_| Phase::InDoubt),
            server: None,
            since: start.asked,
            active: start.doubt.unwrap_or(start.asked),
            requests: 0,
        });
        let mut all: Vec<View> = records.chain(starts).collect();
        drop(state);
        all.sort_by_key(|view| (view.since, view.address, view.kind, view.phase));
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.unclocked().tally.all() == 0
    }

    pub(super) fn started(
        &self,
        number: u64,
        server: &Arc<str>,
        id: &str,
        participant: &str,
        now: Now,
    ) -> Started {
        let mut state = self.lock(now);
        let kind = state.starts.get(&number).map(|start| start.owner.kind);
        let arrival = kind.and_then(|kind| self.arrival(kind, server, id, participant));
        match arrival {
            None => Started::InDoubt,
            Some(arrival) => state.start(number, arrival, now),
        }
    }

    pub(super) fn unanswered(&self, number: u64, sent: bool) {
        self.unclocked().unanswered(number, sent);
    }

    fn arrival(
        &self,
        kind: Kind,
        server: &Arc<str>,
        id: &str,
        participant: &str,
    ) -> Option<Arrival> {
        Some(Arrival {
            key: self.digests.id(kind, id)?,
            participant: self.digests.participant(participant)?,
            at_server: self.digests.participant_at(server, participant),
            server: Arc::clone(server),
        })
    }

    /// A drop is not told the time, so that the latest that was heard stands in for it.
    fn lock(&self, now: Now) -> MutexGuard<'_, State> {
        let mut state = self.unclocked();
        state.latest = state.latest.max(now);
        state
    }

    fn unclocked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn is_sound(&self) -> bool {
        self.unclocked().is_sound()
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pair({}, {:?})", self.name, self.counts())
    }
}

#[cfg(test)]
mod tests;
