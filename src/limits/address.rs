//! A client as limits know it: one address of IPv4, or one /64 of IPv6, which is what a provider gives to one customer.
//!
//! ```
//! use portcullis::limits::Address;
//! let one: Address = "2001:db8:1:2::1".parse().unwrap();
//! assert_eq!(one.to_string(), "2001:db8:1:2::/64");
//! assert_eq!(Ok(one), "2001:db8:1:2:ffff::9".parse());
//! ```

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The key of the table.
///
/// PERF: eight bytes. The upper half of an IPv6 address is itself; IPv4 is put below `0:1::/32`, in `::/8`, which is reserved and no
/// client's (RFC 4291, 2.4 and the IANA registry), so that the two never meet. `::1` is the address 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(u64);

const IPV4: u64 = 1 << 32;

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(four) => Address(IPV4 | u64::from(four.to_bits())),
            // The upper half fits exactly.
            IpAddr::V6(six) => Address((six.to_bits() >> 64) as u64),
        }
    }
}

impl Address {
    /// The number that stands for it: different for every two addresses.
    pub(super) fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >> 32 == 1 {
            // The lower half is the address.
            return Ipv4Addr::from_bits(self.0 as u32).fmt(f);
        }
        write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(self.0) << 64))
    }
}

/// A text that is neither an address nor a /64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address: write `192.0.2.7`, `2001:db8:1:2::1` or `2001:db8:1:2::/64`")]
pub struct NotAnAddress(String);

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let refused = || NotAnAddress(text.chars().take(60).collect());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let whole = match address.to_canonical() {
            IpAddr::V4(_) => "32",
            IpAddr::V6(_) => "64",
        };
        match length {
            Some(length) if length != whole => Err(refused()),
            _ => Ok(address.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_that_is_no_client_is_refused() {
        for text in [
            "",
            "kiosk",
            "192.0.2.0/24",
            "2001:db8::/32",
            "192.0.2.7/",
            "1.2.3",
            "2001:db8::1/128",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        let mapped: Address = "::ffff:192.0.2.7".parse().unwrap();
        assert_eq!(Ok(mapped), "192.0.2.7".parse());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(bits: u128, four: u32) {
            for address in [IpAddr::V6(Ipv6Addr::from_bits(bits)), IpAddr::V4(Ipv4Addr::from_bits(four))] {
                let key = Address::from(address);
                // Nobody has an address in ::/8 but the mapped ones.
                if bits >> 120 != 0 || address.is_ipv4() {
                    prop_assert_eq!(key.to_string().parse(), Ok(key));
                }
            }
        }

        #[test]
        fn two_of_ipv4_are_two_and_none_is_one_of_ipv6(a: u32, b: u32, six: u128) {
            let key = |four| Address::from(IpAddr::V4(Ipv4Addr::from_bits(four)));
            prop_assert_eq!(key(a) == key(b), a == b);
            prop_assume!(six >> 120 != 0);
            prop_assert_ne!(key(a), Address::from(IpAddr::V6(Ipv6Addr::from_bits(six))));
        }
    }
}
