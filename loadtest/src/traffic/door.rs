//! The way in: TCP, and TLS with a certificate that is checked.
//!
//! ```ignore
//! let io = door.open(true, b"\x02h2").await?;
//! ```

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::{Doors, HOST};
use crate::wire::Io;

pub(super) const HTTP1: &[u8] = b"\x08http/1.1";
pub(super) const HTTP2: &[u8] = b"\x02h2";

pub(super) struct Door {
    doors: Doors,
    /// PERF: one for all; making one parses certificates.
    context: SslContext,
}

impl Door {
    pub(super) fn new(doors: Doors) -> io::Result<Door> {
        let context = context(&doors.authority)?;
        Ok(Door { doors, context })
    }

    pub(super) fn authority(&self) -> &str {
        &self.doors.authority
    }

    pub(super) fn address(&self, tls: bool) -> SocketAddr {
        if tls {
            self.doors.https
        } else {
            self.doors.plain
        }
    }

    /// A connection; with TLS its certificate must be good for [`HOST`] and this protocol agreed.
    pub(super) async fn open(&self, tls: bool, protocol: &[u8]) -> io::Result<Io> {
        let tcp = TcpStream::connect(self.address(tls)).await?;
        tcp.set_nodelay(true)?;
        if !tls {
            return Ok(Io::Plain(tcp));
        }
        let mut stream = SslStream::new(self.ssl(protocol)?, tcp)?;
        Pin::new(&mut stream)
            .connect()
            .await
            .map_err(io::Error::other)?;
        let agreed = stream.ssl().selected_alpn_protocol();
        if !agreed.is_some_and(|agreed| protocol.ends_with(agreed)) {
            return Err(io::Error::other(format!("ALPN agreed on {agreed:?}")));
        }
        Ok(Io::Tls(Box::new(stream)))
    }

    fn ssl(&self, protocol: &[u8]) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.context)?;
        ssl.set_alpn_protos(protocol)?;
        ssl.set_hostname(HOST)?;
        ssl.param_mut().set_host(HOST)?;
        Ok(ssl)
    }
}

fn context(authority: &str) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    for authority in X509::stack_from_pem(authority.as_bytes())? {
        builder.cert_store_mut().add_cert(authority)?;
    }
    builder.set_verify(SslVerifyMode::PEER);
    Ok(builder.build())
}
