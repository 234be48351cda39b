//! The names that one `{server}` stands for, found in any case without allocating.

use std::cmp::Ordering;

use super::RouteConflict;

/// Names in lower case, sorted, each with the route it belongs to and its place in that route's list.
#[derive(Debug, Default)]
pub(super) struct ServerNames {
    sorted: Vec<Named>,
    first_route: usize,
}

#[derive(Debug)]
struct Named {
    name: Box<str>,
    route: usize,
    server: usize,
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

    pub(super) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The route an unknown name is reported under.
    pub(super) fn first_route(&self) -> usize {
        self.first_route
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

/// Order of a lower-case name and one in any case.
fn folded_order(lower: &str, any_case: &str) -> Ordering {
    lower
        .bytes()
        .cmp(any_case.bytes().map(|b| b.to_ascii_lowercase()))
}
