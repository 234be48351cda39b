//! A short name for each request: what a user reads on an error page, an administrator searches for in the logs, and the servers on
//! both sides see as `X-Request-ID`.
//!
//! ```
//! use portcullis::request_id::RequestId;
//! assert_eq!(RequestId::told(b"0b6e-41").unwrap().to_string(), "0b6e-41");
//! assert!(RequestId::told(b"<b>").is_none());
//! ```

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The header that carries it.
pub const X_REQUEST_ID: &str = "X-Request-ID";
/// The longest that is taken over from a proxy.
const LONGEST: usize = 64;

/// The name of one request.
#[derive(Clone, PartialEq, Eq)]
pub enum RequestId {
    /// Unique within this process, and all but certainly across processes. 16 hexadecimal digits.
    Own(u64),
    /// Given by a trusted proxy.
    Told(Box<str>),
}

static START: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one("portcullis"));
static COUNT: AtomicU64 = AtomicU64::new(0);

impl RequestId {
    /// The next one.
    pub fn next() -> Self {
        // An odd factor visits every value once: unique, yet without showing how many requests there were.
        let turn = COUNT
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        RequestId::Own(START.wrapping_add(turn))
    }

    /// One that a trusted proxy gives: up to 64 letters, digits, `-`, `_` and `.`, since it stands in pages, logs and headers.
    pub fn told(text: &[u8]) -> Option<Self> {
        let good = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let text = std::str::from_utf8(text).ok()?;
        let fits = (1..=LONGEST).contains(&text.len()) && text.as_bytes().iter().all(good);
        fits.then(|| RequestId::Told(text.into()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestId::Own(number) => write!(f, "{number:016x}"),
            RequestId::Told(text) => f.write_str(text),
        }
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

    #[test]
    fn what_a_proxy_gives_is_short_and_harmless_or_not_taken() {
        let longest = "a".repeat(LONGEST);
        for good in ["a", "7f3a.9-B_", longest.as_str()] {
            assert!(RequestId::told(good.as_bytes()).is_some_and(|id| id.to_string() == good));
        }
        let too_long = "a".repeat(LONGEST + 1);
        for bad in ["", " ", "a b", "a\"b", "<", "\u{e4}", too_long.as_str()] {
            assert!(RequestId::told(bad.as_bytes()).is_none(), "{bad:?}");
        }
    }
}
