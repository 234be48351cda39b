//! One declaration per section of the file: the struct, how it is read and written back, its schema and its documentation.
//!
//! ```text
//! section! {
//!     /// When an idle connection is closed.
//!     pub struct KeepAlive {
//!         /// Time without a request.
//!         idle: At<Duration> = default Duration::from_secs(75),
//!         /// Requests on one connection.
//!         requests: Number<1, 1_000_000> = required,
//!     }
//!     finish check_keep_alive;
//! }
//! ```
//!
//! After `=` stands `required`, `optional` (the type is an `Option`), `nested` (a section all of whose keys have defaults) or
//! `default` with an expression. After the struct may stand, in this order:
//! - `exactly_one_of ["a", "b"]`: one of these optional keys must be there, and only one;
//! - `planned ["x"]`: keys of a later version, refused with that reason;
//! - `parts P f`: makes a struct `P` of what could be read, each key as `Option<&T>`, and runs `f(P, &Fields, cx)` even when some keys
//!   are wrong;
//! - `finish f`: `f(&mut Self, place, cx)` runs when every key is right.

use crate::diagnostic::{Diagnostic, Place};

use super::decode::{Context, Decode, duplicate, present};
use super::suggest::nearest;
use super::tree::{Data, Node};

/// The names of a section's keys.
pub(super) struct Keys {
    pub known: &'static [&'static str],
    pub planned: &'static [&'static str],
    pub exactly_one_of: &'static [&'static str],
}

/// The keys of one mapping in the file, each checked to be known and there once.
pub(super) struct Fields<'n, 's> {
    /// Where something missing is reported.
    pub place: Place,
    entries: Vec<(&'n str, &'n Node<'s>, Place)>,
}

impl<'n, 's> Fields<'n, 's> {
    /// Sorts out the keys of a mapping, noting those that are unknown, repeated, or not texts.
    pub(super) fn open(node: &'n Node<'s>, keys: &Keys, cx: &mut Context<'_>) -> Option<Self> {
        let Data::Map(pairs) = &node.data else {
            cx.refuse(node.place, "expected a mapping", mapping_remedy(node, keys));
            return None;
        };
        let mut fields = Self {
            place: node.place,
            entries: Vec::with_capacity(pairs.len().min(keys.known.len())),
        };
        for (key, value) in pairs {
            let Some(text) = key.text() else {
                cx.refuse(
                    key.place,
                    "a key must be a text, not a list or mapping",
                    "write `key: value`",
                );
                continue;
            };
            let Some(known) = keys.known.iter().find(|known| **known == text) else {
                cx.note(unknown(text, key.place, keys));
                continue;
            };
            if let Some((.., first)) = fields.entries.iter().find(|(other, ..)| other == known) {
                cx.note(duplicate(text, key.place, Some(*first)));
                continue;
            }
            fields.entries.push((known, value, key.place));
        }
        fields.check_exactly_one_of(keys.exactly_one_of, cx);
        Some(fields)
    }

    fn check_exactly_one_of(&self, keys: &[&str], cx: &mut Context<'_>) {
        if keys.is_empty() {
            return;
        }
        let list = keys.join("`, `");
        let mut there = self.entries.iter().filter(|(key, ..)| keys.contains(key));
        let Some((first, _, first_place)) = there.next() else {
            cx.refuse(
                self.place,
                format!("none of `{list}` is written here"),
                "write exactly one of them",
            );
            return;
        };
        for (second, _, place) in there {
            cx.note(
                Diagnostic::new(
                    *place,
                    format!("`{second}` and `{first}` exclude each other"),
                )
                .related(*first_place, "the other one is here")
                .remedy(format!("write exactly one of `{list}`")),
            );
        }
    }

    /// The node of a key.
    pub(super) fn node(&self, key: &str) -> Option<&'n Node<'s>> {
        self.entries
            .iter()
            .find(|(other, ..)| *other == key)
            .map(|(_, node, _)| *node)
    }

    /// Where a key stands.
    pub(super) fn key_place(&self, key: &str) -> Option<Place> {
        self.entries
            .iter()
            .find(|(other, ..)| *other == key)
            .map(|(.., place)| *place)
    }

    /// A key that must be there.
    pub(super) fn required<T: Decode>(&self, key: &str, cx: &mut Context<'_>) -> Option<T> {
        match self.node(key) {
            Some(node) => present(node, cx),
            None => {
                let sample = T::shape().sample();
                cx.refuse(
                    self.place,
                    format!("`{key}` is missing"),
                    format!("add `{key}:` with {sample}"),
                );
                None
            }
        }
    }

    /// A key that may be left out; `T` is an `Option` then, or has a default.
    pub(super) fn or<T: Decode>(
        &self,
        key: &str,
        cx: &mut Context<'_>,
        default: impl FnOnce() -> T,
    ) -> Option<T> {
        match self.node(key) {
            Some(node) => present(node, cx),
            None => Some(default()),
        }
    }

