//! The counts of one pair of servers, and what requests and answers do to them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::count::{Ask, Counts, Kind, Totals, User};
use super::rules::{Parameter, Rules};
use super::slot::Slot;
use super::state::{Phase, State};
use crate::limits::address::Address;
use crate::limits::clock::Now;
use crate::limits::rules::Mode;

/// Places of one pair that can be counted. SECURITY: what is beyond is refused even where nothing limits.
const MOST: usize = 65_536;

/// One pair.
#[derive(Debug)]
pub struct Pair {
    name: Box<str>,
    state: Mutex<State>,
    totals: Arc<Totals>,
}

/// A place that was reserved.
#[derive(Debug)]
pub struct Reserved {
    /// The place.
    pub slot: Slot,
    /// What would have refused the start, were it enforced.
    pub observed: Option<Parameter>,
}

impl Pair {
    pub(super) fn new(name: &str, totals: Arc<Totals>) -> Self {
        Pair {
            name: name.into(),
            state: Mutex::default(),
            totals,
        }
    }

    /// The name that the servers share, or that of the one server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reserves a place for a start. All limits are looked at and charged under one lock, so that parallel starts cannot pass together.
    ///
    /// # Errors
    /// The limit that is exceeded; nothing is charged then.
    pub fn reserve(
        self: &Arc<Self>,
        ask: &Ask<'_>,
        rules: &Rules,
        now: Now,
    ) -> Result<Reserved, Parameter> {
        let mut state = self.state();
        let exceeded = rules.mode.and_then(|_| exceeded(&state, ask, rules, now));
        let enforced = rules.mode == Some(Mode::Enforce);
        if let Some(parameter) = exceeded.filter(|_| enforced) {
            return Err(parameter);
        }
        let (most, parameter) = match ask.kind {
            Kind::Chat => (rules.total_chats, Parameter::TotalChats),
            Kind::Callback => (rules.total_callbacks, Parameter::TotalCallbacks),
        };
        if state.len() >= MOST || !self.totals.take(ask.kind, most.filter(|_| enforced)) {
            return Err(parameter);
        }
        // Where nothing limits the starts, nothing need be known of them.
        if rules.mode.is_some() {
            state.starts.admit(rules.starts, now);
            match ask.kind {
                Kind::Chat => state.chat_starts.admit(rules.chat_starts, now),
                Kind::Callback => state.callback_starts.admit(rules.callback_starts, now),
            }
        }
        let silence = match ask.kind {
            Kind::Chat => rules.chat_silence,
            Kind::Callback => rules.callback_silence,
        };
        let number = state.add(ask, Phase::Reserved, silence, now);
        Ok(Reserved {
            slot: Slot::new(self.clone(), number),
            observed: exceeded,
        })
    }

    /// A reconnect was answered: the same interaction has another participant, perhaps on the other server. Its owner stays. One that
    /// is not known, after a restart or a long silence, is counted anew, beyond every limit: it runs.
    #[expect(clippy::too_many_arguments, reason = "all of it stands in one answer")]
    pub fn reconnected(
        &self,
        kind: Kind,
        server: &str,
        id: &str,
        participant: &str,
        address: Address,
        rules: &Rules,
        now: Now,
    ) {
        let mut state = self.state();
        let phase = running(&state, server, id, participant);
        let number = state.number_of(kind, state.digest(id));
        match number {
            Some(number) => state.become_phase(number, phase, now),
            None if state.len() < MOST => {
                let ask = Ask {
                    kind,
                    address,
                    trusted: false,
                    user: User::Unknown,
                };
                let silence = match kind {
                    Kind::Chat => rules.chat_silence,
                    Kind::Callback => rules.callback_silence,
                };
                if self.totals.take(kind, None) {
                    state.add(&ask, phase, silence, now);
                }
            }
            None => {}
        }
    }

    /// The server spoke of a participant's interaction as of one that runs.
    pub fn seen(&self, participant: &str, now: Now) {
        let mut state = self.state();
        let participant = state.digest(participant);
        let number = state.record_of(participant).map(|(number, _)| number);
        if let Some(record) = number.and_then(|number| state.record_mut(number)) {
            record.heard = record.heard.max(now);
        }
    }

