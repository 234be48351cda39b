//! The paths an administrator writes on routes and on lists of exposed paths.
//!
//! | form | matches |
//! |---|---|
//! | `/us/icserver1/` | everything below (a slash at the end means prefix) |
//! | `/favicon.ico` | exactly this path |
//! | `/apps/client/api/{server}/` | everything below, for each name in the route's `servers` list |
//! | `/**/api/{server}/` | the same under any number of leading segments, as PureConnect's own proxy rule has it |
//!
//! ```
//! use portcullis::routing::PathPattern;
//!
//! assert!("/apps/client/api/{server}/".parse::<PathPattern>().is_ok());
//! let mistake = "/apps/{host}/".parse::<PathPattern>().unwrap_err();
//! assert!(mistake.to_string().contains("{server}"));
//! ```

use std::fmt;
use std::str::FromStr;

/// A route's path as the file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: Box<str>,
    pub(super) shape: Shape,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// `/a/b/`
    Prefix(Vec<Box<str>>),
    /// `/a/b`; never empty
    Exact(Vec<Box<str>>),
    /// `/a/b/{server}/`
    Captured(Vec<Box<str>>),
    /// `/**/marker/{server}/`
    Anywhere(Box<str>),
}

impl PathPattern {
    /// `/`: everything.
    pub fn root() -> Self {
        PathPattern {
            text: "/".into(),
            shape: Shape::Prefix(Vec::new()),
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the route needs a list of server names.
    pub fn has_server(&self) -> bool {
        matches!(self.shape, Shape::Captured(_) | Shape::Anywhere(_))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A path without placeholders: a prefix if it ends in a slash, otherwise exactly itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteralPath(Box<str>);

impl LiteralPath {
    /// `/`, the prefix of everything.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether everything below is meant, not only this path.
    pub fn is_prefix(&self) -> bool {
        self.0.ends_with('/')
    }

    /// The path as a prefix: `/base` and `/base/` both become `/base/`.
    pub fn into_prefix(self) -> Self {
        if self.is_prefix() {
            self
        } else {
            Self(format!("{}/", self.0).into())
        }
    }
}

/// A path in the file that is not one, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing written.
    #[error("the path is empty; write `/` for everything")]
    Empty,
    /// The first byte is not a slash.
    #[error("`{0}` does not begin with a slash; write `/{0}`")]
    NoLeadingSlash(String),
    /// Two slashes in a row.
    #[error("`{path}` has two slashes in a row; write `{instead}`")]
    DoubleSlash {
        /// The path in the file.
        path: String,
        /// The same with single slashes.
        instead: String,
    },
    /// A `.` or `..` segment.
    #[error("`{0}` has a `.` or `..` segment; write the path it leads to")]
    DotSegment(String),
    /// A percent escape.
    #[error(
        "`{0}` has a percent sign; escapes can be read two ways, write a path of plain letters, digits, `-`, `.`, `_` and `~`"
    )]
    Percent(String),
    /// A query or fragment.
    #[error("`{0}` has a `?` or `#`; routes are chosen by path alone, write what stands before it")]
    Query(String),
    /// A byte that servers read in different ways, or that no path has.
    #[error(
        "`{path}` has {what}; write a path of plain letters, digits, `-`, `.`, `_` and `~`, with `/` between segments"
    )]
    BadByte {
        /// The path in the file.
        path: String,
        /// The offending character, described.
        what: String,
    },
    /// A placeholder other than `{server}`.
    #[error("`{found}` is not known; the only placeholder is `{{server}}`")]
    UnknownPlaceholder {
        /// The segment in the file.
        found: String,
    },
    /// `{server}` as a part of a segment.
    #[error("`{found}`: `{{server}}` must be a whole segment; write `/{{server}}/`")]
    PartOfSegment {
        /// The segment in the file.
        found: String,
    },
    /// More than one `{server}`.
    #[error("`{0}` has `{{server}}` twice; a route leads to one server, keep one of them")]
    ServerTwice(String),
    /// Something follows `{server}`, or no slash does.
    #[error("`{0}`: `{{server}}` must be the last segment, with a slash after it; write `{1}`")]
    ServerNotLast(String, String),
    /// An asterisk somewhere else than in `/**/segment/{server}/`.
    #[error(
        "`{0}` has an asterisk; a path ending in a slash already means everything below, and the only other form is `/**/api/{{server}}/`"
    )]
    Asterisk(String),
    /// A placeholder where only a plain path can stand.
    #[error("`{0}` has a placeholder; only a route's path may have one, write a plain path here")]
    NotLiteral(String),
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let segments = split(text)?;
        Ok(Self {
            text: text.into(),
            shape: shape(text, &segments)?,
        })
    }
}

impl FromStr for LiteralPath {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<PathPattern>()?.shape {
            Shape::Prefix(_) | Shape::Exact(_) => Ok(Self(text.into())),
            Shape::Captured(_) | Shape::Anywhere(_) => {
                Err(PatternError::NotLiteral(text.to_owned()))
            }
        }
    }
}

/// The segments after the first slash; the last is empty when the path ends in a slash.
fn split(text: &str) -> Result<Vec<&str>, PatternError> {
    if text.is_empty() {
        return Err(PatternError::Empty);
    }
    check_characters(text)?;
    let Some(rest) = text.strip_prefix('/') else {
        return Err(PatternError::NoLeadingSlash(text.to_owned()));
    };
    if text.contains("//") {
        let mut instead = text.to_owned();
        while instead.contains("//") {
            instead = instead.replace("//", "/");
        }
        let path = text.to_owned();
        return Err(PatternError::DoubleSlash { path, instead });
    }
    let segments: Vec<_> = rest.split('/').collect();
    if segments.iter().any(|s| matches!(*s, "." | "..")) {
        return Err(PatternError::DotSegment(text.to_owned()));
    }
    Ok(segments)
}

