//! Bursts, exactly: the times of the starts that were admitted, as far back as they count.
//!
//! A window includes its beginning and not its end, as the simulated server's does: what was admitted at `t` counts until just before
//! `t + within`. So no window `[t, t + within)` holds more than `most`, and a rate just below `most / within` is never refused.
//!
//! ```ignore
//! let five = Burst { most: 5, within: Duration::from_secs(1) };
//! if window.has_room(five, now) {
//!     window.take(now);
//! }
//! ```

use std::collections::VecDeque;

use super::Parameter;
use super::rules::{Burst, Rules};
use super::tally::Kind;
use crate::limits::clock::Now;

/// The admitted starts of one burst limit, the oldest first; never more than its `most`.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<Now>);

impl Window {
    /// Whether one more may be taken now.
    pub(super) fn has_room(&mut self, burst: Burst, now: Now) -> bool {
        while self
            .0
            .front()
            .is_some_and(|taken| now.since(*taken) >= burst.within)
        {
            self.0.pop_front();
        }
        u32::try_from(self.0.len()).is_ok_and(|taken| taken < burst.most)
    }

    /// Takes one. Only after [`has_room`](Self::has_room) said yes.
    pub(super) fn take(&mut self, now: Now) {
        // Two tasks may read the clock in one order and get here in the other. An earlier time then leaves with the later one before it.
        self.0.push_back(now);
    }
}

/// The three windows of a pair.
#[derive(Debug, Default)]
pub(super) struct Bursts {
    both: Window,
    chats: Window,
    callbacks: Window,
}

impl Bursts {
    /// The limit that has no room for one more start.
    pub(super) fn full(&mut self, kind: Kind, rules: &Rules, now: Now) -> Option<Parameter> {
        let (burst, parameter) = rules.burst(kind);
        if !self.own(kind).has_room(burst, now) {
            return Some(parameter);
        }
        let room = self.both.has_room(rules.interaction_burst, now);
        (!room).then_some(Parameter::InteractionBurst)
    }

    /// Takes a place in both windows of this kind. Only after [`full`](Self::full) named none.
    pub(super) fn take(&mut self, kind: Kind, now: Now) {
        self.own(kind).take(now);
        self.both.take(now);
    }

    fn own(&mut self, kind: Kind) -> &mut Window {
        match kind {
            Kind::Chat => &mut self.chats,
            Kind::Callback => &mut self.callbacks,
        }
    }
}

#[cfg(test)]
mod tests;
