//! Refusals within a window, in a few bytes: the window is cut into eight parts, and nine are kept.
//!
//! A window that reaches the number is never missed. The oldest part counts whole as long as a piece of it is in the window, so
//! refusals may count for up to an eighth of the window longer than they should.
//!
//! ```
//! use portcullis::limits::{Now, Strikes};
//! use std::time::Duration;
//! let mut strikes = Strikes::default();
//! assert_eq!(strikes.add(Duration::from_secs(8), Now(0)), 1);
//! assert_eq!(strikes.add(Duration::from_secs(8), Now(0).after(Duration::from_secs(20))), 1);
//! ```

use std::time::Duration;

use super::clock::{Now, nanoseconds};

const PARTS: u64 = 8;
const KEPT: usize = PARTS as usize + 1;

/// What is kept of the refusals of one address.
#[derive(Debug, Clone, Default)]
pub struct Strikes {
    /// By part; the one of `newest` is at `newest % KEPT`.
    counts: [u16; KEPT],
    /// The length of a part in milliseconds. Another window begins anew.
    part: u32,
    /// The number of the newest part.
    newest: u64,
}

impl Strikes {
    /// One more refusal. Returns how many there were within the window.
    pub fn add(&mut self, within: Duration, now: Now) -> u32 {
        self.forget(within, now);
        if let Some(count) = self.counts.get_mut(place(self.newest)) {
            *count = count.saturating_add(1);
        }
        self.sum()
    }

    /// How many there were within the window.
    pub fn count(&self, within: Duration, now: Now) -> u32 {
        let mut then = self.clone();
        then.forget(within, now);
        then.sum()
    }

    /// None is remembered that could still count.
    pub fn is_over(&self, now: Now) -> bool {
        let part = u64::from(self.part) * 1_000_000;
        self.sum() == 0 || part == 0 || now.0 / part > self.newest + PARTS
    }

    fn sum(&self) -> u32 {
        self.counts.iter().map(|&count| u32::from(count)).sum()
    }

    fn forget(&mut self, within: Duration, now: Now) {
        let part = (nanoseconds(within) / PARTS / 1_000_000).clamp(1, u64::from(u32::MAX));
        // Within u32 by the line above.
        let part = part as u32;
        let number = now.0 / (u64::from(part) * 1_000_000);
        if self.part != part || number > self.newest + PARTS {
            *self = Strikes {
                counts: [0; KEPT],
                part,
                newest: number,
            };
            return;
        }
        while self.newest < number {
            self.newest += 1;
            if let Some(count) = self.counts.get_mut(place(self.newest)) {
                *count = 0;
            }
        }
    }
}

fn place(number: u64) -> usize {
    (number % KEPT as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_window_is_missed_and_none_counts_more_than_an_eighth_too_long(
            gaps in proptest::collection::vec(0u64..3000, 1..200),
        ) {
            let within = Duration::from_secs(8);
            let (mut strikes, mut now, mut all) = (Strikes::default(), 5_000u64, Vec::new());
            for gap in gaps {
                now += gap;
                all.push(now);
                let counted = strikes.add(within, Now(now * 1_000_000)) as usize;
                let since = |length: u64| all.iter().filter(|&&then| then + length > now).count();
                prop_assert!(counted >= since(8000));
                prop_assert!(counted <= since(9000));
                prop_assert_eq!(strikes.count(within, Now(now * 1_000_000)) as usize, counted);
            }
            prop_assert!(!strikes.is_over(Now(now * 1_000_000)));
            prop_assert!(strikes.is_over(Now((now + 9001) * 1_000_000)));
        }

        #[test]
        fn nothing_overflows(within: u64, times in proptest::collection::vec(any::<u64>(), 0..50)) {
            let mut strikes = Strikes::default();
            for time in times {
                strikes.add(Duration::from_nanos(within), Now(time));
                strikes.is_over(Now(time));
            }
        }
    }
}
