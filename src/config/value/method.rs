//! HTTP methods.

use std::fmt;
use std::str::FromStr;

use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// A method in upper case. `TRACE` and `CONNECT` are never forwarded and so cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Method(http::Method);

impl Method {
    /// The method for comparing with a request's.
    pub fn get(&self) -> &http::Method {
        &self.0
    }
}

impl FromStr for Method {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let good = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
        if !good {
            return Err(Refusal::new(
                format!("{} is not the name of a method", quote(text)),
                "write for example `GET` or `POST`",
            ));
        }
        let upper = text.to_ascii_uppercase();
        if upper != text {
            return Err(Refusal::new(
                format!("{} is not in upper case", quote(text)),
                format!("write `{upper}`"),
            ));
        }
        if upper == "TRACE" || upper == "CONNECT" {
            return Err(Refusal::new(
                format!("{} is never forwarded", quote(text)),
                "remove it",
            ));
        }
        match http::Method::from_bytes(text.as_bytes()) {
            Ok(method) => Ok(Self(method)),
            Err(_) => Err(Refusal::new(
                format!("{} is not the name of a method", quote(text)),
                "write for example `GET`",
            )),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl TextValue for Method {
    const WORD: &'static str = "method";
    const PATTERN: &'static str = "^(?!(TRACE|CONNECT)$)[A-Z-]{1,32}$";
    const EXAMPLE: &'static str = "GET";
}

text_values!(Method);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_upper_case_and_can_be_forwarded() {
        assert!("GET".parse::<Method>().is_ok() && "M-SEARCH".parse::<Method>().is_ok());
        for text in [
            "", "get", "Get", "TRACE", "CONNECT", "connect", "G T", "GET,POST", "A1",
        ] {
            assert!(text.parse::<Method>().is_err(), "{text}");
        }
    }
}
