//! The chain of addresses a request came along, read from the right.

use http::HeaderValue;
use ipnet::IpNet;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The entries of a chain that are looked at, from the right, and the most that are passed on. Real chains have two or three.
pub const MAX_HOPS: usize = 64;

/// The address of the client: the first from the right that is not a trusted proxy's.
///
/// `peer` is who is connected, `lines` the values of the forwarding header in the order they came, used only if `peer` is trusted.
/// An entry that is not an address ends the search, and the last good one before it counts; the same after [`MAX_HOPS`] entries. If
/// all are trusted, the leftmost is the client. Entries may be `a`, `a:port`, `[v6]`, `[v6]:port`; IPv4 mapped into IPv6 is IPv4.
pub fn client_address<'l>(
    peer: IpAddr,
    lines: impl DoubleEndedIterator<Item = &'l [u8]>,
    trusted: &[IpNet],
) -> IpAddr {
    let mut client = peer.to_canonical();
    for address in hops(lines) {
        if !is_trusted(client, trusted) {
            break;
        }
        client = address;
    }
    client
}

/// The `X-Forwarded-For` for a server: the client, then the trusted proxies in the order they were passed, the peer last.
///
/// For a peer that is not trusted this is its address alone. Whatever stood left of the client is not passed on.
pub fn forwarded_for<'l>(
    peer: IpAddr,
    lines: impl DoubleEndedIterator<Item = &'l [u8]>,
    trusted: &[IpNet],
) -> HeaderValue {
    let mut chain = vec![peer.to_canonical()];
    for address in hops(lines) {
        if chain.last().is_some_and(|last| !is_trusted(*last, trusted)) {
            break;
        }
        chain.push(address);
    }
    let mut text = String::with_capacity(chain.len() * 17);
    for address in chain.iter().rev() {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{address}");
    }
    HeaderValue::try_from(text).expect("addresses, commas and spaces are visible ASCII")
}

/// The addresses of a chain from right to left, up to the first entry that is none.
fn hops<'l>(lines: impl DoubleEndedIterator<Item = &'l [u8]>) -> impl Iterator<Item = IpAddr> {
    let entries = lines.rev().flat_map(|line| line.rsplit(|b| *b == b','));
    entries
        .take(MAX_HOPS)
        .map(<[u8]>::trim_ascii)
        // RFC 9110 section 5.6.1.2: empty elements of a list are ignored.
        .filter(|entry| !entry.is_empty())
        .map_while(address)
}

