//! HTTP/1.1 as a browser has it: kept connections, plain or TLS, and an abort that closes the connection.
//!
//! A page sends over [`super::Page`]; what it trusts is chosen here:
//!
//! ```
//! use loadtest::webtools::client::{PageOptions, Trust};
//! let mut options = PageOptions::new("https://chat.example.com", &["/I3Root/Server1"]);
//! options.trust = Trust::Insecure;
//! ```

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::wire::Io;

/// Which server certificates a page believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// None: TLS fails.
    Nothing,
    /// Those of the authorities in this PEM.
    Authorities(String),
    /// Any at all.
    Insecure,
}

/// One place to send to, with its kept connections.
pub(super) struct Origin {
    /// What every path is appended to: path of base or fragment, without a slash at its end.
    prefix: String,
    host: String,
    authority: String,
    address: (String, u16),
    connect_to: Option<SocketAddr>,
    tls: Option<SslConnector>,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Lost {
    Broken,
    TimedOut,
}

/// An answer.
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

impl Origin {
    /// The origin of a URL such as `https://host:port/I3Root/Server1`.
    pub(super) fn new(
        url: &str,
        connect_to: Option<SocketAddr>,
        trust: &Trust,
    ) -> io::Result<Self> {
        let uri: Uri = url.parse().map_err(io::Error::other)?;
        let authority = uri
            .authority()
            .ok_or_else(|| io::Error::other("the URL has no host"))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(io::Error::other("the URL is neither http nor https")),
        };
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority
            .port_u16()
            .unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self {
            prefix: uri.path().trim_end_matches('/').to_owned(),
            authority: authority.to_string(),
            address: (host.clone(), port),
            host,
            connect_to,
            tls: is_tls.then(|| connector(trust)).transpose()?,
            idle: Mutex::default(),
        })
    }

    /// Sends one request; gives up after `abort`.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Bytes,
        abort: Duration,
    ) -> Result<Received, Lost> {
        let exchange = self.exchange(method, path, headers, body);
        match tokio::time::timeout(abort, exchange).await {
            Ok(Ok(received)) => Ok(received),
            Ok(Err(_)) => Err(Lost::Broken),
            Err(_) => Err(Lost::TimedOut),
        }
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Bytes,
    ) -> io::Result<Received> {
        loop {
            let kept = self.kept();
            let was_kept = kept.is_some();
            let mut sender = match kept {
                Some(sender) => sender,
                None => self.connect().await?,
            };
            let request = self.request(method, path, headers, body.clone())?;
            let response = match sender.try_send_request(request).await {
                Ok(response) => response,
                // As in a browser: a kept connection that died before anything was sent is replaced by a new one.
                Err(mut lost) => match lost.take_message() {
                    Some(_) if was_kept => continue,
                    _ => return Err(io::Error::other(lost.into_error())),
                },
            };
            let status = response.status().as_u16();
            let body = response
                .into_body()
                .collect()
                .await
                .map_err(io::Error::other)?
                .to_bytes();
            // The connection is ready again once its task has seen the end of the body, unless it closes.
            if sender.ready().await.is_ok() {
                self.idle().push(sender);
            }
            return Ok(Received { status, body });
        }
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Bytes,
    ) -> io::Result<http::Request<Full<Bytes>>> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.prefix))
            .header("Host", &self.authority);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body(Full::new(body)).map_err(io::Error::other)
    }

    fn kept(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle();
        while let Some(sender) = idle.pop() {
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        let tcp = match self.connect_to {
            Some(address) => TcpStream::connect(address).await?,
            None => TcpStream::connect((self.address.0.as_str(), self.address.1)).await?,
        };
        tcp.set_nodelay(true)?;
        let io = match &self.tls {
            None => Io::Plain(tcp),
            Some(connector) => {
                let ssl = connector.configure()?.into_ssl(&self.host)?;
                let mut stream = SslStream::new(ssl, tcp)?;
                Pin::new(&mut stream)
                    .connect()
                    .await
                    .map_err(io::Error::other)?;
                Io::Tls(Box::new(stream))
            }
        };
        let (sender, connection) = handshake(TokioIo::new(io))
            .await
            .map_err(io::Error::other)?;
        // Ends with its sender: an aborted request takes its connection with it.
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn connector(trust: &Trust) -> io::Result<SslConnector> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.set_alpn_protos(b"\x08http/1.1")?;
    match trust {
        Trust::Insecure => builder.set_verify(SslVerifyMode::NONE),
        Trust::Nothing => builder.set_cert_store(X509StoreBuilder::new()?.build()),
        Trust::Authorities(pem) => {
            let mut store = X509StoreBuilder::new()?;
            for authority in X509::stack_from_pem(pem.as_bytes())? {
                store.add_cert(authority)?;
            }
            builder.set_cert_store(store.build());
        }
    }
    Ok(builder.build())
}
