//! Two sets of threads that read and compile configurations in turn, and whose turn it is.
//!
//! ```text
//! start           threads of its own
//! first reload    second set     what the start has made is given back
//! second reload   first set      what the second set has made is given back: its memory is empty when its turn comes again
//! third reload    second set     ...
//! ```
//!
//! PERF: a large configuration is hundreds of thousands of small pieces of memory, and with each reload two of them are there for a moment.
//! Where a new one fills the gaps beside the old one, hardly a page becomes free when that goes, and with each reload more pages are half
//! full. An allocator like jemalloc keeps the threads apart, each with pages of its own (an arena), so threads that take turns do it too.

use std::sync::OnceLock;

use rayon::ThreadPool;

use super::aside::Place;
use crate::every_core;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Turn {
    /// That of the first set.
    #[default]
    First,
    /// That of the second.
    Second,
}

impl Turn {
    /// Who comes after this one.
    pub(crate) fn next(self) -> Turn {
        match self {
            Turn::First => Turn::Second,
            Turn::Second => Turn::First,
        }
    }

    /// Its threads, behind all others. They stay, and their memory with them. `None` if the system has none to give.
    pub(super) fn threads(self) -> Option<&'static ThreadPool> {
        static FIRST: OnceLock<Option<ThreadPool>> = OnceLock::new();
        static SECOND: OnceLock<Option<ThreadPool>> = OnceLock::new();
        let threads = match self {
            Turn::First => &FIRST,
            Turn::Second => &SECOND,
        };
        let begin = || every_core::threads(|| Place::BehindAll.take());
        threads.get_or_init(begin).as_ref()
    }
}
