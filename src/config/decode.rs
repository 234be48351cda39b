//! From nodes to final values: the trait every type of the configuration has, and the notebook of what is wrong.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;
use std::mem::take;
use std::path::Path;
use std::str::FromStr;

use indexmap::IndexMap;
use serde_json::Value;

use crate::diagnostic::{Diagnostic, Place};
use crate::every_core;

use super::At;
use super::section::shorten;
use super::shape::Shape;
use super::tree::{Data, Node};
use super::value::{Refusal, ServerName};

/// A type that can be read from the configuration, written back, and described.
pub(super) trait Decode: Sized {
    /// The value of `node`, or `None` after noting in `cx` what is wrong with it.
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self>;

    /// What may be written, for the schema and the reference.
    fn shape() -> Shape;

    /// The value as `check --show` prints it; `Null` stands for "not written".
    fn encode(&self) -> Value;
}

/// A type written as one text. Implementing this and listing the type in [`text_values!`] gives it [`Decode`].
pub(super) trait TextValue: FromStr<Err: Into<Refusal>> + Display {
    /// What it is called in messages and in the reference, such as `duration`.
    const WORD: &'static str;
    /// Regular expression for the JSON Schema (ECMA 262). It may let through more than `from_str`, never less.
    const PATTERN: &'static str;
    /// A text that is right.
    const EXAMPLE: &'static str;
}

/// A text that can be the key of a table.
pub(super) trait TableKey: TextValue + Eq + Hash + Clone {
    /// Told when a table has this key, also when what belongs to it is wrong.
    fn declared(&self, _cx: &mut Context<'_>) {}
}

/// What is noted while a file is decoded.
pub(super) struct Context<'a> {
    /// Relative file paths start here.
    pub folder: &'a Path,
    pub found: Vec<Diagnostic>,
    /// Every server the file declares, right or wrong.
    pub declared: HashSet<ServerName>,
    /// Every place that names a server, except those whose server was known already.
    pub references: Vec<At<ServerName>>,
    /// Servers that were declared before a long table was divided among the cores.
    before: Option<&'a HashSet<ServerName>>,
    /// PERF: a hundred thousand routes name a few hundred servers: one text for each.
    names: HashMap<Box<str>, ServerName>,
}

impl<'a> Context<'a> {
    /// Mistakes kept at most: a file of nonsense must not fill the memory with explanations.
    const MAX_FOUND: usize = 10_000;

    pub(super) fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            found: Vec::new(),
            declared: HashSet::new(),
            references: Vec::new(),
            before: None,
            names: HashMap::new(),
        }
    }

    /// For a part of a long table, on another core.
    fn part(&self) -> Context<'_> {
        Context {
            before: Some(&self.declared),
            ..Context::new(self.folder)
        }
    }

    /// A declared server with exactly this name.
    pub(super) fn known_name(&mut self, text: &str) -> Option<ServerName> {
        if let Some(name) = self.names.get(text) {
            return Some(name.clone());
        }
        let name: ServerName = text.parse().ok()?;
        let declared = self.before.unwrap_or(&self.declared).get(&name)?;
        // Written in other letters it is the same server under a name of its own.
        let name = if declared.as_str() == text {
            declared.clone()
        } else {
            name
        };
        self.names.insert(text.into(), name.clone());
        Some(name)
    }

    /// Notes a mistake.
    pub(super) fn note(&mut self, diagnostic: Diagnostic) {
        if self.found.len() < Self::MAX_FOUND {
            self.found.push(diagnostic);
        }
    }

    /// Notes a mistake with a remedy.
    pub(super) fn refuse(
        &mut self,
        place: impl Into<Option<Place>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.note(Diagnostic::new(place, message).remedy(remedy));
    }
}

