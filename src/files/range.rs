//! Which part of a file a `Range` asks for (RFC 9110 section 14).
//!
//! Units other than bytes, several ranges and what is malformed are ignored, as section 14.2 allows: the whole file is a correct answer.

use http::header::{HeaderMap, RANGE};

/// What is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it, with 200.
    Whole,
    /// From `first` to `last`, both included, with 206.
    Bytes { first: u64, last: u64 },
    /// Nothing that exists: 416.
    Unsatisfiable,
}

/// The part of a file of `length` bytes that the headers ask for.
pub(super) fn requested(headers: &HeaderMap, length: u64) -> Part {
    let mut lines = headers.get_all(RANGE).iter();
    let Some(value) = lines.next().filter(|_| lines.next().is_none()) else {
        return Part::Whole;
    };
    value
        .to_str()
        .ok()
        .and_then(|value| part(value, length))
        .unwrap_or(Part::Whole)
}

fn part(value: &str, length: u64) -> Option<Part> {
    let (unit, set) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    if first.is_empty() {
        let suffix = number(last)?;
        return match (suffix, length) {
            (0, _) => Some(Part::Unsatisfiable),
            // The last bytes of an empty file are the whole of it, which no Content-Range can say.
            (_, 0) => None,
            _ => Some(Part::Bytes {
                first: length.saturating_sub(suffix),
                last: length - 1,
            }),
        };
    }
    let first = number(first)?;
    let last = if last.is_empty() {
        u64::MAX
    } else {
        number(last)?
    };
    if last < first {
        return None;
    }
    if first >= length {
        return Some(Part::Unsatisfiable);
    }
    Some(Part::Bytes {
        first,
        last: last.min(length - 1),
    })
}

/// Digits only; a number too large for any file is the largest there is.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn of(value: &str, length: u64) -> Part {
        let headers = [(RANGE, HeaderValue::from_str(value).unwrap())]
            .into_iter()
            .collect();
        requested(&headers, length)
    }

    #[test]
    fn a_single_range_of_bytes_is_read_as_section_14_1_2_has_it() {
        let bytes = |first, last| Part::Bytes { first, last };
        for (value, length, expected) in [
            ("bytes=0-499", 10_000, bytes(0, 499)),
            ("bytes=500-999", 10_000, bytes(500, 999)),
            ("bytes=-500", 10_000, bytes(9_500, 9_999)),
            ("bytes=9500-", 10_000, bytes(9_500, 9_999)),
            ("bytes=0-0", 10_000, bytes(0, 0)),
            ("bytes=0-", 1, bytes(0, 0)),
            ("BYTES=1-2", 10, bytes(1, 2)),
            ("bytes= 1-2 ", 10, bytes(1, 2)),
            ("bytes=5-99999999999999999999999", 10, bytes(5, 9)),
            ("bytes=-99999999999999999999999", 10, bytes(0, 9)),
            ("bytes=10-", 10, Part::Unsatisfiable),
            ("bytes=99999999999999999999999-", 10, Part::Unsatisfiable),
            ("bytes=0-", 0, Part::Unsatisfiable),
            ("bytes=-0", 10, Part::Unsatisfiable),
            ("bytes=-5", 0, Part::Whole),
            // Several ranges, other units and broken ones: the whole file (section 14.2).
            ("bytes=0-1,3-4", 10, Part::Whole),
            ("bytes=0-1,", 10, Part::Whole),
            ("items=0-199", 10, Part::Whole),
            ("bytes=5-4", 10, Part::Whole),
            ("bytes=-", 10, Part::Whole),
            ("bytes=", 10, Part::Whole),
            ("bytes", 10, Part::Whole),
            ("", 10, Part::Whole),
            ("bytes=+1-2", 10, Part::Whole),
            ("bytes=1-2-3", 10, Part::Whole),
            ("bytes=1 -2", 10, Part::Whole),
            ("bytes=0x1-2", 10, Part::Whole),
            ("bytes=--5", 10, Part::Whole),
        ] {
            assert_eq!(of(value, length), expected, "{value} of {length}");
        }
    }

    #[test]
    fn two_range_headers_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.append(RANGE, HeaderValue::from_static("bytes=2-3"));
        assert_eq!(requested(&headers, 10), Part::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_file(value in "bytes=[0-9]{0,20}-[0-9]{0,20}", length: u64) {
            if let Part::Bytes { first, last } = of(&value, length) {
                prop_assert!(first <= last && last < length);
            }
        }
    }
}
