//! The place of a start, from before the server hears of it to its answer.

use std::sync::Arc;

use super::pair::Pair;
use crate::limits::clock::{Clock, Now};

/// A reserved place. Whatever becomes of the request, the place is given back or kept as it should be.
///
/// ```text
/// dropped before `sent`     the server never heard of it: given back
/// dropped after `sent`      it may run at the server, though nobody heard the answer: in doubt until silence
/// failed                    the server said no: given back
/// started                   it runs, under its id
/// ```
#[derive(Debug)]
pub struct Slot {
    pair: Arc<Pair>,
    number: u64,
    sent: bool,
    settled: bool,
}

impl Slot {
    pub(super) fn new(pair: Arc<Pair>, number: u64) -> Self {
        Slot {
            pair,
            number,
            sent: false,
            settled: false,
        }
    }

    /// From here on the server may have seen the start.
    pub fn sent(&mut self) {
        self.sent = true;
    }

    /// The server runs it, under this id, for this participant.
    pub fn started(mut self, server: &str, id: &str, participant: &str, now: Now) {
        self.settled = true;
        self.pair.start(self.number, server, id, participant, now);
    }

    /// The server has refused it.
    pub fn failed(mut self) {
        self.settled = true;
        self.pair.release(self.number, Clock::now());
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        match (self.settled, self.sent) {
            (true, _) => {}
            (false, false) => self.pair.release(self.number, Clock::now()),
            (false, true) => self.pair.doubt(self.number, Clock::now()),
        }
    }
}
