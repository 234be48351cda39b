//! Where a URL leads, and how to get there: address, TLS, HTTP/1.1 or HTTP/2.
//!
//! ```
//! use loadtest::icws::{ClientOptions, Protocol, Trust};
//! let options = ClientOptions::new("https://127.0.0.1:8443/us/{host}").trust(Trust::Anything).protocol(Protocol::Http1);
//! assert_eq!(options.base_url("icserver1"), "https://127.0.0.1:8443/us/icserver1");
//! ```

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::http1::Http1;
use super::http2::Http2;
use super::{ClientError, Response};
use crate::wire::Io;

/// The protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, with kept connections.
    Http1,
    /// HTTP/2 over TLS, agreed by ALPN; all requests of one authority on one connection.
    Http2,
}

/// Which certificates a client accepts.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Those of the authorities in this PEM, with the right name.
    Authority(String),
    /// Any.
    Anything,
}

/// How a client is set up.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    template: String,
    addresses: HashMap<String, SocketAddr>,
    trust: Trust,
    protocol: Protocol,
    accept_encoding: Option<String>,
}

impl ClientOptions {
    /// A client for this base URL, in which `{host}` stands for the ICWS host name. Without more: HTTP/1.1, any certificate,
    /// addresses taken from the URL, no Accept-Encoding.
    pub fn new(template: &str) -> Self {
        Self {
            template: template.trim_end_matches('/').to_owned(),
            addresses: HashMap::new(),
            trust: Trust::Anything,
            protocol: Protocol::Http1,
            accept_encoding: None,
        }
    }

    /// Connects to this address for a `host` or `host:port` as it stands in URLs.
    #[must_use]
    pub fn resolve(mut self, authority: &str, address: SocketAddr) -> Self {
        self.addresses
            .insert(authority.to_ascii_lowercase(), address);
        self
    }

    /// Sets the certificates to accept.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Sets the protocol.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sends this Accept-Encoding with every request but event streams.
    #[must_use]
    pub fn accept_encoding(mut self, codings: &str) -> Self {
        self.accept_encoding = Some(codings.to_owned());
        self
    }

    /// The base URL for an ICWS host.
    pub fn base_url(&self, host: &str) -> String {
        self.template.replace("{host}", host)
    }

    fn address(&self, url: &Url) -> Result<SocketAddr, ClientError> {
        let default = if url.scheme == "https" { 443 } else { 80 };
        let full = if url.authority.contains(':') {
            url.authority.clone()
        } else {
            format!("{}:{default}", url.authority)
        };
        let known = [&url.authority, &full, &url.host]
            .into_iter()
            .find_map(|name| self.addresses.get(&name.to_ascii_lowercase()));
        known
            .copied()
            .or_else(|| full.parse().ok())
            .ok_or_else(|| ClientError::Protocol(format!("no address for {}", url.authority)))
    }
}

/// An absolute URL, its target kept to the byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: String,
    pub(super) authority: String,
    pub(super) host: String,
    pub(super) target: String,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, ClientError> {
        let bad = || ClientError::Protocol(format!("not an absolute http URL: {text}"));
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        if !matches!(scheme, "http" | "https") {
            return Err(bad());
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host);
        if host.is_empty() {
            return Err(bad());
        }
        let target = if target.starts_with('/') {
            target.to_owned()
        } else {
            format!("/{target}")
        };
        Ok(Self {
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            host: host.to_owned(),
            target,
        })
    }

    /// Resolves a Location: absolute, or a path from the root.
    pub(super) fn join(&self, location: &str) -> Result<Self, ClientError> {
        if location.starts_with('/') && !location.starts_with("//") {
            return Ok(Self {
                target: location.to_owned(),
                ..self.clone()
            });
        }
        Self::parse(location)
    }

    pub(super) fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}{}", self.scheme, self.authority, self.target)
    }
}

/// Connections of one client.
pub(super) struct Transport {
    options: ClientOptions,
    http1: Http1,
    http2: Http2,
}

