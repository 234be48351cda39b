//! How long requests took: counts by size, from which quantiles of any interval are taken.
//!
//! ```
//! use portcullis::observe::took::Took;
//! use std::time::Duration;
//! let took = Took::default();
//! let before = took.counts();
//! took.note(Some(Duration::from_millis(20)));
//! let since = took.counts().since(&before);
//! assert_eq!(since.requests(), 1);
//! assert!((since.quantile(0.5).unwrap() - 0.020).abs() < 0.002);
//! ```

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Eight sizes to each doubling, so that a quantile is never off by more than an eighth; from 8 µs to two minutes.
const SIZES: usize = 192;
const STEPS: u64 = 8;

/// Counts since the process began.
pub struct Took {
    sizes: [AtomicU64; SIZES],
    /// Event streams and WebSockets: hours of a stream say nothing of how quick anything was.
    streams: AtomicU64,
}

/// The same at one moment, or between two.
#[derive(Clone)]
pub struct Counts {
    sizes: [u64; SIZES],
    streams: u64,
}

impl Took {
    /// A request is over that took so long; `None` for a stream.
    ///
    /// PERF: once for each request, and nothing but one addition.
    pub fn note(&self, time: Option<Duration>) {
        let count = match time {
            Some(time) => &self.sizes[size(time)],
            None => &self.streams,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// What has been counted so far.
    pub fn counts(&self) -> Counts {
        Counts {
            sizes: std::array::from_fn(|at| self.sizes[at].load(Ordering::Relaxed)),
            streams: self.streams.load(Ordering::Relaxed),
        }
    }
}

impl Default for Took {
    fn default() -> Self {
        Took {
            sizes: [const { AtomicU64::new(0) }; SIZES],
            streams: AtomicU64::new(0),
        }
    }
}

impl Counts {
    /// What came after `before`.
    pub fn since(&self, before: &Counts) -> Counts {
        let since = |at: usize| self.sizes[at].saturating_sub(before.sizes[at]);
        Counts {
            sizes: std::array::from_fn(since),
            streams: self.streams.saturating_sub(before.streams),
        }
    }

    /// How many, streams among them.
    pub fn requests(&self) -> u64 {
        self.timed() + self.streams
    }

    /// How many seconds that part of the requests took at most, streams left out; `None` where there was none.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let timed = self.timed();
        if timed == 0 {
            return None;
        }
        let rank = ((timed as f64 * part).ceil() as u64).clamp(1, timed);
        let mut seen = 0;
        let at = self.sizes.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some((begin(at) + begin(at + 1)) as f64 / 2e6)
    }

    fn timed(&self) -> u64 {
        self.sizes.iter().sum()
    }
}

/// Where a time is counted.
fn size(time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let micros = micros.max(STEPS);
    let doublings = micros.ilog2() - STEPS.ilog2();
    let step = (micros >> doublings) - STEPS;
    (u64::from(doublings) * STEPS + step).min(SIZES as u64 - 1) as usize
}

/// The shortest time, in microseconds, that is counted there.
fn begin(at: usize) -> u64 {
    let at = at as u64;
    (STEPS + at % STEPS) << (at / STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_counted_between_the_bounds_of_its_size() {
        for micros in (8..200).chain([999, 1000, 12_345, 1_000_000, 60_000_000, 119_000_000]) {
            let at = size(Duration::from_micros(micros));
            assert!(begin(at) <= micros && micros < begin(at + 1), "{micros}");
        }
        assert_eq!(size(Duration::ZERO), 0);
        assert_eq!(size(Duration::MAX), SIZES - 1);
    }

    #[test]
    fn quantiles_are_those_of_the_interval_and_streams_have_none() {
        let took = Took::default();
        took.note(Some(Duration::from_secs(50)));
        let before = took.counts();
        for millis in 1..=100 {
            took.note(Some(Duration::from_millis(millis)));
        }
        took.note(None);
        let since = took.counts().since(&before);
        assert_eq!(since.requests(), 101);
        for (part, expected) in [(0.5, 0.050), (0.99, 0.099)] {
            let found = since.quantile(part).unwrap();
            assert!((found - expected).abs() <= expected / 8.0, "{found}");
        }
        took.note(None);
        let streams = took.counts().since(&took.counts());
        assert_eq!(streams.quantile(0.5), None);
    }
}
