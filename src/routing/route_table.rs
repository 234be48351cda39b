//! One host's routes, compiled: the longest one that matches a path wins, and order never matters.
//!
//! Matching is on whole segments, case-sensitive except for the value of `{server}`, and takes the path as it is:
//! what other readings of it would lead to is [`judge`](super::judge)'s question. When a `{server}` route's own
//! prefix matches and the name after it is not in its list, the path leads nowhere ([`Found::UnknownServer`]),
//! even if a shorter route would take it: a redirect to a server missing in the list must show as what it is
//! and not as a missing static file. `/**/api/{server}/` claims unknown names in the same way, except where
//! another route is written at least down to that `/api/`; so `/gadgets/api/` of one's own takes those back.
//!
//! ```
//! use portcullis::routing::{Found, RouteSpec, RouteTable};
//!
//! let table = RouteTable::build(vec![
//!     RouteSpec::to_one("/apps/".parse()?, "files"),
//!     RouteSpec::to_named("/apps/api/{server}/".parse()?, vec!["ic1".into(), "ic2".into()], "icws"),
//! ]).map_err(|e| e[0].clone())?;
//! let Found::Route(m) = table.find("/apps/api/IC2/icws/connection") else { unreachable!() };
//! assert_eq!((*m.route, m.server, m.prefix, m.rest), ("icws", Some(1), "/apps/api/IC2/", "icws/connection"));
//! assert!(matches!(table.find("/apps/api/ic9/icws/"), Found::UnknownServer { name: "ic9", .. }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anywhere;
mod conflict;
mod names;
mod packed;
mod tree;

#[cfg(test)]
mod tests;

use anywhere::Anywhere;
pub use conflict::RouteConflict;
use packed::Packed;
use tree::Node;

use super::pattern::{PathPattern, Shape};

/// A route as it goes into a table.
#[derive(Debug, Clone)]
pub struct RouteSpec<R> {
    /// The path it is for.
    pub pattern: PathPattern,
    /// The values `{server}` may take; `Some` exactly when the pattern has `{server}`.
    pub servers: Option<Vec<String>>,
    /// What the table's user wants back when the route matches.
    pub route: R,
}

impl<R> RouteSpec<R> {
    /// A route without `{server}`.
    pub fn to_one(pattern: PathPattern, route: R) -> Self {
        let servers = None;
        Self {
            pattern,
            servers,
            route,
        }
    }

    /// A route whose `{server}` takes one of these names.
    pub fn to_named(pattern: PathPattern, servers: Vec<String>, route: R) -> Self {
        let servers = Some(servers);
        Self {
            pattern,
            servers,
            route,
        }
    }
}

/// The routes of one host. Built once, then only read; a lookup allocates nothing.
#[derive(Debug)]
pub struct RouteTable<R> {
    routes: Vec<(PathPattern, R)>,
    packed: Packed,
}

/// Where a path leads.
#[derive(Debug)]
pub enum Found<'t, 'p, R> {
    /// To this route.
    Route(Match<'t, 'p, R>),
    /// To a `{server}` route whose list lacks the name.
    UnknownServer {
        /// Position of the route in what the table was built from.
        index: usize,
        /// The name as the client wrote it: up to the whole path long, so shorten it for a log.
        name: &'p str,
    },
    /// Nowhere.
    Nothing,
}

/// A route that matched, and how it cuts the path.
#[derive(Debug)]
pub struct Match<'t, 'p, R> {
    /// What the route was built with.
    pub route: &'t R,
    /// Its path in the file.
    pub pattern: &'t PathPattern,
    /// Its position in what the table was built from.
    pub index: usize,
    /// Which of the route's server names the path has, by position in its list.
    pub server: Option<usize>,
    /// The public prefix as the client wrote it, ending in a slash.
    pub prefix: &'p str,
    /// What follows the prefix; for an exact path its last segment.
    pub rest: &'p str,
    pub(super) path: &'p str,
}

/// A claim on a path, before it becomes a [`Match`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim<'p> {
    /// `length` bytes of the path matched; the public prefix is its first `split` bytes.
    Route {
        length: usize,
        split: usize,
        route: usize,
        server: Option<usize>,
    },
    /// The first `length` bytes belong to a `{server}` route without this name.
    Unknown {
        length: usize,
        route: usize,
        name: &'p str,
    },
}

