//! How often something may happen: the generic cell rate algorithm (ITU-T I.371, Annex A), exact in eight bytes per key.
//!
//! A key keeps its *theoretical arrival time*: when the events so far would all have come, had they come evenly. An event is admitted
//! if that time is no more than `burst - 1` intervals ahead, and moves it on by one interval.
//!
//! ```
//! use portcullis::limits::{Now, RateLimit};
//! use std::{num::NonZeroU32, time::Duration};
//! let (one, two) = (NonZeroU32::MIN, NonZeroU32::MIN.saturating_add(1));
//! let limit = RateLimit::new(one, Duration::from_secs(1), two);
//! let mut arrival = 0;
//! assert_eq!(limit.take(&mut arrival, Now(0)), Ok(()));
//! assert_eq!(limit.take(&mut arrival, Now(0)), Ok(()));
//! assert_eq!(limit.take(&mut arrival, Now(0)), Err(Duration::from_secs(1)));
//! assert_eq!(limit.take(&mut arrival, Now(1_000_000_000)), Ok(()));
//! ```

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::time::Duration;

use super::clock::{Now, nanoseconds};

/// Nine years: no interval is longer.
const LONGEST: u64 = 1 << 58;
/// 292 years, well above the million hours that a burst of the configuration can come to. With the longest interval and with any
/// moment of the next two centuries the sum stays within u64.
const FURTHEST: u64 = 1 << 63;

/// So many events per time, evenly spread, and so many at once. In any time `t` at most `burst + rate x t` are admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Nanoseconds between two events.
    interval: u64,
    /// Nanoseconds by which the theoretical arrival may be ahead of now.
    tolerance: u64,
}

impl RateLimit {
    /// `count` events `per` time, and after a pause `burst` at once.
    ///
    /// The interval is rounded up to whole nanoseconds, so the rate is never exceeded; up to 10 million a second the limit is less
    /// than 1 % below what is written, and beyond a billion a second it stays at a billion. A burst is cut where it would reach
    /// further than 292 years.
    #[must_use]
    pub fn new(count: NonZeroU32, per: Duration, burst: NonZeroU32) -> Self {
        let interval = nanoseconds(per).div_ceil(u64::from(count.get()));
        let interval = interval.clamp(1, LONGEST);
        let tolerance = interval.saturating_mul(u64::from(burst.get()) - 1);
        RateLimit {
            interval,
            tolerance: tolerance.min(FURTHEST),
        }
    }

    /// Takes one event at `now` from a key whose theoretical arrival is `arrival` (0: nothing came yet).
    ///
    /// # Errors
    /// The time after which one would be admitted, if nothing is admitted until then. A refused event costs nothing.
    pub fn take(&self, arrival: &mut u64, now: Now) -> Result<(), Duration> {
        *arrival = self.judge(arrival, now)?;
        Ok(())
    }

    /// What [`take`](Self::take) would make of `arrival`, which stays as it is unless it is further ahead than this limit can bring it.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn judge(&self, arrival: &mut u64, now: Now) -> Result<u64, Duration> {
        // A stricter limit may have held before a reload. What it left must not shut anybody out for longer than this one would.
        let most = now.0.saturating_add(self.tolerance + self.interval);
        *arrival = most.min(*arrival);
        let ahead = arrival.saturating_sub(now.0);
        if ahead > self.tolerance {
            return Err(Duration::from_nanos(ahead - self.tolerance));
        }
        Ok(now.0.max(*arrival).saturating_add(self.interval))
    }

    /// How many events would be admitted at `now`, one right after the other.
    #[must_use]
    pub fn left(&self, arrival: u64, now: Now) -> u64 {
        let ahead = arrival.saturating_sub(now.0);
        let Some(room) = self.tolerance.checked_sub(ahead) else {
            return 0;
        };
        room / self.interval + 1
    }

    /// The time from one event to the next, in whole nanoseconds.
    #[must_use]
    pub fn interval(&self) -> Duration {
        Duration::from_nanos(self.interval)
    }

    /// How many are admitted at once after a pause.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.tolerance / self.interval + 1
    }
}
