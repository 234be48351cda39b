//! Host names: strictly as a client writes them in `Host`, and as the administrator writes them in the file.
//!
//! ```
//! use portcullis::routing::HostKey;
//!
//! let key: HostKey = "Finesse1.example.com:8444".parse()?;
//! assert_eq!(key.to_string(), "finesse1.example.com:8444");
//! assert!("https://finesse1.example.com".parse::<HostKey>().is_err());
//! # Ok::<(), portcullis::routing::HostKeyError>(())
//! ```

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Longest name the domain name system can carry, in bytes without the final dot (RFC 1035, 2.3.4).
const MAX_NAME_BYTES: usize = 253;

/// Room for a name being lower-cased on the stack.
pub(super) type NameBuffer = [u8; 255];

/// A host as it is looked up: a lower-case name or IPv4 address, or an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host<'a> {
    Name(&'a str),
    V6(Ipv6Addr),
}

/// Why the text of a `Host` header or `:authority` is not a host. Answered 400, nothing is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// No host at all.
    #[error("the host is empty")]
    Empty,
    /// More than 253 bytes (RFC 1035, 2.3.4).
    #[error("the host is longer than 253 bytes")]
    TooLong,
    /// A byte that no host name has: userinfo, a space, a percent sign, a control, anything outside ASCII.
    #[error("the host contains a byte that no host name has")]
    BadByte,
    /// An empty label, one of more than 63 bytes, or one with a hyphen at an end (RFC 1123, 2.1).
    #[error("the host has an empty or malformed label")]
    BadLabel,
    /// Ends in a number and yet is no dotted IPv4 address; browsers and servers disagree on what that names.
    #[error("the host looks like an IPv4 address and is none")]
    BadIpv4,
    /// Brackets around something that is no IPv6 address.
    #[error("the host in brackets is not an IPv6 address")]
    BadIpv6,
    /// The port is not a decimal number from 1 to 65535.
    #[error("the port after the host is not a number from 1 to 65535")]
    BadPort,
}

/// Splits `host[:port]` (RFC 9110, 7.2) and brings the host into the form it is looked up in.
pub(super) fn parse_authority<'a>(
    text: &'a str,
    buffer: &'a mut NameBuffer,
) -> Result<(Host<'a>, Option<u16>), BadHost> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, after) = rest.split_once(']').ok_or(BadHost::BadIpv6)?;
        let address = address.parse().map_err(|_| BadHost::BadIpv6)?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if after.is_empty() => None,
            None => return Err(BadHost::BadByte),
        };
        return Ok((Host::V6(address), port));
    }
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, Some(parse_port(port)?)),
        None => (text, None),
    };
    Ok((Host::Name(fold_name(name, buffer)?), port))
}

/// Checks a name or IPv4 address, takes off one final dot and lower-cases it.
pub(super) fn fold_name<'a>(name: &'a str, buffer: &'a mut NameBuffer) -> Result<&'a str, BadHost> {
    let name = name.strip_suffix('.').unwrap_or(name);
    check_name(name)?;
    // PERF: clients send lower case; only the rare other one is copied, and never to the heap.
    if !name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Ok(name);
    }
    let folded = buffer.get_mut(..name.len()).ok_or(BadHost::TooLong)?;
    folded.copy_from_slice(name.as_bytes());
    folded.make_ascii_lowercase();
    std::str::from_utf8(folded).map_err(|_| BadHost::BadByte)
}

fn check_name(name: &str) -> Result<(), BadHost> {
    if name.is_empty() {
        return Err(BadHost::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(BadHost::TooLong);
    }
    // PERF: one pass; a label is judged at the dot behind it, the last one at the end.
    let (mut length, mut digits, mut before) = (0, 0, b'.');
    for b in name.bytes() {
        match b {
            b'.' if length == 0 || length > 63 || before == b'-' => return Err(BadHost::BadLabel),
            b'.' => (length, digits) = (0, 0),
            b'-' if length == 0 => return Err(BadHost::BadLabel),
            b'0'..=b'9' => (length, digits) = (length + 1, digits + 1),
            b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' => length += 1,
            _ => return Err(BadHost::BadByte),
        }
        before = b;
    }
    if length == 0 || length > 63 || before == b'-' {
        return Err(BadHost::BadLabel);
    }
    let last_is_number = digits == length;
    // SECURITY: `127.1` and `2130706433` are addresses to some parsers and names to others.
    if last_is_number && name.parse::<Ipv4Addr>().is_err() {
        return Err(BadHost::BadIpv4);
    }
    Ok(())
}

fn parse_port(text: &str) -> Result<u16, BadHost> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    match text.parse() {
        Ok(port) if plain => Ok(port),
        _ => Err(BadHost::BadPort),
    }
}

/// A key of the host map in the file: `name`, `name:port`, an IPv4 address or an IPv6 address in brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostKey {
    pub(super) host: OwnedHost,
    pub(super) port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum OwnedHost {
    Name(Box<str>),
    V6(Ipv6Addr),
}

