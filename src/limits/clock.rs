//! Time as limits count it: nanoseconds since the process began, so that everything that decides is plain arithmetic.
//!
//! ```
//! use portcullis::limits::{Clock, Now};
//! use std::time::Duration;
//! let then = Now(5);
//! assert_eq!(then.after(Duration::from_nanos(3)).since(then), Duration::from_nanos(3));
//! assert_eq!(then.since(Clock::now()), Duration::ZERO);
//! ```

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Now(pub u64);

impl Now {
    /// That much later; at most the end of time, in 584 years.
    pub fn after(self, time: Duration) -> Now {
        Now(self.0.saturating_add(nanoseconds(time)))
    }

    /// That much earlier; at least the beginning of time.
    pub fn before(self, time: Duration) -> Now {
        Now(self.0.saturating_sub(nanoseconds(time)))
    }

    /// How long after `then` this is; nothing if it is before.
    pub fn since(self, then: Now) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(then.0))
    }
}

/// A time in nanoseconds.
pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Where [`Now`] comes from.
#[derive(Debug, Clone, Copy)]
pub struct Clock;

/// A day before the first look, so that nothing lies before the beginning.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    /// This moment.
    pub fn now() -> Now {
        Now(86_400_000_000_000).after(BEGAN.elapsed())
    }
}
