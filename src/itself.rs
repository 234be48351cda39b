//! The addresses at which this process itself listens. No server may be one of them: a route to the admin listener would open that to
//! everybody, and one to a public listener would send a request round in circles.
//!
//! ```
//! use portcullis::itself::reaches;
//! let admin = "127.0.0.1:9145".parse()?;
//! assert!(reaches(admin, "127.0.0.1:9145".parse()?, None));
//! assert!(!reaches(admin, "127.0.0.1:8018".parse()?, None));
//! # Ok::<(), std::net::AddrParseError>(())
//! ```

use std::net::{IpAddr, SocketAddr};

use arc_swap::ArcSwap;

/// Where this process listens at the moment, as the system has bound it.
#[derive(Debug, Default)]
pub struct Itself(ArcSwap<Vec<SocketAddr>>);

impl Itself {
    /// It listens there from now on, and nowhere else.
    pub fn listens(&self, at: Vec<SocketAddr>) {
        self.0.store(at.into());
    }

    /// Whether a connection from here to there has come back to this process.
    pub fn is(&self, to: SocketAddr, from: Option<IpAddr>) -> bool {
        self.0.load().iter().any(|own| reaches(*own, to, from))
    }
}

/// Whether a connection to `to` ends at a socket that listens on `own`. `from` is its near side, if there is one yet: a connection within
/// one machine has the same address on both sides, unless that is a loopback address.
pub fn reaches(own: SocketAddr, to: SocketAddr, from: Option<IpAddr>) -> bool {
    let canonical = |ip: IpAddr| ip.to_canonical();
    let (own_ip, to_ip) = (canonical(own.ip()), canonical(to.ip()));
    // Linux takes "any" as an address to connect to for loopback.
    let is_near =
        to_ip.is_loopback() || to_ip.is_unspecified() || from.map(canonical) == Some(to_ip);
    own.port() == to.port()
        && match own_ip.is_unspecified() {
            true => is_near,
            false => own_ip == to_ip || (to_ip.is_unspecified() && own_ip.is_loopback()),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_own_address_is_seen() {
        for (own, to, from, is_own) in [
            ("127.0.0.1:9145", "127.0.0.1:9145", None, true),
            ("127.0.0.1:9145", "[::ffff:127.0.0.1]:9145", None, true),
            ("127.0.0.1:9145", "0.0.0.0:9145", None, true),
            ("[::1]:9145", "[::]:9145", None, true),
            ("127.0.0.1:9145", "127.0.0.2:9145", None, false),
            ("127.0.0.1:9145", "127.0.0.1:9146", None, false),
            ("0.0.0.0:443", "127.0.0.7:443", None, true),
            ("[::]:443", "[::1]:443", None, true),
            ("0.0.0.0:443", "192.0.2.1:443", Some("192.0.2.1"), true),
            ("0.0.0.0:443", "192.0.2.1:443", Some("192.0.2.2"), false),
            ("0.0.0.0:443", "192.0.2.1:443", None, false),
            ("192.0.2.1:443", "192.0.2.1:443", None, true),
        ] {
            let from = from.map(|from: &str| from.parse().unwrap());
            let found = reaches(own.parse().unwrap(), to.parse().unwrap(), from);
            assert_eq!(found, is_own, "{own} {to} {from:?}");
        }
    }
}
