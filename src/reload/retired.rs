//! Snapshots that have been replaced, until the last request that began with them is over.
//!
//! PERF: giving back a hundred thousand routes takes tens of milliseconds. Whoever holds the last reference pays for it, and without
//! this list that would be a request, on the thread that serves a thousand others.

use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::aside;
use crate::config::Config;
use crate::snapshot::Snapshot;

/// Snapshots that no new request gets, and configurations that nothing is compared with any more.
#[derive(Default)]
pub struct Retired(Mutex<State>);

#[derive(Default)]
struct State {
    snapshots: Vec<Arc<Snapshot>>,
    configs: Vec<Arc<Config>>,
    /// A thread is giving some back.
    busy: bool,
}

/// The giving back is over, also if the system gave no thread for it.
struct Over(Arc<Retired>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.lock().busy = false;
    }
}

impl Retired {
    /// Takes over what has been replaced.
    pub(super) fn keep(&self, snapshot: Arc<Snapshot>, config: Arc<Config>) {
        let mut state = self.lock();
        state.snapshots.push(snapshot);
        state.configs.push(config);
    }

    /// Gives back what nobody uses any more, on a thread of its own. Called every second; must run inside a tokio runtime.
    pub fn sweep(self: &Arc<Self>) {
        let unused = {
            let mut state = self.lock();
            if state.busy {
                return;
            }
            let (used, unused): (Vec<_>, Vec<_>) = take(&mut state.snapshots)
                .into_iter()
                // Nobody can take another reference: it is out of everybody's reach but those who have one.
                .partition(|snapshot| Arc::strong_count(snapshot) > 1);
            state.snapshots = used;
            let unused = (unused, take(&mut state.configs));
            state.busy = !(unused.0.is_empty() && unused.1.is_empty());
            if !state.busy {
                return;
            }
            unused
        };
        let over = Over(self.clone());
        aside::begin(move || {
            let (snapshots, configs) = unused;
            for snapshot in snapshots.into_iter().filter_map(Arc::into_inner) {
                snapshot.hosts.give_back();
            }
            for config in configs.into_iter().filter_map(Arc::into_inner) {
                for (at, host) in config.hosts.into_iter().enumerate() {
                    // PERF: whoever serves a client goes first.
                    if at.is_multiple_of(16) {
                        std::thread::yield_now();
                    }
                    drop(host);
                }
            }
            drop(over);
        });
    }

    /// How many are still in use, or not yet given back.
    pub fn len(&self) -> usize {
        let state = self.lock();
        state.snapshots.len() + state.configs.len() + usize::from(state.busy)
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
