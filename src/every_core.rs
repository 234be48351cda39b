//! Work on a long list, divided among all cores. For starts and reloads: a request has nothing that long.
//!
//! ```ignore
//! let sums: Vec<u64> = every_core::map(&numbers, |some| some.iter().sum());
//! ```

use std::panic::resume_unwind;
use std::thread;

/// Items between two looks at whether somebody else wants the core.
///
/// PERF: a client that comes meanwhile waits for these, some tens of microseconds, and not for milliseconds until the system takes the core
/// away from a reload.
const AT_A_TIME: usize = 16;

/// Below this many items a thread costs more than it does.
const WORTH_A_THREAD: usize = 256;

/// What `work` makes of the list, piece by piece and in the list's order. A short list is one piece.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let pieces = cores.min(items.len() / WORTH_A_THREAD).max(1);
    if pieces == 1 {
        return vec![work(items)];
    }
    let piecemeal = |some: &[T]| -> Vec<R> {
        let each = some.chunks(AT_A_TIME).map(|few| {
            thread::yield_now();
            work(few)
        });
        each.collect()
    };
    let work = &piecemeal;
    thread::scope(|scope| {
        let (first, rest) = items.split_at(items.len().div_ceil(pieces));
        let begin = |some| {
            let begun = thread::Builder::new().spawn_scoped(scope, move || work(some));
            // A system without another thread to give: this one does it all.
            begun.map_err(|_| some)
        };
        let running: Vec<_> = rest.chunks(first.len()).map(begin).collect();
        // PERF: this thread is one of them; each further one has a heap of its own, which stays.
        let mut all = work(first);
        all.extend(running.into_iter().flat_map(|begun| match begun {
            Ok(running) => running.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(some) => work(some),
        }));
        all
    })
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn the_pieces_come_back_in_the_lists_order() {
        for length in [0, 1, 255, 256, 511, 512, 10_000, 10_001] {
            let items: Vec<usize> = (0..length).collect();
            assert_eq!(map(&items, <[usize]>::to_vec).concat(), items);
        }
    }
}
