//! Whether somebody keeps up: time spent waiting for them is a debt, and bytes pay it back.
//!
//! A clock that any byte resets is no limit at all: one byte in time holds a connection for ever. Here a byte buys no more than its
//! share of a second, so whoever is slower than the rate runs into the limit, and whoever is faster never does.
//!
//! ```ignore
//! let mut pace = Pace::new(500, Duration::from_secs(10));
//! pace.waited(Duration::from_secs(8)); // 8 s in debt
//! pace.moved(1000);                    // 6 s: 1000 bytes are two seconds' worth
//! assert!(!pace.is_over());
//! ```

use std::io;
use std::time::Duration;

use thiserror::Error;

/// The client is slower than it may be: inside the I/O error that ends its body or its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the client is too slow")]
pub struct TooSlow;

impl From<TooSlow> for io::Error {
    fn from(slow: TooSlow) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, slow)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// Bytes that pay for a second.
    rate: u64,
    most: Duration,
    debt: Duration,
}

impl Pace {
    /// Nobody is in debt yet. `rate` is in bytes per second, 0 counts as 1.
    pub(super) fn new(rate: u64, most: Duration) -> Pace {
        Pace {
            rate: rate.max(1),
            most,
            debt: Duration::ZERO,
        }
    }

    /// The other side was waited for.
    pub(super) fn waited(&mut self, time: Duration) {
        self.debt = self.debt.saturating_add(time);
    }

    /// The other side moved so many bytes. A debt never falls below nothing: a fast beginning buys no pause later.
    pub(super) fn moved(&mut self, bytes: usize) {
        if self.debt.is_zero() {
            return;
        }
        // A move that pays for a day pays for everything; beyond it the multiplication could overflow.
        let bytes = (bytes as u64).min(self.rate.saturating_mul(86_400));
        let (whole, rest) = (bytes / self.rate, bytes % self.rate);
        let part = u128::from(rest) * 1_000_000_000 / u128::from(self.rate);
        let part = Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX));
        self.debt = self
            .debt
            .saturating_sub(Duration::from_secs(whole).saturating_add(part));
    }

    /// How much longer it may be waited.
    pub(super) fn left(&self) -> Duration {
        self.most.saturating_sub(self.debt)
    }

    pub(super) fn is_over(&self) -> bool {
        self.debt >= self.most
    }

    pub(super) fn forgive(&mut self) {
        self.debt = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MOST: Duration = Duration::from_secs(10);

    /// Seconds until it is over for somebody who moves `bytes` every `every`; `None`: not within an hour.
    fn over_after(bytes: usize, every: Duration) -> Option<u64> {
        let mut pace = Pace::new(500, MOST);
        let mut passed = Duration::ZERO;
        while passed < Duration::from_secs(3600) {
            if every >= pace.left() {
                return Some((passed + pace.left()).as_secs());
            }
            pace.waited(every);
            pace.moved(bytes);
            passed += every;
        }
        None
    }

    #[test]
    fn who_is_slower_than_the_rate_is_ended_and_who_is_faster_never() {
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        for (bytes, every, expected) in [
            (0, s(1), Some(10)),
            (1, s(1), Some(10)),
            (1, s(9), Some(10)),
            (250, s(1), Some(19)),
            (1, ms(1), None), // 1000 B/s
            (500, s(1), None),
            (5_000, s(1), None),
            (16_384, s(3), None),      // frames of an upload at 5 KB/s
            (16_384, s(11), Some(10)), // silence is silence
        ] {
            assert_eq!(over_after(bytes, every), expected, "{bytes} per {every:?}");
        }
    }

    proptest! {
        #[test]
        fn a_debt_is_the_time_waited_less_the_bytes_worth(
            steps in proptest::collection::vec((0u64..5_000, 0usize..10_000), 1..40),
            rate in 1u64..5_000,
        ) {
            let mut pace = Pace::new(rate, MOST);
            let mut debt = 0f64;
            for (ms, bytes) in steps {
                pace.waited(Duration::from_millis(ms));
                pace.moved(bytes);
                debt = (debt + ms as f64 / 1e3 - bytes as f64 / rate as f64).max(0.0);
            }
            prop_assert!((pace.debt.as_secs_f64() - debt).abs() < 1e-3);
            prop_assert_eq!(pace.is_over(), pace.left().is_zero());
        }

        #[test]
        fn no_number_breaks_it(time in any::<u64>(), bytes in any::<usize>(), rate in any::<u64>()) {
            let mut pace = Pace::new(rate, Duration::from_millis(time));
            pace.waited(Duration::from_secs(time));
            pace.waited(Duration::from_secs(time));
            pace.moved(bytes);
            let _ = pace.left();
        }
    }
}
