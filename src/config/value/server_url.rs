//! Where a server inside is reached: `https://icserver1.corp.local:8019`.

use std::fmt;
use std::str::FromStr;

use super::host::split_port;
use super::path_prefix::check_segments;
use super::{HostName, Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// Plain HTTP or TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The URL of a server: scheme, host, port, base path. No user, no query, no fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerUrl {
    /// Plain HTTP or TLS.
    pub scheme: Scheme,
    /// Name or address.
    pub host: HostName,
    /// The port when one is written; otherwise the kind of the server decides.
    pub port: Option<u16>,
    /// The path that everything is below; begins and ends with `/`.
    pub base_path: String,
}

impl FromStr for ServerUrl {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refuse = |reason: &str, remedy: &str| {
            Err(Refusal::new(format!("{} {reason}", quote(text)), remedy))
        };
        // SECURITY: first of all, since every other message repeats the text.
        if text.contains('@') {
            return Err(userinfo());
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Scheme::Https, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
            Some(("ws" | "wss", _)) => {
                return refuse(
                    "has a WebSocket scheme",
                    "write `http://` or `https://`; WebSockets go over it when `websocket: true` is set",
                );
            }
            Some(_) => {
                return refuse(
                    "has an unknown scheme",
                    "begin with `http://` or `https://`",
                );
            }
            None => {
                return refuse(
                    "has no scheme",
                    "write for example `https://icserver1.corp.local:8019`",
                );
            }
        };
        if rest.contains(['?', '#']) {
            return refuse("has a query or fragment", "end the URL before `?` and `#`");
        }
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        let (host, port) = split_port(authority)?;
        if !path.ends_with('/') {
            return refuse(
                "has a path that does not end with a slash",
                &format!("write `{text}/`"),
            );
        }
        check_segments(path)?;
        Ok(Self {
            scheme,
            host,
            port,
            base_path: path.to_owned(),
        })
    }
}

/// The refusal of a URL with a user, and so perhaps a password, in it.
pub(super) fn userinfo() -> Refusal {
    Refusal::sensitive(
        "it has a user or password in it",
        "remove everything from behind `//` up to the `@`",
    )
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(if self.base_path == "/" {
            ""
        } else {
            &self.base_path
        })
    }
}

impl TextValue for ServerUrl {
    const WORD: &'static str = "server URL";
    const PATTERN: &'static str = r"^[Hh][Tt][Tt][Pp][Ss]?://[^@?#\s]+$";
    const EXAMPLE: &'static str = "https://icserver1.corp.local:8019";
}

text_values!(ServerUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_and_printed_back() {
        for (text, expected, port, base) in [
            (
                "https://A.corp.local:8019",
                "https://a.corp.local:8019",
                Some(8019),
                "/",
            ),
            ("HTTP://a.corp.local/", "http://a.corp.local", None, "/"),
            (
                "http://[::1]:80/x/y/",
                "http://[::1]:80/x/y/",
                Some(80),
                "/x/y/",
            ),
        ] {
            let url: ServerUrl = text.parse().expect(text);
            assert_eq!(
                (url.to_string().as_str(), url.port, url.base_path.as_str()),
                (expected, port, base)
            );
        }
    }

    #[test]
    fn what_can_be_read_two_ways_is_refused() {
        for (text, remedy) in [
            ("icserver1:8019", "https://icserver1"),
            ("ftp://a", "http://"),
            ("wss://a", "websocket: true"),
            ("https://user:pw@a", "`@`"),
            ("https://a?x", "`?`"),
            ("https://a#x", "`#`"),
            ("https://a/x", "`https://a/x/`"),
            ("https://a/../", "without"),
            ("https://a//b/", "without"),
            ("https://", "proxy.example.com"),
            ("https://a:0", "65535"),
            ("https://a:", "65535"),
        ] {
            let refusal = text.parse::<ServerUrl>().expect_err(text);
            assert!(refusal.remedy.contains(remedy), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_password_is_never_repeated() {
        let refusal = "https://user:hunter2@a"
            .parse::<ServerUrl>()
            .expect_err("refused");
        assert!(!refusal.to_string().contains("hunter2"));
    }
}
