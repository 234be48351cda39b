//! What a program calls itself in syslog: `portcullis`.

use std::fmt;
use std::str::FromStr;

use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// An APP-NAME (RFC 5424, 6.2.5): 1 to 48 printable ASCII characters without a space.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AppName(String);

impl AppName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The gateway's own name.
impl Default for AppName {
    fn default() -> Self {
        AppName("portcullis".to_owned())
    }
}

impl FromStr for AppName {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if (1..=48).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::new(
            quote(text),
            "write 1 to 48 letters, digits or signs of ASCII, without a space",
        ))
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TextValue for AppName {
    const WORD: &'static str = "app name";
    const PATTERN: &'static str = r"^[\x21-\x7e]{1,48}$";
    const EXAMPLE: &'static str = "portcullis";
}

text_values!(AppName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_of_ascii() {
        let longest = "a".repeat(48);
        assert!(longest.parse::<AppName>().is_ok());
        assert!("edge-1".parse::<AppName>().is_ok());
        for wrong in ["", "two words", "türsteher", &format!("{longest}a")] {
            assert!(wrong.parse::<AppName>().is_err(), "{wrong}");
        }
    }
}