impl HostKey {
    /// The port of the only listener this entry is for, or `None` for every listener.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The lower-case name, if it is one: what a certificate and a client's SNI are compared with.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            OwnedHost::Name(name) => Some(name),
            OwnedHost::V6(_) => None,
        }
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            OwnedHost::Name(name) => f.write_str(name)?,
            OwnedHost::V6(address) => write!(f, "[{address}]")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// A key of the host map that is not one, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostKeyError {
    /// A whole URL where a host belongs.
    #[error(
        "`{0}` is a URL; write only the host, for example `proxy.example.com` or `proxy.example.com:8444`"
    )]
    Url(String),
    /// A wildcard.
    #[error("`{0}` has a wildcard; the host map knows no wildcards, list every name by itself")]
    Wildcard(String),
    /// A final dot.
    #[error(
        "`{0}` ends in a dot; write it without, clients that send the dot are matched all the same"
    )]
    FinalDot(String),
    /// An IPv6 address without brackets.
    #[error("`{0}` is an IPv6 address; write it in brackets: `[{0}]`")]
    Unbracketed(String),
    /// A name outside ASCII.
    #[error("`{0}` is not ASCII; write the name's `xn--` form")]
    NotAscii(String),
    /// Anything else that a client's `Host` could not say either.
    #[error(
        "`{text}` is not a host: {why}; write `name`, `name:port`, an IPv4 address or `[IPv6]`"
    )]
    Bad {
        /// The text in the file.
        text: String,
        /// What is wrong with it.
        why: BadHost,
    },
}

impl FromStr for HostKey {
    type Err = HostKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let owned = || text.to_owned();
        if text.contains('/') {
            return Err(HostKeyError::Url(owned()));
        }
        if text.contains('*') {
            return Err(HostKeyError::Wildcard(owned()));
        }
        if !text.is_ascii() {
            return Err(HostKeyError::NotAscii(owned()));
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(HostKeyError::Unbracketed(owned()));
        }
        if text.ends_with('.') || text.contains(".:") {
            return Err(HostKeyError::FinalDot(owned()));
        }
        let mut buffer = [0; 255];
        let (host, port) = parse_authority(text, &mut buffer)
            .map_err(|why| HostKeyError::Bad { text: owned(), why })?;
        let host = match host {
            Host::Name(name) => OwnedHost::Name(name.into()),
            Host::V6(address) => OwnedHost::V6(address),
        };
        Ok(Self { host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, Option<u16>), BadHost> {
        let mut buffer = [0; 255];
        let (host, port) = parse_authority(text, &mut buffer)?;
        Ok((
            match host {
                Host::Name(name) => name.to_owned(),
                Host::V6(address) => address.to_string(),
            },
            port,
        ))
    }

    #[test]
    fn what_clients_may_write_in_host_is_read_case_insensitively() {
        for (text, host, port) in [
            ("proxy.example.com", "proxy.example.com", None),
            ("PROXY.Example.COM:443", "proxy.example.com", Some(443)),
            ("proxy.example.com.", "proxy.example.com", None),
            ("proxy.example.com.:8444", "proxy.example.com", Some(8444)),
            ("localhost", "localhost", None),
            ("my_host-1", "my_host-1", None),
            ("192.0.2.7:65535", "192.0.2.7", Some(65535)),
            ("[2001:DB8::0:1]:8444", "2001:db8::1", Some(8444)),
            ("[::ffff:192.0.2.1]", "::ffff:192.0.2.1", None),
        ] {
            assert_eq!(parse(text), Ok((host.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn anything_else_in_host_is_refused() {
        let long_label = "a".repeat(64);
        let long_name = "a.".repeat(127) + "b";
        for (text, why) in [
            ("", BadHost::Empty),
            (".", BadHost::Empty),
            (":443", BadHost::Empty),
            ("a..b", BadHost::BadLabel),
            (".a", BadHost::BadLabel),
            ("a.com..", BadHost::BadLabel),
            ("-a.com", BadHost::BadLabel),
            ("a-.com", BadHost::BadLabel),
            (&long_label, BadHost::BadLabel),
            (&long_name, BadHost::TooLong),
            ("user@a.com", BadHost::BadByte),
            ("user:pw@a.com", BadHost::BadPort),
            ("a com", BadHost::BadByte),
            (" a.com", BadHost::BadByte),
            ("a.com ", BadHost::BadByte),
            ("a%2ecom", BadHost::BadByte),
            ("a.com/x", BadHost::BadByte),
            ("a.com\\x", BadHost::BadByte),
            ("a.com\0", BadHost::BadByte),
            ("a.com,b.com", BadHost::BadByte),
            ("*.com", BadHost::BadByte),
            ("b\u{fc}cher.de", BadHost::BadByte),
            ("a.com:", BadHost::BadPort),
            ("a.com:0", BadHost::BadPort),
            ("a.com:0443", BadHost::BadPort),
            ("a.com:65536", BadHost::BadPort),
            ("a.com:+443", BadHost::BadPort),
            ("a.com:https", BadHost::BadPort),
            ("a.com:443:443", BadHost::BadPort),
            ("127.1", BadHost::BadIpv4),
            ("2130706433", BadHost::BadIpv4),
            ("1.2.3.4.5", BadHost::BadIpv4),
            ("01.2.3.4", BadHost::BadIpv4),
            ("::1", BadHost::BadPort),
            ("[::1", BadHost::BadIpv6),
            ("[fe80::1%eth0]", BadHost::BadIpv6),
            ("[a.com]", BadHost::BadIpv6),
            ("[::1]x", BadHost::BadByte),
            ("[::1]:", BadHost::BadPort),
        ] {
            assert_eq!(parse(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_mistake_in_the_file_says_what_to_write_instead() {
        for (text, says) in [
            ("https://a.com", "write only the host"),
            ("a.com/x", "write only the host"),
            ("*.a.com", "list every name"),
            ("a.com.", "without"),
            ("a.com.:443", "without"),
            ("::1", "`[::1]`"),
            ("b\u{fc}cher.de", "xn--"),
            ("a b", "write `name`"),
            ("a.com:99999", "1 to 65535"),
        ] {
            let message = text.parse::<HostKey>().unwrap_err().to_string();
            assert!(message.contains(says), "{text}: {message}");
        }
    }
}
