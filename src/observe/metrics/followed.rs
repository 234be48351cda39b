//! A counter of something that counts by itself.
//!
//! ```ignore
//! metrics.untracked.follow(table.untracked());
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::IntCounter;

/// A counter that is read off a table, which counts by itself.
pub struct Followed {
    counter: IntCounter,
    seen: AtomicU64,
}

impl Followed {
    pub(super) fn new(counter: IntCounter) -> Self {
        Followed {
            counter,
            seen: AtomicU64::new(0),
        }
    }

    /// The table has counted so many. Two scrapes at the same time add nothing twice.
    pub fn follow(&self, total: u64) {
        let seen = self.seen.fetch_max(total, Ordering::Relaxed);
        self.counter.inc_by(total.saturating_sub(seen));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;

    #[test]
    fn a_counter_that_follows_a_table_never_goes_back_nor_twice_as_far() {
        let metrics = Metrics::new();
        for total in [0, 3, 3, 2, 5] {
            metrics.untracked.follow(total);
        }
        let text = metrics.text();
        assert!(text.contains("# TYPE portcullis_untracked_total counter"));
        assert!(text.contains("\nportcullis_untracked_total 5\n"), "{text}");
        assert!(
            text.contains("\nportcullis_missed_bans_total 0\n"),
            "{text}"
        );
    }
}
