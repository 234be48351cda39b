//! Addresses as keys: what is one client, and what an operator may write.

use proptest::prelude::*;

use super::*;

fn key(text: &str) -> Address {
    Address::from(text.parse::<IpAddr>().unwrap())
}

#[test]
fn it_is_eight_bytes() {
    assert_eq!(size_of::<Address>(), 8);
}

#[test]
fn what_is_one_client_has_one_key() {
    for (one, other, same) in [
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false),
        ("192.0.2.7", "::ffff:192.0.2.7", true),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("::1", "::2", true),
        ("::1", "0.0.0.0", false),
        ("::1", "127.0.0.1", false),
        // Not mapped, but compatible: IPv6 like any other.
        ("::192.0.2.7", "192.0.2.7", false),
        // No source address, but a header may claim it.
        ("ffff:ffff:c000:207::1", "192.0.2.7", false),
        ("ffff:ffff:ffff:ffff::1", "255.255.255.255", false),
    ] {
        assert_eq!(key(one) == key(other), same, "{one} and {other}");
    }
}

#[test]
fn it_is_shown_as_an_operator_writes_it() {
    for (address, shown) in [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("0.0.0.0", "0.0.0.0"),
        ("255.255.255.255", "255.255.255.255"),
    ] {
        assert_eq!(key(address).to_string(), shown);
        assert_eq!(shown.parse(), Ok(key(address)), "{shown}");
    }
    assert_eq!(format!("{:<12}|", key("192.0.2.7")), "192.0.2.7   |");
}

#[test]
fn a_mistake_says_what_to_write() {
    for (text, told) in [
        (
            "2001:db8:1:2::7/48",
            "addresses of IPv6 count by /64: write `2001:db8:1:2::/64`",
        ),
        (
            "2001:db8::/064",
            "addresses of IPv6 count by /64: write `2001:db8::/64`",
        ),
        (
            "192.0.2.7/32",
            "addresses of IPv4 count one by one: write `192.0.2.7`",
        ),
        (
            "::ffff:192.0.2.7/64",
            "addresses of IPv4 count one by one: write `192.0.2.7`",
        ),
        (
            "phone-\x1b[31m",
            "`phone-\\u{1b}[31m` is no IP address: write one such as `192.0.2.7` or `2001:db8:1:2::/64`",
        ),
    ] {
        let wrong = text.parse::<Address>().unwrap_err();
        assert_eq!(wrong.to_string(), told);
    }
    for text in [
        "",
        "/",
        "/64",
        "192.0.2.7:80",
        "[::1]",
        "192.0.2.7 ",
        "x/64",
    ] {
        let wrong = text.parse::<Address>();
        assert_eq!(wrong, Err(NotAnAddress::Unreadable(text.to_owned())));
    }
    // The host's bits say nothing that the /64 does not.
    assert_eq!("2001:db8::7/64".parse(), Ok(key("2001:db8::")));
}

proptest! {
    #[test]
    fn ipv4_and_ipv6_never_share_a_key(v4: u32, v6: u128) {
        let v6 = Ipv6Addr::from_bits(v6);
        prop_assume!(v6.to_ipv4_mapped().is_none());
        let v4 = Address::from(IpAddr::from(Ipv4Addr::from_bits(v4)));
        prop_assert_ne!(v4, Address::from(IpAddr::from(v6)));
        // The nastiest neighbours: the very /64s that hold the keys of IPv4.
        let neighbour = Ipv6Addr::from_bits(u128::from(v4.number()) << 64);
        prop_assert_ne!(v4, Address::from(IpAddr::from(neighbour)));
    }

    #[test]
    fn what_is_shown_is_read_back(bits: u128, four: bool) {
        let address = if four {
            IpAddr::from(Ipv4Addr::from_bits(bits as u32))
        } else {
            IpAddr::from(Ipv6Addr::from_bits(bits))
        };
        let address = Address::from(address);
        prop_assert_eq!(address.to_string().parse(), Ok(address));
    }

    #[test]
    fn reading_never_panics(text in "\\PC{0,40}") {
        let _ = text.parse::<Address>().map_err(|wrong| wrong.to_string());
    }
}
