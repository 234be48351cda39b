//! What the generated `servers.json` needs: where it stands, and the URL it tells clients.

use std::fmt;
use std::str::FromStr;

use super::host::split_port;
use super::path_prefix::check_segments;
use super::server_url::userinfo;
use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// The part that a client replaces by the name of a server.
const HOST: &str = "{host}";

/// An absolute URL in which `{host}` stands once, as a whole part of the path: `https://proxy.example.com/apps/client/api/{host}/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UrlTemplate(String);

/// A path below a folder, such as `config/servers.json`: no leading slash, no dot segments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RelativePath(String);

impl UrlTemplate {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RelativePath {
    /// `config/servers.json`, where the CIC web applications look for it.
    pub fn servers_json() -> Self {
        Self("config/servers.json".to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UrlTemplate {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if text.contains('@') {
            return Err(userinfo());
        }
        let refuse = |reason: &str| {
            Refusal::new(
                format!("{} {reason}", quote(text)),
                "write for example `\"https://proxy.example.com/apps/client/api/{host}/\"`",
            )
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| refuse("is not an absolute URL"))?;
        if scheme != "https" && scheme != "http" {
            return Err(refuse("does not begin with https:// or http://"));
        }
        let (authority, path) = rest
            .find('/')
            .map(|slash| rest.split_at(slash))
            .ok_or_else(|| refuse("has no path"))?;
        split_port(authority)?;
        if path.split('/').filter(|part| *part == HOST).count() != 1 {
            return Err(refuse(
                "does not have exactly one part `{host}` between slashes",
            ));
        }
        check_segments(&path.replacen(HOST, "host", 1))?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for RelativePath {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if text.is_empty()
            || text.starts_with('/')
            || text.ends_with('/')
            || check_segments(&format!("/{text}")).is_err()
        {
            return Err(Refusal::new(
                format!("{} is not the path of a file below the route", quote(text)),
                "write for example `config/servers.json`, without a slash at the beginning",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TextValue for UrlTemplate {
    const WORD: &'static str = "URL template";
    const PATTERN: &'static str = r"^https?://[^/\s]+/(.*/)?\{host\}(/.*)?$";
    const EXAMPLE: &'static str = "https://proxy.example.com/apps/client/api/{host}/";
}

impl TextValue for RelativePath {
    const WORD: &'static str = "relative path";
    const PATTERN: &'static str = r"^[A-Za-z0-9._~!$'()+,=:@-][A-Za-z0-9._~!$'()+,=:@/-]*$";
    const EXAMPLE: &'static str = "config/servers.json";
}

text_values!(UrlTemplate, RelativePath);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_an_absolute_url_with_one_host() {
        assert!(
            "https://p.example:8443/a/{host}/"
                .parse::<UrlTemplate>()
                .is_ok()
        );
        for text in [
            "",
            "/a/{host}/",
            "ftp://p/{host}/",
            "https://p.example",
            "https://p/a/",
            "https://p/{host}/{host}/",
            "https://{host}/a/",
            "https://p/a{host}/",
            "https://p/{host}/{x}/",
        ] {
            assert!(text.parse::<UrlTemplate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_relative_path_stays_below_its_folder() {
        assert!("config/servers.json".parse::<RelativePath>().is_ok());
        for text in ["", "/a", "a/", "../a", "a/../b", "a//b", "a\\b"] {
            assert!(text.parse::<RelativePath>().is_err(), "{text}");
        }
    }
}
