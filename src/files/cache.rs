//! How long browsers keep a file.
//!
//! The vendor's rules for the CIC web applications come last and always; an operator's come before them, and the first that matches
//! counts. A pattern is written as one text: `lib/` is any directory of that name, `/client/config/` this one, `*.woff2` every
//! file with that end, `index.html` every file of that name, `*` everything.

use http::HeaderValue;
use std::time::Duration;

/// What a browser may do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// Keep nothing of it.
    Never,
    /// Keep it, and ask each time whether it is still current.
    Revalidate,
    /// Use it this long without asking; whole seconds count.
    For(Duration),
}

impl Cache {
    pub(super) fn header(self) -> HeaderValue {
        match self {
            Cache::Never => HeaderValue::from_static("no-store"),
            Cache::Revalidate => HeaderValue::from_static("no-cache"),
            Cache::For(time) => HeaderValue::try_from(format!("max-age={}", time.as_secs()))
                .expect("digits and `max-age=` are visible ASCII"),
        }
    }
}

/// One rule: which files, how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheRule {
    /// The files it is for.
    pub pattern: CachePattern,
    /// What browsers may do with them.
    pub cache: Cache,
}

/// Which files a rule is for. Letters match in either case, as they do on the web servers these applications come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CachePattern {
    /// `/client/config/` or `/client/appSettings.json`: this directory or this file, counted from the site's root.
    Path(Box<str>),
    /// `lib/` or `a/lib/`: below a directory of this name, wherever it is.
    Directory(Box<str>),
    /// `*.woff2`: names that end so.
    Suffix(Box<str>),
    /// `index.html`: files of this name, wherever they are.
    Name(Box<str>),
}

/// A pattern is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write `/path/from/root`, `directory/`, `*.suffix` or `file.name`; a `*` can stand only at the front"
)]
pub struct CachePatternError;

impl std::str::FromStr for CachePattern {
    type Err = CachePatternError;

    fn from_str(text: &str) -> Result<Self, CachePatternError> {
        let strange = |c: char| c.is_control() || matches!(c, '*' | '\\' | '?');
        let (body, kind): (&str, fn(Box<str>) -> CachePattern) =
            if let Some(suffix) = text.strip_prefix('*') {
                (suffix, CachePattern::Suffix)
            } else if let Some(path) = text.strip_prefix('/') {
                (path, CachePattern::Path)
            } else if text.ends_with('/') {
                (text, CachePattern::Directory)
            } else {
                (text, CachePattern::Name)
            };
        let slashes = body.contains('/')
            && matches!(
                kind(body.into()),
                CachePattern::Suffix(_) | CachePattern::Name(_)
            );
        let segments = body.strip_suffix('/').unwrap_or(body).split('/');
        let odd = segments
            .filter(|_| !body.is_empty())
            .any(|s| matches!(s, "" | "." | ".."));
        if text.is_empty() || body.contains(strange) || slashes || odd {
            return Err(CachePatternError);
        }
        Ok(kind(body.into()))
    }
}

impl CachePattern {
    /// Whether the rule is for the file `name`, a decoded path from the site's root without a slash in front.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            CachePattern::Path(path) if path.is_empty() || path.ends_with('/') => {
                starts_with(name, path)
            }
            CachePattern::Path(path) => name.eq_ignore_ascii_case(path),
            CachePattern::Directory(directory) => {
                let after_slashes = name
                    .match_indices('/')
                    .filter_map(|(at, _)| name.get(at + 1..));
                std::iter::once(name)
                    .chain(after_slashes)
                    .any(|rest| starts_with(rest, directory))
            }
            CachePattern::Suffix(suffix) => {
                let start = name.len().checked_sub(suffix.len());
                start
                    .and_then(|start| name.get(start..))
                    .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
            }
            CachePattern::Name(file) => name
                .rsplit('/')
                .next()
                .is_some_and(|last| last.eq_ignore_ascii_case(file)),
        }
    }
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the vendor's own web server settings say (CIC web applications, IIS `web.config`): libraries and translations a year, settings
/// and add-ins never, the page itself a quarter of an hour.
const VENDOR: [(&str, Cache); 6] = [
    ("lib/", Cache::For(DAY.saturating_mul(365))),
    ("nls/", Cache::For(DAY.saturating_mul(365))),
    ("addins/", Cache::Never),
    ("config/", Cache::Never),
    ("appSettings.json", Cache::Never),
    ("index.html", Cache::For(Duration::from_secs(15 * 60))),
];