    /// The server has ended a participant's interaction.
    pub fn ended(&self, participant: &str, now: Now) {
        let mut state = self.state();
        let participant = state.digest(participant);
        // Also if it is not known yet: the answer to its start may be just behind.
        state.remember(participant, now);
        if let Some((number, _)) = state.record_of(participant) {
            self.end(&mut state, number, now);
        }
    }

    /// A server does not know a participant. That ends the interaction only if it runs there: during a fail-over a page talks to the
    /// other server before it has reconnected.
    pub fn unknown_session(&self, server: &str, participant: &str, now: Now) {
        let mut state = self.state();
        let (participant, server) = (state.digest(participant), state.digest(server));
        let runs_there = state.record_of(participant).filter(|(_, record)| {
            matches!(record.phase, Phase::Running { server: its, .. } if its == server)
        });
        if let Some((number, _)) = runs_there {
            self.end(&mut state, number, now);
        }
    }

    /// Ends what was silent for too long. Returns how many.
    pub fn sweep(&self, now: Now) -> usize {
        let mut state = self.state();
        let silent = state.silent(now);
        for number in &silent {
            self.end(&mut state, *number, now);
        }
        silent.len()
    }

    /// What there is now.
    pub fn counts(&self) -> Counts {
        self.state().counts()
    }

    /// What one address has.
    pub fn of(&self, address: Address) -> u32 {
        self.state().of_address(address)
    }

    pub(super) fn start(&self, number: u64, server: &str, id: &str, participant: &str, now: Now) {
        let mut state = self.state();
        let digest = state.digest(participant);
        let kind = state.record_mut(number).map(|record| record.kind);
        let id_digest = state.digest(id);
        let twice = kind.and_then(|kind| state.number_of(kind, id_digest));
        if state.has_ended(digest, now) || twice.is_some() {
            // Its end was faster than this answer; or the server names one that is counted already.
            self.end(&mut state, number, now);
            return;
        }
        let phase = running(&state, server, id, participant);
        state.become_phase(number, phase, now);
    }

    pub(super) fn doubt(&self, number: u64, now: Now) {
        self.state().become_phase(number, Phase::InDoubt, now);
    }

    pub(super) fn release(&self, number: u64, now: Now) {
        let mut state = self.state();
        self.end(&mut state, number, now);
    }

    fn end(&self, state: &mut State, number: u64, now: Now) {
        if let Some(kind) = state.remove(number, now) {
            self.totals.give_back(kind);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn running(state: &State, server: &str, id: &str, participant: &str) -> Phase {
    Phase::Running {
        id: state.digest(id),
        participant: state.digest(participant),
        server: state.digest(server),
    }
}

/// The first limit that one more would exceed.
fn exceeded(state: &State, ask: &Ask<'_>, rules: &Rules, now: Now) -> Option<Parameter> {
    let (most, active, of_kind, burst, window) = match ask.kind {
        Kind::Chat => (
            rules.chats,
            Parameter::Chats,
            Parameter::ChatStarts,
            rules.chat_starts,
            &state.chat_starts,
        ),
        Kind::Callback => (
            rules.callbacks,
            Parameter::Callbacks,
            Parameter::CallbackStarts,
            rules.callback_starts,
            &state.callback_starts,
        ),
    };
    let of_user = match ask.user {
        User::Named(name) => state.of_user(state.digest(name)) >= rules.per_user,
        User::Anonymous | User::Unknown => false,
    };
    let too_many = [
        (
            !ask.trusted && state.of_address(ask.address) >= rules.per_address,
            Parameter::PerAddress,
        ),
        (state.of_kind(ask.kind) >= most, active),
        (of_user, Parameter::PerUser),
        (
            ask.user == User::Anonymous && state.anonymous >= rules.anonymous,
            Parameter::Anonymous,
        ),
        (!state.starts.has_room(rules.starts, now), Parameter::Starts),
        (!window.has_room(burst, now), of_kind),
    ];
    too_many
        .into_iter()
        .find(|(is, _)| *is)
        .map(|(_, parameter)| parameter)
}
