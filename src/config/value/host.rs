//! Names of hosts: `proxy.example.com`, `192.0.2.7`, `[2001:db8::7]`, each with or without a port.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::server_url::userinfo;
use super::{Refusal, quote};
use crate::config::decode::{TableKey, TextValue, text_values};

/// A DNS name in lower case, or an IP address (IPv6 in brackets). No trailing dot, no wildcard; international names as A-labels
/// (RFC 5890); `_` is tolerated since internal names use it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName {
    text: String,
    ip: Option<IpAddr>,
}

impl HostName {
    /// The name as it stands in a URL: IPv6 addresses in brackets.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address, when it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }
}

impl FromStr for HostName {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if let Some(inner) = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            let ip: Ipv6Addr = inner.parse().map_err(|_| {
                Refusal::new(
                    format!("{} is not an IPv6 address", quote(text)),
                    "write for example `[2001:db8::7]`",
                )
            })?;
            return Ok(Self {
                text: format!("[{ip}]"),
                ip: Some(ip.into()),
            });
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(Refusal::new(
                "an IPv6 address stands in brackets",
                format!("write `[{text}]`"),
            ));
        }
        check_name(text)?;
        let last_label = text.rsplit('.').next().unwrap_or_default();
        // SECURITY: resolvers read `1.2.3` and `0x7f.1` as addresses; a name whose last label is a number is an address or nothing
        // (WHATWG URL, "ends in a number").
        let numeric = last_label.bytes().all(|b| b.is_ascii_digit())
            || last_label
                .strip_prefix("0x")
                .or(last_label.strip_prefix("0X"))
                .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if !numeric {
            return Ok(Self {
                text: text.to_ascii_lowercase(),
                ip: None,
            });
        }
        let ip: Ipv4Addr = text.parse().map_err(|_| {
            Refusal::new(
                format!("{} is neither a name nor an IPv4 address", quote(text)),
                "write four numbers from 0 to 255, such as `192.0.2.7`",
            )
        })?;
        Ok(Self {
            text: ip.to_string(),
            ip: Some(ip.into()),
        })
    }
}

fn check_name(text: &str) -> Result<(), Refusal> {
    let refuse = |reason: String, remedy: &str| Err(Refusal::new(reason, remedy));
    const EXAMPLE: &str = "write for example `proxy.example.com`";
    if text.is_empty() {
        return refuse("the name is empty".to_owned(), EXAMPLE);
    }
    if text.contains("://") || text.contains('/') {
        return refuse(
            format!("{} is a URL or path", quote(text)),
            "write the host name alone, without `https://` and without a path",
        );
    }
    if text.contains('*') {
        return refuse(
            format!("{} has a wildcard", quote(text)),
            "write one entry for each name",
        );
    }
    if !text.is_ascii() {
        return refuse(
            format!("{} has letters outside ASCII", quote(text)),
            "write the name in its ASCII form, which begins with `xn--`",
        );
    }
    if let Some(name) = text.strip_suffix('.') {
        return refuse(
            format!("{} ends with a dot", quote(text)),
            &format!("write `{name}`"),
        );
    }
    if text.len() > 253 {
        return refuse("the name is longer than 253 characters".to_owned(), EXAMPLE);
    }
    for label in text.split('.') {
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if let Some(bad) = label.bytes().find(|b| !good(*b)) {
            let bad = char::from(bad);
            return refuse(
                format!(
                    "{} has the character {bad:?}, which no host name has",
                    quote(text)
                ),
                EXAMPLE,
            );
        }
        if label.is_empty() || label.len() > 63 {
            return refuse(
                format!(
                    "a part of {} between dots is empty or longer than 63 characters",
                    quote(text)
                ),
                EXAMPLE,
            );
        }
        if label.starts_with('-') || label.ends_with('-') {
            return refuse(
                format!("{} begins or ends with a hyphen", quote(label)),
                EXAMPLE,
            );
        }
    }
    Ok(())
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TextValue for HostName {
    const WORD: &'static str = "host name";
    const PATTERN: &'static str = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})$";
    const EXAMPLE: &'static str = "proxy.example.com";
}

/// A host with or without a port: `proxy.example.com`, `proxy.example.com:8444`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostKey {
    /// The name or address.
    pub host: HostName,
    /// The port, never 0; `None` when none is written.
    pub port: Option<u16>,
}

