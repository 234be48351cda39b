//! One route's path mapping: public prefix on one side, the server's own prefix on the other.
//!
//! The type is borrowed and `Copy`, because the public prefix is sometimes a piece of the request itself: a route with `{server}`
//! in it matches without regard to case, while a browser compares cookie paths with regard to it (RFC 6265 section 5.1.4), so a
//! cookie has to come back with the prefix as this client spelled it.
//!
//! ```
//! use portcullis::rewrite::{PathMap, Scope};
//! let search = PathMap::new("/I3Root/WebServices/Server1/", "/WebHTMLService/", Scope::Everything).expect("well formed");
//! assert_eq!(search.map("/I3Root/WebServices/Server1/doHTMLRequest").as_deref(), Some("/WebHTMLService/doHTMLRequest"));
//! ```

use std::borrow::Cow;

/// Which of the server's paths take part in the mapping. Any other path is left alone in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Every path below the inner prefix.
    Everything,
    /// This path (for ICWS `/icws`) and what is below it, compared without regard to ASCII case.
    Below(&'a str),
}

/// Why two prefixes do not make a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathMapError {
    /// A prefix does not begin or does not end with a slash.
    #[error("a prefix must begin and end with `/`")]
    Slashes,
    /// A prefix has an empty, `.` or `..` segment.
    #[error("a prefix must have no empty, `.` or `..` segment")]
    Segments,
    /// A prefix holds a byte that cannot stand in a path or in the Path of a cookie.
    #[error(
        "a prefix may hold only the characters of a URL path, percent-encoded where needed, and no `;`"
    )]
    Characters,
    /// The scope is not an absolute path without a slash at its end.
    #[error(
        "a scope must begin with `/`, must not end with one, and must lie below the inner prefix"
    )]
    Scope,
}

/// The mapping between a public prefix and a server's own prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathMap<'a> {
    public: &'a str,
    inner: &'a str,
    scope: Scope<'a>,
}

/// A public path in two pieces, so that the caller copies it once, to where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unmapped<'a> {
    /// The public prefix, with or without its last slash.
    pub prefix: &'a str,
    /// What followed the inner prefix, byte for byte.
    pub rest: &'a [u8],
}

impl Unmapped<'_> {
    /// Both pieces in one new buffer.
    pub fn to_vec(&self) -> Vec<u8> {
        [self.prefix.as_bytes(), self.rest].concat()
    }
}

impl<'a> PathMap<'a> {
    /// Makes a mapping of two prefixes, each with a slash at both ends (`/` alone is one).
    ///
    /// # Errors
    /// [`PathMapError`] when a prefix or the scope is not what it must be. What passes can be put into a cookie's Path (RFC 6265
    /// section 4.1.1 allows no CTL and no `;` there) or a Location as it stands, whoever chose it.
    pub fn new(public: &'a str, inner: &'a str, scope: Scope<'a>) -> Result<Self, PathMapError> {
        check_prefix(public)?;
        check_prefix(inner)?;
        if let Scope::Below(top) = scope {
            let well_formed = top.len() > 1 && top.starts_with('/') && !top.ends_with('/');
            if !well_formed
                || strip_prefix_ignoring_case(top.as_bytes(), inner.as_bytes()).is_none()
            {
                return Err(PathMapError::Scope);
            }
        }
        Ok(PathMap {
            public,
            inner,
            scope,
        })
    }

