//! How a public path becomes the path a server sees, and which of those paths are exposed: plain data that each
//! protocol kind fills in.
//!
//! | kind | mapping |
//! |---|---|
//! | `icws` | [`Mapping::from_segment`]`("icws", Only([any_case("/icws/")]))` |
//! | `webtools` | [`Mapping::below`]`("/", Only([any_case("/websvcs/")]))` |
//! | `webhtml` | [`Mapping::below`]`("/WebHTMLService/", Everything)` |
//! | `http` | [`Mapping::below`]`(base path of the server's URL, Everything or Only(...))` |
//! | files | [`Mapping::below`]`("/", Everything)`, relative to the folder |
//!
//! ```
//! use portcullis::routing::{Exposed, ExposedPath, Mapping};
//!
//! let websvcs = ExposedPath::any_case("/websvcs/".parse()?);
//! let mapping = Mapping::below("/".parse()?, Exposed::Only(vec![websvcs]));
//! assert!(mapping.exposes("/WebSvcs/chat/start"));
//! assert!(!mapping.exposes("/admin"));
//! # Ok::<(), portcullis::routing::PatternError>(())
//! ```

use std::sync::Arc;

use super::pattern::{LiteralPath, is_plain_segment};
use super::route_table::Match;

/// What a route's value must be able to say for [`judge`](super::judge).
pub trait Exposes {
    /// The mapping to the server, which for a `{server}` route may depend on the name that matched
    /// (`server`: position in the route's list).
    fn mapping(&self, server: Option<usize>) -> &Mapping;
}

impl<R: Exposes + ?Sized> Exposes for Arc<R> {
    fn mapping(&self, server: Option<usize>) -> &Mapping {
        (**self).mapping(server)
    }
}

/// From public path to the server's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    strip: Strip,
    inner_prefix: LiteralPath,
    exposed: Exposed,
}

/// What of the public path the server does not get to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strip {
    /// The route's prefix.
    Prefix,
    /// Everything before the first segment of this name (ASCII letters in any case) below the route's prefix, or
    /// before the prefix's own last segment if that has the name. What is dropped must be plain segments.
    BeforeSegment(Box<str>),
}

/// Which of the server's paths the outside may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposed {
    /// All below the mapping's inner prefix.
    Everything,
    /// Only these, and only as far as they are below the inner prefix.
    Only(Vec<ExposedPath>),
}

/// One path that is exposed: a prefix if it ends in a slash, otherwise exactly itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExposedPath {
    path: LiteralPath,
    any_case: bool,
}

/// A public path taken apart: `inner_prefix` + `rest` is what the server sees, with the client's own bytes in `rest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inner<'t, 'p> {
    /// The beginning of the public path that the server does not see, as the client wrote it, ending in a slash.
    pub public_prefix: &'p str,
    /// What stands in its place, ending in a slash.
    pub inner_prefix: &'t str,
    /// What follows, byte for byte.
    pub rest: &'p str,
}

impl ExposedPath {
    /// A path matched as written.
    pub fn same_case(path: LiteralPath) -> Self {
        let any_case = false;
        Self { path, any_case }
    }

    /// A path whose ASCII letters match in any case, for servers that ignore it.
    pub fn any_case(path: LiteralPath) -> Self {
        let any_case = true;
        Self { path, any_case }
    }

    /// Whether `beginning` + `rest` is this path or below it. In two pieces so that nothing is put together.
    fn covers(&self, beginning: &str, rest: &str) -> bool {
        let own = self.path.as_str().as_bytes();
        let length = beginning.len() + rest.len();
        let long_enough = if self.path.is_prefix() {
            length >= own.len()
        } else {
            length == own.len()
        };
        let mut pairs = own.iter().zip(beginning.bytes().chain(rest.bytes()));
        long_enough && pairs.all(|(a, b)| *a == b || (self.any_case && a.eq_ignore_ascii_case(&b)))
    }
}

