//! YAML as a tree of nodes that know their places. The only file, with `syntax.rs`, that knows the YAML crate; what most files are
//! written in is read without it (`plain`).
//!
//! Scalars keep the text that is in the file (`1.2` stays `1.2`, `0x10` stays `0x10`): what it means is decided by the value
//! type that it is decoded into, never by YAML's own rules about numbers, dates and words for "yes".

mod plain;

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::diagnostic::{Diagnostic, Place};

use super::syntax;

/// Nodes in one tree at most, counting what aliases repeat.
///
/// SECURITY: nested aliases ("billion laughs") grow a small file without limit; this is what stops them. 10,000 hosts with ten routes of
/// five keys each are 1.2 million.
const MAX_NODES: usize = 2_000_000;
/// Lists and mappings inside one another at most; the configuration needs 8. Bounds the depth of every recursion over the tree.
const MAX_DEPTH: usize = 32;

/// One value of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node<'s> {
    /// A scalar: where it stands. A list or mapping: the key it belongs to, or where it begins.
    pub place: Place,
    pub data: Data<'s>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data<'s> {
    Scalar { text: Cow<'s, str>, plain: bool },
    List(Vec<Node<'s>>),
    Map(Vec<(Node<'s>, Node<'s>)>),
}

impl Node<'_> {
    /// A mapping without keys, standing for one that is not written in the file.
    pub(super) fn empty_map(place: Place) -> Self {
        Self {
            place,
            data: Data::Map(Vec::new()),
        }
    }

    /// Nothing was written, or one of YAML's words for nothing.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar { text, plain: true }
            if matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            Data::List(_) | Data::Map(_) => None,
        }
    }

    /// The value of a key of a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.data {
            Data::Map(pairs) => pairs
                .iter()
                .find(|(other, _)| other.text() == Some(key))
                .map(|(_, value)| value),
            Data::Scalar { .. } | Data::List(_) => None,
        }
    }

    pub(super) fn is_empty_list(&self) -> bool {
        matches!(&self.data, Data::List(items) if items.is_empty())
    }

    /// How many items or keys are written; 0 for a scalar.
    pub(super) fn len(&self) -> usize {
        match &self.data {
            Data::Scalar { .. } => 0,
            Data::List(items) => items.len(),
            Data::Map(pairs) => pairs.len(),
        }
    }

    pub(super) fn count(&self) -> usize {
        match &self.data {
            Data::Scalar { .. } => 1,
            Data::List(items) => 1 + items.iter().map(Node::count).sum::<usize>(),
            Data::Map(pairs) => {
                1 + pairs
                    .iter()
                    .map(|(key, value)| key.count() + value.count())
                    .sum::<usize>()
            }
        }
    }
}

/// Parses a file of one YAML document. An empty file is an empty mapping.
///
/// # Errors
/// The first place where it is not YAML, or what it uses that a configuration has no need for: tags, several documents,
/// more nodes or deeper nesting than the limits above.
pub(super) fn parse(text: &str) -> Result<Node<'_>, Diagnostic> {
    match plain::parse(text) {
        Some(root) => Ok(root),
        None => parse_whole(text),
    }
}

/// The same by the parser of the whole language.
fn parse_whole(text: &str) -> Result<Node<'_>, Diagnostic> {
    let mut builder = Builder::default();
    let mut options = granit_parser::Options::default();
    options.disallow_directives = true;
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    options.set_emit_comments(false);
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax::explain(&error, text))?;
        builder.event(event, span)?;
    }
    let start = Place {
        line: 1,
        column: 1,
        length: 1,
    };
    match builder.root {
        Some(node) if !node.is_null() => Ok(node),
        _ => Ok(Node::empty_map(start)),
    }
}

/// A list or mapping whose end has not come yet.
struct Open<'s> {
    node: Node<'s>,
    anchor: usize,
    /// The key of a mapping that still waits for its value.
    key: Option<Node<'s>>,
}

#[derive(Default)]
struct Builder<'s> {
    open: Vec<Open<'s>>,
    root: Option<Node<'s>>,
    /// Anchored nodes by the parser's number for the anchor, each with its count of nodes.
    anchors: HashMap<usize, (usize, Node<'s>)>,
    documents: usize,
    nodes: usize,
}

