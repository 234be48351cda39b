//! The key under which a client is counted: an IPv4 address, or the /64 of an IPv6 address.
//!
//! ```
//! use portcullis::limits::Address;
//! let one: Address = "2001:db8:1:2::7".parse()?;
//! let other: Address = "2001:db8:1:2:ffff::1".parse()?;
//! assert_eq!(one, other);
//! assert_eq!(one.to_string(), "2001:db8:1:2::/64");
//! # Ok::<(), portcullis::limits::NotAnAddress>(())
//! ```

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where IPv4 lives among the /64s: `ffff:ffff::/32`. That is multicast, and RFC 4291 section 2.7 forbids it as a source address.
const V4: u64 = 0xffff_ffff_0000_0000;

/// A client address, as limits know it. A /64 is what one customer gets, so it counts as one client.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address(u64);

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl Address {
    /// The eight bytes: different for every two clients.
    pub(super) fn number(self) -> u64 {
        self.0
    }

    /// The address of IPv4, or the first of the /64.
    pub(crate) fn first(self) -> IpAddr {
        if self.0 & V4 == V4 {
            // The lower half: the mask drops what marks it as IPv4.
            let bits = (self.0 & !V4) as u32;
            return IpAddr::V4(Ipv4Addr::from_bits(bits));
        }
        IpAddr::V6(Ipv6Addr::from_bits(u128::from(self.0) << 64))
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Address(V4 | u64::from(v4.to_bits())),
            IpAddr::V6(v6) => {
                // The upper half: what is left fits.
                let network = (v6.to_bits() >> 64) as u64;
                // SECURITY: a header may claim any source, multicast too; it must not be counted as somebody's IPv4 address.
                let taken = network & V4 == V4;
                Address(if taken { network & !(1 << 32) } else { network })
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first() {
            // `pad` keeps the width that a table asks for.
            IpAddr::V4(v4) => f.pad(&v4.to_string()),
            IpAddr::V6(v6) => f.pad(&format!("{v6}/64")),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no [`Address`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAnAddress {
    /// Neither IPv4 nor IPv6.
    Unreadable(String),
    /// A network of IPv4: addresses of IPv4 count one by one.
    NetworkOfIpv4(Ipv4Addr),
    /// A network of IPv6 that is not a /64: the /64 that its address is in.
    NotA64(Address),
}

impl fmt::Display for NotAnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAnAddress::Unreadable(text) => {
                // Escaped and cut: it may come from anywhere and goes to a terminal.
                let shown: String = text.chars().take(64).collect();
                let example = "write one such as `192.0.2.7` or `2001:db8:1:2::/64`";
                write!(f, "`{}` is no IP address: {example}", shown.escape_debug())
            }
            NotAnAddress::NetworkOfIpv4(v4) => {
                write!(f, "addresses of IPv4 count one by one: write `{v4}`")
            }
            NotAnAddress::NotA64(address) => {
                write!(f, "addresses of IPv6 count by /64: write `{address}`")
            }
        }
    }
}

impl std::error::Error for NotAnAddress {}

impl FromStr for Address {
    type Err = NotAnAddress;

    /// Reads an address, or the `/64` that [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let wrong = || NotAnAddress::Unreadable(text.to_owned());
        let Some((address, prefix)) = text.split_once('/') else {
            return Ok(Address::from(text.parse::<IpAddr>().map_err(|_| wrong())?));
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        match (address.to_canonical(), prefix) {
            (IpAddr::V4(v4), _) => Err(NotAnAddress::NetworkOfIpv4(v4)),
            (v6, "64") => Ok(Address::from(v6)),
            (v6, _) => Err(NotAnAddress::NotA64(Address::from(v6))),
        }
    }
}
