//! Routes on their way into the table of their host, and what is wrong with them taken together.
//!
//! ```text
//! p.yaml:10:17: error: two routes for `/a/`
//!    = note: the other one is here: p.yaml:8:17
//! ```

use std::sync::Arc;

use super::Route;
use crate::config::At;
use crate::config::value::ServerName;
use crate::diagnostic::{Diagnostic, Place};
use crate::routing::{PathPattern, RouteConflict, RouteSpec};

/// A route before the table of its host: what is behind it may be wrong, its path is still its path.
pub(super) struct Draft<'c> {
    pub(super) pattern: PathPattern,
    pub(super) place: Option<Place>,
    /// The names that `{server}` takes.
    pub(super) names: Option<&'c [At<ServerName>]>,
    pub(super) route: Option<Arc<Route>>,
}

impl Draft<'_> {
    /// What goes into the host's table; `None` if what is behind it is wrong. To be called once: the path moves there.
    pub(super) fn spec(&mut self) -> Option<RouteSpec<Arc<Route>>> {
        let route = self.route.take()?;
        Some(self.with(route))
    }

    /// The path alone, for the comparison with the others.
    pub(super) fn spec_alone(&mut self) -> RouteSpec<()> {
        self.with(())
    }

    fn with<R>(&mut self, route: R) -> RouteSpec<R> {
        RouteSpec {
            pattern: std::mem::take(&mut self.pattern),
            servers: self
                .names
                .map(|names| names.iter().map(ToString::to_string).collect()),
            route,
        }
    }

    /// Where a name of the list stands, or else the path.
    fn place_of(&self, name: &str) -> Option<Place> {
        let named = self
            .names
            .and_then(|names| names.iter().rfind(|other| other.as_str() == name));
        named.map_or(self.place, |name| name.place)
    }
}

/// Routes that cannot stand together, with both places.
pub(super) fn conflict(conflict: &RouteConflict, drafts: &[Draft<'_>]) -> Diagnostic {
    let (first, second) = conflict.positions();
    let place = match (conflict, drafts.get(second)) {
        (
            RouteConflict::ServerTwice { name, .. }
            | RouteConflict::Hidden { name, .. }
            | RouteConflict::BadName { name, .. },
            Some(draft),
        ) => draft.place_of(name),
        (_, draft) => draft.and_then(|draft| draft.place),
    };
    let text = conflict.to_string();
    // Each of these sentences says first what is wrong and then what to do; no path or name has a `; ` in it.
    let (message, remedy) = text
        .split_once("; ")
        .unwrap_or((&text, "write each path once"));
    let other = first
        .and_then(|first| drafts.get(first))
        .and_then(|draft| draft.place);
    Diagnostic::new(place, message)
        .related(other, "the other one is here")
        .remedy(remedy)
}
