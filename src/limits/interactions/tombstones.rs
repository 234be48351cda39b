//! What has ended, for the time that an older answer about it may still be on its way.
//!
//! Answers are processed by the tasks of their requests, in any order: an exit may be done with before the start that it ends.
//!
//! ```ignore
//! tombstones.put(participant, now, now);
//! assert_eq!(tombstones.get(participant, now), Some(now));
//! ```

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::digest::Digest;
use crate::limits::clock::Now;

/// Longer than any answer of these protocols is waited for: their page gives up after 12 s.
pub(super) const REMEMBERED: Duration = Duration::from_secs(120);

/// The bound of what a flood of ends can make of it.
pub(super) const MOST: usize = 8192;

/// The newest [`MOST`] of the last [`REMEMBERED`], each with a time that says which answers are older.
#[derive(Default)]
pub(super) struct Tombstones {
    stones: HashMap<Digest, Stone>,
    /// By age; what was put twice is in it twice.
    order: VecDeque<(Digest, Stone)>,
    last_number: u64,
}

#[derive(Clone, Copy, PartialEq)]
struct Stone {
    until: Now,
    put: Now,
    number: u64,
}

impl Tombstones {
    /// It has ended: answers to what was asked up to `until` do not count.
    pub(super) fn put(&mut self, ended: Digest, until: Now, now: Now) {
        self.last_number += 1;
        let stone = Stone {
            until: self
                .get(ended, now)
                .map_or(until, |before| before.max(until)),
            put: now,
            number: self.last_number,
        };
        self.stones.insert(ended, stone);
        self.order.push_back((ended, stone));
        self.forget(now);
    }

    /// Up to which time what was asked does not count, if it has ended.
    pub(super) fn get(&self, ended: Digest, now: Now) -> Option<Now> {
        let stone = self.stones.get(&ended)?;
        (now.since(stone.put) <= REMEMBERED).then_some(stone.until)
    }

    /// Whether what was asked then does not count any more.
    pub(super) fn covers(&self, ended: Digest, asked: Now, now: Now) -> bool {
        self.get(ended, now).is_some_and(|until| asked <= until)
    }

    /// Drops what is too old or too many.
    pub(super) fn forget(&mut self, now: Now) {
        while let Some(&(ended, stone)) = self.order.front()
            && (self.order.len() > MOST || now.since(stone.put) > REMEMBERED)
        {
            self.order.pop_front();
            if self.stones.get(&ended) == Some(&stone) {
                self.stones.remove(&ended);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.stones.len(), self.order.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::Digests;
    use super::*;

    fn second(second: u64) -> Now {
        Now(second * 1_000_000_000)
    }

    #[test]
    fn an_end_is_remembered_for_two_minutes_with_the_latest_time_that_it_covers() {
        let (digests, mut tombstones) = (Digests::default(), Tombstones::default());
        let one = digests.participant("one").unwrap();
        tombstones.put(one, second(90), second(100));
        tombstones.put(one, second(5), second(101));
        assert!(
            tombstones.covers(one, second(90), second(221)),
            "an older end takes nothing back"
        );
        assert!(!tombstones.covers(one, second(91), second(221)));
        assert_eq!(tombstones.get(one, second(222)), None);
        assert_eq!(tombstones.len(), (1, 2));
        tombstones.forget(second(221));
        assert_eq!(tombstones.len(), (1, 1));
        tombstones.forget(second(222));
        assert_eq!(tombstones.len(), (0, 0));
    }

    #[test]
    fn a_flood_of_ends_is_bounded_and_drops_the_oldest() {
        let (digests, mut tombstones) = (Digests::default(), Tombstones::default());
        let numbered = |number: usize| digests.participant(&number.to_string()).unwrap();
        for number in 0..MOST + 10 {
            tombstones.put(numbered(number), second(1), second(1));
        }
        assert_eq!(tombstones.len(), (MOST, MOST));
        assert_eq!(tombstones.get(numbered(9), second(1)), None);
        assert!(tombstones.get(numbered(10), second(1)).is_some());
        for _ in 0..MOST * 2 {
            tombstones.put(numbered(0), second(1), second(1));
        }
        assert_eq!(tombstones.len(), (1, MOST), "the same one again and again");
    }
}
