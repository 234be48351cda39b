//! Short texts for people and for OpenSSL.

use std::fmt;
use std::str::FromStr;

use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// What people see instead of a server's name: 1 to 128 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DisplayName(String);

/// A list of TLS 1.2 cipher suites in OpenSSL's notation. Whether OpenSSL knows them is checked when it is given the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CipherList(String);

impl DisplayName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CipherList {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DisplayName {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let length = text.chars().count();
        if (1..=128).contains(&length) && !text.chars().any(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::new(
            "it is empty, longer than 128 characters, or has control characters",
            "write a short name on one line",
        ))
    }
}

impl FromStr for CipherList {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b":+-!@=_".contains(&b);
        if (1..=2048).contains(&text.len()) && text.bytes().all(good) {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::new(
            quote(text),
            "write OpenSSL's names with colons between them, such as `ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256`",
        ))
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CipherList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TextValue for DisplayName {
    const WORD: &'static str = "display name";
    const PATTERN: &'static str = r"^[^\u0000-\u001f\u007f]{1,128}$";
    const EXAMPLE: &'static str = "Server 1";
}

impl TextValue for CipherList {
    const WORD: &'static str = "cipher list";
    const PATTERN: &'static str = "^[A-Za-z0-9:+!@=_-]{1,2048}$";
    const EXAMPLE: &'static str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
}

text_values!(DisplayName, CipherList);
