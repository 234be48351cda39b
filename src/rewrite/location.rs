//! `Location`, `Content-Location` and the URL of `Refresh` on their way back to the browser.
//!
//! A server names its own paths, either from the root (ICWS does) or as a full URL of itself; both become public ones. A URL of anyone
//! else, such as the identity provider of a single sign-on, passes as it is, and so does whatever can be read in two ways.
//!
//! ```
//! use portcullis::rewrite::{LocationRewrite, Origin, PathMap, PublicOrigin, Scheme, Scope};
//! let server = [Origin::new(Scheme::Https, "icserver1.corp.local", 8019)];
//! let location = LocationRewrite {
//!     map: PathMap::new("/us/icserver1/", "/", Scope::Below("/icws")).expect("well formed"),
//!     server: &server,
//!     public: PublicOrigin::new(Scheme::Https, "proxy.example.com").expect("well formed"),
//! };
//! assert_eq!(&*location.rewrite(b"/icws/1/connection"), b"/us/icserver1/icws/1/connection");
//! assert_eq!(&*location.rewrite(b"https://icserver1.corp.local:8019/icws/1"), b"https://proxy.example.com/us/icserver1/icws/1");
//! assert_eq!(&*location.rewrite(b"https://idp.example.com/icws/1"), b"https://idp.example.com/icws/1");
//! ```

use super::mapping::{PathMap, Unmapped};
use super::origin::{Origin, PublicOrigin, Scheme};
use super::splice::{Splice, range_of};
use std::borrow::Cow;

/// How the URLs in the response headers of one exchange are rewritten.
#[derive(Debug, Clone, Copy)]
pub struct LocationRewrite<'a> {
    /// The route's mapping.
    pub map: PathMap<'a>,
    /// The origins the server calls itself by: the configured URL's host, and the server name given for TLS if there is one.
    pub server: &'a [Origin],
    /// What the browser asked.
    pub public: PublicOrigin<'a>,
}

impl LocationRewrite<'_> {
    /// The value of `Location` or `Content-Location` as the browser is to get it; borrowed when nothing changed.
    ///
    /// Query and fragment are kept byte for byte.
    pub fn rewrite<'v>(&self, value: &'v [u8]) -> Cow<'v, [u8]> {
        let mut splice = Splice::new(value);
        self.rewrite_part(&mut splice, value, value);
        splice.finish()
    }

    /// The value of `Refresh` (`5; url=/icws/1`), whose URL alone is rewritten. Read as the HTML standard does
    /// (section 4.2.5.3, "shared declarative refresh steps").
    pub fn rewrite_refresh<'v>(&self, value: &'v [u8]) -> Cow<'v, [u8]> {
        let mut splice = Splice::new(value);
        if let Some(url) = refresh_url(value) {
            self.rewrite_part(&mut splice, value, url);
        }
        splice.finish()
    }

    fn rewrite_part(&self, splice: &mut Splice<'_>, whole: &[u8], url: &[u8]) {
        let range = range_of(whole, url);
        match self.path_of(url) {
            Some(Reference::Root) if self.map.is_identity() => {}
            Some(Reference::Root) => {
                if let Some(path) = self.map.unmap(url) {
                    splice.replace(
                        range,
                        &[path.prefix.as_bytes(), same_host(&path), path.rest],
                    );
                }
            }
            Some(Reference::Own(path)) => {
                let (slash, path): (&[u8], _) = if path.starts_with(b"/") {
                    (b"", path)
                } else {
                    (b"/", path)
                };
                let public = [
                    self.public.scheme().as_str().as_bytes(),
                    b"://",
                    self.public.authority().as_bytes(),
                ];
                let [scheme, colon, authority] = public;
                if !slash.is_empty() {
                    // `https://server` and `https://server?x` mean the path `/`.
                    let Some(root) = self.map.unmap(b"/") else {
                        return;
                    };
                    splice.replace(
                        range,
                        &[
                            scheme,
                            colon,
                            authority,
                            root.prefix.as_bytes(),
                            root.rest,
                            path,
                        ],
                    );
                } else if let Some(path) = self.map.unmap(path) {
                    splice.replace(
                        range,
                        &[scheme, colon, authority, path.prefix.as_bytes(), path.rest],
                    );
                }
            }
            None => {}
        }
    }

    /// What the URL refers to, as far as it is the server's own.
    fn path_of<'v>(&self, url: &'v [u8]) -> Option<Reference<'v>> {
        let (scheme, rest) = match url {
            [b'/', b'/', rest @ ..] => (self.server.first()?.scheme(), rest),
            // SECURITY: a browser reads a backslash as a slash, so this is someone's host.
            [b'/', b'\\', ..] => return None,
            [b'/', ..] => return Some(Reference::Root),
            _ => {
                let colon = url.iter().take("https:".len()).position(|b| *b == b':')?;
                let (scheme, rest) = url.split_at_checked(colon)?;
                (Scheme::parse(scheme)?, rest.strip_prefix(b"://")?)
            }
        };
        let end = rest
            .iter()
            .position(|b| matches!(b, b'/' | b'?' | b'#' | b'\\'))
            .unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        if path.starts_with(b"\\")
            || !self
                .server
                .iter()
                .any(|origin| origin.is_named_by(scheme, authority))
        {
            return None;
        }
        Some(Reference::Own(path))
    }
}

