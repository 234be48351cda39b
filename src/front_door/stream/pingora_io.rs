//! The traits Pingora asks of a stream, by delegation.
//!
//! ```ignore
//! let stream: pingora_core::protocols::Stream = Box::new(client_stream);
//! ```

use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::tls::{SslDigest, TlsRef};
use pingora_core::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use super::{ClientStream, Io};
use crate::front_door::pace::TooSlow;
use crate::front_door::socket::Socket;
use crate::reason::Reason;

/// How long and how far a closing connection is read so that the client gets to read the answer: a close with unread bytes makes the
/// kernel send RST, which throws away what the client has not read yet.
pub(crate) const LINGER: (Duration, usize) = (Duration::from_secs(2), 1 << 20);

macro_rules! either {
    ($self:expr, $io:ident => $call:expr) => {
        match $self {
            Io::Plain($io) => $call,
            Io::Tls($io) => $call,
        }
    };
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self.get_mut(), io => Pin::new(io).poll_read(cx, buf))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = either!(&mut this.io, io => Pin::new(io).poll_write(cx, buf));
        this.note(written, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = either!(&mut this.io, io => Pin::new(io).poll_write_vectored(cx, bufs));
        this.note(written, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        // OpenSSL takes one slice at a time: saying so lets the caller join small pieces into one record.
        matches!(self.io, Io::Plain(_))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.get_mut().io, io => Pin::new(io).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.get_mut().io, io => Pin::new(io).poll_shutdown(cx))
    }
}

impl ClientStream {
    /// What became of a write: a client that takes too little is told apart, and over HTTP/2 what went out is of interest.
    fn note(
        &mut self,
        written: Poll<io::Result<usize>>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match written {
            // OpenSSL keeps the fact of an error and loses the error.
            Poll::Ready(Err(_)) if either!(&self.io, io => io.as_socket().overdue()) => {
                if let Some(frames) = &mut self.frames {
                    frames.end(Reason::SlowReader);
                }
                Poll::Ready(Err(TooSlow.into()))
            }
            Poll::Ready(Ok(n)) => {
                if let Some(frames) = &mut self.frames {
                    let mut left = n;
                    for buf in bufs {
                        let part = buf.get(..left.min(buf.len())).unwrap_or_default();
                        left -= part.len();
                        frames.sent(part)?;
                    }
                }
                Poll::Ready(Ok(n))
            }
            other => other,
        }
    }
}

#[async_trait]
impl Shutdown for ClientStream {
    async fn shutdown(&mut self) {
        // The peer may be gone already: an error here has no one to care.
        let _ = AsyncWriteExt::shutdown(self).await;
        let (time, most) = LINGER;
        if self.window != Some(0) || !self.ahead.is_empty() {
            let _ = timeout(time, self.discard(most)).await;
        }
    }
}

impl UniqueID for ClientStream {
    fn id(&self) -> UniqueIDType {
        either!(&self.io, io => io.as_socket().tcp.as_raw_fd())
    }
}

trait AsSocket {
    fn as_socket(&self) -> &Socket;
}

impl AsSocket for Socket {
    fn as_socket(&self) -> &Socket {
        self
    }
}

impl AsSocket for pingora_core::protocols::tls::SslStream<Socket> {
    fn as_socket(&self) -> &Socket {
        self.get_ref()
    }
}

impl Ssl for ClientStream {
    fn get_ssl(&self) -> Option<&TlsRef> {
        match &self.io {
            Io::Plain(_) => None,
            Io::Tls(tls) => tls.get_ssl(),
        }
    }

    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        match &self.io {
            Io::Plain(_) => None,
            Io::Tls(tls) => tls.get_ssl_digest(),
        }
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        match &self.io {
            Io::Plain(_) => None,
            Io::Tls(tls) => tls.selected_alpn_proto(),
        }
    }
}

impl GetTimingDigest for ClientStream {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        // Times are kept in `Connection`; an empty list does not allocate.
        Vec::new()
    }
}

impl GetProxyDigest for ClientStream {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

impl GetSocketDigest for ClientStream {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        Some(self.digest.clone())
    }
}

impl Peek for ClientStream {}
