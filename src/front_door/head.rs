//! Reads one HTTP/1 request head within its deadline, size and number of fields, before Pingora sees a byte of it.
//!
//! One empty line before the request line is thrown away, as RFC 9112 section 2.2 asks (old clients send it behind a body); a second
//! one is malformed.
//!
//! ```ignore
//! let head = head::read(&mut stream, &settings.head, settings.keep_alive_idle, &mut leave).await?;
//! ```

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::HeadLimits;
use super::framing::{self, HeadFacts};
use super::stream::ClientStream;
use crate::reason::Reason;

/// Pingora's parser stops at so many fields.
const PARSER_FIELDS: usize = 256;

/// A head that stands at the front of the stream and passed.
pub(super) struct Head {
    /// Bytes, empty line included.
    pub len: usize,
    pub facts: HeadFacts,
}

/// Why there is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoHead {
    /// The client has gone, or we are closing: nothing to say.
    Over,
    /// Nothing came.
    Idle,
    /// What came is refused.
    Refused(Reason),
}

/// Waits up to `wait` for the first byte and from then on up to [`HeadLimits::within`] for the rest.
pub(super) async fn read(
    stream: &mut ClientStream,
    limits: &HeadLimits,
    wait: Duration,
    leave: &mut watch::Receiver<bool>,
) -> Result<Head, NoHead> {
    first_byte(stream, wait, leave).await?;
    let mut deadline = Instant::now() + limits.within;
    let mut scan = Scan::default();
    let mut emptied = false;
    let len = loop {
        if !emptied && stream.ahead().starts_with(b"\r\n") {
            emptied = true;
            stream.cut(0..2);
            first_byte(stream, wait, leave).await?;
            deadline = Instant::now() + limits.within;
        }
        let undecided = !emptied && stream.ahead() == b"\r";
        if !undecided
            && let Some(len) = scan
                .go_on(stream.ahead(), limits)
                .map_err(NoHead::Refused)?
        {
            break len;
        }
        match timeout_at(deadline, stream.fill()).await {
            Err(_) => return Err(NoHead::Refused(Reason::HeadTimeout)),
            Ok(Ok(0) | Err(_)) => return Err(NoHead::Over),
            Ok(Ok(_)) => {}
        }
    };
    let head = stream.ahead().get(..len).unwrap_or_default();
    let mut facts = framing::check(head).map_err(NoHead::Refused)?;
    let len = match facts.authority.take() {
        Some(authority) => len - stream.make_origin_form(authority),
        None => len,
    };
    Ok(Head { len, facts })
}

async fn first_byte(
    stream: &mut ClientStream,
    wait: Duration,
    leave: &mut watch::Receiver<bool>,
) -> Result<(), NoHead> {
    if !stream.ahead().is_empty() {
        return Ok(());
    }
    tokio::select! {
        biased;
        read = timeout(wait, stream.fill()) => match read {
            Err(_) => Err(NoHead::Idle),
            Ok(Ok(0) | Err(_)) => Err(NoHead::Over),
            Ok(Ok(_)) => Ok(()),
        },
        _ = leave.wait_for(|leave| *leave) => Err(NoHead::Over),
    }
}

/// Looks for the end of the head without looking at a byte twice.
#[derive(Default)]
struct Scan {
    /// Where the line that is not complete yet begins.
    line: usize,
    /// Up to here there is no LF that has not been seen.
    seen: usize,
    lines: usize,
}

impl Scan {
    /// The length of the head if it is complete. What is wrong already is refused without waiting for the rest.
    fn go_on(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<Option<usize>, Reason> {
        let before = self.lines;
        // Nothing that speaks HTTP: TLS on a plain port, for one. No need to wait for a line end.
        if before == 0
            && bytes
                .first()
                .is_some_and(|&b| b != b'\r' && !framing::is_tchar(b))
        {
            return Err(Reason::MalformedHead);
        }
        while let Some(found) = memchr::memchr(b'\n', bytes.get(self.seen..).unwrap_or_default()) {
            let end = self.seen + found + 1;
            let line = bytes.get(self.line..end).unwrap_or_default();
            let Some(line) = line.strip_suffix(b"\r\n") else {
                return Err(Reason::MalformedHead);
            };
            if end > limits.size {
                return Err(Reason::HeadTooLarge);
            }
            self.line = end;
            self.seen = end;
            if line.is_empty() {
                return Ok(Some(end));
            }
            self.lines += 1;
            // The request line is not a field.
            if self.lines - 1 > limits.fields.min(PARSER_FIELDS) {
                return Err(Reason::TooManyFields);
            }
        }
        self.seen = bytes.len();
        if bytes.len() > limits.size {
            return Err(Reason::HeadTooLarge);
        }
        if before == 0 && self.lines > 0 {
            let end = memchr::memchr(b'\r', bytes).unwrap_or(bytes.len());
            framing::request_line(bytes.get(..end).unwrap_or_default())?;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: HeadLimits = HeadLimits {
        within: Duration::from_secs(1),
        size: 100,
        fields: 3,
    };

    fn scan(bytes: &[u8]) -> Result<Option<usize>, Reason> {
        Scan::default().go_on(bytes, &LIMITS)
    }

    #[test]
    fn the_end_is_the_empty_line() {
        assert_eq!(scan(b"GET / HTTP/1.1\r\nA: b\r\n\r\nmore"), Ok(Some(24)));
        assert_eq!(scan(b"GET / HTTP/1.1\r\nA: b\r\n"), Ok(None));
        assert_eq!(scan(b"\r\n"), Ok(Some(2)), "left to the framing check");
    }

    #[test]
    fn what_is_wrong_is_refused_before_the_end() {
        assert_eq!(scan(b"GET / HTTP/1.1\n"), Err(Reason::MalformedHead));
        assert_eq!(scan(b"GET /\r\n"), Err(Reason::MalformedHead));
        assert_eq!(scan(b"\x16\x03\x01"), Err(Reason::MalformedHead));
        assert_eq!(scan(b" GET"), Err(Reason::MalformedHead));
        assert_eq!(
            scan(b"TRACE / HTTP/1.1\r\nA"),
            Err(Reason::MethodNotAllowed)
        );
        assert_eq!(scan(&[b'x'; 101]), Err(Reason::HeadTooLarge));
        assert_eq!(scan(&[b'x'; 100]), Ok(None));
        let line = "GET / HTTP/1.1\r\n";
        assert_eq!(
            scan(format!("{line}a:b\r\na:b\r\na:b\r\n").as_bytes()),
            Ok(None)
        );
        let fields = scan(format!("{line}a:b\r\na:b\r\na:b\r\na:b\r\n").as_bytes());
        assert_eq!(fields, Err(Reason::TooManyFields));
    }

    #[test]
    fn a_head_of_exactly_the_limit_passes_and_one_more_byte_does_not() {
        let head = |len: usize| format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(len - 23));
        assert_eq!(scan(head(100).as_bytes()), Ok(Some(100)));
        assert_eq!(scan(head(101).as_bytes()), Err(Reason::HeadTooLarge));
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(
            text in "GET / HTTP/1\\.1\r\n([a-z:]{0,9}\r\n){0,5}(\r\n)?[a-z\n]{0,3}",
            cut in 1usize..30,
        ) {
            let bytes = text.as_bytes();
            let mut pieces = Scan::default();
            let mut got = Ok(None);
            for end in (0..bytes.len()).step_by(cut).skip(1).chain([bytes.len()]) {
                got = pieces.go_on(&bytes[..end], &LIMITS);
                if got != Ok(None) {
                    break;
                }
            }
            prop_assert_eq!(got, scan(bytes));
        }
    }
}