/// Splits `host[:port]`; `[v6]:port` is split behind the bracket.
pub(super) fn split_port(text: &str) -> Result<(HostName, Option<u16>), Refusal> {
    if text.contains('@') {
        return Err(userinfo());
    }
    if text.contains("://") {
        check_name(text)?;
    }
    let host_end = match text.rfind(']') {
        Some(bracket) => bracket + 1,
        // A bare IPv6 address has several colons and no port.
        None if text.matches(':').count() > 1 => text.len(),
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(host_end);
    let host = host.parse()?;
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        None => {
            return Err(Refusal::new(
                format!("{} goes on after the address", quote(text)),
                "write `[address]:port`",
            ));
        }
        Some(port) => Some(parse_port(port)?),
    };
    Ok((host, port))
}

/// A port from 1 to 65535 in decimal digits.
pub(super) fn parse_port(text: &str) -> Result<u16, Refusal> {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    match text.parse() {
        Ok(port) if digits => Ok(port),
        _ => Err(Refusal::new(
            format!("{} is not a port", quote(text)),
            "write a port from 1 to 65535, such as `8444`",
        )),
    }
}

impl FromStr for HostKey {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let (host, port) = split_port(text)?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => self.host.fmt(f),
            Some(port) => write!(f, "{}:{port}", self.host),
        }
    }
}

impl TextValue for HostKey {
    const WORD: &'static str = "host";
    const PATTERN: &'static str =
        r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(:[1-9][0-9]{0,4})?$";
    const EXAMPLE: &'static str = "proxy.example.com";
}

impl TableKey for HostKey {}

text_values!(HostName, HostKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_cased_and_addresses_recognized() {
        for (text, expected, ip) in [
            ("Proxy.Example.COM", "proxy.example.com", false),
            ("cic_server-1", "cic_server-1", false),
            ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("[2001:DB8:0::7]", "[2001:db8::7]", true),
            ("1a.2b", "1a.2b", false),
        ] {
            let host: HostName = text.parse().expect(text);
            assert_eq!((host.as_str(), host.ip().is_some()), (expected, ip));
        }
    }

    #[test]
    fn what_is_not_a_host_name_is_refused_with_what_to_write() {
        let long = "a".repeat(64);
        for (text, remedy) in [
            ("", "proxy.example.com"),
            ("https://a.example", "without `https://`"),
            ("a.example/x", "without a path"),
            ("*.example.com", "each name"),
            ("m\u{fc}nchen.example", "xn--"),
            ("a.example.", "`a.example`"),
            ("a..example", "proxy.example.com"),
            ("-a.example", "proxy.example.com"),
            ("a b", "proxy.example.com"),
            ("1.2.3", "192.0.2.7"),
            ("256.1.1.1", "192.0.2.7"),
            ("127.0x1", "192.0.2.7"),
            ("::1", "`[::1]`"),
            ("[::g]", "[2001:db8::7]"),
            (&long, "proxy.example.com"),
        ] {
            let refusal = text.parse::<HostName>().expect_err(text);
            assert!(refusal.remedy.contains(remedy), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_port_is_split_from_names_and_addresses() {
        for (text, expected) in [
            ("A.example:8444", "a.example:8444"),
            ("a.example", "a.example"),
            ("[::1]:443", "[::1]:443"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert_eq!(
                text.parse::<HostKey>().map(|key| key.to_string()),
                Ok(expected.to_owned())
            );
        }
        for text in [
            "a.example:",
            "a.example:0",
            "a.example:080",
            "a.example:65536",
            "a.example:x",
            "::1",
            "[::1]443",
            ":443",
            "a:1:2",
            "a]b:1",
        ] {
            assert!(text.parse::<HostKey>().is_err(), "{text}");
        }
    }
}
