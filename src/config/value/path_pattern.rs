//! Paths of routes: `/I3Root/` and below, `/health` alone, `/apps/client/api/{server}/`, `/**/api/{server}/`.

use std::fmt;
use std::str::FromStr;

use super::path_prefix::check_segments;
use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// What the first parts of a path must be under any prefix.
const ANYWHERE: &str = "/**/";
/// The part that stands for a server's name.
const SERVER: &str = "{server}";

/// The path of a route. With a slash at the end it stands for everything below it, otherwise for itself alone. One whole part may be
/// `{server}`; a leading `/**/` stands for any prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern(String);

impl PathPattern {
    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether everything below is meant as well.
    pub fn is_prefix(&self) -> bool {
        self.0.ends_with('/')
    }

    /// Whether a part of the path names the server.
    pub fn has_server(&self) -> bool {
        self.0.split('/').any(|segment| segment == SERVER)
    }
}

impl FromStr for PathPattern {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refuse = |reason: &str, remedy: &str| {
            Err(Refusal::new(format!("{} {reason}", quote(text)), remedy))
        };
        let rest = match text.strip_prefix(ANYWHERE) {
            Some("") => {
                return refuse(
                    "stands for every path",
                    "write `/` for everything, or name a part after `/**/`",
                );
            }
            Some(rest) => format!("/{rest}"),
            None => text.to_owned(),
        };
        if rest.contains('*') {
            return refuse(
                "has an asterisk that is not a leading `/**/`",
                "end the path with `/` to mean everything below it, or begin with `/**/` for any prefix",
            );
        }
        let servers = rest.split('/').filter(|segment| *segment == SERVER).count();
        if servers > 1 {
            return refuse("has `{server}` more than once", "keep one `{server}`");
        }
        // The part `{server}` is checked as if a name stood there; braces anywhere else are then refused.
        let plain: Vec<&str> = rest
            .split('/')
            .map(|segment| if segment == SERVER { "server" } else { segment })
            .collect();
        let plain = plain.join("/");
        if plain.contains(['{', '}']) {
            return refuse(
                "has braces that are not a whole `{server}` part",
                "write `/{server}/`, with a slash before and after it",
            );
        }
        check_segments(&plain)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TextValue for PathPattern {
    const WORD: &'static str = "route path";
    const PATTERN: &'static str = r"^/[A-Za-z0-9._~!$'()+,=:@/{}*-]*$";
    const EXAMPLE: &'static str = "/I3Root/";
}

text_values!(PathPattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_whether_they_name_a_server() {
        for (text, prefix, server) in [
            ("/", true, false),
            ("/I3Root/", true, false),
            ("/health", false, false),
            ("/apps/client/api/{server}/", true, true),
            ("/**/api/{server}/", true, true),
            ("/**/x", false, false),
        ] {
            let pattern: PathPattern = text.parse().expect(text);
            assert_eq!(
                (pattern.is_prefix(), pattern.has_server()),
                (prefix, server),
                "{text}"
            );
        }
    }

    #[test]
    fn other_wildcards_and_double_readings_are_refused() {
        for text in [
            "",
            "x/",
            "/x/*",
            "/x/**/y/",
            "/**",
            "/**/",
            "/a{server}/",
            "/{server}/{server}/",
            "/{host}/",
            "/%7Bserver%7D/",
            "/a/../",
            "//",
            "/**//x",
        ] {
            assert!(text.parse::<PathPattern>().is_err(), "{text}");
        }
    }
}
