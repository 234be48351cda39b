//! Networks: `10.20.0.0/24`, `2001:db8::/32`, and single addresses.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::str::FromStr;

use super::{Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// A network, or one address (as /32 or /128).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpNet(ipnet::IpNet);

impl Deref for IpNet {
    type Target = ipnet::IpNet;

    fn deref(&self) -> &ipnet::IpNet {
        &self.0
    }
}

impl FromStr for IpNet {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        const REMEDY: &str = "write for example `10.20.0.0/24`, `2001:db8::/32`, or one address";
        let Some((address, length)) = text.split_once('/') else {
            let address: IpAddr = text
                .parse()
                .map_err(|_| Refusal::new(format!("{} is not an address", quote(text)), REMEDY))?;
            return Ok(Self(address.into()));
        };
        if address.parse::<IpAddr>().is_ok() && length.contains('.') {
            return Err(Refusal::new(
                format!("{} has a mask of four numbers", quote(text)),
                "write the number of bits, such as `/24` for 255.255.255.0",
            ));
        }
        let network: ipnet::IpNet = text
            .parse()
            .map_err(|_| Refusal::new(format!("{} is not a network", quote(text)), REMEDY))?;
        if network.addr() != network.network() {
            let whole = network.trunc();
            // SECURITY: `10.20.0.5/8` is one machine to its author and half the company to the parser.
            return Err(Refusal::new(
                format!(
                    "{} can be read as one address and as a network",
                    quote(text)
                ),
                format!("write `{whole}` for the network or `{address}` for the address"),
            ));
        }
        Ok(Self(network))
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            return self.0.addr().fmt(f);
        }
        self.0.fmt(f)
    }
}

impl TextValue for IpNet {
    const WORD: &'static str = "network";
    const PATTERN: &'static str = r"^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$";
    const EXAMPLE: &'static str = "10.20.0.0/24";
}

text_values!(IpNet);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses_are_printed_as_they_are_written() {
        for text in [
            "10.20.0.0/24",
            "10.20.0.5",
            "2001:db8::/32",
            "::1",
            "0.0.0.0/0",
        ] {
            assert_eq!(
                text.parse::<IpNet>().map(|net| net.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!("192.0.2.1".parse::<IpNet>().unwrap().prefix_len(), 32);
    }

    #[test]
    fn what_can_be_read_two_ways_is_refused_with_both() {
        let refusal = "10.20.0.5/24".parse::<IpNet>().expect_err("host bits");
        assert!(
            refusal.remedy.contains("`10.20.0.0/24`") && refusal.remedy.contains("`10.20.0.5`")
        );
        for text in [
            "",
            "10.20.0",
            "10.20.0.0/33",
            "10.0.0.0/255.0.0.0",
            "host",
            "10.0.0.0/",
            "[::1]",
            "010.0.0.1",
        ] {
            assert!(text.parse::<IpNet>().is_err(), "{text}");
        }
    }
}