impl Mapping {
    /// The route's prefix is replaced by `inner_prefix` (a slash is added at its end if it has none).
    pub fn below(inner_prefix: LiteralPath, exposed: Exposed) -> Self {
        Self {
            strip: Strip::Prefix,
            inner_prefix: inner_prefix.into_prefix(),
            exposed,
        }
    }

    /// Everything before the first segment named `segment` is dropped; see [`Strip::BeforeSegment`].
    pub fn from_segment(segment: &str, exposed: Exposed) -> Self {
        Self {
            strip: Strip::BeforeSegment(segment.into()),
            inner_prefix: LiteralPath::root(),
            exposed,
        }
    }

    /// What is cut off.
    pub fn strip(&self) -> &Strip {
        &self.strip
    }

    /// What the server's paths begin with.
    pub fn inner_prefix(&self) -> &str {
        self.inner_prefix.as_str()
    }

    /// What is exposed.
    pub fn exposed(&self) -> &Exposed {
        &self.exposed
    }

    /// Takes a matched path apart; `None` if it lacks the segment the server's path would begin with.
    pub fn apply<'t, 'p, R>(&'t self, matched: &Match<'_, 'p, R>) -> Option<Inner<'t, 'p>> {
        let inner_prefix = self.inner_prefix.as_str();
        let cut = match &self.strip {
            Strip::Prefix => matched.prefix.len(),
            Strip::BeforeSegment(name) => start_of_segment(matched, name)?,
        };
        let (public_prefix, rest) = matched.path.split_at_checked(cut)?;
        Some(Inner {
            public_prefix,
            inner_prefix,
            rest,
        })
    }

    /// Whether a path, read as it is, lies below the inner prefix and is exposed.
    pub fn exposes(&self, inner_path: &str) -> bool {
        inner_path.starts_with(self.inner_prefix()) && self.lists(inner_path, "")
    }

    /// Whether the path in these pieces is exposed, read as it is.
    pub(super) fn exposes_inner(&self, inner: &Inner<'_, '_>) -> bool {
        self.lists(inner.inner_prefix, inner.rest)
    }

    fn lists(&self, beginning: &str, rest: &str) -> bool {
        match &self.exposed {
            Exposed::Everything => true,
            Exposed::Only(paths) => paths.iter().any(|p| p.covers(beginning, rest)),
        }
    }
}

/// Where in the path the segment `name` begins.
fn start_of_segment<R>(matched: &Match<'_, '_, R>, name: &str) -> Option<usize> {
    let (_, last_of_prefix) = matched
        .prefix
        .strip_suffix('/')
        .and_then(|prefix| prefix.rsplit_once('/'))
        .unwrap_or_default();
    if last_of_prefix.eq_ignore_ascii_case(name) {
        return Some(matched.prefix.len() - last_of_prefix.len() - 1);
    }
    let mut rest = matched.rest;
    loop {
        let (segment, below) = rest.split_once('/')?;
        if segment.eq_ignore_ascii_case(name) {
            return Some(matched.path.len() - rest.len());
        }
        // SECURITY: what is dropped unseen must not hide a second reading.
        if !is_plain_segment(segment) {
            return None;
        }
        rest = below;
    }
}

impl Inner<'_, '_> {
    /// Length of the server's path in bytes, to size a buffer with.
    pub fn path_len(&self) -> usize {
        self.inner_prefix.len() + self.rest.len()
    }

    /// Appends the server's path.
    pub fn push_path(&self, to: &mut String) {
        to.push_str(self.inner_prefix);
        to.push_str(self.rest);
    }

