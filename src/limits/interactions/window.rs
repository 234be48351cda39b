//! An exact sliding window: the times of what was admitted, no more of them than the window may hold.
//!
//! ```ignore
//! if window.has_room(burst, now) { window.admit(burst, now); }
//! ```

use std::collections::VecDeque;

use super::rules::Burst;
use crate::limits::clock::Now;

/// No stretch of time as long as the burst's, its end excluded, has more than it may.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<Now>);

impl Window {
    /// Whether one more would be admitted.
    pub(super) fn has_room(&self, burst: Burst, now: Now) -> bool {
        let most = burst.most as usize;
        let Some(at) = self.0.len().checked_sub(most) else {
            return true;
        };
        // The one that must have left the window for another to come in; none if the window may hold nothing.
        self.0
            .get(at)
            .is_some_and(|then| now.since(*then) >= burst.within)
    }

    /// One more.
    pub(super) fn admit(&mut self, burst: Burst, now: Now) {
        self.0.push_back(now);
        while self.0.len() > (burst.most as usize).max(1) {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    proptest! {
        #[test]
        fn no_window_admits_more_and_whoever_is_below_is_admitted(
            most in 1u32..8, within in 1u64..50, gaps in proptest::collection::vec(0u64..20, 1..200),
        ) {
            let burst = Burst { most, within: Duration::from_nanos(within) };
            let (mut window, mut now, mut admitted) = (Window::default(), 0u64, Vec::new());
            for gap in gaps {
                now += gap;
                let inside = admitted.iter().filter(|&&then| then + within > now).count();
                prop_assert_eq!(window.has_room(burst, Now(now)), inside < most as usize);
                if window.has_room(burst, Now(now)) {
                    window.admit(burst, Now(now));
                    admitted.push(now);
                }
            }
        }
    }

    #[test]
    fn a_reload_may_widen_and_narrow_it() {
        let of = |most| Burst {
            most,
            within: Duration::from_nanos(10),
        };
        let mut window = Window::default();
        for _ in 0..3 {
            window.admit(of(3), Now(5));
        }
        assert!(!window.has_room(of(3), Now(6)));
        assert!(window.has_room(of(4), Now(6)));
        assert!(!window.has_room(of(1), Now(6)));
        assert!(window.has_room(of(1), Now(15)));
    }
}
