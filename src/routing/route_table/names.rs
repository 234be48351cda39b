//! The names that one `{server}` stands for, while a table is built.

use super::RouteConflict;
use super::packed::folded_order;

/// Names in lower case, sorted, each with the route it belongs to and its place in that route's list.
#[derive(Debug, Default)]
pub(super) struct ServerNames {
    pub(super) sorted: Vec<Named>,
    /// The route an unknown name is reported under.
    pub(super) first_route: usize,
}

#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: Box<str>,
    pub(super) route: usize,
    pub(super) server: usize,
}

impl ServerNames {
    /// Adds one route's list. Two routes may share a pattern as long as no name is in both lists.
    pub(super) fn add(
        &mut self,
        route: usize,
        servers: &[(usize, &str)],
        wrong: &mut Vec<RouteConflict>,
    ) {
        if self.sorted.is_empty() {
            self.first_route = route;
        }
        for &(server, name) in servers {
            match self.position(name) {
                Ok(at) => {
                    if let Some(taken) = self.sorted.get(at) {
                        wrong.push(RouteConflict::ServerTwice {
                            first: taken.route,
                            second: route,
                            name: name.to_owned(),
                        });
                    }
                }
                Err(at) => {
                    let name = name.to_ascii_lowercase().into();
                    let named = Named {
                        name,
                        route,
                        server,
                    };
                    self.sorted.insert(at, named);
                }
            }
        }
    }

    /// The route and the place in its list for this name.
    pub(super) fn find(&self, name: &str) -> Option<(usize, usize)> {
        let at = self.position(name).ok()?;
        self.sorted.get(at).map(|n| (n.route, n.server))
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.sorted
            .binary_search_by(|n| folded_order(&n.name, name))
    }
}
