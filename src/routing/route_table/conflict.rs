//! What can be wrong with a host's routes taken together.

use super::RouteSpec;
use crate::routing::pattern::{PathPattern, is_plain_segment};

/// Routes that cannot stand as they are. Positions are those in what the table was built from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteConflict {
    /// The same path twice: the second could never be reached.
    #[error("two routes for `{path}`; only one of them could ever be reached, remove one")]
    SamePath {
        /// Position of one route.
        first: usize,
        /// Position of the other.
        second: usize,
        /// The path.
        path: String,
    },
    /// `/a` and `/a/`: servers do not tell these apart, so two routes must not either.
    #[error(
        "two routes differ only in the slash at the end of `{path}/`; servers treat both as one place, keep `{path}/`"
    )]
    SlashOnly {
        /// Position of one route.
        first: usize,
        /// Position of the other.
        second: usize,
        /// The path without its slash.
        path: String,
    },
    /// A name is in the lists of two routes with the same pattern, or twice in one list (`first == second`).
    #[error(
        "the server `{name}` is listed twice for the same path; only one could ever be reached, remove one"
    )]
    ServerTwice {
        /// Position of one route.
        first: usize,
        /// Position of the other; the same for a repetition inside one list.
        second: usize,
        /// The name.
        name: String,
    },
    /// A literal route is what `{server}` already stands for: that name of the list could never be reached.
    #[error(
        "the route written out for `{name}` hides the server `{name}` of the `{{server}}` route; remove the route or take the name off the list"
    )]
    Hidden {
        /// Position of the route that is written out.
        first: usize,
        /// Position of the `{server}` route.
        second: usize,
        /// The name.
        name: String,
    },
    /// `{server}` without names.
    #[error("the path has `{{server}}`; add `servers: [name, ...]` with the names it may take")]
    NoServers {
        /// Position of the route.
        route: usize,
    },
    /// Names without `{server}`.
    #[error(
        "the route has a list of servers and no `{{server}}` in its path; write `server: name`, or `{{server}}/` at the end of the path"
    )]
    NoPlaceholder {
        /// Position of the route.
        route: usize,
    },
    /// A name that cannot stand in a path as one plain segment.
    #[error("`{name}` cannot be a value of `{{server}}`; use letters, digits, `-`, `.` and `_`")]
    BadName {
        /// Position of the route.
        route: usize,
        /// The name.
        name: String,
    },
}

impl RouteConflict {
    /// The positions of the routes concerned: the other one if there is one, and the one to point at.
    pub fn positions(&self) -> (Option<usize>, usize) {
        match self {
            Self::SamePath { first, second, .. }
            | Self::SlashOnly { first, second, .. }
            | Self::ServerTwice { first, second, .. }
            | Self::Hidden { first, second, .. } => {
                (Some(*first).filter(|first| first != second), *second)
            }
            Self::NoServers { route }
            | Self::NoPlaceholder { route }
            | Self::BadName { route, .. } => (None, *route),
        }
    }
}

/// The names that `{server}` takes in a route, with their places in its list; what is wrong goes to `wrong`.
pub(super) fn check_servers<'s, R>(
    route: usize,
    spec: &'s RouteSpec<R>,
    wrong: &mut Vec<RouteConflict>,
) -> Vec<(usize, &'s str)> {
    let servers = spec.servers.as_deref();
    match (spec.pattern.has_server(), servers) {
        (true, None | Some([])) => wrong.push(RouteConflict::NoServers { route }),
        (false, Some(_)) => wrong.push(RouteConflict::NoPlaceholder { route }),
        _ => {}
    }
    let mut good = Vec::new();
    for (place, name) in servers.unwrap_or_default().iter().enumerate() {
        // SECURITY: a name that is read in two ways would make `{server}` ambiguous by itself.
        if is_plain_segment(name) {
            good.push((place, name.as_str()));
        } else {
            let name = name.clone();
            wrong.push(RouteConflict::BadName { route, name });
        }
    }
    good
}

pub(super) fn same_path(
    taken: Option<usize>,
    second: usize,
    pattern: &PathPattern,
    wrong: &mut Vec<RouteConflict>,
) {
    if let Some(first) = taken {
        wrong.push(RouteConflict::SamePath {
            first,
            second,
            path: pattern.to_string(),
        });
    }
}
