//! The kinds of flood, and the addresses they come from.
//!
//! ```text
//! over        127.20.0.0/27     32 addresses, each far over the rate of new connections; the ban follows within seconds
//! banned      127.24.0.0/16     connections from banned addresses to the plain listener
//! banned-tls  127.24.0.0/16     the same to the TLS listener, each with a client hello
//! requests    127.32.0.0/16     a connection and a request for what is not there, answered 404
//! http2       127.40.0.0/16     requests over open HTTP/2 connections, over the limit of their route, answered 429
//! proxy       any of IPv4       a connection and such a request through trusted proxies, each from another address
//! malformed   any of IPv4       the same with what is not HTTP: each address has a refusal to its name
//! control     127.20.0.0/27     connections to this process itself: the load on the core without one on the gateway
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use clap::ValueEnum;
use openssl::ssl::{SslConnector, SslMethod};
use tokio::net::TcpListener;

use super::http2::Http2;
use super::knock::knock;
use super::{End, Options};
use crate::measured::HOST;

/// A kind of flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// New connections over the rate.
    Over,
    /// Connections of banned addresses.
    Banned,
    /// TLS connections of banned addresses.
    BannedTls,
    /// Connections with a request each, each address within its rates.
    Requests,
    /// Requests over HTTP/2 beyond the limit of a route.
    Http2,
    /// Requests of random addresses through trusted proxies.
    Proxy,
    /// Malformed requests of as many different addresses as there are attempts, through trusted proxies.
    Malformed,
    /// Nothing to the gateway.
    Control,
}

impl Way {
    /// As the command line has it.
    pub(in crate::flood) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Its attempts a second, of `rate` for connections that are refused at the door.
    pub(in crate::flood) fn share(self, rate: u32) -> u32 {
        match self {
            Way::Requests | Way::Http2 | Way::Proxy => rate.div_ceil(2),
            _ => rate,
        }
    }

    /// Whether its addresses are banned beforehand.
    pub(in crate::flood) fn is_of_banned(self) -> bool {
        matches!(self, Way::Banned | Way::BannedTls)
    }
}

/// The network of the addresses that are banned beforehand.
pub(in crate::flood) const BANNED: u8 = 24;
const FEW: u8 = 20;
const REQUESTS: u8 = 32;
pub(super) const HTTP2: u8 = 40;
/// Trusted by the configuration.
const PROXIES: u8 = 1;

/// Address `number` of the network 127.`network`.0.0/16.
pub(in crate::flood) fn address(network: u8, number: u64) -> Ipv4Addr {
    let [.., high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, network, high, low)
}

/// Everything that attempts have in common, prepared.
pub(super) struct Attempts {
    way: Way,
    plain: SocketAddr,
    https: SocketAddr,
    addresses: u64,
    request: Vec<u8>,
    hello: Vec<u8>,
    http2: Option<Http2>,
}

impl Attempts {
    pub(super) async fn prepare(options: &Options) -> io::Result<Attempts> {
        let plain = match options.way {
            Way::Control => sink().await?,
            _ => options.plain,
        };
        let http2 = match options.way {
            Way::Http2 => Some(Http2::open(options.https, options.addresses).await?),
            _ => None,
        };
        let request = format!("GET /nowhere HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        Ok(Attempts {
            way: options.way,
            plain,
            https: options.https,
            addresses: u64::from(options.addresses.max(1)),
            request: request.into_bytes(),
            hello: client_hello()?,
            http2,
        })
    }

    /// Attempt `number`.
    pub(super) async fn make(&self, number: u64) -> End {
        let of = |network: u8, many: u64| address(network, number % many);
        match self.way {
            Way::Over => knock(self.plain, of(FEW, 32), &self.request).await,
            Way::Banned => knock(self.plain, of(BANNED, self.addresses), &self.request).await,
            Way::BannedTls => knock(self.https, of(BANNED, self.addresses), &self.hello).await,
            Way::Requests => knock(self.plain, of(REQUESTS, self.addresses), &self.request).await,
            Way::Control => knock(self.plain, of(FEW, 32), &self.request).await,
            Way::Http2 => match &self.http2 {
                Some(http2) => http2.ask(number).await,
                None => End::Failed,
            },
            Way::Proxy => self.named(number, &self.request).await,
            Way::Malformed => self.named(number, b"GET /\r\n\r\n").await,
        }
    }

    async fn named(&self, number: u64, request: &[u8]) -> End {
        let client = scattered(number);
        let header = format!("PROXY TCP4 {client} 192.0.2.1 40000 80\r\n");
        let bytes = [header.as_bytes(), request].concat();
        knock(self.plain, address(PROXIES, number % 250 + 1), &bytes).await
    }
}

/// Different for every number below 2^32, and as if it were random: an odd factor is a permutation.
fn scattered(number: u64) -> Ipv4Addr {
    // The lower half is what is meant.
    Ipv4Addr::from_bits((number as u32).wrapping_mul(0x9e37_79b1))
}

/// Accepts and closes what comes.
async fn sink() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
        }
    });
    Ok(address)
}

/// What OpenSSL says first.
fn client_hello() -> io::Result<Vec<u8>> {
    let connector = SslConnector::builder(SslMethod::tls_client())?.build();
    match connector.connect(HOST, Deaf::default()) {
        Err(openssl::ssl::HandshakeError::WouldBlock(begun)) => Ok(begun.get_ref().said.clone()),
        _ => Err(io::Error::other("OpenSSL begins no handshake")),
    }
}

/// Takes what is written and never has an answer.
#[derive(Debug, Default)]
struct Deaf {
    said: Vec<u8>,
}

impl io::Write for Deaf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.said.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Read for Deaf {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn scattered_addresses_are_all_different() {
        let all: HashSet<_> = (0..100_000).map(scattered).collect();
        assert_eq!(all.len(), 100_000);
    }

    #[test]
    fn addresses_of_a_network_are_all_different() {
        let all: HashSet<_> = (0..10_000).map(|number| address(BANNED, number)).collect();
        assert_eq!(all.len(), 10_000);
        assert_eq!(address(BANNED, 258), Ipv4Addr::new(127, 24, 1, 2));
    }

    #[test]
    fn a_client_hello_is_a_handshake_record() {
        let hello = client_hello().unwrap();
        assert_eq!(hello.first(), Some(&22));
        assert!(hello.len() > 100, "{}", hello.len());
    }
}
