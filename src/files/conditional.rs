//! Conditional requests (RFC 9110 section 13).

use http::header::{
    HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE,
};
use std::time::{Duration, SystemTime};

/// What the preconditions of a GET or HEAD come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The request is answered as if there were none.
    Goes,
    /// 304: the client has it already.
    NotModified,
    /// 412: it is not what the client thinks it is.
    Failed,
}

/// Evaluates the preconditions in the order of RFC 9110 section 13.2.2. `etag` is strong, with its quotes.
pub(super) fn evaluate(headers: &HeaderMap, etag: &str, modified: Option<SystemTime>) -> Outcome {
    if headers.contains_key(IF_MATCH) {
        if !any_tag(headers, IF_MATCH, |tag| tag.is_strongly(etag)) {
            return Outcome::Failed;
        }
    } else if let Some((date, modified)) = date(headers, IF_UNMODIFIED_SINCE).zip(modified)
        && modified > date
    {
        return Outcome::Failed;
    }
    if headers.contains_key(IF_NONE_MATCH) {
        if any_tag(headers, IF_NONE_MATCH, |tag| tag.is_weakly(etag)) {
            return Outcome::NotModified;
        }
    } else if let Some((date, modified)) = date(headers, IF_MODIFIED_SINCE).zip(modified)
        && modified <= date
    {
        return Outcome::NotModified;
    }
    Outcome::Goes
}

/// Whether `Range` is to be looked at: there is no `If-Range`, or it names exactly this state of the file (section 13.1.5).
pub(super) fn range_counts(
    headers: &HeaderMap,
    etag: &str,
    modified: Option<SystemTime>,
    now: SystemTime,
) -> bool {
    let mut lines = headers.get_all(IF_RANGE).iter();
    let Some(value) = lines.next() else {
        return true;
    };
    if lines.next().is_some() {
        return false;
    }
    if let [tag] = tags(value.as_bytes()).collect::<Vec<_>>().as_slice() {
        return tag.is_strongly(etag) && *tag != Tag::Any;
    }
    // Section 8.8.2.2: a date is strong only when the file could not have changed again within the same second.
    let settled = |modified: &SystemTime| {
        now.duration_since(*modified)
            .is_ok_and(|age| age >= Duration::from_secs(1))
    };
    date(headers, IF_RANGE)
        .zip(modified.filter(settled))
        .is_some_and(|(date, modified)| date == modified)
}

/// The date of a header; `None` when it is missing, there more than once or no HTTP-date, and then it does not count (section 13.1.3).
fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    let value = lines.next().filter(|_| lines.next().is_none())?;
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

fn any_tag(headers: &HeaderMap, name: HeaderName, holds: impl Fn(&Tag<'_>) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .any(|line| tags(line).any(|tag| holds(&tag)))
}

/// One member of a list of entity tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag<'a> {
    /// `*`
    Any,
    /// A tag with its quotes, without its `W/`.
    Entity { opaque: &'a [u8], weak: bool },
}

impl Tag<'_> {
    fn is_strongly(&self, etag: &str) -> bool {
        match self {
            Tag::Any => true,
            Tag::Entity { opaque, weak } => !weak && *opaque == etag.as_bytes(),
        }
    }

    fn is_weakly(&self, etag: &str) -> bool {
        match self {
            Tag::Any => true,
            Tag::Entity { opaque, .. } => *opaque == etag.as_bytes(),
        }
    }
}

