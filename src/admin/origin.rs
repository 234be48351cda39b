//! Whose page it is that asks: a browser asks in the name of whatever site it shows.
//!
//! ```text
//! Host: evil.example                          a name that leads here today: DNS rebinding
//! Origin: https://evil.example                a form of another site, with our session
//! ```

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{Method, header};

use super::arrival::Arrival;
use crate::config::value::HostName;

/// SECURITY: a page on the internet can have its own name resolve to an address of ours (DNS rebinding), and the operator's browser would
/// then let it read what is here. Its requests carry that name, so only our own are answered: the address that the connection came to,
/// what the file lists, and on loopback every name of loopback.
pub(super) fn asks_for_us(request: &Request, arrival: &Arrival, names: &[HostName]) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host: Option<Authority> = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
        _ => None,
    };
    let ours = |authority: &Authority| is_ours(authority, arrival.local.ip(), names);
    // A target in absolute form says where it goes a second time.
    host.as_ref().is_some_and(ours) && request.uri().authority().is_none_or(ours)
}

fn is_ours(authority: &Authority, local: IpAddr, names: &[HostName]) -> bool {
    // SECURITY: the port may be any, for it is another one behind `ssh -L`; a user before an `@` would hide the host.
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let local = local.to_canonical();
    !authority.as_str().contains('@')
        && (names
            .iter()
            .any(|name| host.eq_ignore_ascii_case(name.as_str()))
            || (local.is_loopback() && host.eq_ignore_ascii_case("localhost"))
            || address.parse::<IpAddr>().is_ok_and(|address| {
                address == local || (address.is_loopback() && local.is_loopback())
            }))
}

/// Whether it asks without changing anything.
pub(super) fn is_read(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// SECURITY: a browser says where a request comes from that changes something. Programs say nothing, and may.
pub(super) fn comes_from_elsewhere(request: &Request, arrival: &Arrival) -> bool {
    let headers = request.headers();
    let same_site = headers
        .get("sec-fetch-site")
        .is_none_or(|site| site == "same-origin" || site == "none");
    let scheme: &[u8] = if arrival.tls { b"https://" } else { b"http://" };
    let host = headers.get(header::HOST).map(|host| host.as_bytes());
    let same_origin = headers.get(header::ORIGIN).is_none_or(|origin| {
        let named = origin.as_bytes().strip_prefix(scheme);
        named.is_some() && named == host
    });
    !(same_site && same_origin)
}

/// SECURITY: a page of another site cannot read what it has a browser ask for, and yet has it made: lists of a hundred thousand bans, again
/// and again. A link that leads here is something else.
pub(super) fn is_read_in_vain(request: &Request) -> bool {
    let headers = request.headers();
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| site == "cross-site" || site == "same-site")
        && headers
            .get("sec-fetch-mode")
            .is_none_or(|mode| mode != "navigate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_loopback_it_is_the_address_that_was_called_or_a_listed_name_and_not_localhost() {
        let names: Vec<HostName> = ["portcullis.example.com", "192.0.2.99", "[2001:db8::9]"]
            .map(|name| name.parse().unwrap())
            .into();
        let ours = |host: &str, local: &str| {
            is_ours(&host.parse().unwrap(), local.parse().unwrap(), &names)
        };
        for (host, local) in [
            ("192.0.2.1:9145", "192.0.2.1"),
            ("192.0.2.1", "::ffff:192.0.2.1"),
            ("192.0.2.99", "192.0.2.1"),
            ("[2001:db8::1]:9145", "2001:db8::1"),
            ("[2001:DB8::9]", "2001:db8::1"),
            ("PORTCULLIS.example.com", "192.0.2.1"),
            ("localhost", "127.0.0.1"),
            ("[::1]", "127.0.0.1"),
        ] {
            assert!(ours(host, local), "{host} {local}");
        }
        for (host, local) in [
            ("localhost", "192.0.2.1"),
            ("127.0.0.1", "192.0.2.1"),
            ("192.0.2.1", "127.0.0.1"),
            ("192.0.2.2", "192.0.2.1"),
            ("0.0.0.0", "127.0.0.1"),
            ("evil.example", "192.0.2.1"),
            ("x@192.0.2.1", "192.0.2.1"),
        ] {
            assert!(!ours(host, local), "{host} {local}");
        }
    }
}
