//! One host's routes packed for lookup: all nodes in one block, all server names in another, all text in a third.
//!
//! PERF: ten thousand hosts do not fit into a processor's caches, so what a lookup costs is the number of places in
//! memory that it touches. The children of a node are neighbours, sorted by label; `/us/icserver1/` is found by two
//! binary searches in one block.

use std::cmp::Ordering;

use super::anywhere::Anywhere;
use super::names::ServerNames;
use super::tree::Node;

#[derive(Debug)]
pub(super) struct Packed {
    /// The root first, then breadth first.
    nodes: Box<[PackedNode]>,
    names: Box<[PackedName]>,
    /// The routes `/**/marker/{server}/`.
    pub(super) markers: Box<[(Text, NameList)]>,
    text: Box<str>,
}

/// A range of `Packed::text`. Indices are 32 bits wide to keep a node inside a cache line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text(u32, u32);

#[derive(Debug)]
pub(super) struct PackedNode {
    label: Text,
    children: (u32, u32),
    names: NameList,
    /// The route `/this/place/`.
    pub(super) prefix: Option<u32>,
    /// The route `/this/place`.
    pub(super) exact: Option<u32>,
}

/// A range of `Packed::names`.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameList {
    first: u32,
    end: u32,
    /// The route that an unknown name is reported under.
    pub(super) unknown: u32,
}

#[derive(Debug)]
struct PackedName {
    name: Text,
    route: u32,
    server: u32,
}

impl Packed {
    pub(super) fn pack(root: Node<'_>, anywhere: Vec<Anywhere<'_>>) -> Self {
        let mut packer = Packer::default();
        let mut nodes = Vec::new();
        let mut level = vec![("", root)];
        // The root is alone on its level, so the first child comes right after it.
        let mut next_child = 1;
        while !level.is_empty() {
            let mut below = Vec::new();
            for (label, node) in level {
                let first_child = next_child;
                next_child += node.children.len();
                nodes.push(PackedNode {
                    label: packer.text(label),
                    children: (narrow(first_child), narrow(next_child)),
                    names: packer.names(node.names),
                    prefix: node.prefix.map(narrow),
                    exact: node.exact.map(narrow),
                });
                below.extend(node.children);
            }
            level = below;
        }
        let markers = anywhere
            .into_iter()
            .map(|a| (packer.text(a.marker), packer.names(a.names)))
            .collect();
        Self {
            nodes: nodes.into(),
            names: packer.names.into(),
            markers,
            text: packer.text.into(),
        }
    }

    pub(super) fn root(&self) -> Option<&PackedNode> {
        self.nodes.first()
    }

    pub(super) fn child(&self, node: &PackedNode, segment: &str) -> Option<&PackedNode> {
        let (first, end) = node.children;
        let children = self.nodes.get(first as usize..end as usize)?;
        let at = children
            .binary_search_by(|child| self.text(child.label).cmp(segment))
            .ok()?;
        children.get(at)
    }

    /// The names of the routes `/this/place/{server}/`, if there are any.
    pub(super) fn names(&self, node: &PackedNode) -> Option<NameList> {
        (node.names.first < node.names.end).then_some(node.names)
    }

    /// The route and the place in its list that a name in any case stands for.
    pub(super) fn server(&self, list: NameList, name: &str) -> Option<(usize, usize)> {
        let names = self.names.get(list.first as usize..list.end as usize)?;
        let at = names
            .binary_search_by(|n| folded_order(self.text(n.name), name))
            .ok()?;
        let found = names.get(at)?;
        Some((found.route as usize, found.server as usize))
    }

    pub(super) fn text(&self, text: Text) -> &str {
        self.text
            .get(text.0 as usize..text.1 as usize)
            .unwrap_or_default()
    }
}

#[derive(Default)]
struct Packer {
    text: String,
    names: Vec<PackedName>,
}

impl Packer {
    fn text(&mut self, text: &str) -> Text {
        let first = self.text.len();
        self.text.push_str(text);
        Text(narrow(first), narrow(self.text.len()))
    }

    fn names(&mut self, names: ServerNames) -> NameList {
        let first = narrow(self.names.len());
        let unknown = narrow(names.first_route);
        for named in names.sorted {
            let name = self.text(&named.name);
            self.names.push(PackedName {
                name,
                route: narrow(named.route),
                server: narrow(named.server),
            });
        }
        let end = narrow(self.names.len());
        NameList {
            first,
            end,
            unknown,
        }
    }
}

/// Saturates: an index that does not fit finds nothing.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Order of a lower-case name and one in any case.
pub(super) fn folded_order(lower: &str, any_case: &str) -> Ordering {
    lower
        .bytes()
        .cmp(any_case.bytes().map(|b| b.to_ascii_lowercase()))
}