/// What the first of the operator's rules that matches says.
pub(super) fn first_match(rules: &[CacheRule], name: &str) -> Option<Cache> {
    rules
        .iter()
        .find(|rule| rule.pattern.matches(name))
        .map(|rule| rule.cache)
}

/// What the vendor says, and where it says nothing: ask each time.
pub(super) fn vendor(name: &str) -> Cache {
    let matches = |pattern: &str| match pattern.strip_suffix('/') {
        Some(directory) => name
            .rsplit('/')
            .skip(1)
            .any(|segment| segment.eq_ignore_ascii_case(directory)),
        None => name
            .rsplit('/')
            .next()
            .is_some_and(|file| file.eq_ignore_ascii_case(pattern)),
    };
    VENDOR
        .iter()
        .find(|(pattern, _)| matches(pattern))
        .map_or(Cache::Revalidate, |(_, cache)| *cache)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_rules_hold_where_nothing_is_said() {
        for (name, header) in [
            ("client/lib/jquery.js", "max-age=31536000"),
            ("client/nls/en/strings.js", "max-age=31536000"),
            ("lib/x.js", "max-age=31536000"),
            ("client/addins/a.json", "no-store"),
            ("client/config/servers.json", "no-store"),
            ("config/servers.json", "no-store"),
            ("client/appSettings.json", "no-store"),
            ("client/appsettings.json", "no-store"),
            ("client/index.html", "max-age=900"),
            ("index.html", "max-age=900"),
            ("client/app.js", "no-cache"),
            ("client/mylib/x.js", "no-cache"),
            ("client/lib", "no-cache"),
            ("js/index.html.js", "no-cache"),
        ] {
            assert_eq!(vendor(name).header(), header, "{name}");
        }
    }

    #[test]
    fn an_operators_rule_comes_first_and_the_first_one_counts() {
        let rule = |pattern: &str, cache| CacheRule {
            pattern: pattern.parse().unwrap(),
            cache,
        };
        let rules = [
            rule("/client/lib/hot/", Cache::Never),
            rule("*.WOFF2", Cache::For(Duration::from_millis(60_900))),
            rule("index.html", Cache::Revalidate),
            rule("/robots.txt", Cache::For(DAY)),
            rule("a/b/", Cache::Never),
        ];
        for (name, header) in [
            ("client/lib/hot/x.woff2", "no-store"),
            ("x/client/lib/hot/x.js", "max-age=31536000"),
            ("fonts/a.woff2", "max-age=60"),
            ("client/index.html", "no-cache"),
            ("robots.txt", "max-age=86400"),
            ("a/robots.txt", "no-cache"),
            ("x/a/b/c.js", "no-store"),
            ("xa/b/c.js", "no-cache"),
        ] {
            assert_eq!(
                first_match(&rules, name)
                    .unwrap_or_else(|| vendor(name))
                    .header(),
                header,
                "{name}"
            );
        }
        let all = [rule("*", Cache::Never)];
        assert_eq!(first_match(&all, "client/lib/x.js"), Some(Cache::Never));
        assert_eq!(
            first_match(&[rule("/", Cache::Never)], "client/lib/x.js"),
            Some(Cache::Never)
        );
    }

    #[test]
    fn a_pattern_that_says_nothing_clear_is_refused() {
        for text in [
            "", "a*b", "**", "*/x", "//", "/a//b", "../x/", "./", "a/b", "a\\b", "a?b", "a\nb",
            "*.js/",
        ] {
            assert_eq!(
                text.parse::<CachePattern>(),
                Err(CachePatternError),
                "{text:?}"
            );
        }
    }
}
