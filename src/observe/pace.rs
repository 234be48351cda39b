//! The last ten minutes, second by second: what a dashboard that has just been opened begins with.
//!
//! ```
//! use portcullis::observe::metrics::Metrics;
//! use portcullis::observe::pace::Pace;
//! let (pace, metrics) = (Pace::default(), Metrics::new());
//! pace.note(&metrics);
//! pace.note(&metrics);
//! assert_eq!(pace.seconds().len(), 1);
//! ```

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::metrics::Metrics;
use super::took::Counts;

/// Seconds that are kept: ten minutes.
pub const KEPT: usize = 600;
/// Seconds over which refusals are summed up by reason.
const MINUTE: usize = 60;

/// What happened within one second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Second {
    /// When it ended, in milliseconds since 1970.
    pub at: u64,
    /// Requests that were over, for each second.
    pub requests: f64,
    /// Refusals, of connections too, for each second.
    pub refused: f64,
    /// Half of the requests took no more seconds than this; `None` where there was none.
    pub p50: Option<f64>,
    /// 99 of 100 took no more than this.
    pub p99: Option<f64>,
    /// Client connections that were open at its end.
    pub connections: i64,
}

/// The ring of seconds.
pub struct Pace {
    state: Mutex<State>,
    /// How many seconds there have been.
    noted: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    seconds: VecDeque<Second>,
    before: Option<(Instant, Counts)>,
    /// Refusals by reason since the start, as they were at the end of each of the last seconds.
    refused: VecDeque<Vec<u64>>,
}

impl Pace {
    /// A second is over. The first call only begins one.
    pub fn note(&self, metrics: &Metrics) {
        let (now, counts) = (Instant::now(), metrics.took.counts());
        let refused = metrics.refusals();
        let mut state = self.lock();
        if let Some((then, before)) = &state.before {
            let lasted = now.duration_since(*then).as_secs_f64().max(0.001);
            let passed = counts.since(before);
            let earlier = state
                .refused
                .back()
                .map_or(0, |all| all.iter().sum::<u64>());
            let refusals = refused.iter().sum::<u64>().saturating_sub(earlier);
            let second = Second {
                at: since_1970(),
                requests: passed.requests() as f64 / lasted,
                refused: refusals as f64 / lasted,
                p50: passed.quantile(0.5),
                p99: passed.quantile(0.99),
                connections: metrics.connections.get(),
            };
            if state.seconds.len() == KEPT {
                state.seconds.pop_front();
            }
            state.seconds.push_back(second);
        }
        state.before = Some((now, counts));
        if state.refused.len() > MINUTE {
            state.refused.pop_front();
        }
        state.refused.push_back(refused);
        drop(state);
        self.noted.send_modify(|noted| *noted += 1);
    }

    /// The seconds that are kept, the oldest first.
    pub fn seconds(&self) -> Vec<Second> {
        self.lock().seconds.iter().copied().collect()
    }

    /// The last one.
    pub fn last(&self) -> Option<Second> {
        self.lock().seconds.back().copied()
    }

    /// Refusals by reason within the last minute, or since the start where that is shorter ago.
    pub fn refused_lately(&self) -> Vec<u64> {
        let state = self.lock();
        let (Some(first), Some(last)) = (state.refused.front(), state.refused.back()) else {
            return Vec::new();
        };
        let pairs = last.iter().zip(first);
        pairs.map(|(last, first)| last - first).collect()
    }

    /// Changes with each second.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.noted.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            state: Mutex::default(),
            noted: watch::Sender::new(0),
        }
    }
}

/// This moment, in milliseconds since 1970.
fn since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::reason::Reason;

    #[test]
    fn ten_minutes_are_kept_and_no_more() {
        let (pace, metrics) = (Pace::default(), Metrics::new());
        for _ in 0..KEPT + 10 {
            pace.note(&metrics);
        }
        assert_eq!(pace.seconds().len(), KEPT);
        assert_eq!(*pace.watch().borrow(), KEPT as u64 + 10);
    }

    #[test]
    fn a_second_has_what_came_since_the_one_before() {
        let (pace, metrics) = (Pace::default(), Metrics::new());
        metrics.took.note(Some(Duration::from_secs(9)));
        pace.note(&metrics);
        metrics.took.note(Some(Duration::from_millis(10)));
        metrics.took.note(None);
        metrics.refused(Reason::UnknownPath);
        pace.note(&metrics);
        let second = pace.last().unwrap();
        assert!(second.requests > 0.0 && second.refused > 0.0, "{second:?}");
        assert!(second.p99.unwrap() < 0.02, "{second:?}");
        assert_eq!(pace.refused_lately()[Reason::UnknownPath as usize], 1);
        pace.note(&metrics);
        let quiet = pace.last().unwrap();
        assert_eq!((quiet.requests, quiet.refused, quiet.p50), (0.0, 0.0, None));
    }

    #[test]
    fn what_was_refused_more_than_a_minute_ago_is_not_of_the_last_minute() {
        let (pace, metrics) = (Pace::default(), Metrics::new());
        pace.note(&metrics);
        metrics.refused(Reason::UnknownPath);
        for _ in 0..MINUTE {
            pace.note(&metrics);
        }
        assert_eq!(pace.refused_lately()[Reason::UnknownPath as usize], 1);
        pace.note(&metrics);
        assert_eq!(pace.refused_lately()[Reason::UnknownPath as usize], 0);
    }
}