impl Transport {
    pub(super) fn new(options: &ClientOptions) -> Self {
        Self {
            options: options.clone(),
            http1: Http1::default(),
            http2: Http2::default(),
        }
    }

    pub(super) async fn send(
        &mut self,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        cookies: &[String],
        body: Vec<u8>,
    ) -> Result<Response, ClientError> {
        let mut headers: Vec<(&str, &str)> = headers.to_vec();
        let streams = headers
            .iter()
            .any(|(_, value)| *value == "text/event-stream");
        if let Some(codings) = self.options.accept_encoding.as_deref().filter(|_| !streams) {
            headers.push(("Accept-Encoding", codings));
        }
        match self.options.protocol {
            Protocol::Http1 => {
                self.http1
                    .send(&self.options, method, url, &headers, cookies, body)
                    .await
            }
            Protocol::Http2 => {
                self.http2
                    .send(&self.options, method, url, &headers, cookies, body)
                    .await
            }
        }
    }
}

/// Connects and does TLS where the URL says so, offering one protocol by ALPN (`alpn` is its length-prefixed name).
pub(super) async fn connect(
    options: &ClientOptions,
    url: &Url,
    alpn: &[u8],
) -> Result<Io, ClientError> {
    let tcp = TcpStream::connect(options.address(url)?).await?;
    tcp.set_nodelay(true)?;
    if url.scheme == "http" {
        return Ok(Io::Plain(tcp));
    }
    let mut stream = SslStream::new(tls(options, url, alpn).map_err(io::Error::from)?, tcp)
        .map_err(io::Error::from)?;
    Pin::new(&mut stream)
        .connect()
        .await
        .map_err(io::Error::other)?;
    if stream
        .ssl()
        .selected_alpn_protocol()
        .is_some_and(|agreed| !alpn.ends_with(agreed))
    {
        return Err(ClientError::Protocol(
            "another protocol was agreed by ALPN than was offered".to_owned(),
        ));
    }
    Ok(Io::Tls(Box::new(stream)))
}

fn tls(options: &ClientOptions, url: &Url, alpn: &[u8]) -> Result<Ssl, ErrorStack> {
    // PERF: `SslConnector` would parse the system's authorities for every connection, and none of them is ever asked.
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    builder.set_alpn_protos(alpn)?;
    match &options.trust {
        Trust::Authority(pem) => {
            for authority in X509::stack_from_pem(pem.as_bytes())? {
                builder.cert_store_mut().add_cert(authority)?;
            }
            builder.set_verify(SslVerifyMode::PEER);
        }
        Trust::Anything => builder.set_verify(SslVerifyMode::NONE),
    }
    let mut ssl = Ssl::new(&builder.build())?;
    match url.host.parse::<IpAddr>() {
        Ok(address) => ssl.param_mut().set_ip(address)?,
        Err(_) => {
            ssl.set_hostname(&url.host)?;
            ssl.param_mut().set_host(&url.host)?;
        }
    }
    Ok(ssl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_keep_their_target_and_locations_are_resolved_from_the_root() {
        let url = Url::parse("https://cc.example.com:8443/us/ic1/icws/a%2Fb?x=%20").unwrap();
        assert_eq!(
            (url.host.as_str(), url.authority.as_str()),
            ("cc.example.com", "cc.example.com:8443")
        );
        assert_eq!(url.path(), "/us/ic1/icws/a%2Fb");
        assert_eq!(
            url.to_string(),
            "https://cc.example.com:8443/us/ic1/icws/a%2Fb?x=%20"
        );
        assert_eq!(
            url.join("/icws/1").unwrap().to_string(),
            "https://cc.example.com:8443/icws/1"
        );
        assert_eq!(
            url.join("http://other/x").unwrap().to_string(),
            "http://other/x"
        );
        assert_eq!(Url::parse("http://h?x").unwrap().target, "/?x");
        for bad in ["/icws", "ftp://h/", "https:///x", "icws/1"] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }
}
