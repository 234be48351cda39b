//! Where a plain listener sends everybody: `https`, `https:8444`.

use std::fmt;
use std::str::FromStr;

use super::host::parse_port;
use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// To the same host and path over https, on this port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Redirect {
    /// The port of the https address; 443 is left out of it.
    pub port: u16,
}

impl FromStr for Redirect {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if text == "https" {
            return Ok(Self { port: 443 });
        }
        match text.strip_prefix("https:") {
            Some(port) if !port.starts_with("//") => Ok(Self {
                port: parse_port(port)?,
            }),
            _ => Err(Refusal::new(
                quote(text),
                "write `https`, or `https:8444` for another port than 443",
            )),
        }
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            443 => f.write_str("https"),
            port => write!(f, "https:{port}"),
        }
    }
}

impl TextValue for Redirect {
    const WORD: &'static str = "redirect";
    const PATTERN: &'static str = "^https(:[1-9][0-9]{0,4})?$";
    const EXAMPLE: &'static str = "https";
}

text_values!(Redirect);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_https_with_or_without_a_port() {
        for (text, port, shown) in [
            ("https", 443, "https"),
            ("https:443", 443, "https"),
            ("https:8444", 8444, "https:8444"),
        ] {
            let redirect: Redirect = text.parse().expect(text);
            assert_eq!(
                (redirect.port, redirect.to_string().as_str()),
                (port, shown)
            );
        }
        for text in [
            "",
            "http",
            "true",
            "https:",
            "https:0",
            "https://a.example",
            "https:99999",
        ] {
            assert!(text.parse::<Redirect>().is_err(), "{text}");
        }
    }
}
