//! A value that is one of a few words.
//!
//! ```text
//! choice! {
//!     /// How much is logged.
//!     pub enum LogLevel: "log level" {
//!         /// What went wrong.
//!         Error = "error",
//!         /// What is worth knowing.
//!         Info = "info",
//!     }
//!     planned ["audit"];
//! }
//! ```

use serde_json::{Value, json};

use super::decode::{Context, article, text};
use super::section::shorten;
use super::shape::Shape;
use super::suggest::nearest;
use super::tree::Node;

/// Finds the word that a scalar holds, or notes which words there are.
pub(super) fn find<T: Copy>(
    node: &Node<'_>,
    name: &str,
    all: &[(&str, T)],
    planned: &[&str],
    cx: &mut Context<'_>,
) -> Option<T> {
    let sample = all.first().map_or("", |(word, _)| word);
    let text = text(node, name, sample, cx)?;
    if let Some((_, value)) = all.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let words: Vec<_> = all.iter().map(|(word, _)| *word).collect();
    if planned.contains(&text) {
        cx.refuse(
            node.place,
            format!("the {name} `{text}` is not available in this version"),
            format!("this version has `{}`", words.join("`, `")),
        );
        return None;
    }
    let remedy = match nearest(text, words.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("write one of `{}`", words.join("`, `")),
    };
    cx.refuse(
        node.place,
        format!("not {}: `{}`", article(name), shorten(text)),
        remedy,
    );
    None
}

/// The shape of a choice: each word with its meaning.
pub(super) fn shape(words: &[(&str, String)]) -> Shape {
    let list = words
        .iter()
        .map(|(word, _)| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let sample = words.first().map_or("", |(word, _)| word);
    let one_of: Vec<Value> = words
        .iter()
        .map(|(word, doc)| json!({ "const": word, "description": doc }))
        .collect();
    Shape::value(&list, sample, json!({ "oneOf": one_of }))
}

macro_rules! choice {
    (
        $(#[doc = $doc:literal])*
        $vis:vis enum $name:ident : $called:literal {
            $( $(#[doc = $variant_doc:literal])* $variant:ident = $word:literal ),+ $(,)?
        }
        $(planned [$($planned:literal),+ $(,)?];)?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $vis enum $name {
            $( $(#[doc = $variant_doc])* $variant, )+
        }

        impl $name {
            /// The word that stands for it in the file.
            pub const fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl $crate::config::decode::Decode for $name {
            fn decode(
                node: &$crate::config::tree::Node<'_>,
                cx: &mut $crate::config::decode::Context<'_>,
            ) -> Option<Self> {
                const ALL: &[(&str, $name)] = &[$( ($word, $name::$variant) ),+];
                $crate::config::choice::find(node, $called, ALL, &[$($($planned),+)?], cx)
            }

            fn shape() -> $crate::config::shape::Shape {
                $crate::config::choice::shape(&[
                    $( ($word, $crate::config::section::doc(&[$($variant_doc),*])) ),+
                ])
            }

            fn encode(&self) -> serde_json::Value {
                serde_json::Value::String(self.word().to_owned())
            }
        }
    };
}
pub(super) use choice;
