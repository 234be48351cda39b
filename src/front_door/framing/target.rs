//! The request target and the Host it must agree with (RFC 9112 section 3.2).
//!
//! ```ignore
//! assert_eq!(check(b"http://a.example/x", b"a.example"), Ok(Some(16)));
//! ```

use std::net::Ipv6Addr;

use http::uri::PathAndQuery;

use crate::reason::Reason;

/// Judges the target. For the absolute form, the length of its scheme and authority.
pub(super) fn check(target: &[u8], host: &[u8]) -> Result<Option<usize>, Reason> {
    // A fragment never travels (RFC 9110 section 7.1), and a server that cuts it off reads another path than one that does not.
    if !target.iter().all(|&b| b.is_ascii_graphic() && b != b'#') {
        return Err(Reason::MalformedHead);
    }
    if target.starts_with(b"/") {
        return is_path(target).then_some(None).ok_or(Reason::MalformedHead);
    }
    let rest = strip_scheme(target).ok_or(Reason::MalformedHead)?;
    let authority = rest
        .split(|&b| matches!(b, b'/' | b'?'))
        .next()
        .unwrap_or_default();
    if !authority.eq_ignore_ascii_case(host) {
        return Err(Reason::BadHost);
    }
    let path = rest.get(authority.len()..).unwrap_or_default();
    if !path.is_empty() && !is_path(path) {
        return Err(Reason::MalformedHead);
    }
    Ok(Some(target.len() - rest.len() + authority.len()))
}

/// Pingora answers what the `http` crate cannot read (`<`, `>` and the like; RFC 3986 knows them only encoded) by itself and names
/// itself in that answer.
fn is_path(path: &[u8]) -> bool {
    PathAndQuery::try_from(path).is_ok()
}

fn strip_scheme(target: &[u8]) -> Option<&[u8]> {
    [b"http://".as_slice(), b"https://"]
        .iter()
        .find_map(|scheme| {
            let (start, rest) = target.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some(rest)
        })
}

/// `host [ ":" port ]` where host is a DNS name, an IPv4 address or an IPv6 address in brackets. Narrower than RFC 3986's reg-name:
/// no percent-encoding, no user, no empty port, since two readers may take those for different hosts.
pub(crate) fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host {
        [b'[', rest @ ..] => {
            let Some(end) = memchr::memchr(b']', rest) else {
                return false;
            };
            let (address, port) = rest.split_at(end);
            let Ok(address) = std::str::from_utf8(address) else {
                return false;
            };
            if address.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            (None, port.get(1..).unwrap_or_default())
        }
        _ => {
            let end = memchr::memchr(b':', host).unwrap_or(host.len());
            let (name, port) = host.split_at(end);
            (Some(name), port)
        }
    };
    name.is_none_or(is_name) && is_port(port)
}

/// Labels of letters, digits, `-` and `_`, single dots between them, at most one at the end, 255 bytes at most.
fn is_name(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    name.len() <= 255
        && name.split(|&b| b == b'.').all(|label| {
            !label.is_empty()
                && label
                    .iter()
                    .all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

/// Nothing, or `:` and a number from 1 to 65535 without leading zeros.
fn is_port(port: &[u8]) -> bool {
    match port {
        [] => true,
        [b':', b'1'..=b'9', ..] if port.len() <= 6 => {
            let digits = port.get(1..).unwrap_or_default();
            digits.iter().all(u8::is_ascii_digit)
                && std::str::from_utf8(digits).is_ok_and(|d| d.parse::<u16>().is_ok())
        }
        _ => false,
    }
}
