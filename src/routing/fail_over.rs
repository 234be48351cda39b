//! Servers of a route that stand in for one another: which of them a request goes to. Pure, and read from a few atomics.
//!
//! The first in the file's order that is not down; the first of all if every one is, for nothing is lost by asking. A server that has
//! refused this very request is not asked again.
//!
//! ```
//! use portcullis::routing::fail_over::{Asked, next};
//! let usable = [false, true, true];
//! let mut asked = Asked::default();
//! assert_eq!(next(3, asked, |at| usable[at]), Some(1));
//! asked.add(1);
//! assert_eq!(next(3, asked, |at| usable[at]), Some(2));
//! asked.add(2);
//! assert_eq!(next(3, asked, |at| usable[at]), Some(0));
//! asked.add(0);
//! assert_eq!(next(3, asked, |at| usable[at]), None);
//! ```

/// The most servers that stand in for one another on one route.
pub const MOST: usize = 4;

/// Those that one request has been to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked(u8);

impl Asked {
    /// One more, by its position in the list.
    pub fn add(&mut self, position: usize) {
        self.0 |= bit(position);
    }

    fn has(self, position: usize) -> bool {
        self.0 & bit(position) != 0
    }
}

/// Beyond the eighth there is none: see [`MOST`].
fn bit(position: usize) -> u8 {
    u32::try_from(position)
        .ok()
        .and_then(|position| 1u8.checked_shl(position))
        .unwrap_or(0)
}

/// The position of the server to ask now; `None` if all of the `count` have been asked.
pub fn next(count: usize, asked: Asked, is_usable: impl Fn(usize) -> bool) -> Option<usize> {
    let left = || (0..count.min(MOST)).filter(|position| !asked.has(*position));
    left()
        .find(|position| is_usable(*position))
        .or_else(|| left().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_is_asked_once_and_those_that_are_down_last() {
        for downs in 0u8..16 {
            let usable = |at: usize| downs & (1 << at) == 0;
            let mut asked = Asked::default();
            let mut order = Vec::new();
            while let Some(at) = next(4, asked, usable) {
                asked.add(at);
                order.push(at);
            }
            let well = (0..4).filter(|at| usable(*at));
            let expected: Vec<usize> = well.chain((0..4).filter(|at| !usable(*at))).collect();
            assert_eq!(order, expected, "{downs:04b}");
        }
    }

    #[test]
    fn a_list_that_is_too_long_has_an_end_all_the_same() {
        let mut asked = Asked::default();
        let mut count = 0;
        while let Some(at) = next(100, asked, |_| true) {
            asked.add(at);
            count += 1;
        }
        assert_eq!((count, next(0, Asked::default(), |_| true)), (MOST, None));
    }
}
