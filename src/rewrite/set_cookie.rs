//! One `Set-Cookie` value on its way back to the browser.
//!
//! Only the Path of a cookie of the mapped server changes, because a browser that gets `Path=/icws/1234` never sends the cookie to
//! `/us/icserver1/icws/1234`. Everything else stays byte for byte: ICWS puts `|languageId=en-us` into values and orders its attributes
//! differently from release to release, so the value is split at its semicolons and never parsed and written anew.
//!
//! ```
//! use portcullis::rewrite::{CookieRewrite, PathMap, Scope, Secure};
//! let map = PathMap::new("/us/icserver1/", "/", Scope::Below("/icws")).expect("well formed");
//! let cookies = CookieRewrite { map, secure: Secure::Keep, strip_domain: &[] };
//! assert_eq!(&*cookies.rewrite(b"icws_1=abc; Path=/icws/1; HttpOnly"), b"icws_1=abc; Path=/us/icserver1/icws/1; HttpOnly");
//! ```

use super::mapping::PathMap;
use super::splice::{Splice, range_of};
use std::borrow::Cow;

/// What becomes of the `Secure` attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secure {
    /// It stays as the server set it.
    Keep,
    /// It is appended where it is missing: the browser came over HTTPS, the server was asked over plain HTTP.
    Add,
}

/// How the cookies of one exchange are rewritten.
#[derive(Debug, Clone, Copy)]
pub struct CookieRewrite<'a> {
    /// The route's mapping.
    pub map: PathMap<'a>,
    /// Whether `Secure` is added.
    pub secure: Secure,
    /// Host names of the server. A Domain that is one of them is removed, so that the browser keeps the cookie for the public host
    /// (RFC 6265 section 5.3 step 6 would have it reject the cookie). Empty: every Domain stays.
    pub strip_domain: &'a [Box<str>],
}

impl CookieRewrite<'_> {
    /// The value as the browser is to get it; borrowed when nothing changed.
    ///
    /// The value is split as RFC 6265 section 5.2 does: at every semicolon, quoted or not, the first piece being name and value.
    /// If Path is there more than once, the last one counts for a browser; all are rewritten so that it cannot matter.
    pub fn rewrite<'v>(&self, value: &'v [u8]) -> Cow<'v, [u8]> {
        let mut splice = Splice::new(value);
        let mut secure = false;
        for piece in value.split(|b| *b == b';').skip(1) {
            let (name, attribute) = match piece.iter().position(|b| *b == b'=') {
                Some(at) => (trim(&piece[..at]), trim(&piece[at + 1..])),
                None => (trim(piece), &piece[piece.len()..]),
            };
            if name.eq_ignore_ascii_case(b"path") {
                let path = unquote(attribute);
                if let Some(public) = self.map.unmap_cookie_path(path) {
                    splice.replace(
                        range_of(value, path),
                        &[public.prefix.as_bytes(), public.rest],
                    );
                }
            } else if name.eq_ignore_ascii_case(b"domain") && self.is_own_host(attribute) {
                let piece = range_of(value, piece);
                splice.replace(piece.start - 1..piece.end, &[]);
            } else if name.eq_ignore_ascii_case(b"secure") {
                secure = true;
            }
        }
        if self.secure == Secure::Add && !secure && !trim(value).is_empty() {
            splice.replace(value.len()..value.len(), &[b"; Secure"]);
        }
        splice.finish()
    }

    /// RFC 6265 section 5.2.3: a leading dot of a Domain does not count.
    fn is_own_host(&self, domain: &[u8]) -> bool {
        let domain = unquote(domain);
        let domain = domain.strip_prefix(b".").unwrap_or(domain);
        self.strip_domain
            .iter()
            .any(|host| host.as_bytes().eq_ignore_ascii_case(domain))
    }
}

