//! TLS versions.

use std::fmt;
use std::str::FromStr;

use super::{Refusal, quote};
use crate::config::decode::{Context, Decode, TextValue, text_value};
use crate::config::shape::Shape;
use crate::config::tree::Node;

/// A version of TLS that is still considered safe (RFC 8996 forbids the older ones).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2
    V1_2,
    /// TLS 1.3
    V1_3,
}

impl FromStr for TlsVersion {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text {
            "1.2" => Ok(Self::V1_2),
            "1.3" => Ok(Self::V1_3),
            "1.0" | "1.1" | "1" => Err(Refusal::new(
                format!("TLS {text} is broken and not offered (RFC 8996)"),
                "write `\"1.2\"` or `\"1.3\"`",
            )),
            _ => Err(Refusal::new(quote(text), "write `\"1.2\"` or `\"1.3\"`")),
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        })
    }
}

impl TextValue for TlsVersion {
    const WORD: &'static str = "TLS version";
    const PATTERN: &'static str = r"^1\.[23]$";
    const EXAMPLE: &'static str = "1.2";
}

/// With and without quotes: here it does not matter that YAML takes a bare 1.2 for a number.
impl Decode for TlsVersion {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        text_value(node, cx)
    }

    fn shape() -> Shape {
        Shape::value(
            "`\"1.2\"`, `\"1.3\"`",
            "1.2",
            serde_json::json!({ "enum": ["1.2", "1.3", 1.2, 1.3] }),
        )
    }

    fn encode(&self) -> serde_json::Value {
        self.to_string().into()
    }
}
