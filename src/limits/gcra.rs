//! A rate with a burst, exact: the generic cell rate algorithm (ITU-T I.371, annex A). One number is all that is kept of the past.
//!
//! In any time `t` at most `burst + rate x t` events are admitted, and one who stays below the rate is never refused.
//!
//! ```
//! use portcullis::limits::{Now, RateLimit};
//! use std::{num::NonZeroU32, time::Duration};
//! let two_a_second = RateLimit::new(NonZeroU32::new(2).unwrap(), Duration::from_secs(1), NonZeroU32::new(1).unwrap());
//! let mut used = 0;
//! assert_eq!(two_a_second.take(&mut used, Now(0)), Ok(()));
//! assert_eq!(two_a_second.take(&mut used, Now(0)), Err(Duration::from_millis(500)));
//! ```

use std::num::NonZeroU32;
use std::time::Duration;

use super::clock::{Now, nanoseconds};

/// So many in a time, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Nanoseconds from one event to the next.
    interval: u64,
    /// How far ahead of time the last of a burst may be.
    tolerance: u64,
}

impl RateLimit {
    /// `count` in `per`, and `burst` at once.
    pub fn new(count: NonZeroU32, per: Duration, burst: NonZeroU32) -> Self {
        // Rounded up, so that it is never more.
        let interval = nanoseconds(per).div_ceil(u64::from(count.get())).max(1);
        RateLimit {
            interval,
            tolerance: interval.saturating_mul(u64::from(burst.get() - 1)),
        }
    }

    /// The state as these rules can have made it: stricter or older rules than these do not hold anybody for longer.
    fn bounded(&self, used: u64, now: Now) -> u64 {
        let furthest = now
            .0
            .saturating_add(self.tolerance)
            .saturating_add(self.interval);
        used.min(furthest)
    }

    /// Whether one more event would be admitted. It is not counted.
    ///
    /// # Errors
    /// After which time it would be.
    pub fn check(&self, used: u64, now: Now) -> Result<(), Duration> {
        let ahead = self.bounded(used, now).saturating_sub(now.0);
        match ahead.checked_sub(self.tolerance) {
            None | Some(0) => Ok(()),
            Some(wait) => Err(Duration::from_nanos(wait)),
        }
    }

    /// Counts one event that [`RateLimit::check`] has admitted.
    pub fn charge(&self, used: &mut u64, now: Now) {
        *used = self
            .bounded(*used, now)
            .max(now.0)
            .saturating_add(self.interval);
    }

    /// Both: a refused event is not counted.
    ///
    /// # Errors
    /// After which time it would be admitted.
    pub fn take(&self, used: &mut u64, now: Now) -> Result<(), Duration> {
        self.check(*used, now)?;
        self.charge(used, now);
        Ok(())
    }

    /// How many events would be admitted now, one after the other.
    pub fn left(&self, used: u64, now: Now) -> u64 {
        let ahead = self.bounded(used, now).saturating_sub(now.0);
        match self.tolerance.checked_sub(ahead) {
            Some(room) => room / self.interval + 1,
            None => 0,
        }
    }

    /// The burst.
    pub fn burst(&self) -> u64 {
        self.tolerance / self.interval + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limit(count: u32, per: u64, burst: u32) -> RateLimit {
        let number = |number| NonZeroU32::new(number).unwrap();
        RateLimit::new(number(count), Duration::from_nanos(per), number(burst))
    }

    proptest! {
        #[test]
        fn no_window_admits_more_than_burst_and_rate(
            count in 1u32..50, per in 1u64..2000, burst in 1u32..20,
            gaps in proptest::collection::vec(0u64..100, 1..300),
        ) {
            let limit = limit(count, per, burst);
            let (mut used, mut now, mut admitted) = (0, 10_000, Vec::new());
            for gap in gaps {
                now += gap;
                if limit.take(&mut used, Now(now)).is_ok() {
                    admitted.push(now);
                }
            }
            for (first, from) in admitted.iter().enumerate() {
                for (last, to) in admitted.iter().enumerate().skip(first) {
                    let most = u64::from(burst) + (to - from) * u64::from(count) / per;
                    prop_assert!((last - first + 1) as u64 <= most, "{} from {from} to {to}", last - first + 1);
                }
            }
        }

        #[test]
        fn who_stays_at_nine_tenths_of_the_rate_is_never_refused(
            count in 1u32..1000, burst in 1u32..20, start in 0u64..1_000_000_000, jitter in proptest::collection::vec(0u64..1000, 300),
        ) {
            let limit = limit(count, 1_000_000_000, burst);
            let step = 1_000_000_000 * 10 / 9 / u64::from(count) + 1;
            let (mut used, mut now) = (0, start);
            for late in jitter {
                now += step + late;
                prop_assert_eq!(limit.take(&mut used, Now(now)), Ok(()));
            }
        }

        #[test]
        fn who_waits_as_told_is_admitted_and_not_a_moment_before(
            count in 1u32..50, per in 50u64..5000, burst in 1u32..10, used in 0u64..10_000, now in 0u64..10_000,
        ) {
            let limit = limit(count, per, burst);
            if let Err(wait) = limit.check(used, Now(now)) {
                prop_assert_eq!(limit.check(used.min(now + limit.tolerance + limit.interval), Now(now).after(wait)), Ok(()));
                let early = Now(now).after(wait - Duration::from_nanos(1));
                prop_assert!(limit.check(limit.bounded(used, Now(now)), early).is_err());
            }
        }

        #[test]
        fn what_is_left_is_what_can_be_taken(count in 1u32..50, per in 50u64..5000, burst in 1u32..10, used in 0u64..3000) {
            let limit = limit(count, per, burst);
            let (mut state, mut taken) = (used, 0);
            while limit.take(&mut state, Now(1000)).is_ok() {
                taken += 1;
            }
            prop_assert_eq!(limit.left(used, Now(1000)), taken);
        }

        #[test]
        fn nothing_overflows(count in 1u32.., per: u64, burst in 1u32.., used: u64, now: u64) {
            let limit = limit(count, per, burst);
            let mut state = used;
            let _ = limit.take(&mut state, Now(now));
            let _ = limit.left(state, Now(now));
        }
    }

    #[test]
    fn looser_rules_let_go_of_what_stricter_ones_held() {
        let (strict, loose) = (limit(1, 3_600_000_000_000, 1), limit(10, 1_000_000_000, 5));
        let mut used = 0;
        strict.charge(&mut used, Now(0));
        let wait = loose.check(used, Now(0)).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
    }
}
