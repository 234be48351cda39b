//! A client that sends exactly the bytes it is given, over TCP or TLS, as slowly as wanted, and reads until the end.
//!
//! ```no_run
//! # async fn example(address: std::net::SocketAddr) -> std::io::Result<()> {
//! use std::time::Duration;
//! use loadtest::rude::client::{Dial, Ended};
//! let smuggling = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
//! let got = Dial::plain(address).send(smuggling, Duration::from_secs(2)).await?;
//! assert_eq!((got.status(), got.ended), (Some(400), Ended::Closed));
//! let slow = Dial::tls(address).sni("a.example").alpn(&["http/1.1"]).drip(1, Duration::from_millis(100));
//! let got = slow.send("GET / HTTP/1.1\r\n", Duration::from_secs(30)).await?;
//! println!("{:?} after {:?}", got.ended, got.took);
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use openssl::pkey::PKey;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_openssl::SslStream;

use crate::wire::{Identity, Io};

mod line;

pub use line::Line;

/// Most bytes that are read before giving up.
const MAX_READ: usize = 64 * 1024 * 1024;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The other side closed it.
    Closed,
    /// The other side reset it, or TLS was cut.
    Reset,
    /// It was still open at the deadline.
    Open,
    /// It sent 64 MiB and more.
    TooMuch,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Got {
    /// Every byte.
    pub bytes: Vec<u8>,
    /// How it ended.
    pub ended: Ended,
    /// Whether all bytes could be sent.
    pub sent_all: bool,
    /// From the connection's being there to its end.
    pub took: Duration,
    /// The protocol that ALPN chose.
    pub alpn: Option<String>,
}

impl Got {
    /// Status of the first answer.
    pub fn status(&self) -> Option<u16> {
        self.statuses().first().copied()
    }

    /// Statuses of all answers, informational ones too, recognised by their status lines.
    pub fn statuses(&self) -> Vec<u16> {
        let starts = |at: &usize| {
            let rest = self.bytes.get(*at..).unwrap_or_default();
            rest.starts_with(b"HTTP/1.") && matches!(rest.get(8), Some(b' '))
        };
        let code = |at: usize| {
            std::str::from_utf8(self.bytes.get(at + 9..at + 12)?)
                .ok()?
                .parse()
                .ok()
        };
        (0..self.bytes.len())
            .filter(starts)
            .filter_map(code)
            .collect()
    }

    /// Head of the first answer.
    pub fn head(&self) -> String {
        let text = self.text();
        text.split_once("\r\n\r\n")
            .map_or(text.clone(), |(head, _)| head.to_owned())
    }

    /// What follows the first head.
    pub fn body(&self) -> &[u8] {
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
        end.and_then(|end| self.bytes.get(end + 4..))
            .unwrap_or_default()
    }

    /// Everything as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// How to connect and to send.
#[derive(Clone, Debug)]
pub struct Dial {
    to: SocketAddr,
    from: Option<IpAddr>,
    prelude: Bytes,
    tls: Option<Tls>,
    drip: Option<(usize, Duration)>,
    half_close: bool,
    receive_buffer: Option<u32>,
}

#[derive(Clone, Debug, Default)]
struct Tls {
    sni: Option<String>,
    alpn: Vec<u8>,
    authorities: Option<String>,
    versions: Option<(SslVersion, SslVersion)>,
    identity: Option<Identity>,
}

impl Dial {
    /// Plain TCP to this address.
    pub fn plain(to: SocketAddr) -> Self {
        Self {
            to,
            from: None,
            prelude: Bytes::new(),
            tls: None,
            drip: None,
            half_close: false,
            receive_buffer: None,
        }
    }

    /// TLS to this address: no SNI, no ALPN, any certificate, until said otherwise.
    pub fn tls(to: SocketAddr) -> Self {
        Self {
            tls: Some(Tls::default()),
            ..Self::plain(to)
        }
    }

    /// Sends this name in the TLS client hello.
    #[must_use]
    pub fn sni(mut self, name: &str) -> Self {
        self.tls.get_or_insert_default().sni = Some(name.to_owned());
        self
    }

    /// Offers these protocols, the first preferred.
    #[must_use]
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        let wire = protocols.iter().flat_map(|name| {
            // A protocol's name is at most 255 bytes (RFC 7301 section 3.1).
            let size = u8::try_from(name.len()).unwrap_or(u8::MAX);
            std::iter::once(size).chain(name.bytes().take(usize::from(size)))
        });
        self.tls.get_or_insert_default().alpn = wire.collect();
        self
    }

    /// Believes only certificates of these authorities (PEM), for the name given as SNI.
    #[must_use]
    pub fn trusting(mut self, authorities: &str) -> Self {
        self.tls.get_or_insert_default().authorities = Some(authorities.to_owned());
        self
    }

    /// Shows this certificate when it is asked for one.
    #[must_use]
    pub fn identity(mut self, identity: &Identity) -> Self {
        self.tls.get_or_insert_default().identity = Some(identity.clone());
        self
    }

    /// Allows only these TLS versions, least and most.
    #[must_use]
    pub fn tls_versions(mut self, least: SslVersion, most: SslVersion) -> Self {
        self.tls.get_or_insert_default().versions = Some((least, most));
        self
    }

