//! Where a message comes from and where the browser believes it comes from: scheme, host, port.
//!
//! ```
//! use portcullis::rewrite::{Origin, Scheme};
//! let server = Origin::new(Scheme::Https, "ICServer1.corp.local", 8019);
//! assert_eq!(server.host(), "icserver1.corp.local");
//! ```

use std::net::Ipv6Addr;

/// The two schemes of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port a URL of this scheme means when it names none (RFC 9110 section 4.2).
    pub const fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }

    /// The scheme a URL or an `X-Forwarded-Proto` names, in any case; `None` for every other text.
    pub fn parse(text: &[u8]) -> Option<Self> {
        [Scheme::Http, Scheme::Https]
            .into_iter()
            .find(|s| text.eq_ignore_ascii_case(s.as_str().as_bytes()))
    }
}

/// An origin of a server (RFC 6454 section 4). A server has several when it is known under several names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: Box<str>,
    port: u16,
}

impl Origin {
    /// An origin; the host is a name or an address, IPv6 with or without its brackets.
    pub fn new(scheme: Scheme, host: &str, port: u16) -> Self {
        Origin {
            scheme,
            host: canonical_host(host).into(),
            port,
        }
    }

    /// The scheme the server is asked with.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case, IPv6 without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether `authority` (`host`, `host:port`, `[v6]:port`) of a URL with `scheme` names this origin.
    ///
    /// Only what can be read in one way is recognised: no user information, no encoded or non-ASCII host, no empty host.
    pub(super) fn is_named_by(&self, scheme: Scheme, authority: &[u8]) -> bool {
        let Ok(authority) = std::str::from_utf8(authority) else {
            return false;
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some(parts) if !authority.ends_with(']') => parts,
            _ => (authority, ""),
        };
        let port = if port.is_empty() {
            Some(scheme.default_port())
        } else {
            decimal(port)
        };
        if scheme != self.scheme || port != Some(self.port) {
            return false;
        }
        // PERF: nearly every name is spelled as it is configured; only an IPv6 address is parsed.
        host.eq_ignore_ascii_case(&self.host)
            || host.starts_with('[') && canonical_host(host) == *self.host
    }
}

/// `u16::from_str` would take `+80` as well.
fn decimal(port: &str) -> Option<u16> {
    port.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| port.parse().ok())
        .flatten()
}

fn canonical_host(host: &str) -> String {
    let bare = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    match bare.parse::<Ipv6Addr>() {
        Ok(address) => address.to_string(),
        Err(_) => host.to_ascii_lowercase(),
    }
}

/// The origin the browser sees: what it typed, and what goes into URLs for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicOrigin<'a> {
    scheme: Scheme,
    authority: &'a str,
    port: u16,
}

/// A public host is not the `host` or `host:port` of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the public host must be a host name or an address with an optional port")]
pub struct OriginError;

impl<'a> PublicOrigin<'a> {
    /// The origin for the scheme at the edge and the request's `host` or `host:port`.
    ///
    /// # Errors
    /// [`OriginError`] when the authority holds anything but letters, digits, `.`, `-`, `_`, brackets and colons, or its port is
    /// not a number from 1 to 65535. It goes into headers and URLs as it stands.
    pub fn new(scheme: Scheme, authority: &'a str) -> Result<Self, OriginError> {
        let plain = |b: u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        };
        if authority.is_empty() || authority.starts_with(':') || !authority.bytes().all(plain) {
            return Err(OriginError);
        }
        let port = match authority.rsplit_once(':') {
            Some((_, port)) if !authority.ends_with(']') => {
                decimal(port).filter(|port| *port != 0).ok_or(OriginError)?
            }
            _ => scheme.default_port(),
        };
        Ok(PublicOrigin {
            scheme,
            authority,
            port,
        })
    }

    /// The scheme at the edge.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// `host` or `host:port`, as the client sent it.
    pub fn authority(&self) -> &'a str {
        self.authority
    }

    /// The port, the scheme's own when the authority names none.
    pub fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_names_an_origin_only_if_it_can_be_read_in_one_way() {
        let server = Origin::new(Scheme::Https, "icserver1.corp.local", 8019);
        let standard = Origin::new(Scheme::Https, "IdP.corp.local", 443);
        let v6 = Origin::new(Scheme::Http, "[2001:DB8::1]", 8018);
        for (origin, scheme, authority, same) in [
            (&server, Scheme::Https, "icserver1.corp.local:8019", true),
            (&server, Scheme::Https, "ICSERVER1.corp.LOCAL:08019", true),
            (&server, Scheme::Http, "icserver1.corp.local:8019", false),
            (&server, Scheme::Https, "icserver1.corp.local", false),
            (&server, Scheme::Https, "icserver1.corp.local:+8019", false),
            (&server, Scheme::Https, "icserver1.corp.local:73555", false),
            (&server, Scheme::Https, "icserver1.corp.local.:8019", false),
            (
                &server,
                Scheme::Https,
                "user@icserver1.corp.local:8019",
                false,
            ),
            (&server, Scheme::Https, "icserver1%2ecorp.local:8019", false),
            (&server, Scheme::Https, "", false),
            (&server, Scheme::Https, ":8019", false),
            (&standard, Scheme::Https, "idp.corp.local", true),
            (&standard, Scheme::Https, "idp.corp.local:", true),
            (&standard, Scheme::Https, "idp.corp.local:443", true),
            (&standard, Scheme::Http, "idp.corp.local:443", false),
            (&v6, Scheme::Http, "[2001:db8:0::1]:8018", true),
            (&v6, Scheme::Http, "[2001:db8::1]", false),
            (&v6, Scheme::Http, "[2001:db8::2]:8018", false),
        ] {
            assert_eq!(
                origin.is_named_by(scheme, authority.as_bytes()),
                same,
                "{authority}"
            );
        }
        assert!(!server.is_named_by(Scheme::Https, b"\xff"));
    }

    #[test]
    fn a_public_host_that_could_break_out_of_a_url_is_refused() {
        for (authority, port) in [
            ("proxy.example.com", Some(443)),
            ("proxy.example.com:8444", Some(8444)),
            ("192.0.2.1:8443", Some(8443)),
            ("[2001:db8::1]", Some(443)),
            ("[2001:db8::1]:8443", Some(8443)),
            ("", None),
            (":443", None),
            ("a:", None),
            ("a:0", None),
            ("a:65536", None),
            ("a:+1", None),
            ("a/b", None),
            ("u@a", None),
            ("a b", None),
            ("a\r\nX: y", None),
            ("a\\b", None),
            ("ä", None),
        ] {
            assert_eq!(
                PublicOrigin::new(Scheme::Https, authority)
                    .ok()
                    .map(|o| o.port()),
                port,
                "{authority:?}"
            );
        }
    }
}