/// RFC 6265 section 5.2: white space is space and tab.
fn trim(bytes: &[u8]) -> &[u8] {
    let Some(start) = bytes.iter().position(|b| !matches!(b, b' ' | b'\t')) else {
        return &bytes[bytes.len()..];
    };
    let end = bytes
        .iter()
        .rposition(|b| !matches!(b, b' ' | b'\t'))
        .map_or(start, |at| at + 1);
    &bytes[start..end]
}

fn unquote(value: &[u8]) -> &[u8] {
    value
        .strip_prefix(b"\"")
        .and_then(|v| v.strip_suffix(b"\""))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::Scope;
    use proptest::prelude::*;

    fn icws() -> CookieRewrite<'static> {
        let map = PathMap::new("/us/icserver1/", "/", Scope::Below("/icws")).unwrap();
        CookieRewrite {
            map,
            secure: Secure::Keep,
            strip_domain: &[],
        }
    }

    #[test]
    fn the_path_of_every_icws_cookie_is_mapped_back() {
        for (value, expected) in [
            (
                "icws_1=g; Path=/icws/1; HttpOnly",
                "icws_1=g; Path=/us/icserver1/icws/1; HttpOnly",
            ),
            (
                "icws_1=g; HttpOnly; Secure; Path=/icws/1",
                "icws_1=g; HttpOnly; Secure; Path=/us/icserver1/icws/1",
            ),
            (
                "secret_1=g;path=/icws",
                "secret_1=g;path=/us/icserver1/icws",
            ),
            (
                "icws_sso_response=x; PATH=/ICWS/",
                "icws_sso_response=x; PATH=/us/icserver1/ICWS/",
            ),
            (
                "a=abc|languageId=en-us; Path=/icws/1",
                "a=abc|languageId=en-us; Path=/us/icserver1/icws/1",
            ),
            (
                "a=b ;  Path =\t/icws/1 ;Expires=Wed, 21 Oct 2026 07:28:00 GMT",
                "a=b ;  Path =\t/us/icserver1/icws/1 ;Expires=Wed, 21 Oct 2026 07:28:00 GMT",
            ),
            (
                "a=b; Path=\"/icws/1\"; SameSite=None",
                "a=b; Path=\"/us/icserver1/icws/1\"; SameSite=None",
            ),
            (
                "a=b; Path=/icws; x-unknown; Path=/icws/2;",
                "a=b; Path=/us/icserver1/icws; x-unknown; Path=/us/icserver1/icws/2;",
            ),
            ("a=b;Path=/icws/1;;", "a=b;Path=/us/icserver1/icws/1;;"),
            ("=; Path=/icws", "=; Path=/us/icserver1/icws"),
            ("; Path=/icws", "; Path=/us/icserver1/icws"),
        ] {
            assert_eq!(
                icws().rewrite(value.as_bytes()).escape_ascii().to_string(),
                expected.as_bytes().escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn a_cookie_with_another_path_is_left_alone() {
        for value in [
            "a=b",
            "",
            " ",
            ";",
            "a=b; Path=/",
            "a=b; Path=",
            "a=b; Path",
            "a=b; Path=/icwsx",
            "a=b; Path=icws",
            "a=b; XPath=/icws",
            "a=b; Path2=/icws",
            "Path=/icws",
            "Path=/icws; HttpOnly",
            "a=Path=/icws",
            "a=b Path=/icws",
            "a=b, c=d Path=/icws",
            "a=b; Comment=Path=/icws",
            "a=b; Path=\"/icws",
            "a=b; Path=//icws/",
            "a=b; P\u{e4}th=/icws",
            "a=b; Path=http://icserver1/icws/",
        ] {
            assert!(
                matches!(icws().rewrite(value.as_bytes()), Cow::Borrowed(v) if v == value.as_bytes()),
                "{value}"
            );
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_pass() {
        assert_eq!(
            &*icws().rewrite(b"a=\xff\xfe; Path=/icws/\xe9; X=\x80"),
            b"a=\xff\xfe; Path=/us/icserver1/icws/\xe9; X=\x80"
        );
    }

    #[test]
    fn secure_is_added_once_and_only_where_it_is_missing() {
        let rules = CookieRewrite {
            secure: Secure::Add,
            ..icws()
        };
        for (value, expected) in [
            ("a=b", "a=b; Secure"),
            ("a=b; Path=/icws", "a=b; Path=/us/icserver1/icws; Secure"),
            ("a=b; secure", "a=b; secure"),
            ("a=b; SECURE ; HttpOnly", "a=b; SECURE ; HttpOnly"),
            ("a=b; Secure=yes", "a=b; Secure=yes"),
            ("a=Secure", "a=Secure; Secure"),
            ("secure", "secure; Secure"),
            ("a=b; insecure", "a=b; insecure; Secure"),
            ("", ""),
        ] {
            assert_eq!(
                &*rules.rewrite(value.as_bytes()),
                expected.as_bytes(),
                "{value}"
            );
        }
    }

    #[test]
    fn the_servers_own_domain_is_removed_and_any_other_stays() {
        let own = ["gadgets.corp.local".into(), "10.1.2.3".into()];
        let rules = CookieRewrite {
            strip_domain: &own,
            ..icws()
        };
        for (value, expected) in [
            (
                "a=b; Domain=gadgets.corp.local; Path=/icws",
                "a=b; Path=/us/icserver1/icws",
            ),
            ("a=b;domain = .GADGETS.corp.local ;HttpOnly", "a=b;HttpOnly"),
            ("a=b; Domain=10.1.2.3", "a=b"),
            ("a=b; Domain=corp.local", "a=b; Domain=corp.local"),
            (
                "a=b; Domain=xgadgets.corp.local",
                "a=b; Domain=xgadgets.corp.local",
            ),
            ("Domain=gadgets.corp.local", "Domain=gadgets.corp.local"),
            ("a=b; Domain=", "a=b; Domain="),
        ] {
            assert_eq!(
                &*rules.rewrite(value.as_bytes()),
                expected.as_bytes(),
                "{value}"
            );
        }
        assert_eq!(
            &*icws().rewrite(b"a=b; Domain=gadgets.corp.local"),
            b"a=b; Domain=gadgets.corp.local"
        );
    }

    fn pieces(value: &[u8]) -> Vec<&[u8]> {
        value.split(|b| *b == b';').collect()
    }

    proptest! {
        #[test]
        fn no_prefix_gives_a_cookie_a_second_attribute(prefix in "/[ -~]{0,16}/", value in "[ -~]{0,20}(; ?[Pp]ath ?= ?/icws[ -~]{0,10})?(;[ -~]{0,9})?") {
            let Ok(map) = PathMap::new(&prefix, "/", Scope::Below("/icws")) else { return Ok(()) };
            let rules = CookieRewrite { map, secure: Secure::Keep, strip_domain: &[] };
            let rewritten = rules.rewrite(value.as_bytes());
            prop_assert_eq!(pieces(&rewritten).len(), pieces(value.as_bytes()).len());
            for (before, after) in pieces(value.as_bytes()).into_iter().zip(pieces(&rewritten)) {
                if before != after {
                    let name = before.split(|b| *b == b'=').next().unwrap();
                    prop_assert!(trim(name).eq_ignore_ascii_case(b"path"));
                    // Taking the prefix out again gives the bytes the server sent.
                    let at = before.windows(5).position(|w| w.eq_ignore_ascii_case(b"/icws")).unwrap();
                    let mut restored = after.to_vec();
                    restored.drain(at..at + prefix.len() - 1);
                    prop_assert_eq!(restored.as_slice(), before);
                }
            }
        }

        #[test]
        fn any_bytes_are_survived_and_those_without_a_path_stay(value in proptest::collection::vec(any::<u8>(), 0..60)) {
            let rewritten = icws().rewrite(&value);
            if !value.to_ascii_lowercase().windows(4).any(|w| w == b"path") {
                prop_assert_eq!(&*rewritten, value.as_slice());
            }
        }
    }
}
