//! Routes whose leading segments are written out, as a tree with one level per segment: the form they are built and
//! checked in, and the walk over its packed form. `/a/b/` and `/a/c` share the node of `a`.

use super::names::ServerNames;
use super::packed::Packed;
use super::{Claim, RouteConflict};

/// A place in the tree: what ends here, and what goes on below.
#[derive(Debug, Default)]
pub(super) struct Node<'s> {
    /// Sorted by segment.
    pub(super) children: Vec<(&'s str, Node<'s>)>,
    /// The route `/this/place/`.
    pub(super) prefix: Option<usize>,
    /// The route `/this/place`.
    pub(super) exact: Option<usize>,
    /// The routes `/this/place/{server}/`.
    pub(super) names: ServerNames,
}

impl<'s> Node<'s> {
    /// The node at these segments, made if need be.
    pub(super) fn descend(&mut self, segments: impl Iterator<Item = &'s str>) -> &mut Self {
        let mut node = self;
        for segment in segments {
            let at = match node.position(segment) {
                Ok(at) => at,
                Err(at) => {
                    node.children.insert(at, (segment, Node::default()));
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
            .binary_search_by(|(own, _)| (*own).cmp(segment))
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

/// The longest claim on `path` by a route that is written out. PERF: one walk, no allocation; a deeper claim, and
/// at equal depth the one without `{server}`, simply replaces the one before.
pub(super) fn find<'p>(packed: &Packed, path: &'p str) -> Option<Claim<'p>> {
    let mut best = None;
    let mut node = packed.root()?;
    let mut rest = path.strip_prefix('/')?;
    loop {
        let start = path.len() - rest.len();
        if let Some(route) = node.prefix {
            best = Some(Claim::route(start, start, route as usize, None));
        }
        let Some((segment, below)) = rest.split_once('/') else {
            if let Some(route) = packed.child(node, rest).and_then(|last| last.exact) {
                best = Some(Claim::route(path.len(), start, route as usize, None));
            }
            return best;
        };
        if let Some(names) = packed.names(node)
            && !segment.is_empty()
        {
            let length = path.len() - below.len();
            best = Some(match packed.server(names, segment) {
                Some((route, server)) => Claim::route(length, length, route, Some(server)),
                None => Claim::Unknown {
                    length,
                    route: names.unknown as usize,
                    name: segment,
                },
            });
        }
        let Some(child) = packed.child(node, segment) else {
            return best;
        };
        (node, rest) = (child, below);
    }
}
