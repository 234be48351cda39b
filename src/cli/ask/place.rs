//! Where the admin listener is: `127.0.0.1:9145`, or `https://portcullis.example.com:9145`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::config::Admin;
use crate::config::value::{HostName, Scheme, ServerUrl};

/// A way of speaking, a name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Place {
    pub tls: bool,
    /// As it stands in a URL: IPv6 in brackets.
    pub host: String,
    pub port: u16,
}

impl Place {
    /// Where a listener is reached from its own machine.
    pub fn of(listen: SocketAddr, tls: bool) -> Place {
        let ip = match listen.ip() {
            IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let host = match ip {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        Place {
            tls,
            host,
            port: listen.port(),
        }
    }

    /// The name without the brackets of IPv6, as a look-up and a certificate have it.
    pub fn name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether nobody else can read what is said to it.
    pub fn is_private(&self) -> bool {
        let loopback = |ip: IpAddr| ip.is_loopback();
        self.tls || self.host == "localhost" || self.name().parse().is_ok_and(loopback)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Place::of(address, false));
        }
        if !text.contains("://") {
            return Err("write `127.0.0.1:9145` or `https://NAME:PORT`".to_owned());
        }
        let url: ServerUrl = text.parse().map_err(|refusal| format!("{refusal}"))?;
        if url.base_path != "/" {
            return Err(format!("`{text}` has a path: end it behind the port"));
        }
        let host: HostName = url.host;
        Ok(Place {
            tls: url.scheme == Scheme::Https,
            host: host.as_str().to_owned(),
            port: url.port.unwrap_or(Admin::LISTEN.port()),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https://" } else { "" };
        write!(f, "{scheme}{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_or_a_url_and_shows_as_it_is_written() {
        for (text, shown, private) in [
            ("127.0.0.1:9145", "127.0.0.1:9145", true),
            ("[::1]:9145", "[::1]:9145", true),
            ("192.0.2.1:9145", "192.0.2.1:9145", false),
            ("0.0.0.0:9145", "127.0.0.1:9145", true),
            ("http://localhost:1", "localhost:1", true),
            ("http://p.example.com:1", "p.example.com:1", false),
            ("https://p.example.com:1", "https://p.example.com:1", true),
            ("https://p.example.com", "https://p.example.com:9145", true),
            ("https://[2001:db8::1]:1/", "https://[2001:db8::1]:1", true),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!(
                (place.to_string().as_str(), place.is_private()),
                (shown, private)
            );
        }
        for wrong in [
            "",
            "p.example.com",
            "p.example.com:9145",
            "https://u@p:1",
            "https://p:1/x/",
            "ftp://p:1",
        ] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
