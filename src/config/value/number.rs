//! Whole numbers with their bounds in the type.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use super::{Refusal, quote};
use crate::config::decode::{Context, Decode, text};
use crate::config::shape::Shape;
use crate::config::tree::{Data, Node};

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Number<MIN, MAX> {
    /// The number, moved into the bounds; for defaults.
    pub const fn new(number: u32) -> Self {
        Self(if number < MIN {
            MIN
        } else if number > MAX {
            MAX
        } else {
            number
        })
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> Deref for Number<MIN, MAX> {
    type Target = u32;

    fn deref(&self) -> &u32 {
        &self.0
    }
}

impl<const MIN: u32, const MAX: u32> fmt::Display for Number<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: u32, const MAX: u32> FromStr for Number<MIN, MAX> {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let remedy = || format!("write a whole number from {MIN} to {MAX}");
        // SECURITY: `010` is 8 to some readers and 10 to others, so a leading zero is refused.
        let plain =
            text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        if text.is_empty() || !plain {
            return Err(Refusal::new(
                format!("{} is not written in decimal digits only", quote(text)),
                remedy(),
            ));
        }
        match text.parse() {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(Refusal::new(
                format!("{} is out of bounds", quote(text)),
                remedy(),
            )),
        }
    }
}

impl<const MIN: u32, const MAX: u32> Decode for Number<MIN, MAX> {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let text = text(node, "whole number", &MIN.to_string(), cx)?;
        if matches!(node.data, Data::Scalar { plain: false, .. }) {
            cx.refuse(
                node.place,
                "a number is expected, this is a text",
                "write the number without quotes",
            );
            return None;
        }
        match text.parse() {
            Ok(number) => Some(number),
            Err(refusal) => {
                cx.note(refusal.at(node.place, "whole number"));
                None
            }
        }
    }

    fn shape() -> Shape {
        let schema = serde_json::json!({ "type": "integer", "minimum": MIN, "maximum": MAX });
        Shape::value(
            &format!("number from {MIN} to {MAX}"),
            &MIN.to_string(),
            schema,
        )
    }

    fn encode(&self) -> serde_json::Value {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_and_in_bounds() {
        assert_eq!("10".parse(), Ok(Number::<1, 10>(10)));
        for text in [
            "",
            "0",
            "11",
            "0x1",
            "01",
            "1_0",
            "+1",
            "-1",
            "1.0",
            "99999999999",
            " 1",
        ] {
            assert!(text.parse::<Number<1, 10>>().is_err(), "{text}");
        }
    }
}
