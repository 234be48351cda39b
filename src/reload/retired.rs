//! Snapshots that have been replaced, until the last request that began with them is over.
//!
//! PERF: giving back a hundred thousand routes takes tens of milliseconds. Whoever holds the last reference pays for it, and without
//! this list that would be a request, on the thread that serves a thousand others.

use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

use crate::snapshot::Snapshot;

/// Snapshots that no new request gets.
#[derive(Default)]
pub struct Retired(Mutex<Vec<Arc<Snapshot>>>);

impl Retired {
    /// Takes over a snapshot that has been replaced.
    pub(super) fn keep(&self, snapshot: Arc<Snapshot>) {
        let mut retired = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        retired.push(snapshot);
    }

    /// Gives back what nobody uses any more, on a thread that may block. Called every second; must run inside a tokio runtime.
    pub fn sweep(&self) {
        let unused = {
            let mut retired = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let (used, unused): (Vec<_>, Vec<_>) = take(&mut *retired)
                .into_iter()
                // Nobody can take another reference: it is out of everybody's reach but those who have one.
                .partition(|snapshot| Arc::strong_count(snapshot) > 1);
            *retired = used;
            unused
        };
        if !unused.is_empty() {
            tokio::task::spawn_blocking(move || drop(unused));
        }
    }

    /// How many are still in use.
    pub fn len(&self) -> usize {
        let retired = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        retired.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
