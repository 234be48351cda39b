//! A short name for each request: what a user reads on an error page and an administrator searches for in the log.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Unique within this process, and all but certainly across processes. 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId(u64);

static START: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one("portcullis"));
static COUNT: AtomicU64 = AtomicU64::new(0);

impl RequestId {
    /// The next one.
    pub fn next() -> Self {
        // An odd factor visits every value once: unique, yet without showing how many requests there were.
        let turn = COUNT
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        RequestId(START.wrapping_add(turn))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_have_sixteen_digits() {
        let (a, b) = (RequestId::next(), RequestId::next());
        assert!(a != b);
        assert_eq!(a.to_string().len(), 16);
    }
}