    /// The prefix the browser sees, slashes included.
    pub fn public_prefix(&self) -> &'a str {
        self.public
    }

    /// The server's prefix, slashes included.
    pub fn inner_prefix(&self) -> &'a str {
        self.inner
    }

    /// Whether paths are the same on both sides, as where a whole public host stands for one server.
    pub fn is_identity(&self) -> bool {
        self.public == self.inner
    }

    /// The server's path for a public one; `None` when the path is not below the public prefix or lies outside the scope.
    ///
    /// The path may carry its query. What follows the prefix is kept byte for byte.
    pub fn map<'p>(&self, public_path: &'p str) -> Option<Cow<'p, str>> {
        let rest = public_path.strip_prefix(self.public)?;
        let inner_path = if self.inner == "/" {
            // PERF: the slash that ends the public prefix is the one the inner path begins with, so nothing is copied.
            Cow::Borrowed(public_path.get(self.public.len() - 1..)?)
        } else {
            Cow::Owned([self.inner, rest].concat())
        };
        self.in_scope(inner_path.as_bytes()).then_some(inner_path)
    }

    /// The public path for one of the server's; `None` when the path has none and is to be left as it is.
    ///
    /// The path may carry a query and a fragment. The inner prefix without its last slash stands for the public one without it.
    pub fn unmap<'p>(&self, inner_path: &'p [u8]) -> Option<Unmapped<'p>>
    where
        'a: 'p,
    {
        if !self.in_scope(inner_path) {
            return None;
        }
        if let Some(rest) = inner_path.strip_prefix(self.inner.as_bytes()) {
            return Some(Unmapped {
                prefix: self.public,
                rest,
            });
        }
        let rest = inner_path.strip_prefix(without_last_slash(self.inner).as_bytes())?;
        if self.inner == "/" || !ends_path(rest) {
            return None;
        }
        let prefix = if self.public == "/" {
            "/"
        } else {
            without_last_slash(self.public)
        };
        Some(Unmapped { prefix, rest })
    }

    /// The public Path for the Path of a cookie, `None` when it is to be left as it is.
    ///
    /// Besides [`PathMap::unmap`] this narrows a Path above the inner prefix to the public prefix: a server mounted at `/app/`
    /// that sets `Path=/` means all of itself, and on the public host `/` would hand its cookie to every other server there.
    pub fn unmap_cookie_path<'p>(&self, path: &'p [u8]) -> Option<Unmapped<'p>>
    where
        'a: 'p,
    {
        if self.is_identity() {
            return None;
        }
        let inner = self.inner.as_bytes();
        if self.scope == Scope::Everything && path.starts_with(b"/") {
            // RFC 6265 section 5.1.4: a path covers another that begins with it and goes on after a slash.
            let after = inner.strip_prefix(path).unwrap_or_default();
            if after.len() > 1 && (path.ends_with(b"/") || after.starts_with(b"/")) {
                return Some(Unmapped {
                    prefix: self.public,
                    rest: b"",
                });
            }
        }
        self.unmap(path)
    }

    fn in_scope(&self, inner_path: &[u8]) -> bool {
        match self.scope {
            Scope::Everything => true,
            Scope::Below(top) => is_at_or_below(inner_path, top.as_bytes()),
        }
    }
}

/// Whether `path` is `top` or below it, without regard to ASCII case.
fn is_at_or_below(path: &[u8], top: &[u8]) -> bool {
    strip_prefix_ignoring_case(path, top)
        .is_some_and(|rest| ends_path(rest) || rest.first() == Some(&b'/'))
}

/// Whether nothing of the path follows: only a query, a fragment or nothing at all.
fn ends_path(rest: &[u8]) -> bool {
    matches!(rest.first(), None | Some(b'?' | b'#'))
}

fn strip_prefix_ignoring_case<'p>(path: &'p [u8], prefix: &[u8]) -> Option<&'p [u8]> {
    let (head, rest) = path.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn without_last_slash(prefix: &str) -> &str {
    prefix.strip_suffix('/').unwrap_or(prefix)
}

fn check_prefix(prefix: &str) -> Result<(), PathMapError> {
    if prefix == "/" {
        return Ok(());
    }
    // SECURITY: an empty first segment would make `//host` of a Location; `;` or a control would add to a cookie.
    let middle = prefix
        .strip_prefix('/')
        .and_then(|p| p.strip_suffix('/'))
        .ok_or(PathMapError::Slashes)?;
    for segment in middle.split('/') {
        if matches!(segment, "" | "." | "..") {
            return Err(PathMapError::Segments);
        }
        if !is_path_text(segment.as_bytes()) {
            return Err(PathMapError::Characters);
        }
    }
    Ok(())
}