/// Decodes a value that must be there: `key:` without anything after it can be read as "default" and as "none", so it is refused.
pub(super) fn present<T: Decode>(node: &Node<'_>, cx: &mut Context<'_>) -> Option<T> {
    if !node.is_null() {
        return T::decode(node, cx);
    }
    let shape = T::shape();
    cx.refuse(
        node.place,
        "there is no value",
        format!("write {}, or remove the line", shape.sample()),
    );
    None
}

/// The text of a scalar, or a note that something else was expected.
pub(super) fn text<'n>(
    node: &'n Node<'_>,
    word: &str,
    sample: &str,
    cx: &mut Context<'_>,
) -> Option<&'n str> {
    let found = match &node.data {
        Data::Scalar { text, .. } => return Some(text),
        Data::List(_) => "a list",
        Data::Map(_) => "a mapping",
    };
    cx.refuse(
        node.place,
        format!("expected {}, found {found}", article(word)),
        format!("write one value, such as `{sample}`"),
    );
    None
}

/// The word with `a` or `an` before it.
pub(super) fn article(word: &str) -> String {
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O']);
    format!("{} {word}", if vowel { "an" } else { "a" })
}

/// Decodes a text by its `FromStr`.
pub(super) fn text_value<T: TextValue>(node: &Node<'_>, cx: &mut Context<'_>) -> Option<T> {
    let text = text(node, T::WORD, T::EXAMPLE, cx)?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(refusal) => {
            cx.note(refusal.into().at(node.place, T::WORD));
            None
        }
    }
}

/// Gives text types their [`Decode`].
macro_rules! text_values {
    ($($ty:ty),+ $(,)?) => { $(
        impl $crate::config::decode::Decode for $ty {
            fn decode(
                node: &$crate::config::tree::Node<'_>,
                cx: &mut $crate::config::decode::Context<'_>,
            ) -> Option<Self> {
                $crate::config::decode::text_value(node, cx)
            }

            fn shape() -> $crate::config::shape::Shape {
                $crate::config::shape::Shape::text::<Self>()
            }

            fn encode(&self) -> serde_json::Value {
                serde_json::Value::String(self.to_string())
            }
        }
    )+ };
}
pub(super) use text_values;

impl Decode for bool {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let text = text(node, "true or false", "true", cx)?;
        match (text, &node.data) {
            ("true", Data::Scalar { plain: true, .. }) => return Some(true),
            ("false", Data::Scalar { plain: true, .. }) => return Some(false),
            _ => {}
        }
        let quoted = matches!(&node.data, Data::Scalar { plain: false, .. });
        let what = if quoted {
            "a text in quotes, neither true nor false"
        } else {
            "neither true nor false"
        };
        let remedy = match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" | "y" => "write `true`, without quotes",
            "false" | "no" | "off" | "0" | "n" => "write `false`, without quotes",
            _ => "write `true` or `false`",
        };
        cx.refuse(node.place, format!("{what}: `{}`", shorten(text)), remedy);
        None
    }

    fn shape() -> Shape {
        Shape::value(
            "true or false",
            "true",
            serde_json::json!({ "type": "boolean" }),
        )
    }

    fn encode(&self) -> Value {
        Value::Bool(*self)
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        T::decode(node, cx).map(Some)
    }

    fn shape() -> Shape {
        T::shape()
    }

    fn encode(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::encode)
    }
}

impl<T: Decode> Decode for At<T> {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        Some(At::new(T::decode(node, cx)?, node.place))
    }

    fn shape() -> Shape {
        T::shape()
    }

    fn encode(&self) -> Value {
        self.value.encode()
    }
}

/// Items that are wrong are noted and left out, so that what is wrong elsewhere is still found.
impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match &node.data {
            Data::List(items) => {
                // PERF: the length is known, and routes are large to move when a list grows.
                let mut list = Self::with_capacity(items.len());
                list.extend(items.iter().filter_map(|item| present(item, cx)));
                Some(list)
            }
            Data::Scalar { .. } | Data::Map(_) => {
                cx.refuse(
                    node.place,
                    "expected a list",
                    match node.text() {
                        Some(text) => format!("write a list: `[{text}]`"),
                        None => "begin each item with `- `".to_owned(),
                    },
                );
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }

    fn encode(&self) -> Value {
        Value::Array(self.iter().map(T::encode).collect())
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        T::decode(node, cx).map(Box::new)
    }

    fn shape() -> Shape {
        T::shape()
    }

    fn encode(&self) -> Value {
        self.as_ref().encode()
    }
}

