//! The name a request asks for: decoded once, and either plain or refused.
//!
//! `client/lib/a%20b.js` is the file `client/lib/a b.js`; `client%2flib`, `../x`, `a//b` are nothing at all.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longer paths than Linux can open (`PATH_MAX`) are not looked at.
const LONGEST: usize = 4096;

/// What may stand unencoded in one segment of a URL (RFC 3986 section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Why a path names nothing that could be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameError {
    /// It is broken, or could be read in two ways.
    Malformed,
    /// It is well formed, but what it names is never for a client.
    Hidden,
}

/// The place a request asks for, beneath the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Decoded, segments separated by slashes, none at either end; empty for the root.
    name: String,
    /// Whether a slash stood at the end, or there was nothing at all.
    directory: bool,
    /// The query with its question mark, as it came; empty if there was none.
    query: String,
}

impl Target {
    /// Reads what follows the route's prefix, percent-encoded, with or without a query.
    pub(super) fn parse(path: &str) -> Result<Self, NameError> {
        let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
        if path.len() > LONGEST || query.contains(|c: char| c.is_control()) {
            return Err(NameError::Malformed);
        }
        let mut target = Target {
            name: String::with_capacity(path.len()),
            directory: true,
            query: query.to_owned(),
        };
        if path.is_empty() {
            return Ok(target);
        }
        target.directory = path.ends_with('/');
        let mut hidden = false;
        for (index, segment) in path
            .strip_suffix('/')
            .unwrap_or(path)
            .split('/')
            .enumerate()
        {
            if index > 0 {
                target.name.push('/');
            }
            let segment = decode(segment)?;
            hidden |= is_hidden(&segment);
            target.name.push_str(&segment);
        }
        // A path that is both hidden and broken further on is broken.
        if hidden {
            Err(NameError::Hidden)
        } else {
            Ok(target)
        }
    }

    /// The name beneath the root, without a slash at either end; empty for the root itself.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a directory was asked for: by a slash at the end, or by nothing at all.
    pub(super) fn is_directory(&self) -> bool {
        self.directory
    }

    /// Whether exactly the file `name` was asked for.
    pub(super) fn is_file(&self, name: &str) -> bool {
        !self.directory && self.name == name
    }

    /// The Location that adds a slash, query kept.
    ///
    /// SECURITY: it is relative and begins with `./`, so whatever the directory is called it can be neither a scheme nor a host.
    pub(super) fn with_slash(&self) -> Option<HeaderValue> {
        let last = self.name.rsplit('/').next()?;
        let location = format!("./{}/{}", utf8_percent_encode(last, ENCODED), self.query);
        HeaderValue::from_bytes(location.as_bytes()).ok()
    }
}

/// One segment decoded, strictly and once; refused when it is empty, a dot segment, or holds what could end or split a name.
fn decode(segment: &str) -> Result<String, NameError> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => (hex(*high)? << 4 | hex(*low)?, after),
            (b'%', _) => return Err(NameError::Malformed),
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    let name = String::from_utf8(bytes).map_err(|_| NameError::Malformed)?;
    let dots = matches!(name.as_str(), "" | "." | "..");
    if dots || name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\')) {
        return Err(NameError::Malformed);
    }
    Ok(name)
}

fn hex(digit: u8) -> Result<u8, NameError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(NameError::Malformed),
    }
}

/// Extensions of what editors and deployments leave behind, and of programs and settings that IIS keeps to itself (its request
/// filtering's list of hidden file extensions): a web root that was copied from there still has them.
const HIDDEN_EXTENSIONS: &[&str] = &[
    "bak",
    "old",
    "orig",
    "save",
    "swo",
    "swp",
    "tmp", // left behind
    "config",
    "asax",
    "ascx",
    "master",
    "skin",
    "browser",
    "sitemap",
    "resx",
    "resources",
    "mdb",
    "ldb", // settings and data
    "asp",
    "aspx",
    "ashx",
    "asmx",
    "cs",
    "csproj",
    "vb",
    "vbproj",
    "php",
    "jsp",
    "cgi",
    "pl", // programs
    "key",
    "pfx",
    "p12", // private keys
];

/// Whether a file or directory of this name is never served, in any case of letters.
fn is_hidden(name: &str) -> bool {
    // SECURITY: on a Windows share a name means the same with dots or spaces behind it, and `:` opens another stream of the file.
    if name.starts_with('.')
        || name.starts_with('#')
        || name.ends_with(['~', '.', ' '])
        || name.contains(':')
    {
        return true;
    }
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    HIDDEN_EXTENSIONS
        .iter()
        .any(|hidden| extension.eq_ignore_ascii_case(hidden))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_name_is_decoded_once() {
        for (path, name, directory) in [
            ("", "", true),
            ("?x=1", "", true),
            ("a", "a", false),
            ("a/", "a", true),
            ("a/b.js?v=2", "a/b.js", false),
            ("a%20b/%C3%A4.txt", "a b/\u{e4}.txt", false),
            ("100%25.txt", "100%.txt", false),
            ("%252e%252e/x", "%2e%2e/x", false),
            ("a..b/...x/c", "", false),
            ("lib/%6aquery.js", "lib/jquery.js", false),
        ] {
            match Target::parse(path) {
                Ok(target) => assert_eq!(
                    (target.name(), target.is_directory()),
                    (name, directory),
                    "{path}"
                ),
                Err(error) => assert_eq!((path, error), ("a..b/...x/c", NameError::Hidden)),
            }
        }
    }

    #[test]
    fn what_is_never_for_a_client_is_hidden() {
        for path in [
            ".git/config",
            ".htaccess",
            "a/.env",
            "%2ehtaccess",
            "web.config",
            "WEB.CONFIG",
            "client/Web.Config",
            "web.config.",
            "web.config%20",
            "web.config::$DATA",
            "index.html.bak",
            "index.html~",
            "a.swp",
            "#index.html#",
            "page.aspx",
            "server.key",
            ".well-known/x",
            "a.cs/b",
        ] {
            let path = path.replace('#', "%23");
            assert_eq!(Target::parse(&path), Err(NameError::Hidden), "{path}");
        }
    }

    #[test]
    fn a_redirect_stays_beside_the_request() {
        for (path, location) in [
            ("client", "./client/"),
            ("a/b%20c?x=/y", "./b%20c/?x=/y"),
            ("evil.example", "./evil.example/"),
            ("%C3%A4", "./%C3%A4/"),
        ] {
            let target = Target::parse(path).unwrap();
            assert_eq!(target.with_slash().unwrap(), location);
        }
    }

    proptest! {
        #[test]
        fn no_name_that_is_accepted_climbs_or_splits(path in "([a-z./%\\\\?~]|%2[eEfF]|%5[cC]|%00|%25){0,24}") {
            if let Ok(target) = Target::parse(&path) {
                prop_assert!(!target.name().contains(['\\', '\0']));
                if !target.name().is_empty() {
                    prop_assert!(target.name().split('/').all(|s| !s.is_empty() && !s.starts_with('.')));
                }
            }
        }
    }
}