    /// Connects from this address; any of 127.0.0.0/8 will do on Linux.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = Some(address);
        self
    }

    /// Sends these bytes before TLS begins, a PROXY protocol header for instance.
    #[must_use]
    pub fn prelude(mut self, bytes: impl Into<Bytes>) -> Self {
        self.prelude = bytes.into();
        self
    }

    /// Sends this many bytes at a time with this pause between.
    #[must_use]
    pub fn drip(mut self, size: usize, pause: Duration) -> Self {
        self.drip = Some((size.max(1), pause));
        self
    }

    /// Lets the kernel hold about so many bytes that have not been read yet, and no more.
    #[must_use]
    pub fn receive_buffer(mut self, bytes: u32) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// Closes its own direction once everything is sent.
    #[must_use]
    pub fn half_close(mut self) -> Self {
        self.half_close = true;
        self
    }

    /// Connects, sends, and reads until the other side closes or `deadline` has passed since the connection was there.
    ///
    /// # Errors
    /// The connection or the TLS handshake failed.
    pub async fn send(&self, bytes: impl Into<Bytes>, deadline: Duration) -> io::Result<Got> {
        let bytes = bytes.into();
        let line = self.open().await?;
        let alpn = line.alpn();
        let began = Instant::now();
        let (mut reader, mut writer) = tokio::io::split(line.io);
        let mut received = line.ahead.to_vec();
        let send = async {
            let sent = match self.drip {
                None => writer.write_all(&bytes).await,
                Some((size, pause)) => drip(&mut writer, &bytes, size, pause).await,
            };
            if self.half_close {
                // A connection that is gone already cannot be half closed, and need not be.
                let _ = writer.shutdown().await;
            }
            sent.is_ok()
        };
        let read = async {
            loop {
                match reader.read_buf(&mut received).await {
                    Ok(0) => return Ended::Closed,
                    Ok(_) if received.len() >= MAX_READ => return Ended::TooMuch,
                    Ok(_) => {}
                    Err(_) => return Ended::Reset,
                }
            }
        };
        // An answer may come while bytes are still being sent; the end of reading is the end.
        let mut sent_all = false;
        let both = async {
            tokio::pin!(read);
            tokio::select! {
                ended = &mut read => ended,
                sent = send => {
                    sent_all = sent;
                    read.await
                }
            }
        };
        let ended = tokio::time::timeout(deadline, both)
            .await
            .unwrap_or(Ended::Open);
        Ok(Got {
            bytes: received,
            ended,
            sent_all,
            took: began.elapsed(),
            alpn,
        })
    }

    /// Connects, for an exchange in several steps.
    ///
    /// # Errors
    /// The connection or the TLS handshake failed.
    pub async fn open(&self) -> io::Result<Line> {
        let socket = if self.to.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(from) = self.from {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut tcp = socket.connect(self.to).await?;
        tcp.set_nodelay(true)?;
        tcp.write_all(&self.prelude).await?;
        let io = match &self.tls {
            None => Io::Plain(tcp),
            Some(tls) => Io::Tls(Box::new(tls.connect(tcp).await?)),
        };
        Ok(Line::new(io))
    }
}

impl Tls {
    async fn connect(&self, tcp: TcpStream) -> io::Result<SslStream<TcpStream>> {
        let mut builder = SslConnector::builder(SslMethod::tls_client())?;
        if !self.alpn.is_empty() {
            builder.set_alpn_protos(&self.alpn)?;
        }
        if let Some((least, most)) = self.versions {
            builder.set_min_proto_version(Some(least))?;
            builder.set_max_proto_version(Some(most))?;
        }
        if let Some(identity) = &self.identity {
            let leaf = X509::from_pem(identity.certificate_pem.as_bytes())?;
            let key = PKey::private_key_from_pem(identity.key_pem.as_bytes())?;
            builder.set_certificate(&leaf)?;
            builder.set_private_key(&key)?;
        }
        match &self.authorities {
            None => builder.set_verify(SslVerifyMode::NONE),
            Some(pem) => {
                let mut store = X509StoreBuilder::new()?;
                for authority in X509::stack_from_pem(pem.as_bytes())? {
                    store.add_cert(authority)?;
                }
                builder.set_cert_store(store.build());
            }
        }
        let mut configuration = builder.build().configure()?;
        configuration.set_use_server_name_indication(self.sni.is_some());
        configuration.set_verify_hostname(self.sni.is_some() && self.authorities.is_some());
        let ssl = configuration.into_ssl(self.sni.as_deref().unwrap_or_default())?;
        let mut stream = SslStream::new(ssl, tcp)?;
        Pin::new(&mut stream)
            .connect()
            .await
            .map_err(io::Error::other)?;
        Ok(stream)
    }
}

pub(super) async fn drip(
    writer: &mut (impl AsyncWriteExt + Unpin),
    bytes: &[u8],
    size: usize,
    pause: Duration,
) -> io::Result<()> {
    for (at, piece) in bytes.chunks(size).enumerate() {
        if at > 0 {
            tokio::time::sleep(pause).await;
        }
        writer.write_all(piece).await?;
        writer.flush().await?;
    }
    Ok(())
}
