//! Names that the file itself gives: servers and pairs.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use super::{Refusal, quote};
use crate::config::At;
use crate::config::decode::{Context, Decode, TableKey, TextValue, text_value, text_values};
use crate::config::shape::Shape;
use crate::config::tree::Node;

/// Bytes of a name.
const LONGEST: usize = 64;

fn check(text: &str) -> Result<Arc<str>, Refusal> {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if (1..=LONGEST).contains(&text.len()) && text.bytes().all(good) && text != "." && text != ".."
    {
        return Ok(text.into());
    }
    Err(Refusal::new(
        format!("{} does not have the form of a name", quote(text)),
        "write 1 to 64 letters, digits, `.`, `_` or `-`",
    ))
}

const PATTERN: &str = r"^[A-Za-z0-9._-]{1,64}$";

macro_rules! name {
    ($(#[doc = $doc:literal])* $name:ident, $word:literal, $example:literal) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as it is written in the file.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The same, to be kept: whoever writes the same name shares one text.
            pub fn shared(&self) -> Arc<str> {
                self.0.clone()
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                // PERF: in one piece; a name is looked up for each of a hundred thousand routes.
                let mut lower = [0; LONGEST];
                for (lower, byte) in lower.iter_mut().zip(self.0.bytes()) {
                    *lower = byte.to_ascii_lowercase();
                }
                state.write(lower.get(..self.0.len()).unwrap_or(&lower));
                state.write_u8(0xff);
            }
        }

        impl FromStr for $name {
            type Err = Refusal;

            fn from_str(text: &str) -> Result<Self, Refusal> {
                check(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TextValue for $name {
            const WORD: &'static str = $word;
            const PATTERN: &'static str = PATTERN;
            const EXAMPLE: &'static str = $example;
        }
    };
}

name! {
    /// The name of a server in the file. Upper and lower case are the same: ICWS clients are free with them.
    ServerName, "server name", "icserver1"
}

name! {
    /// The name that the servers of one switchover pair share. Upper and lower case are the same.
    PairName, "pair name", "chat"
}

text_values!(PairName);

impl TableKey for ServerName {
    fn declared(&self, cx: &mut Context<'_>) {
        cx.declared.insert(self.clone());
    }
}

/// A server's name as a value refers to a server: that it is declared is checked when the whole file has been read.
impl Decode for ServerName {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Some(known) = node.text().and_then(|text| cx.known_name(text)) {
            return Some(known);
        }
        let name: Self = text_value(node, cx)?;
        cx.references.push(At::new(name.clone(), node.place));
        Some(name)
    }

    fn shape() -> Shape {
        Shape::text::<Self>()
    }

    fn encode(&self) -> serde_json::Value {
        self.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_printed_as_written() {
        let (a, b): (ServerName, ServerName) =
            ("ICServer1".parse().unwrap(), "icserver1".parse().unwrap());
        assert_eq!(a, b);
        assert_eq!(a.to_string(), "ICServer1");
        assert!(std::collections::HashSet::from([a]).contains(&b));
    }

    #[test]
    fn names_that_could_be_paths_or_addresses_are_refused() {
        let long = "a".repeat(65);
        for text in [
            "", "a b", "a/b", "..", ".", "a:1", "\u{e4}", "{server}", &long,
        ] {
            assert!(text.parse::<ServerName>().is_err(), "{text}");
        }
    }
}
