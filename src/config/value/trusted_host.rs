//! Whom a limit does not hold for: `192.0.2.10`, `192.0.2.0/24` or `kiosk.example.com`.
//!
//! ```
//! use portcullis::config::value::TrustedHost;
//! assert!(matches!("192.0.2.0/24".parse(), Ok(TrustedHost::Network(_))));
//! assert!(matches!("kiosk.example.com".parse(), Ok(TrustedHost::Name(_))));
//! ```

use std::fmt;
use std::str::FromStr;

use super::{HostName, IpNet, Refusal};
use crate::config::decode::{TextValue, text_values};

/// An address, a network, or a name whose addresses are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TrustedHost {
    /// A network, or one address.
    Network(IpNet),
    /// A name, looked up in the background.
    Name(HostName),
}

impl FromStr for TrustedHost {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        // What looks like an address is one, so that a slip in it is not taken for a name.
        let numeric = text.contains([':', '/']) || !text.bytes().any(|b| b.is_ascii_alphabetic());
        if numeric {
            text.parse().map(Self::Network)
        } else {
            text.parse().map(Self::Name)
        }
    }
}

impl fmt::Display for TrustedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl TextValue for TrustedHost {
    const WORD: &'static str = "address, network or name";
    const PATTERN: &'static str = "^[^\\s]+$";
    const EXAMPLE: &'static str = "192.0.2.10";
}

text_values!(TrustedHost);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_an_address_is_not_taken_for_a_name() {
        for text in [
            "192.0.2.300",
            "192.0.2.0/33",
            "2001:db8::g",
            "",
            "a b",
            "192.0.2.5/24",
        ] {
            assert!(text.parse::<TrustedHost>().is_err(), "{text}");
        }
        for text in ["192.0.2.7", "2001:db8::/32", "kiosk", "kiosk-1.example.com"] {
            assert_eq!(
                text.parse::<TrustedHost>().map(|host| host.to_string()),
                Ok(text.to_owned())
            );
        }
    }
}
