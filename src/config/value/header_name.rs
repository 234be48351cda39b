//! Names of header fields.

use std::fmt;
use std::str::FromStr;

use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// The name of a header field. Equal without regard to case; printed as written.
#[derive(Debug, Clone)]
pub struct HeaderName {
    text: String,
    name: http::HeaderName,
}

impl HeaderName {
    /// `X-Forwarded-For`.
    pub fn x_forwarded_for() -> Self {
        Self {
            text: "X-Forwarded-For".to_owned(),
            name: http::HeaderName::from_static("x-forwarded-for"),
        }
    }

    /// The name for looking a header up.
    pub fn get(&self) -> &http::HeaderName {
        &self.name
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for HeaderName {}

impl FromStr for HeaderName {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        match http::HeaderName::from_bytes(text.as_bytes()) {
            Ok(name) if text.len() <= 256 => Ok(Self {
                text: text.to_owned(),
                name,
            }),
            _ => Err(Refusal::new(
                format!("{} is not the name of a header", quote(text)),
                "write the name alone, such as `X-Forwarded-For`, without a colon",
            )),
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TextValue for HeaderName {
    const WORD: &'static str = "header name";
    const PATTERN: &'static str = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$";
    const EXAMPLE: &'static str = "X-Forwarded-For";
}

text_values!(HeaderName);
