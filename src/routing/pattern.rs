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

/// PERF: which of the forms it is, and no copy of its segments: there are a hundred thousand of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `/a/b/`
    Prefix,
    /// `/a/b`
    Exact,
    /// `/a/b/{server}/`
    Captured,
    /// `/**/marker/{server}/`
    Anywhere,
}

impl PathPattern {
    /// `/`: everything.
    pub fn root() -> Self {
        PathPattern {
            text: "/".into(),
            shape: Shape::Prefix,
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the route needs a list of server names.
    pub fn has_server(&self) -> bool {
        matches!(self.shape, Shape::Captured | Shape::Anywhere)
    }

    /// The segments that are written out; of `/**/marker/{server}/` the marker.
    pub(super) fn segments(&self) -> impl Iterator<Item = &str> {
        let inside = self.text.strip_prefix('/').unwrap_or(&self.text);
        let written = match self.shape {
            Shape::Prefix => inside.strip_suffix('/').unwrap_or(inside),
            Shape::Exact => inside,
            Shape::Captured => inside.strip_suffix("{server}/").unwrap_or(inside),
            Shape::Anywhere => inside
                .strip_prefix("**/")
                .and_then(|rest| rest.strip_suffix("/{server}/"))
                .unwrap_or(inside),
        };
        let written = match self.shape {
            Shape::Captured => written.strip_suffix('/').unwrap_or(written),
            _ => written,
        };
        // Nothing is written out of `/` and of `/{server}/`.
        written.split('/').filter(|segment| !segment.is_empty())
    }
}

/// No path: what is left where a pattern was moved away.
impl Default for PathPattern {
    fn default() -> Self {
        PathPattern {
            text: Box::default(),
            shape: Shape::Prefix,
        }
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
        check(text)?;
        Ok(Self {
            text: text.into(),
            shape: shape(text)?,
        })
    }
}

impl FromStr for LiteralPath {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<PathPattern>()?.shape {
            Shape::Prefix | Shape::Exact => Ok(Self(text.into())),
            Shape::Captured | Shape::Anywhere => Err(PatternError::NotLiteral(text.to_owned())),
        }
    }
}

/// That it is a path, with one reading.
fn check(text: &str) -> Result<(), PatternError> {
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
    if rest.split('/').any(|s| matches!(s, "." | "..")) {
        return Err(PatternError::DotSegment(text.to_owned()));
    }
    Ok(())
}

fn check_characters(text: &str) -> Result<(), PatternError> {
    // PERF: nearly every path consists of these.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~{}*".contains(&b);
    if text.bytes().all(plain) {
        return Ok(());
    }
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

fn shape(text: &str) -> Result<Shape, PatternError> {
    let by_slash = if text.ends_with('/') {
        Shape::Prefix
    } else {
        Shape::Exact
    };
    // PERF: nearly every path has no placeholder and no asterisk.
    if !text.contains(['{', '}', '*']) {
        return Ok(by_slash);
    }
    let segments: Vec<&str> = text.split('/').skip(1).collect();
    let mut servers = 0;
    for &segment in &segments {
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
    let shape = match segments.as_slice() {
        ["**", marker, "{server}", ""] if !marker.contains('*') => Shape::Anywhere,
        _ if text.contains('*') => return Err(PatternError::Asterisk(text.to_owned())),
        [.., "{server}", ""] => Shape::Captured,
        _ if servers == 1 => {
            let (before, _) = text.split_once("{server}").unwrap_or((text, ""));
            let instead = format!("{before}{{server}}/");
            return Err(PatternError::ServerNotLast(text.to_owned(), instead));
        }
        _ => by_slash,
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
        for (text, shape, segments) in [
            ("/", Shape::Prefix, &[][..]),
            ("/us/icserver1/", Shape::Prefix, &["us", "icserver1"]),
            ("/favicon.ico", Shape::Exact, &["favicon.ico"]),
            ("/a/b", Shape::Exact, &["a", "b"]),
            ("/.well-known/", Shape::Prefix, &[".well-known"]),
            ("/{server}/", Shape::Captured, &[]),
            ("/apps/api/{server}/", Shape::Captured, &["apps", "api"]),
            ("/**/api/{server}/", Shape::Anywhere, &["api"]),
        ] {
            let pattern: PathPattern = text.parse().unwrap();
            assert_eq!(pattern.shape, shape, "{text}");
            assert_eq!(pattern.segments().collect::<Vec<_>>(), segments, "{text}");
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