/// RFC 3986 section 3.3: `pchar`, less the semicolon.
fn is_path_text(mut bytes: &[u8]) -> bool {
    while let Some((first, rest)) = bytes.split_first() {
        bytes = match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => rest,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+'
            | b',' | b'=' | b':' | b'@' => rest,
            b'%' => match rest {
                [a, b, rest @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest,
                _ => return false,
            },
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn icws() -> PathMap<'static> {
        PathMap::new("/us/icserver1/", "/", Scope::Below("/icws")).unwrap()
    }

    fn text(path: Option<Unmapped<'_>>) -> Option<String> {
        path.map(|p| String::from_utf8(p.to_vec()).unwrap())
    }

    #[test]
    fn icws_paths_go_in_and_come_back() {
        for (public, inner) in [
            ("/us/icserver1/icws", "/icws"),
            ("/us/icserver1/icws/", "/icws/"),
            (
                "/us/icserver1/icws/1234/messaging/messages",
                "/icws/1234/messaging/messages",
            ),
            ("/us/icserver1/ICWS/connection", "/ICWS/connection"),
            (
                "/us/icserver1/icws/connection?include=features%2Cversion",
                "/icws/connection?include=features%2Cversion",
            ),
            ("/us/icserver1/icws?x", "/icws?x"),
            ("/us/icserver1/icws/a%2Fb/..%2f", "/icws/a%2Fb/..%2f"),
        ] {
            assert_eq!(icws().map(public).as_deref(), Some(inner));
            assert_eq!(
                text(icws().unmap(inner.as_bytes())).as_deref(),
                Some(public)
            );
        }
    }

    #[test]
    fn a_path_outside_the_scope_is_untouched() {
        for path in [
            "/",
            "",
            "/icwsx",
            "/icw",
            "/WebHTMLService/x",
            "icws/1",
            "//icws/1",
            "/%69cws/x",
            "/x/icws/1",
        ] {
            assert_eq!(icws().unmap(path.as_bytes()), None, "{path}");
        }
        for path in [
            "/us/icserver1/",
            "/us/icserver1",
            "/us/icserver1/other",
            "/us/icserver1/icwsx",
            "/us/ICSERVER1/icws/x",
        ] {
            assert_eq!(icws().map(path), None, "{path}");
        }
    }

    #[test]
    fn mapping_to_the_root_copies_nothing() {
        assert!(matches!(
            icws().map("/us/icserver1/icws/1"),
            Some(Cow::Borrowed("/icws/1"))
        ));
    }

    #[test]
    fn a_base_path_with_and_without_its_slash_comes_back_in_kind() {
        let map = PathMap::new("/gadgets/a/", "/app/v1/", Scope::Everything).unwrap();
        for (inner, public) in [
            ("/app/v1/x", Some("/gadgets/a/x")),
            ("/app/v1/", Some("/gadgets/a/")),
            ("/app/v1", Some("/gadgets/a")),
            ("/app/v1?q=/x", Some("/gadgets/a?q=/x")),
            ("/app/v12", None),
            ("/app/", None),
            ("/", None),
        ] {
            assert_eq!(
                text(map.unmap(inner.as_bytes())).as_deref(),
                public,
                "{inner}"
            );
        }
    }

    #[test]
    fn a_cookie_for_more_than_the_base_path_is_narrowed_to_the_public_prefix() {
        let map = PathMap::new("/gadgets/a/", "/app/v1/", Scope::Everything).unwrap();
        for (path, public) in [
            ("/", Some("/gadgets/a/")),
            ("/app", Some("/gadgets/a/")),
            ("/app/", Some("/gadgets/a/")),
            ("/app/v1", Some("/gadgets/a")),
            ("/app/v1/", Some("/gadgets/a/")),
            ("/app/v1/x", Some("/gadgets/a/x")),
            ("/ap", None),
            ("/other", None),
            ("", None),
            ("app", None),
        ] {
            assert_eq!(
                text(map.unmap_cookie_path(path.as_bytes())).as_deref(),
                public,
                "{path}"
            );
        }
        assert_eq!(
            icws().unmap_cookie_path(b"/"),
            None,
            "an ICWS cookie outside /icws is left alone"
        );
    }

    #[test]
    fn a_route_that_maps_to_itself_changes_nothing() {
        let map = PathMap::new("/", "/", Scope::Everything).unwrap();
        assert!(map.is_identity());
        assert_eq!(text(map.unmap(b"/x")).as_deref(), Some("/x"));
        assert_eq!(map.unmap_cookie_path(b"/"), None);
        assert_eq!(map.unmap_cookie_path(b"/x"), None);
        assert_eq!(map.map("/x").as_deref(), Some("/x"));
    }

    #[test]
    fn prefixes_that_could_be_read_as_something_else_are_refused() {
        use PathMapError::{Characters, Segments, Slashes};
        for (prefix, error) in [
            ("", Slashes),
            ("x/", Slashes),
            ("/x", Slashes),
            ("//", Segments),
            ("//evil.example/", Segments),
            ("/a//b/", Segments),
            ("/a/../b/", Segments),
            ("/./", Segments),
            ("/a;b/", Characters),
            ("/a\r\nSet-Cookie: x=y/", Characters),
            ("/a b/", Characters),
            ("/\\evil.example/", Characters),
            ("/a\"/", Characters),
            ("/a?b/", Characters),
            ("/a#b/", Characters),
            ("/a%2/", Characters),
            ("/a%zz/", Characters),
            ("/ä/", Characters),
        ] {
            assert_eq!(
                PathMap::new(prefix, "/", Scope::Everything).unwrap_err(),
                error,
                "{prefix:?}"
            );
            assert_eq!(
                PathMap::new("/", prefix, Scope::Everything).unwrap_err(),
                error,
                "{prefix:?}"
            );
        }
        for scope in ["", "/", "icws", "/icws/", "/other"] {
            assert_eq!(
                PathMap::new("/p/", "/base/", Scope::Below(scope)).unwrap_err(),
                PathMapError::Scope,
                "{scope:?}"
            );
        }
    }

    fn prefix() -> impl Strategy<Value = String> {
        proptest::collection::vec("[a-zA-Z0-9_~-][a-zA-Z0-9._~%:@=+-]{0,6}", 0..4).prop_map(
            |segments| {
                let text: String = segments
                    .iter()
                    .map(|s| format!("{}/", s.replace('%', "%2F")))
                    .collect();
                format!("/{text}")
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_mapped_comes_back_as_it_was(public in prefix(), inner in prefix(), rest in "\\PC{0,30}", scoped: bool) {
            let scope = format!("{inner}icws");
            let scope = if scoped { Scope::Below(&scope) } else { Scope::Everything };
            let map = PathMap::new(&public, &inner, scope).unwrap();
            let rest = if scoped { format!("icws/{rest}") } else { rest };
            let path = format!("{public}{rest}");
            let mapped = map.map(&path).expect("below the prefix and in scope");
            prop_assert_eq!(&*mapped, format!("{}{}", &inner, &rest));
            prop_assert_eq!(text(map.unmap(mapped.as_bytes())), Some(path));
        }

        #[test]
        fn no_prefix_that_is_accepted_can_end_an_attribute_or_start_a_host(prefix in "/[ -~]{0,12}/") {
            if PathMap::new(&prefix, "/", Scope::Everything).is_ok() {
                prop_assert!(!prefix.contains(|c: char| c == ';' || c == '\\' || c == '"' || c <= ' ' || c >= '\x7f'));
                prop_assert!(!prefix.contains("//"));
            }
        }
    }
}
