//! Handles of metrics, found once and kept where they are used. The metrics themselves live as long as the process; handles live as
//! long as what they are kept in, and a reload that makes that anew finds them again.
//!
//! ```ignore
//! route.meter.counts.get(&(method, code), || vec.with_label_values(&[..])).inc();
//! ```

use std::sync::OnceLock;

/// A few values by their keys, which only grow in number.
///
/// PERF: reading takes no lock, hashes nothing and allocates nothing: a request walks past the few keys that its route has seen.
pub struct Handles<K, V>(OnceLock<Box<Link<K, V>>>);

struct Link<K, V> {
    key: K,
    value: V,
    next: Handles<K, V>,
}

impl<K, V> Default for Handles<K, V> {
    fn default() -> Self {
        Handles(OnceLock::new())
    }
}

impl<K: PartialEq + Clone, V> Handles<K, V> {
    /// The value of this key, made if there is none yet.
    pub fn get(&self, key: &K, make: impl Fn() -> V) -> &V {
        let mut at = self;
        loop {
            let link = at.0.get_or_init(|| {
                Box::new(Link {
                    key: key.clone(),
                    value: make(),
                    next: Handles::default(),
                })
            });
            if link.key == *key {
                return &link.value;
            }
            at = &link.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_thread_gets_the_same_value_of_a_key() {
        let handles: Handles<usize, AtomicUsize> = Handles::default();
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for turn in 0..1000 {
                        let counter = handles.get(&(turn % 10), AtomicUsize::default);
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        for key in 0..10 {
            assert_eq!(
                handles
                    .get(&key, AtomicUsize::default)
                    .load(Ordering::Relaxed),
                400
            );
        }
    }
}