    /// The server's path.
    pub fn path(&self) -> String {
        let mut path = String::with_capacity(self.path_len());
        self.push_path(&mut path);
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::{Found, RouteSpec, RouteTable};

    fn only(paths: &[&str]) -> Exposed {
        let any_case = |p: &&str| ExposedPath::any_case(p.parse().unwrap());
        Exposed::Only(paths.iter().map(any_case).collect())
    }

    /// (public prefix, server's path, exposed)
    fn apply(mapping: &Mapping, route: &str, path: &str) -> Option<(String, String, bool)> {
        let specs = vec![RouteSpec::to_one(route.parse().unwrap(), ())];
        let table = RouteTable::build(specs).unwrap();
        let Found::Route(matched) = table.find(path) else {
            panic!("{route} does not match {path}")
        };
        let inner = mapping.apply(&matched)?;
        let exposed = mapping.exposes_inner(&inner);
        assert_eq!(exposed, mapping.exposes(&inner.path()), "{path}");
        Some((inner.public_prefix.to_owned(), inner.path(), exposed))
    }

    #[test]
    fn everything_before_the_first_icws_segment_is_dropped() {
        let icws = Mapping::from_segment("icws", only(&["/icws/"]));
        for (route, path, expected) in [
            (
                "/us/ic1/",
                "/us/ic1/icws/123/x",
                Some(("/us/ic1/", "/icws/123/x", true)),
            ),
            (
                "/us/ic1/",
                "/us/ic1/ICWS/connection",
                Some(("/us/ic1/", "/ICWS/connection", true)),
            ),
            (
                "/us/ic1/",
                "/us/ic1/app/icws/1/icws/2",
                Some(("/us/ic1/app/", "/icws/1/icws/2", true)),
            ),
            ("/us/ic1/", "/us/ic1/icwsx/1", None),
            ("/us/ic1/", "/us/ic1/icws", None),
            ("/us/ic1/", "/us/ic1/a%20b/icws/1", None),
            ("/us/ic1/", "/us/ic1/../icws/1", None),
            ("/us/ic1/", "/us/ic1//icws/1", None),
            ("/", "/icws/1", Some(("/", "/icws/1", true))),
            (
                "/icws/",
                "/icws/1/icws/2",
                Some(("/", "/icws/1/icws/2", true)),
            ),
            ("/a/icws/", "/a/icws/1", Some(("/a/", "/icws/1", true))),
            (
                "/icws/ic1/",
                "/icws/ic1/icws/1",
                Some(("/icws/ic1/", "/icws/1", true)),
            ),
        ] {
            let got = apply(&icws, route, path);
            let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c));
            assert_eq!(got, expected, "{route} {path}");
        }
    }

    #[test]
    fn a_prefix_is_replaced_and_only_what_is_listed_is_exposed() {
        let webtools = Mapping::below("/".parse().unwrap(), only(&["/websvcs/"]));
        let http = Mapping::below(
            "/base".parse().unwrap(),
            Exposed::Only(vec![
                ExposedPath::same_case("/base/pub/".parse().unwrap()),
                ExposedPath::same_case("/base/one.css".parse().unwrap()),
                ExposedPath::same_case("/other/".parse().unwrap()),
            ]),
        );
        let webhtml = Mapping::below("/WebHTMLService/".parse().unwrap(), Exposed::Everything);
        for (mapping, path, inner, exposed) in [
            (
                &webtools,
                "/p/WebSvcs/chat/start",
                "/WebSvcs/chat/start",
                true,
            ),
            (&webtools, "/p/websvcs", "/websvcs", false),
            (&webtools, "/p/websvcsx/", "/websvcsx/", false),
            (&webtools, "/p/", "/", false),
            (&http, "/p/pub/x", "/base/pub/x", true),
            (&http, "/p/pub/", "/base/pub/", true),
            (&http, "/p/Pub/x", "/base/Pub/x", false),
            (&http, "/p/one.css", "/base/one.css", true),
            (&http, "/p/one.css/x", "/base/one.css/x", false),
            (&http, "/p/one.cssx", "/base/one.cssx", false),
            (
                &webhtml,
                "/p/doHTMLRequest",
                "/WebHTMLService/doHTMLRequest",
                true,
            ),
            (&webhtml, "/p/", "/WebHTMLService/", true),
        ] {
            let expected = ("/p/".to_owned(), inner.to_owned(), exposed);
            assert_eq!(apply(mapping, "/p/", path), Some(expected), "{path}");
        }
        assert!(!webhtml.exposes("/icws/1"));
        assert!(!http.exposes("/other/x"));
    }
}