fn check_characters(text: &str) -> Result<(), PatternError> {
    let path = || text.to_owned();
    for c in text.chars() {
        let what = match c {
            '%' => return Err(PatternError::Percent(path())),
            '?' | '#' => return Err(PatternError::Query(path())),
            '\\' => "a backslash".to_owned(),
            ';' => "a semicolon".to_owned(),
            ' ' => "a space".to_owned(),
            c if c.is_control() => format!("the control character U+{:04X}", u32::from(c)),
            c if !c.is_ascii() => format!("the non-ASCII character `{c}`"),
            '"' | '<' | '>' | '^' | '`' | '|' | '[' | ']' => format!("the character `{c}`"),
            _ => continue,
        };
        return Err(PatternError::BadByte { path: path(), what });
    }
    Ok(())
}

fn shape(text: &str, segments: &[&str]) -> Result<Shape, PatternError> {
    let mut servers = 0;
    for &segment in segments {
        if segment == "{server}" {
            servers += 1;
        } else if segment.contains("{server}") {
            let found = segment.to_owned();
            return Err(PatternError::PartOfSegment { found });
        } else if segment.contains(['{', '}']) {
            let found = segment.to_owned();
            return Err(PatternError::UnknownPlaceholder { found });
        }
    }
    if servers > 1 {
        return Err(PatternError::ServerTwice(text.to_owned()));
    }
    let literal = |segments: &[&str]| segments.iter().map(|&s| s.into()).collect();
    let shape = match segments {
        ["**", marker, "{server}", ""] if !marker.contains('*') => {
            Shape::Anywhere((*marker).into())
        }
        _ if text.contains('*') => return Err(PatternError::Asterisk(text.to_owned())),
        [before @ .., "{server}", ""] => Shape::Captured(literal(before)),
        _ if servers == 1 => {
            let (before, _) = text.split_once("{server}").unwrap_or((text, ""));
            let instead = format!("{before}{{server}}/");
            return Err(PatternError::ServerNotLast(text.to_owned(), instead));
        }
        [before @ .., ""] => Shape::Prefix(literal(before)),
        all => Shape::Exact(literal(all)),
    };
    Ok(shape)
}

/// Whether every server reads this segment as itself: letters, digits, `.`, `_`, `~`, `-`, and no dot segment.
pub(super) fn is_plain_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_recognised() {
        let own = |s: &[&str]| s.iter().map(|&s| s.into()).collect::<Vec<Box<str>>>();
        for (text, shape) in [
            ("/", Shape::Prefix(own(&[]))),
            ("/us/icserver1/", Shape::Prefix(own(&["us", "icserver1"]))),
            ("/favicon.ico", Shape::Exact(own(&["favicon.ico"]))),
            ("/.well-known/", Shape::Prefix(own(&[".well-known"]))),
            ("/{server}/", Shape::Captured(own(&[]))),
            (
                "/apps/api/{server}/",
                Shape::Captured(own(&["apps", "api"])),
            ),
            ("/**/api/{server}/", Shape::Anywhere("api".into())),
        ] {
            let pattern: PathPattern = text.parse().unwrap();
            assert_eq!(pattern.shape, shape, "{text}");
            assert_eq!(pattern.to_string(), text);
        }
    }

    #[test]
    fn each_mistake_says_what_to_write_instead() {
        for (text, says) in [
            ("", "write `/`"),
            ("us/", "write `/us/`"),
            ("https://a/b", "does not begin with a slash"),
            ("/a//b/", "write `/a/b/`"),
            ("/a///b//c/", "write `/a/b/c/`"),
            ("/a/../b/", "the path it leads to"),
            ("/a/.", "the path it leads to"),
            ("/a%2fb/", "percent"),
            ("/a?x=1", "before it"),
            ("/a#x", "before it"),
            ("/a\\b/", "a backslash"),
            ("/a;b/", "a semicolon"),
            ("/a b/", "a space"),
            ("/a\0/", "U+0000"),
            ("/a\u{7f}/", "U+007F"),
            ("/b\u{fc}/", "non-ASCII"),
            ("/a<b/", "`<`"),
            ("/{server}/{server}/", "keep one"),
            ("/{host}/", "`{server}`"),
            ("/{Server}/", "`{server}`"),
            ("/{server/", "`{server}`"),
            ("/x{server}/", "whole segment"),
            ("/a/{server}", "write `/a/{server}/`"),
            ("/a/{server}/icws/", "write `/a/{server}/`"),
            ("/*/", "asterisk"),
            ("/a/*", "asterisk"),
            ("/**/", "asterisk"),
            ("/**/api/", "asterisk"),
            ("/**/{server}/", "asterisk"),
            ("/**/a/b/{server}/", "asterisk"),
            ("/a/**/api/{server}/", "asterisk"),
            ("/**/*/{server}/", "asterisk"),
        ] {
            let message = text.parse::<PathPattern>().unwrap_err().to_string();
            assert!(message.contains(says), "{text:?}: {message}");
        }
        let message = "/{server}/".parse::<LiteralPath>().unwrap_err().to_string();
        assert!(message.contains("plain path"), "{message}");
    }

    #[test]
    fn a_base_path_becomes_a_prefix_with_or_without_its_slash() {
        for text in ["/base", "/base/"] {
            let path: LiteralPath = text.parse().unwrap();
            assert_eq!(path.into_prefix().as_str(), "/base/");
        }
        assert_eq!(
            "/".parse::<LiteralPath>().unwrap().into_prefix().as_str(),
            "/"
        );
    }
}
