//! Work on a long list, divided among all cores. For starts and reloads: a request has nothing that long.
//!
//! ```ignore
//! let sums: Vec<u64> = every_core::map(&numbers, || (), |(), some| some.iter().sum());
//! ```

use std::thread;

use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Items between two looks at whether somebody else wants the core.
///
/// PERF: a client that comes meanwhile waits for these, some tens of microseconds, and not for milliseconds until the system takes the core
/// away from a reload.
const AT_A_TIME: usize = 16;

/// Below this many items a thread costs more than it does.
const WORTH_A_THREAD: usize = 512;

/// More do not make it quicker: what is not divided takes longer than the rest then.
const CORES: usize = 8;

/// A thread for each core, all of which begin with `begin`. `None` if the system has none to give.
pub(crate) fn threads(begin: impl Fn() + Send + Sync + 'static) -> Option<ThreadPool> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    ThreadPoolBuilder::new()
        .num_threads(cores.min(CORES))
        .thread_name(|_| "portcullis-load".to_owned())
        .start_handler(move |_| begin())
        // Whoever waits for an answer finds that none comes.
        .panic_handler(|_| {})
        .build()
        .ok()
}

/// What `work` makes of the list, piece by piece and in the list's order. A short list is one piece. Done by the [`threads`] that it is
/// called on; elsewhere by some that end with it. What `begin` makes serves for many pieces, one after the other.
pub(crate) fn map<T: Sync, S, R: Send>(
    items: &[T],
    begin: impl Fn() -> S + Send + Sync,
    work: impl Fn(&mut S, &[T]) -> R + Send + Sync,
) -> Vec<R> {
    let whole = || vec![work(&mut begin(), items)];
    if items.len() < WORTH_A_THREAD {
        return whole();
    }
    let divided = || {
        let pieces = items.par_chunks(AT_A_TIME).map_init(&begin, |state, few| {
            thread::yield_now();
            work(state, few)
        });
        pieces.collect()
    };
    if rayon::current_thread_index().is_some() {
        return divided();
    }
    match threads(|| {}) {
        Some(threads) => threads.install(divided),
        // This one does it all.
        None => whole(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_come_back_in_the_lists_order() {
        let here = threads(|| {}).unwrap();
        for length in [0, 1, 255, 511, 512, 10_000, 10_001] {
            let items: Vec<usize> = (0..length).collect();
            let whole = || map(&items, || (), |(), some| some.to_vec()).concat();
            assert_eq!(whole(), items);
            assert_eq!(here.install(whole), items);
        }
    }
}