/// A URL that names something of the server.
enum Reference<'v> {
    /// A path from the root.
    Root,
    /// A full URL of the server: what follows its authority.
    Own(&'v [u8]),
}

/// What must stand between prefix and rest so that the path does not become another host's.
///
/// SECURITY: under the public prefix `/` the server's `/app//host/x` would turn into `//host/x`. A `.` segment changes nothing of the
/// path and keeps it on this host (the URL standard serialises such paths the same way, section 4.5). A browser drops tabs and
/// line breaks before it looks.
fn same_host(path: &Unmapped<'_>) -> &'static [u8] {
    let first = path
        .rest
        .iter()
        .find(|b| !matches!(b, b'\t' | b'\n' | b'\r'));
    if path.prefix == "/" && matches!(first, Some(b'/' | b'\\')) {
        b"./"
    } else {
        b""
    }
}

/// The URL in a `Refresh` value, without its quotes.
fn refresh_url(value: &[u8]) -> Option<&[u8]> {
    let rest = value.trim_ascii_start();
    let time = rest
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'.')
        .count();
    let rest = rest.get(time..)?.trim_ascii_start();
    let rest = match rest.first() {
        Some(b';' | b',') if time > 0 => rest.get(1..)?.trim_ascii_start(),
        _ => return None,
    };
    let (name, rest) = rest.split_at_checked(3)?;
    if !name.eq_ignore_ascii_case(b"url") {
        return None;
    }
    let rest = rest
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii_start();
    match rest.first() {
        Some(quote @ (b'"' | b'\'')) => rest.get(1..)?.split(|b| b == quote).next(),
        _ => Some(rest.trim_ascii_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::Scope;
    use proptest::prelude::*;

    fn origins() -> [Origin; 2] {
        [
            Origin::new(Scheme::Https, "10.1.1.5", 8019),
            Origin::new(Scheme::Https, "icserver1.corp.local", 8019),
        ]
    }

    fn through(map: PathMap<'_>, value: &str) -> String {
        let server = origins();
        let public = PublicOrigin::new(Scheme::Https, "proxy.example.com:8444").unwrap();
        let rewrite = LocationRewrite {
            map,
            server: &server,
            public,
        };
        String::from_utf8(rewrite.rewrite(value.as_bytes()).into_owned()).unwrap()
    }

    fn icws(value: &str) -> String {
        through(
            PathMap::new("/us/icserver1/", "/", Scope::Below("/icws")).unwrap(),
            value,
        )
    }

    #[test]
    fn a_path_from_the_root_is_mapped_and_its_query_kept() {
        for (value, expected) in [
            ("/icws/1/connection", "/us/icserver1/icws/1/connection"),
            ("/ICWS/connection", "/us/icserver1/ICWS/connection"),
            ("/icws", "/us/icserver1/icws"),
            (
                "/icws/1?a=/icws&b=%2F#/icws/x",
                "/us/icserver1/icws/1?a=/icws&b=%2F#/icws/x",
            ),
            (
                "/icws?returnUri=https://a/b",
                "/us/icserver1/icws?returnUri=https://a/b",
            ),
        ] {
            assert_eq!(icws(value), expected);
        }
    }

    #[test]
    fn a_url_of_the_server_itself_becomes_a_public_one() {
        for (value, expected) in [
            (
                "https://icserver1.corp.local:8019/icws/1?q=1#f",
                "https://proxy.example.com:8444/us/icserver1/icws/1?q=1#f",
            ),
            (
                "HTTPS://ICSERVER1.corp.local:8019/icws",
                "https://proxy.example.com:8444/us/icserver1/icws",
            ),
            (
                "https://10.1.1.5:8019/icws/",
                "https://proxy.example.com:8444/us/icserver1/icws/",
            ),
            (
                "//icserver1.corp.local:8019/icws/1",
                "https://proxy.example.com:8444/us/icserver1/icws/1",
            ),
        ] {
            assert_eq!(icws(value), expected);
        }
    }

    #[test]
    fn everything_else_is_untouched() {
        for value in [
            "",
            "/",
            "/other",
            "/icwsx",
            "connection",
            "../icws/1",
            "?x=/icws",
            "#/icws",
            "icws/1",
            "https://idp.example.com/saml?returnUri=https://icserver1.corp.local:8019/icws/1",
            "http://icserver1.corp.local:8019/icws/1",
            "https://icserver1.corp.local/icws/1",
            "https://icserver1.corp.local:8018/icws/1",
            "https://icserver1.corp.local:8019.evil.example/icws/1",
            "https://icserver1.corp.local:8019@evil.example/icws/1",
            "https://u:p@icserver1.corp.local:8019/icws/1",
            "https://icserver1.corp.local:8019\\@evil.example/icws/1",
            "https://icserver1.corp.local:8019",
            "https://icserver1.corp.local:8019/other",
            "https:/icserver1.corp.local:8019/icws/1",
            "https:icserver1.corp.local:8019/icws/1",
            "https:\\\\icserver1.corp.local:8019/icws/1",
            "ftp://icserver1.corp.local:8019/icws/1",
            "javascript:alert(1)//icws/",
            "data:text/html,/icws/",
            "//evil.example/icws/1",
            "///icws/1",
            "/\\evil.example/icws/1",
            "\\icws\\1",
            " /icws/1",
            "://",
            ":",
            "https://",
            "https://[::1/icws",
        ] {
            assert_eq!(icws(value), value);
        }
    }

    #[test]
    fn the_root_of_a_server_is_the_prefix_of_its_route() {
        let chat = PathMap::new("/I3Root/Server1/", "/", Scope::Everything).unwrap();
        for (value, expected) in [
            ("/", "/I3Root/Server1/"),
            ("/websvcs/x", "/I3Root/Server1/websvcs/x"),
            (
                "https://10.1.1.5:8019",
                "https://proxy.example.com:8444/I3Root/Server1/",
            ),
            (
                "https://10.1.1.5:8019?q",
                "https://proxy.example.com:8444/I3Root/Server1/?q",
            ),
            (
                "https://10.1.1.5:8019#f",
                "https://proxy.example.com:8444/I3Root/Server1/#f",
            ),
        ] {
            assert_eq!(through(chat, value), expected);
        }
    }

    #[test]
    fn a_host_that_stands_for_one_server_still_hides_its_name() {
        let whole = PathMap::new("/", "/", Scope::Everything).unwrap();
        for (value, expected) in [
            (
                "https://10.1.1.5:8019/desktop?x=1",
                "https://proxy.example.com:8444/desktop?x=1",
            ),
            ("https://10.1.1.5:8019", "https://proxy.example.com:8444/"),
            ("/desktop", "/desktop"),
            ("//evil.example/x", "//evil.example/x"),
        ] {
            assert_eq!(through(whole, value), expected);
        }
        let server = origins();
        let public = PublicOrigin::new(Scheme::Https, "proxy.example.com").unwrap();
        let rewrite = LocationRewrite {
            map: whole,
            server: &server,
            public,
        };
        assert!(matches!(rewrite.rewrite(b"/desktop"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_backslash_makes_another_host_and_stays_one() {
        let chat = PathMap::new("/I3Root/Server1/", "/", Scope::Everything).unwrap();
        for value in [
            "/\\evil.example/x",
            "https://10.1.1.5:8019\\x",
            "\\\\evil.example/x",
        ] {
            assert_eq!(through(chat, value), value);
        }
    }

    #[test]
    fn a_mapped_path_never_becomes_another_host() {
        let map = PathMap::new("/", "/app/", Scope::Everything).unwrap();
        for (value, expected) in [
            ("/app/x", "/x"),
            ("/app//evil.example/x", "/.//evil.example/x"),
            ("/app/\\evil.example/x", "/./\\evil.example/x"),
            ("/app/\t/evil.example/x", "/./\t/evil.example/x"),
            ("/app", "/"),
            ("/app?x", "/?x"),
        ] {
            assert_eq!(through(map, value), expected);
        }
    }

    #[test]
    fn only_the_url_of_a_refresh_is_rewritten() {
        let server = origins();
        let map = PathMap::new("/us/icserver1/", "/", Scope::Below("/icws")).unwrap();
        let public = PublicOrigin::new(Scheme::Https, "proxy.example.com").unwrap();
        let rewrite = LocationRewrite {
            map,
            server: &server,
            public,
        };
        for (value, expected) in [
            ("5; url=/icws/1", "5; url=/us/icserver1/icws/1"),
            (
                "0.5 ,URL = '/icws/1' x",
                "0.5 ,URL = '/us/icserver1/icws/1' x",
            ),
            (
                "0;url=\"https://10.1.1.5:8019/icws/1\"",
                "0;url=\"https://proxy.example.com/us/icserver1/icws/1\"",
            ),
            ("3;url=/icws/1 ", "3;url=/us/icserver1/icws/1 "),
            ("5", "5"),
            ("", ""),
            ("5;", "5;"),
            ("5; /icws/1", "5; /icws/1"),
            ("; url=/icws/1", "; url=/icws/1"),
            ("5; curl=/icws/1", "5; curl=/icws/1"),
            (
                "5; url=https://idp.example.com/icws/1",
                "5; url=https://idp.example.com/icws/1",
            ),
        ] {
            assert_eq!(
                &*rewrite.rewrite_refresh(value.as_bytes()),
                expected.as_bytes(),
                "{value}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_root_path_ends_with_the_bytes_the_server_sent(tail in proptest::collection::vec(any::<u8>(), 0..40)) {
            let server = origins();
            let map = PathMap::new("/p/", "/", Scope::Everything).unwrap();
            let rewrite = LocationRewrite { map, server: &server, public: PublicOrigin::new(Scheme::Http, "h").unwrap() };
            let value = [b"/x", tail.as_slice()].concat();
            prop_assert_eq!(rewrite.rewrite(&value).into_owned(), [b"/p/x", tail.as_slice()].concat());
        }

        #[test]
        fn a_url_with_another_host_passes_whatever_it_looks_like(host in "[a-z0-9.:@%\\[\\]-]{0,20}", tail in "[ -~]{0,20}") {
            let value = format!("https://{host}.example/{tail}");
            prop_assert_eq!(icws(&value), value);
        }

        #[test]
        fn any_bytes_are_survived(value in proptest::collection::vec(any::<u8>(), 0..60)) {
            let server = origins();
            let map = PathMap::new("/p/", "/app/", Scope::Everything).unwrap();
            let rewrite = LocationRewrite { map, server: &server, public: PublicOrigin::new(Scheme::Http, "h").unwrap() };
            prop_assert!(rewrite.rewrite(&value).len() >= value.len().saturating_sub(30));
            prop_assert!(rewrite.rewrite_refresh(&value).len() >= value.len().saturating_sub(30));
        }
    }
}
