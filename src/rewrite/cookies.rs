//! The `Cookie` lines of a request, made one.
//!
//! An HTTP/2 client may send each cookie as a header of its own, and an HTTP/1.1 server reads only the first: RFC 9113 section 8.2.3
//! has a proxy join them with `; `. The pieces go on verbatim, however they are written; ICWS clients send odd ones.
//!
//! ```
//! use portcullis::rewrite::join_cookies;
//! let joined = join_cookies([&b"a=1"[..], b"icws_7=x|languageId=en-us"]);
//! assert_eq!(joined.as_deref(), Some(&b"a=1; icws_7=x|languageId=en-us"[..]));
//! ```

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use std::borrow::Cow;

/// All the values as one; borrowed when there is only one, `None` when there is none.
pub fn join_cookies<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Option<Cow<'v, [u8]>> {
    let mut values = values.into_iter();
    let mut joined = Cow::Borrowed(values.next()?);
    for value in values {
        let joined = joined.to_mut();
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(value);
    }
    Some(joined)
}

/// The value that is to stand in place of the `Cookie` lines; `None` when there is one line or none and nothing has to be done.
pub fn joined_cookies(headers: &HeaderMap) -> Option<HeaderValue> {
    match join_cookies(headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes))? {
        Cow::Borrowed(_) => None,
        // What was made of header values and `; ` is one, so this does not fail.
        Cow::Owned(joined) => HeaderValue::from_bytes(&joined).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lines_become_one_and_stay_verbatim() {
        let mut headers = HeaderMap::new();
        for value in [
            "2444387001",
            "icws_1=a|languageId=en-us; Path=/icws/1; HttpOnly",
            "",
            "x=\"y\"; z",
        ] {
            headers.append(COOKIE, HeaderValue::from_static(value));
        }
        headers.append(COOKIE, HeaderValue::from_bytes(b"k=\xff").unwrap());
        let joined = joined_cookies(&headers).unwrap();
        let expected: &[u8] =
            b"2444387001; icws_1=a|languageId=en-us; Path=/icws/1; HttpOnly; ; x=\"y\"; z; k=\xff";
        assert_eq!(joined.as_bytes(), expected);
    }

    #[test]
    fn a_single_line_is_not_copied() {
        assert!(matches!(
            join_cookies([&b"a=1"[..]]),
            Some(Cow::Borrowed(b"a=1"))
        ));
        let mut headers = HeaderMap::new();
        assert_eq!(joined_cookies(&headers), None);
        headers.append(COOKIE, HeaderValue::from_static("a=1; b=2"));
        assert_eq!(joined_cookies(&headers), None);
    }
}