    /// A section that may be left out; it is then what its own defaults make of it.
    pub(super) fn nested<T: Decode>(&self, key: &str, cx: &mut Context<'_>) -> Option<T> {
        match self.node(key) {
            Some(node) => present(node, cx),
            None => T::decode(&Node::empty_map(self.place), cx),
        }
    }
}

/// How a mapping is written; `level:info` is one text, and the space is easily overlooked.
fn mapping_remedy(node: &Node<'_>, keys: &Keys) -> String {
    if let Some((key, value)) = node.text().and_then(|text| text.split_once(':'))
        && keys.known.contains(&key)
    {
        return format!(
            "write `{key}: {}`, with a space after the colon",
            shorten(value.trim())
        );
    }
    format!(
        "write `key: value` with the keys `{}`",
        keys.known.join("`, `")
    )
}

fn unknown(key: &str, place: Place, keys: &Keys) -> Diagnostic {
    if keys.planned.contains(&key) {
        return Diagnostic::new(place, format!("`{key}` is not available in this version"))
            .remedy("remove it; nothing would be done with it");
    }
    if key == "<<" {
        return Diagnostic::new(place, "`<<` (merge) is not supported")
            .remedy("write the keys out, or reuse a whole value with `&name` and `*name`");
    }
    let remedy = match nearest(key, keys.known.iter().copied()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("the keys here are `{}`", keys.known.join("`, `")),
    };
    Diagnostic::new(place, format!("unknown key `{}`", shorten(key))).remedy(remedy)
}

/// A text from the file, short enough for a message.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The lines of a doc comment as one text.
pub(super) fn doc(lines: &[&str]) -> String {
    lines
        .iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ")
}

macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                $field:ident $(as $key:literal)? : $ty:ty = $need:ident $($default:expr)?
            ),* $(,)?
        }
        $(exactly_one_of [$($one:literal),+ $(,)?];)?
        $(planned [$($planned:literal),+ $(,)?];)?
        $(parts $parts:ident $check:path;)?
        $(finish $finish:path;)?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        $vis struct $name {
            $( $(#[doc = $field_doc])* pub $field: $ty, )*
        }

        $crate::config::section::section!(@parts [$($parts)?] { $($field: $ty,)* });

        impl $name {
            const KEYS: $crate::config::section::Keys = $crate::config::section::Keys {
                known: &[$( $crate::config::section::section!(@key $field $($key)?) ),*],
                planned: &[$($($planned),+)?],
                exactly_one_of: &[$($($one),+)?],
            };
        }

        impl $crate::config::decode::Decode for $name {
            fn decode(
                node: &$crate::config::tree::Node<'_>,
                cx: &mut $crate::config::decode::Context<'_>,
            ) -> Option<Self> {
                let fields = $crate::config::section::Fields::open(node, &Self::KEYS, cx)?;
                // Each key is decoded before any is given up on, so that every mistake is found.
                $(
                    let $field: Option<$ty> = $crate::config::section::section!(
                        @decode $need, fields, cx,
                        $crate::config::section::section!(@key $field $($key)?)
                        $(, $default)?
                    );
                )*
                $crate::config::section::section!(@check [$($parts $check)?] [$($field)*] fields cx);
                #[allow(unused_mut, reason = "only a section with `finish` changes it")]
                let mut section = Self { $( $field: $field?, )* };
                $( $finish(&mut section, fields.place, cx); )?
                Some(section)
            }

            fn shape() -> $crate::config::shape::Shape {
                use $crate::config::shape::{FieldShape, SectionShape, Shape};
                Shape::Section(SectionShape {
                    name: stringify!($name),
                    doc: $crate::config::section::doc(&[$($doc),*]),
                    exactly_one_of: Self::KEYS.exactly_one_of,
                    fields: vec![$(
                        FieldShape {
                            key: $crate::config::section::section!(@key $field $($key)?),
                            doc: $crate::config::section::doc(&[$($field_doc),*]),
                            need: $crate::config::section::section!(@need $need, $ty $(, $default)?),
                            shape: <$ty as $crate::config::decode::Decode>::shape(),
                        }
                    ),*],
                })
            }

            fn encode(&self) -> serde_json::Value {
                let mut map = serde_json::Map::new();
                $(
                    let value = $crate::config::decode::Decode::encode(&self.$field);
                    if !value.is_null() {
                        map.insert($crate::config::section::section!(@key $field $($key)?).to_owned(), value);
                    }
                )*
                serde_json::Value::Object(map)
            }
        }
    };
    (@parts [] { $($fields:tt)* }) => {};
    (@parts [$parts:ident] { $($field:ident: $ty:ty,)* }) => {
        /// What could be read of the section.
        #[derive(Clone, Copy)]
        #[allow(dead_code, reason = "a check needs only some of the keys")]
        pub(super) struct $parts<'a> { $( pub $field: Option<&'a $ty>, )* }
    };
    (@check [] [$($field:ident)*] $fields:ident $cx:ident) => {};
    (@check [$parts:ident $check:path] [$($field:ident)*] $fields:ident $cx:ident) => {
        $check($parts { $( $field: $field.as_ref(), )* }, &$fields, $cx);
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@decode required, $fields:ident, $cx:ident, $key:expr) => { $fields.required($key, $cx) };
    (@decode optional, $fields:ident, $cx:ident, $key:expr) => { $fields.or($key, $cx, || None) };
    (@decode nested, $fields:ident, $cx:ident, $key:expr) => { $fields.nested($key, $cx) };
    (@decode default, $fields:ident, $cx:ident, $key:expr, $default:expr) => {
        $fields.or($key, $cx, || ($default).into())
    };
    (@need required, $ty:ty) => { $crate::config::shape::Need::Required };
    (@need optional, $ty:ty) => { $crate::config::shape::Need::Optional };
    (@need nested, $ty:ty) => { $crate::config::shape::Need::Nested };
    (@need default, $ty:ty, $default:expr) => {{
        let default: $ty = ($default).into();
        $crate::config::shape::Need::Default($crate::config::decode::Decode::encode(&default))
    }};
}
pub(super) use section;