/// The members of a list, up to the first that is malformed. A tag may hold commas, so the list cannot be split at them.
fn tags(line: &[u8]) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        while let [b' ' | b'\t' | b',', after @ ..] = rest {
            rest = after;
        }
        if rest == b"*" && line.trim_ascii() == b"*" {
            rest = b"";
            return Some(Tag::Any);
        }
        let (weak, tag) = rest
            .strip_prefix(b"W/")
            .map_or((false, rest), |tag| (true, tag));
        let end = tag.strip_prefix(b"\"")?.iter().position(|b| *b == b'"')? + 2;
        let (opaque, after) = tag.split_at_checked(end)?;
        if !matches!(after.first(), None | Some(b' ' | b'\t' | b',')) {
            rest = b"";
            return None;
        }
        rest = after;
        Some(Tag::Entity { opaque, weak })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Failed, Goes, NotModified};

    const TAG: &str = "\"a-1\"";
    const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(n, v)| (n.clone(), HeaderValue::from_str(v).unwrap()))
            .collect()
    }

    fn modified() -> SystemTime {
        httpdate::parse_http_date(AT).unwrap()
    }

    #[test]
    fn preconditions_hold_as_section_13_has_them() {
        for (section, lines, expected) in [
            ("13.1", vec![], Goes),
            // 13.1.1 If-Match: strong comparison
            ("13.1.1", vec![(IF_MATCH, TAG)], Goes),
            ("13.1.1", vec![(IF_MATCH, "*")], Goes),
            ("13.1.1", vec![(IF_MATCH, "\"x\", \"a-1\"")], Goes),
            ("13.1.1", vec![(IF_MATCH, "\"x\""), (IF_MATCH, TAG)], Goes),
            ("13.1.1", vec![(IF_MATCH, "W/\"a-1\"")], Failed),
            ("13.1.1", vec![(IF_MATCH, "\"x\"")], Failed),
            ("13.1.1", vec![(IF_MATCH, "a-1")], Failed),
            ("13.1.1", vec![(IF_MATCH, "")], Failed),
            // 13.1.2 If-None-Match: weak comparison
            ("13.1.2", vec![(IF_NONE_MATCH, TAG)], NotModified),
            ("13.1.2", vec![(IF_NONE_MATCH, "W/\"a-1\"")], NotModified),
            ("13.1.2", vec![(IF_NONE_MATCH, "*")], NotModified),
            (
                "13.1.2",
                vec![(IF_NONE_MATCH, "\"x,y\" ,, W/\"z\",\t\"a-1\"")],
                NotModified,
            ),
            ("13.1.2", vec![(IF_NONE_MATCH, "\"x\"")], Goes),
            ("13.1.2", vec![(IF_NONE_MATCH, "\"x, \"a-1\"")], Goes),
            ("13.1.2", vec![(IF_NONE_MATCH, "a-1")], Goes),
            ("13.1.2", vec![(IF_NONE_MATCH, "\"a-1")], Goes),
            ("13.1.2", vec![(IF_NONE_MATCH, "\"x\", *")], Goes),
            ("13.1.2", vec![(IF_NONE_MATCH, "w/\"a-1\"")], Goes),
            // 13.1.3 If-Modified-Since: not with If-None-Match, not twice, not malformed
            ("13.1.3", vec![(IF_MODIFIED_SINCE, AT)], NotModified),
            ("13.1.3", vec![(IF_MODIFIED_SINCE, AFTER)], NotModified),
            ("13.1.3", vec![(IF_MODIFIED_SINCE, BEFORE)], Goes),
            (
                "13.1.3",
                vec![(IF_MODIFIED_SINCE, "Sunday, 06-Nov-94 08:49:37 GMT")],
                NotModified,
            ),
            (
                "13.1.3",
                vec![(IF_MODIFIED_SINCE, "Sun Nov  6 08:49:37 1994")],
                NotModified,
            ),
            ("13.1.3", vec![(IF_MODIFIED_SINCE, "yesterday")], Goes),
            (
                "13.1.3",
                vec![(IF_MODIFIED_SINCE, AT), (IF_MODIFIED_SINCE, AT)],
                Goes,
            ),
            (
                "13.1.3",
                vec![(IF_MODIFIED_SINCE, AT), (IF_NONE_MATCH, "\"x\"")],
                Goes,
            ),
            // 13.1.4 If-Unmodified-Since: not with If-Match
            ("13.1.4", vec![(IF_UNMODIFIED_SINCE, AT)], Goes),
            ("13.1.4", vec![(IF_UNMODIFIED_SINCE, BEFORE)], Failed),
            ("13.1.4", vec![(IF_UNMODIFIED_SINCE, "x")], Goes),
            (
                "13.1.4",
                vec![(IF_UNMODIFIED_SINCE, BEFORE), (IF_MATCH, TAG)],
                Goes,
            ),
            // 13.2.2 order
            (
                "13.2.2",
                vec![(IF_MATCH, "\"x\""), (IF_NONE_MATCH, TAG)],
                Failed,
            ),
            (
                "13.2.2",
                vec![(IF_MATCH, TAG), (IF_NONE_MATCH, TAG)],
                NotModified,
            ),
            (
                "13.2.2",
                vec![(IF_UNMODIFIED_SINCE, BEFORE), (IF_NONE_MATCH, TAG)],
                Failed,
            ),
        ] {
            assert_eq!(
                evaluate(&headers(&lines), TAG, Some(modified())),
                expected,
                "section {section}: {lines:?}"
            );
        }
    }

    #[test]
    fn a_file_without_a_date_is_compared_by_its_tag_only() {
        for lines in [[(IF_MODIFIED_SINCE, AT)], [(IF_UNMODIFIED_SINCE, BEFORE)]] {
            assert_eq!(evaluate(&headers(&lines), TAG, None), Goes);
        }
    }

    #[test]
    fn a_range_counts_only_for_exactly_this_state() {
        let now = modified() + Duration::from_secs(60);
        for (value, counts) in [
            (TAG, true),
            ("W/\"a-1\"", false),
            ("\"x\"", false),
            ("\"a-1\", \"x\"", false),
            ("*", false),
            (AT, true),
            (AFTER, false),
            (BEFORE, false),
            ("", false),
            ("a-1", false),
        ] {
            assert_eq!(
                range_counts(&headers(&[(IF_RANGE, value)]), TAG, Some(modified()), now),
                counts,
                "section 13.1.5: {value}"
            );
        }
        assert!(range_counts(&HeaderMap::new(), TAG, None, now));
        assert!(!range_counts(&headers(&[(IF_RANGE, AT)]), TAG, None, now));
        assert!(
            !range_counts(
                &headers(&[(IF_RANGE, AT)]),
                TAG,
                Some(modified()),
                modified()
            ),
            "section 8.8.2.2"
        );
        assert!(!range_counts(
            &headers(&[(IF_RANGE, TAG), (IF_RANGE, TAG)]),
            TAG,
            None,
            now
        ));
    }
}
