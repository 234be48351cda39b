//! Paths on a server that may be reached: `/websvcs/` and everything below it, or `/health` alone.

use std::fmt;
use std::str::FromStr;

use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// A path in its plain form. With a slash at the end it stands for itself and everything below it, otherwise for itself alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPrefix(String);

impl PathPrefix {
    /// The path as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether everything below is meant as well.
    pub fn is_prefix(&self) -> bool {
        self.0.ends_with('/')
    }
}

/// Checks that a path begins with `/` and that every part of it can be read in one way only: unreserved characters and a few
/// harmless ones, no percent encoding, no empty and no dot segments.
pub(super) fn check_segments(path: &str) -> Result<(), Refusal> {
    let refuse =
        |reason: &str, remedy: &str| Err(Refusal::new(format!("{} {reason}", quote(path)), remedy));
    let Some(rest) = path.strip_prefix('/') else {
        return refuse(
            "does not begin with a slash",
            &format!("write `/{}`", path.trim_start_matches('/')),
        );
    };
    if path.len() > 1024 {
        return refuse("is longer than 1024 bytes", "write a shorter path");
    }
    if path.contains('*') {
        return refuse(
            "has an asterisk",
            "end the path with `/` to mean everything below it",
        );
    }
    if path.contains("//") {
        return refuse(
            "has two slashes in a row",
            "write the path without empty parts",
        );
    }
    for segment in rest.split('/') {
        if segment == "." || segment == ".." {
            return refuse("has a `.` or `..` part", "write the path without it");
        }
        let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$'()+,=:@".contains(&b);
        if let Some(bad) = segment.chars().find(|c| !u8::try_from(*c).is_ok_and(good)) {
            return refuse(
                &format!("has the character {bad:?}, which servers read in different ways"),
                "use letters, digits and -._~!$'()+,=:@ in paths",
            );
        }
    }
    Ok(())
}

impl FromStr for PathPrefix {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        check_segments(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TextValue for PathPrefix {
    const WORD: &'static str = "path";
    const PATTERN: &'static str = r"^/[A-Za-z0-9._~!$'()+,=:@/-]*$";
    const EXAMPLE: &'static str = "/websvcs/";
}

text_values!(PathPrefix);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_one_reading_are_accepted() {
        for (text, prefix) in [
            ("/", true),
            ("/a", false),
            ("/a/", true),
            ("/a.b/~c/", true),
            ("/I3Root/Server1/", true),
        ] {
            assert_eq!(
                text.parse::<PathPrefix>().map(|path| path.is_prefix()),
                Ok(prefix),
                "{text}"
            );
        }
    }

    #[test]
    fn paths_with_several_readings_are_refused() {
        let long = format!("/{}", "a".repeat(1024));
        for text in [
            "",
            "a",
            "//",
            "/a//b",
            "/a/../b",
            "/./",
            "/..",
            "/a%2fb",
            "/a;b/",
            "/a\\b",
            "/a b",
            "/a?b",
            "/a#b",
            "/\u{e4}",
            "/a/*",
            "/{server}/",
            "/a\0",
            &long,
        ] {
            assert!(text.parse::<PathPrefix>().is_err(), "{text}");
        }
    }
}