/// One entry of a chain. Ports are dropped; names, `unknown`, zones and anything else are not addresses.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let address = if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else if let Some(bare) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        IpAddr::V6(bare.parse().ok()?)
    } else {
        match text.parse::<SocketAddr>().ok()? {
            SocketAddr::V6(with_zone) if with_zone.scope_id() != 0 => return None,
            socket => socket.ip(),
        }
    };
    let address = address.to_canonical();
    // `0.0.0.0` and `::` name nobody.
    (!address.is_unspecified() && address != IpAddr::V4(Ipv4Addr::BROADCAST)).then_some(address)
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn trusted() -> Vec<IpNet> {
        ["10.20.0.0/24", "10.30.0.1/32", "2001:db8:1::/48"]
            .map(|n| n.parse().unwrap())
            .to_vec()
    }

    fn both(peer: &str, lines: &[&str]) -> (String, String) {
        let peer = peer.parse().unwrap();
        let client =
            client_address(peer, lines.iter().map(|l| l.as_bytes()), &trusted()).to_string();
        (
            client,
            forwarded_for(peer, lines.iter().map(|l| l.as_bytes()), &trusted())
                .to_str()
                .unwrap()
                .to_owned(),
        )
    }

    #[test]
    fn the_client_is_the_first_from_the_right_that_is_not_trusted() {
        for (peer, lines, client, chain) in [
            // A peer that is not trusted is the client, whatever it says.
            (
                "203.0.113.9",
                &["198.51.100.1"][..],
                "203.0.113.9",
                "203.0.113.9",
            ),
            ("203.0.113.9", &[], "203.0.113.9", "203.0.113.9"),
            ("203.0.113.9", &["10.20.0.1"], "203.0.113.9", "203.0.113.9"),
            (
                "::ffff:203.0.113.9",
                &["10.20.0.1"],
                "203.0.113.9",
                "203.0.113.9",
            ),
            // A trusted one is believed.
            (
                "10.20.0.1",
                &["203.0.113.9"],
                "203.0.113.9",
                "203.0.113.9, 10.20.0.1",
            ),
            (
                "::ffff:10.20.0.1",
                &["203.0.113.9"],
                "203.0.113.9",
                "203.0.113.9, 10.20.0.1",
            ),
            (
                "10.20.0.1",
                &["198.51.100.1, 203.0.113.9"],
                "203.0.113.9",
                "203.0.113.9, 10.20.0.1",
            ),
            (
                "10.20.0.1",
                &["198.51.100.1,203.0.113.9 ,\t10.30.0.1"],
                "203.0.113.9",
                "203.0.113.9, 10.30.0.1, 10.20.0.1",
            ),
            // Several lines are one list (RFC 9110 section 5.3).
            (
                "10.20.0.1",
                &["198.51.100.1", "203.0.113.9", "10.20.0.2"],
                "203.0.113.9",
                "203.0.113.9, 10.20.0.2, 10.20.0.1",
            ),
            // Everybody is trusted: the leftmost.
            (
                "10.20.0.1",
                &["10.20.0.3, 10.20.0.2"],
                "10.20.0.3",
                "10.20.0.3, 10.20.0.2, 10.20.0.1",
            ),
            ("10.20.0.1", &[], "10.20.0.1", "10.20.0.1"),
            // Forms of an entry.
            (
                "10.20.0.1",
                &["203.0.113.9:4711"],
                "203.0.113.9",
                "203.0.113.9, 10.20.0.1",
            ),
            (
                "10.20.0.1",
                &["[2001:db8::9]:4711"],
                "2001:db8::9",
                "2001:db8::9, 10.20.0.1",
            ),
            (
                "10.20.0.1",
                &["[2001:DB8:0::9]"],
                "2001:db8::9",
                "2001:db8::9, 10.20.0.1",
            ),
            (
                "10.20.0.1",
                &["2001:db8::9"],
                "2001:db8::9",
                "2001:db8::9, 10.20.0.1",
            ),
            (
                "10.20.0.1",
                &["::ffff:203.0.113.9"],
                "203.0.113.9",
                "203.0.113.9, 10.20.0.1",
            ),
            (
                "10.20.0.1",
                &["203.0.113.9, [2001:db8:1::7]:80"],
                "203.0.113.9",
                "203.0.113.9, 2001:db8:1::7, 10.20.0.1",
            ),
            // Empty elements do not count.
            (
                "10.20.0.1",
                &["203.0.113.9,, ,"],
                "203.0.113.9",
                "203.0.113.9, 10.20.0.1",
            ),
            (
                "10.20.0.1",
                &["203.0.113.9", ""],
                "203.0.113.9",
                "203.0.113.9, 10.20.0.1",
            ),
            // What is no address ends the search at the last good one.
            (
                "10.20.0.1",
                &["203.0.113.9, unknown"],
                "10.20.0.1",
                "10.20.0.1",
            ),
            (
                "10.20.0.1",
                &["203.0.113.9, evil, 10.20.0.2"],
                "10.20.0.2",
                "10.20.0.2, 10.20.0.1",
            ),
            ("10.20.0.1", &["203.0.113.9.1"], "10.20.0.1", "10.20.0.1"),
            ("10.20.0.1", &["203.0.113.009"], "10.20.0.1", "10.20.0.1"),
            ("10.20.0.1", &["0xcb007109"], "10.20.0.1", "10.20.0.1"),
            (
                "10.20.0.1",
                &["203.0.113.9:99999"],
                "10.20.0.1",
                "10.20.0.1",
            ),
            ("10.20.0.1", &["[203.0.113.9]"], "10.20.0.1", "10.20.0.1"),
            ("10.20.0.1", &["fe80::1%eth0"], "10.20.0.1", "10.20.0.1"),
            ("10.20.0.1", &["[fe80::1%2]:80"], "10.20.0.1", "10.20.0.1"),
            ("10.20.0.1", &["for=203.0.113.9"], "10.20.0.1", "10.20.0.1"),
            ("10.20.0.1", &["\"203.0.113.9\""], "10.20.0.1", "10.20.0.1"),
            ("10.20.0.1", &["0.0.0.0"], "10.20.0.1", "10.20.0.1"),
            ("10.20.0.1", &["255.255.255.255"], "10.20.0.1", "10.20.0.1"),
            (
                "10.20.0.1",
                &["203.0.113.9\u{a0}"],
                "10.20.0.1",
                "10.20.0.1",
            ),
        ] {
            assert_eq!(
                both(peer, lines),
                (client.to_owned(), chain.to_owned()),
                "{peer} {lines:?}"
            );
        }
    }

    #[test]
    fn no_more_than_the_stated_number_of_entries_is_looked_at() {
        let long = vec!["10.20.0.5"; MAX_HOPS].join(",");
        assert_eq!(
            both("10.20.0.1", &[&format!("203.0.113.9,{long}")]).0,
            "10.20.0.5"
        );
        let just = vec!["10.20.0.5"; MAX_HOPS - 1].join(",");
        assert_eq!(
            both("10.20.0.1", &[&format!("203.0.113.9,{just}")]).0,
            "203.0.113.9"
        );
        let commas = ",".repeat(MAX_HOPS);
        assert_eq!(
            both("10.20.0.1", &[&format!("203.0.113.9{commas}")]).0,
            "10.20.0.1",
            "empty entries are bounded too"
        );
    }

    proptest! {
        #[test]
        fn the_chain_begins_with_the_client_and_nobody_left_of_it(lines in proptest::collection::vec("[0-9a-f:., \\[\\]]{0,40}", 0..4), peer: bool) {
            let peer: IpAddr = if peer { "10.20.0.1" } else { "203.0.113.9" }.parse().unwrap();
            let client = client_address(peer, lines.iter().map(|l| l.as_bytes()), &trusted());
            let chain = forwarded_for(peer, lines.iter().map(|l| l.as_bytes()), &trusted());
            let addresses: Vec<IpAddr> = chain.to_str().unwrap().split(", ").map(|a| a.parse().unwrap()).collect();
            prop_assert_eq!(addresses[0], client);
            prop_assert_eq!(*addresses.last().unwrap(), peer);
            prop_assert!(addresses[1..].iter().all(|a| is_trusted(*a, &trusted())));
        }

        #[test]
        fn any_bytes_are_survived(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let peer: IpAddr = "203.0.113.9".parse().unwrap();
            prop_assert_eq!(client_address(peer, std::iter::once(line.as_slice()), &trusted()), peer);
            let near: IpAddr = "10.20.0.1".parse().unwrap();
            client_address(near, std::iter::once(line.as_slice()), &trusted());
        }
    }
}