impl<'s> Builder<'s> {
    fn event(&mut self, event: Event<'s>, span: Span) -> Result<(), Diagnostic> {
        let place = place_of(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag, span)?;
                let plain = style == ScalarStyle::Plain;
                self.add(
                    Node {
                        place,
                        data: Data::Scalar { text, plain },
                    },
                    anchor,
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_tag(tag, span)?;
                self.start(place, Data::List(Vec::new()), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_tag(tag, span)?;
                self.start(place, Data::Map(Vec::new()), anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(done) => self.add(done.node, done.anchor),
                None => Ok(()),
            },
            Event::Alias(id) => self.repeat(id, place),
            Event::UnresolvedAlias(name) => Err(Diagnostic::new(
                place,
                format!("`*{name}` refers to an anchor `&{name}` that is not defined above it"),
            )
            .remedy(format!(
                "if a text that begins with `*` is meant, write it in quotes: \"*{name}\""
            ))),
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents == 1 {
                    return Ok(());
                }
                Err(Diagnostic::new(place, "a second YAML document begins here")
                    .remedy("keep one document in the file: remove this `---`"))
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, place: Place, data: Data<'s>, anchor: usize) -> Result<(), Diagnostic> {
        // A mapping's keys and values belong to the key that names it: that is where something missing is reported.
        let place = self
            .open
            .last()
            .and_then(|parent| parent.key.as_ref())
            .map_or(place, |key| key.place);
        if self.open.len() >= MAX_DEPTH {
            return Err(Diagnostic::new(
                place,
                format!("more than {MAX_DEPTH} lists and mappings inside one another"),
            ));
        }
        self.open.push(Open {
            node: Node { place, data },
            anchor,
            key: None,
        });
        Ok(())
    }

    fn repeat(&mut self, id: usize, place: Place) -> Result<(), Diagnostic> {
        let Some((count, node)) = self.anchors.get(&id) else {
            return Err(
                Diagnostic::new(place, "an anchor cannot be used inside of what it names")
                    .remedy("use it after the value that it names"),
            );
        };
        if self.nodes + count > MAX_NODES {
            return Err(too_many(place));
        }
        // `add` counts one itself.
        self.nodes += count - 1;
        let node = node.clone();
        self.add(node, 0)
    }

    fn add(&mut self, mut node: Node<'s>, anchor: usize) -> Result<(), Diagnostic> {
        let count = if anchor == 0 { 0 } else { node.count() };
        self.nodes += 1 + count;
        if self.nodes > MAX_NODES {
            return Err(too_many(node.place));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (count, node.clone()));
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut parent.node.data, parent.key.take()) {
            (Data::List(items), _) => items.push(node),
            (Data::Map(pairs), Some(key)) => {
                if node.is_null() {
                    node.place = key.place;
                }
                pairs.push((key, node));
            }
            (Data::Map(_), None) => parent.key = Some(node),
            (Data::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

fn too_many(place: Place) -> Diagnostic {
    Diagnostic::new(
        place,
        format!("more than {MAX_NODES} values, counting what aliases (`*name`) repeat"),
    )
    .remedy("repeat less by aliases, or put the hosts on several gateways")
}

fn refuse_tag(tag: Option<Cow<'_, Tag>>, span: Span) -> Result<(), Diagnostic> {
    match tag {
        None => Ok(()),
        Some(tag) => {
            let place = span.tag_span().map_or_else(|| place_of(span), place_of);
            Err(Diagnostic::new(
                place,
                format!(
                    "the YAML tag `{}` is not used in a configuration",
                    tag.original()
                ),
            )
            .remedy("remove the tag; if a text that begins with `!` is meant, write it in quotes"))
        }
    }
}

fn place_of(span: Span) -> Place {
    let (start, end) = (span.start, span.end);
    let length = if start.line() == end.line() {
        end.col().saturating_sub(start.col())
    } else {
        1
    };
    Place {
        line: narrow(start.line()),
        column: narrow(start.col() + 1),
        length: narrow(length.max(1)),
    }
}

/// A file is at most 16 MiB, so this never saturates in practice.
pub(super) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
