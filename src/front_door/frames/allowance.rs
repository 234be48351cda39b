//! How many frames that carry nothing of use a client may send: a burst, refilled by time, and what our own frames and the client's
//! requests explain.
//!
//! Each such frame costs us more than the client: a PING wants an answer, SETTINGS wants one and walks over every stream. Honest
//! clients send few. Those they do send in numbers answer something: WINDOW_UPDATE (and, where they measure the line, PING) our
//! DATA, PRIORITY and a stream's first WINDOW_UPDATE their own request.
//!
//! ```ignore
//! let mut allowance = Allowance::default();
//! allowance.explained_by_data(1200); // we sent a DATA frame
//! allowance.spend(1, now)?;          // the client's WINDOW_UPDATE
//! ```

use std::time::Duration;

/// Frames that need no explanation, at once.
pub(in crate::front_door) const BURST: u64 = 1000;
/// Frames a second that come back: a PING every 50 ms would be allowed for ever.
pub(in crate::front_door) const REFILL: u64 = 20;
/// A DATA frame of ours explains a WINDOW_UPDATE for its stream, one for the connection, a PING ...
const FOR_DATA: u64 = 3;
/// ... and the two updates again for each time so many of its bytes are read (Go's client reads by 4 KiB).
const READ_BY: u64 = 2048;
/// A request explains a PRIORITY, its update, and a WINDOW_UPDATE for its stream and the connection.
const FOR_REQUEST: u64 = 4;
/// More than any client has unread: what was earned long ago is no reserve for a flood.
const EARNED_MOST: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Allowance {
    /// Thousandths of frames.
    free: u64,
    /// Up to when `free` was refilled, since the connection began.
    refilled: Duration,
    earned: u64,
}

/// The client is over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent;

impl Default for Allowance {
    fn default() -> Allowance {
        Allowance {
            free: BURST * 1000,
            refilled: Duration::ZERO,
            earned: 0,
        }
    }
}

impl Allowance {
    /// We sent a DATA frame of this size.
    pub(super) fn explained_by_data(&mut self, len: usize) {
        self.earn(FOR_DATA + len as u64 / READ_BY);
    }

    /// The client sent a request.
    pub(super) fn explained_by_request(&mut self) {
        self.earn(FOR_REQUEST);
    }

    fn earn(&mut self, frames: u64) {
        self.earned = (self.earned + frames).min(EARNED_MOST);
    }

    /// So many frames of no use came; `now` is the age of the connection.
    pub(super) fn spend(&mut self, frames: u64, now: Duration) -> Result<(), Spent> {
        let explained = frames.min(self.earned);
        self.earned -= explained;
        let milliseconds = now.saturating_sub(self.refilled).as_millis();
        if milliseconds > 0 {
            self.refilled = now;
            let more = u64::try_from(milliseconds)
                .unwrap_or(u64::MAX)
                .saturating_mul(REFILL);
            self.free = self.free.saturating_add(more).min(BURST * 1000);
        }
        let rest = (frames - explained).saturating_mul(1000);
        self.free = self.free.checked_sub(rest).ok_or(Spent)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Frames that pass when one comes every `every`, up to a million.
    fn passing(every: Duration) -> u64 {
        let mut allowance = Allowance::default();
        let mut now = Duration::ZERO;
        for passed in 0..1_000_000 {
            if allowance.spend(1, now).is_err() {
                return passed;
            }
            now += every;
        }
        1_000_000
    }

    #[test]
    fn a_flood_ends_and_a_regular_ping_never() {
        assert_eq!(passing(Duration::ZERO), BURST);
        // A flood of 10,000 a second is over in a tenth of a second.
        assert_eq!(passing(Duration::from_micros(100)), BURST + 2);
        assert_eq!(passing(Duration::from_millis(50)), 1_000_000);
    }

    #[test]
    fn what_our_frames_explain_is_free() {
        // Two updates and a PING for each of our frames, for ever and at once; one more each is a flood.
        for (answers, ends) in [(2, false), (3, false), (4, true)] {
            let mut allowance = Allowance::default();
            let spent = (0..100_000).try_for_each(|_| {
                allowance.explained_by_data(20);
                allowance.spend(answers, Duration::ZERO)
            });
            assert_eq!(spent.is_err(), ends, "{answers}");
        }
    }

    #[test]
    fn answers_may_come_long_after_what_they_answer() {
        let mut allowance = Allowance::default();
        (0..50_000).for_each(|_| allowance.explained_by_data(20));
        assert_eq!(allowance.spend(100_000, Duration::ZERO), Ok(()));
    }

    proptest! {
        #[test]
        fn no_window_passes_more_than_burst_and_refill(
            gaps in proptest::collection::vec(0u64..200, 1..3000),
        ) {
            let mut allowance = Allowance::default();
            let (mut now, mut passed) = (0, 0);
            for gap in gaps {
                now += gap;
                passed += u64::from(allowance.spend(1, Duration::from_millis(now)).is_ok());
                prop_assert!(passed <= BURST + now * REFILL / 1000 + 1);
            }
        }
    }
}