/// PERF: a long table is divided among the cores. Only one in which nothing is wrong: mistakes are found again, in order.
fn decode_divided<K: TableKey + Send, T: Decode + Send>(
    pairs: &[(Node<'_>, Node<'_>)],
    cx: &mut Context<'_>,
) -> Option<IndexMap<At<K>, T>> {
    let whole = &*cx;
    let parts = every_core::map(
        pairs,
        || whole.part(),
        |cx, some| {
            let decoded: Option<Vec<(At<K>, T)>> = some
                .iter()
                .map(|(key, value)| {
                    let name = text_value::<K>(key, cx)?;
                    name.declared(cx);
                    let value = present(value, cx)?;
                    Some((At::new(name, key.place), value))
                })
                .collect();
            (
                decoded.filter(|_| cx.found.is_empty()),
                take(&mut cx.declared),
                take(&mut cx.references),
            )
        },
    );
    let mut table = IndexMap::with_capacity(pairs.len());
    let (mut declared, mut references) = (Vec::new(), Vec::new());
    for (decoded, more_declared, more_references) in parts {
        table.extend(decoded?);
        declared.extend(more_declared);
        references.extend(more_references);
    }
    // One of them is there twice.
    if table.len() < pairs.len() {
        return None;
    }
    cx.declared.extend(declared);
    cx.references.extend(references);
    Some(table)
}

/// Entries from which a table is worth dividing.
const LONG: usize = 512;

/// A table in the order of the file. Entries that are wrong are noted and left out.
impl<K: TableKey + Send, T: Decode + Send> Decode for IndexMap<At<K>, T> {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Data::Map(pairs) = &node.data else {
            cx.refuse(
                node.place,
                format!("expected a mapping with {} as keys", article(K::WORD)),
                format!(
                    "write `{}:` and below it, indented, what belongs to it",
                    K::EXAMPLE
                ),
            );
            return None;
        };
        if pairs.len() >= LONG
            && let Some(table) = decode_divided(pairs, cx)
        {
            return Some(table);
        }
        let mut table = Self::with_capacity(pairs.len());
        // Keys whose value is wrong count as well when a key comes twice.
        let mut wrong: Vec<At<K>> = Vec::new();
        for (key, value) in pairs {
            let Some(name) = text_value::<K>(key, cx) else {
                continue;
            };
            name.declared(cx);
            let name = At::new(name, key.place);
            let first = table.get_key_value(&name).map(|(first, _)| first);
            if let Some(first) = first.or_else(|| wrong.iter().find(|other| **other == name)) {
                let first = first.place;
                cx.note(duplicate(&name.to_string(), key.place, first));
                continue;
            }
            match present(value, cx) {
                Some(value) => {
                    table.insert(name, value);
                }
                // PERF: searched one by one, so kept short; beyond this a repeated wrong key is only reported as wrong.
                None if wrong.len() < 100 => wrong.push(name),
                None => {}
            }
        }
        Some(table)
    }

    fn shape() -> Shape {
        Shape::Table {
            key: Box::new(Shape::text::<K>()),
            value: Box::new(T::shape()),
        }
    }

    fn encode(&self) -> Value {
        Value::Object(
            self.iter()
                .map(|(key, value)| (key.to_string(), value.encode()))
                .collect(),
        )
    }
}

/// A key that is there twice.
pub(super) fn duplicate(key: &str, place: Place, first: Option<Place>) -> Diagnostic {
    Diagnostic::new(place, format!("`{key}` is written twice"))
        .related(first, "the first one is here")
        .remedy("keep one of them")
}
