//! Which files a cache rule is for: `lib/`, `index.html`, `*.css`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::path_prefix::check_segments;
use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// Files below a route's folder: a folder (`lib/`), a file (`index.html`) or an ending (`*.css`) at any depth; with a slash inside
/// (`client/lib/`, `client/index.html`) counted from the route's folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FilePattern(String);

impl FilePattern {
    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for [`CachePattern`](crate::files::CachePattern), which says by a slash in front that it counts from the folder.
    pub fn for_cache(&self) -> Cow<'_, str> {
        let inside = self.0.strip_suffix('/').unwrap_or(&self.0).contains('/');
        if inside {
            Cow::Owned(format!("/{}", self.0))
        } else {
            Cow::Borrowed(&self.0)
        }
    }
}

impl FromStr for FilePattern {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        const REMEDY: &str = "write a folder `lib/`, a file `index.html`, or an ending `*.css`, without a slash at the beginning";
        let plain = match text.strip_prefix("*.") {
            Some(ending) if ending.contains('/') => {
                return Err(Refusal::new(
                    format!("{} mixes an ending with folders", quote(text)),
                    REMEDY,
                ));
            }
            Some(ending) => ending,
            None => text,
        };
        if plain.is_empty()
            || plain.starts_with('/')
            || check_segments(&format!("/{plain}")).is_err()
        {
            return Err(Refusal::new(
                format!("{} is not a folder, file or ending", quote(text)),
                REMEDY,
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for FilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TextValue for FilePattern {
    const WORD: &'static str = "file pattern";
    const PATTERN: &'static str = r"^(\*\.)?[A-Za-z0-9._~!$'()+,=:@-][A-Za-z0-9._~!$'()+,=:@/-]*$";
    const EXAMPLE: &'static str = "lib/";
}

text_values!(FilePattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_files_and_endings_match_what_they_say() {
        for (pattern, path, expected) in [
            ("lib/", "lib/a/b.js", true),
            ("lib/", "library/a.js", false),
            ("lib/", "x/lib/a.js", true),
            ("client/lib/", "client/lib/a.js", true),
            ("client/lib/", "x/client/lib/a.js", false),
            ("index.html", "index.html", true),
            ("index.html", "x/index.html", true),
            ("client/index.html", "client/index.html", true),
            ("client/index.html", "x/client/index.html", false),
            ("*.css", "x/y.css", true),
            ("*.css", "css", false),
        ] {
            let written: FilePattern = pattern.parse().unwrap();
            let rule: crate::files::CachePattern = written.for_cache().parse().unwrap();
            assert_eq!(rule.matches(path), expected, "{pattern} {path}");
        }
        for text in [
            "", "/lib/", "*", "*.", "**/x", "a/*", "../x", "*.a/b", "a//b",
        ] {
            assert!(text.parse::<FilePattern>().is_err(), "{text}");
        }
    }
}
