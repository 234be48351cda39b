//! Routes whose leading segments are written out, as a tree with one level per segment.

use super::names::ServerNames;
use super::{Claim, RouteConflict};

/// A place in the tree: what ends here, and what goes on below.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Sorted by segment.
    children: Vec<(Box<str>, Node)>,
    /// The route `/this/place/`.
    pub(super) prefix: Option<usize>,
    /// The route `/this/place`.
    pub(super) exact: Option<usize>,
    /// The routes `/this/place/{server}/`.
    pub(super) names: ServerNames,
}

impl Node {
    /// The node at these segments, made if need be.
    pub(super) fn descend(&mut self, segments: &[Box<str>]) -> &mut Node {
        let mut node = self;
        for segment in segments {
            let at = match node.position(segment) {
                Ok(at) => at,
                Err(at) => {
                    node.children.insert(at, (segment.clone(), Node::default()));
                    at
                }
            };
            // `at` was found or filled just above, so it is inside.
            node = &mut node.children[at].1;
        }
        node
    }

    fn position(&self, segment: &str) -> Result<usize, usize> {
        self.children
            .binary_search_by(|(own, _)| (**own).cmp(segment))
    }

    fn child(&self, segment: &str) -> Option<&Node> {
        let at = self.position(segment).ok()?;
        self.children.get(at).map(|(_, node)| node)
    }

    /// The longest claim on `path` by a route in this tree. PERF: one walk, no allocation; a deeper claim, and at
    /// equal depth the one written out, simply replaces the one before.
    pub(super) fn find<'p>(&self, path: &'p str) -> Option<Claim<'p>> {
        let mut best = None;
        let mut node = self;
        let mut rest = path.strip_prefix('/')?;
        loop {
            let start = path.len() - rest.len();
            if let Some(route) = node.prefix {
                best = Some(claim(start, start, route, None));
            }
            let Some((segment, below)) = rest.split_once('/') else {
                if let Some(route) = node.child(rest).and_then(|last| last.exact) {
                    best = Some(claim(path.len(), start, route, None));
                }
                return best;
            };
            if !node.names.is_empty() && !segment.is_empty() {
                let length = path.len() - below.len();
                best = Some(match node.names.find(segment) {
                    Some((route, server)) => claim(length, length, route, Some(server)),
                    None => Claim::Unknown {
                        length,
                        route: node.names.first_route(),
                        name: segment,
                    },
                });
            }
            let Some(child) = node.child(segment) else {
                return best;
            };
            (node, rest) = (child, below);
        }
    }

    /// Reports the routes that others make unreachable or that no server could tell apart.
    pub(super) fn find_shadowed(&self, wrong: &mut Vec<RouteConflict>) {
        self.find_shadowed_below(&mut String::new(), wrong);
    }

    fn find_shadowed_below(&self, path: &mut String, wrong: &mut Vec<RouteConflict>) {
        if let (Some(a), Some(b)) = (self.prefix, self.exact) {
            wrong.push(RouteConflict::SlashOnly {
                first: a.min(b),
                second: a.max(b),
                path: path.clone(),
            });
        }
        for (segment, child) in &self.children {
            let written = child.prefix.or(child.exact);
            if let (Some(first), Some((second, _))) = (written, self.names.find(segment)) {
                wrong.push(RouteConflict::Hidden {
                    first,
                    second,
                    name: segment.to_string(),
                });
            }
            let length = path.len();
            path.push('/');
            path.push_str(segment);
            child.find_shadowed_below(path, wrong);
            path.truncate(length);
        }
    }
}

pub(super) fn claim<'p>(
    length: usize,
    split: usize,
    route: usize,
    server: Option<usize>,
) -> Claim<'p> {
    Claim::Route {
        length,
        split,
        route,
        server,
    }
}
