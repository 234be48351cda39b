//! What a health probe asks a server for: a path with or without a query, as the server sees it.

use std::fmt;
use std::str::FromStr;

use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// Path and query of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProbeTarget(String);

const LONGEST: usize = 1024;

impl ProbeTarget {
    /// As it stands in the request.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProbeTarget {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refuse = |reason: &str, remedy: &str| {
            Err(Refusal::new(format!("{} {reason}", quote(text)), remedy))
        };
        if !text.starts_with('/') {
            let remedy = match text.split_once("://").map(|(_, rest)| rest.split_once('/')) {
                Some(Some((_, path))) => format!("write the path alone: `/{path}`"),
                Some(None) => "write the path alone, such as `/`".to_owned(),
                None => format!("write `/{text}`"),
            };
            return refuse("does not begin with a slash", &remedy);
        }
        if text.len() > LONGEST {
            return refuse("is longer than 1024 bytes", "write a shorter path");
        }
        // What may stand in a request line (RFC 3986, 3.3 and 3.4); everything else is written with percent.
        let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&b);
        if let Some(bad) = text.chars().find(|c| !u8::try_from(*c).is_ok_and(good)) {
            return refuse(
                &format!("has the character {bad:?}"),
                "write it with percent encoding, such as `%20` for a space",
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ProbeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TextValue for ProbeTarget {
    const WORD: &'static str = "path";
    const PATTERN: &'static str = r"^/[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*$";
    const EXAMPLE: &'static str = "/healthz";
}

text_values!(ProbeTarget);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_have_a_query_and_nothing_that_breaks_a_request_line() {
        for text in [
            "/",
            "/healthz",
            "/a/b?event=CgiTest&x=%20",
            "/WebHTMLService/doHTMLRequest?event=CgiTest",
        ] {
            assert_eq!(text.parse::<ProbeTarget>().unwrap().as_str(), text);
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        for (text, remedy) in [
            ("", "write `/`"),
            ("healthz", "write `/healthz`"),
            ("http://a.example/x", "write the path alone: `/x`"),
            ("http://a.example", "write the path alone, such as `/`"),
            ("/a b", "%20"),
            ("/a\r\nHost: b", "%20"),
            ("/a#b", "%20"),
            ("/\u{e9}", "%20"),
            (&long, "shorter"),
        ] {
            let refusal = text.parse::<ProbeTarget>().expect_err(text);
            assert!(refusal.remedy.contains(remedy), "{text:?}: {refusal}");
        }
    }
}
