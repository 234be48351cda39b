//! Refusals within a window, in fixed space: nine slots, each an eighth of the window long.
//!
//! The slots cover at least the window and at most an eighth more. So a window that reaches the number is never missed, and a refusal
//! may count up to an eighth of the window longer than written. A reload that changes the window lets what was counted before stand for
//! slots of the new length; that is over after one window.
//!
//! ```
//! use portcullis::limits::{Now, Strikes};
//! use std::time::Duration;
//! let mut strikes = Strikes::default();
//! let within = Duration::from_secs(10);
//! assert_eq!(strikes.add(within, Now(0)), 1);
//! assert_eq!(strikes.add(within, Now(0).after(within)), 2);
//! assert_eq!(strikes.count(within, Now(0).after(within * 2)), 1);
//! ```

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::clock::{Now, nanoseconds};

/// Slots in a window; one more than these is kept, because the newest is not over yet.
const SLOTS: usize = 8;
pub(super) const KEPT: usize = SLOTS + 1;

/// The most refusals that can be asked for: what one slot holds, and the slot stays there once it is reached.
pub(super) const MOST: u32 = u16::MAX as u32;

/// Refusals of the last window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strikes {
    /// When the newest slot began.
    began: Now,
    /// Refusals by slot, the newest first.
    slots: [u16; KEPT],
    /// So many slots from now nothing more is said about this address.
    quiet: u8,
}

impl Strikes {
    /// Counts a refusal. Returns the refusals within the window, this one included.
    pub fn add(&mut self, within: Duration, now: Now) -> u32 {
        self.advance(within, now);
        let [newest, ..] = &mut self.slots;
        *newest = newest.saturating_add(1);
        self.sum()
    }

    /// The refusals within the window.
    #[must_use]
    pub fn count(mut self, within: Duration, now: Now) -> u32 {
        self.advance(within, now);
        self.sum()
    }

    /// When the refusals up to `now` have all left the window.
    #[must_use]
    pub fn over(within: Duration, now: Now) -> Now {
        Now(now
            .0
            .saturating_add(slot(within).saturating_mul(KEPT as u64)))
    }

    /// When the newest slot began, and what is in each.
    pub(super) fn kept(&self) -> (Now, [u16; KEPT]) {
        (self.began, self.slots)
    }

    /// What [`kept`](Strikes::kept) said.
    pub(super) fn restored(began: Now, slots: [u16; KEPT]) -> Strikes {
        Strikes {
            began,
            slots,
            quiet: 0,
        }
    }

    /// Whether to say that the number was reached: once per window, however long the flood.
    pub(super) fn may_tell(&mut self) -> bool {
        let may_tell = self.quiet == 0;
        if may_tell {
            self.quiet = KEPT as u8;
        }
        may_tell
    }

    fn sum(&self) -> u32 {
        self.slots.iter().copied().map(u32::from).sum()
    }

    fn advance(&mut self, within: Duration, now: Now) {
        let slot = slot(within);
        // A moment before the newest slot counts there.
        let passed = now.0.saturating_sub(self.began.0) / slot;
        if passed >= KEPT as u64 {
            *self = Strikes {
                began: now,
                ..Strikes::default()
            };
            return;
        }
        // Less than KEPT: both fit.
        let steps = passed as usize;
        self.began.0 += passed * slot;
        self.slots.rotate_right(steps);
        if let Some(fresh) = self.slots.get_mut(..steps) {
            fresh.fill(0);
        }
        self.quiet = self.quiet.saturating_sub(steps as u8);
    }
}

/// Nanoseconds of a slot, rounded up: eight of them are never shorter than the window.
fn slot(within: Duration) -> u64 {
    nanoseconds(within).div_ceil(SLOTS as u64).max(1)
}