impl Claim<'_> {
    fn route(length: usize, split: usize, route: usize, server: Option<usize>) -> Self {
        Self::Route {
            length,
            split,
            route,
            server,
        }
    }
}

impl<R> RouteTable<R> {
    /// Compiles the routes. Errors: everything that is wrong with them, each with the positions concerned.
    pub fn build(specs: Vec<RouteSpec<R>>) -> Result<Self, Vec<RouteConflict>> {
        let mut wrong = Vec::new();
        let packed = pack(&specs, &mut wrong);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let routes = specs.into_iter().map(|spec| (spec.pattern, spec.route));
        Ok(Self {
            routes: routes.collect(),
            packed,
        })
    }

    /// The longest route that matches `path`, read exactly as it is; without query, beginning with a slash.
    pub fn find<'t, 'p>(&'t self, path: &'p str) -> Found<'t, 'p, R> {
        let mut best = tree::find(&self.packed, path);
        for (marker, names) in &self.packed.markers {
            let marker = self.packed.text(*marker);
            best = stronger(best, anywhere::find(&self.packed, marker, *names, path));
        }
        match best {
            Some(Claim::Unknown { route, name, .. }) => Found::UnknownServer { index: route, name },
            Some(Claim::Route {
                split,
                route,
                server,
                ..
            }) => self
                .matched(path, split, route, server)
                .map_or(Found::Nothing, Found::Route),
            None => Found::Nothing,
        }
    }

    /// The routes with their paths, in the order the table was built from.
    pub fn routes(&self) -> impl Iterator<Item = (&PathPattern, &R)> {
        self.routes.iter().map(|(pattern, route)| (pattern, route))
    }

    fn matched<'t, 'p>(
        &'t self,
        path: &'p str,
        split: usize,
        index: usize,
        server: Option<usize>,
    ) -> Option<Match<'t, 'p, R>> {
        let (pattern, route) = self.routes.get(index)?;
        let (prefix, rest) = path.split_at_checked(split)?;
        Some(Match {
            route,
            pattern,
            index,
            server,
            prefix,
            rest,
            path,
        })
    }
}

fn pack<R>(specs: &[RouteSpec<R>], wrong: &mut Vec<RouteConflict>) -> Packed {
    let mut tree = Node::default();
    let mut anywhere: Vec<Anywhere<'_>> = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        let servers = conflict::check_servers(index, spec, wrong);
        let pattern = &spec.pattern;
        match pattern.shape {
            Shape::Prefix => {
                let taken = tree.descend(pattern.segments()).prefix.replace(index);
                conflict::same_path(taken, index, pattern, wrong);
            }
            Shape::Exact => {
                let taken = tree.descend(pattern.segments()).exact.replace(index);
                conflict::same_path(taken, index, pattern, wrong);
            }
            Shape::Captured => {
                let names = &mut tree.descend(pattern.segments()).names;
                names.add(index, &servers, wrong);
            }
            Shape::Anywhere => {
                let marker = pattern.segments().next().unwrap_or_default();
                let names = &mut Anywhere::below(&mut anywhere, marker).names;
                names.add(index, &servers, wrong);
            }
        }
    }
    tree.find_shadowed(wrong);
    Packed::pack(tree, anywhere)
}

/// Which of two claims counts. `written` comes from routes that spell out more, and wins a tie between equals.
fn stronger<'p>(written: Option<Claim<'p>>, other: Option<Claim<'p>>) -> Option<Claim<'p>> {
    let (Some(a), Some(b)) = (written, other) else {
        return written.or(other);
    };
    let other_wins = match (a, b) {
        // A name that one list knows is not unknown.
        (Claim::Unknown { length: a, .. }, Claim::Route { length: b, .. }) => b >= a,
        (Claim::Unknown { .. }, Claim::Unknown { .. }) => false,
        (Claim::Route { length: a, .. }, Claim::Route { length: b, .. })
        | (Claim::Route { length: a, .. }, Claim::Unknown { length: b, .. }) => b > a,
    };
    Some(if other_wins { b } else { a })
}
