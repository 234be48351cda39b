//! The TCP socket of a client: the layer below TLS. It replays what was read in search of a PROXY header, ends a client that takes
//! next to nothing of what is written to it, and on a TLS listener ends a client that does not speak TLS.
//!
//! ```ignore
//! let mut socket = Socket::new(tcp, settings.write_idle);
//! let step = proxy_protocol::parse(socket.peeked());
//! ```

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::pace::{Pace, TooSlow};

/// The type of a TLS record that may begin a connection (RFC 8446 section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// Bytes per second that a client must take while something waits for it. SECURITY: without it a client that takes a byte now and
/// then holds its connection, and the server's, for ever.
const WRITE_RATE: u64 = 500;

pub(crate) struct Socket {
    pub tcp: TcpStream,
    /// Read in search of a PROXY header and not yet handed on.
    ahead: BytesMut,
    pace: Pace,
    /// Since when a write waits, and until when it may.
    blocked: Option<(Instant, Pin<Box<Sleep>>)>,
    overdue: bool,
    /// The next byte must begin a TLS handshake.
    expect_tls: bool,
}

impl Socket {
    pub(crate) fn new(tcp: TcpStream, write_idle: Duration) -> Socket {
        Socket {
            tcp,
            ahead: BytesMut::new(),
            pace: Pace::new(WRITE_RATE, write_idle),
            blocked: None,
            overdue: false,
            expect_tls: false,
        }
    }

    /// From here on the client must speak TLS.
    pub(crate) fn expect_tls(&mut self) {
        self.expect_tls = true;
    }

    /// Whether the first byte of TLS has yet to come.
    pub(super) fn expects_tls(&self) -> bool {
        self.expect_tls
    }

    /// Reads more into [`Socket::peeked`]. `Ok(0)` is the end.
    pub(super) async fn peek_more(&mut self) -> io::Result<usize> {
        // A PROXY header and little more: the rest stays in the kernel.
        self.ahead.reserve(512);
        self.tcp.read_buf(&mut self.ahead).await
    }

    pub(super) fn peeked(&self) -> &[u8] {
        &self.ahead
    }

    pub(super) fn consume(&mut self, len: usize) {
        self.ahead.advance(len.min(self.ahead.len()));
    }

    /// Whether the client was given up for taking too little.
    pub(super) fn overdue(&self) -> bool {
        self.overdue
    }

    /// Time in which a write waits is a debt, and what the client takes pays it back: one byte in time buys next to nothing.
    fn watch_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = written {
            if let Some((since, _)) = self.blocked.take() {
                self.pace.waited(since.elapsed());
            }
            self.pace.moved(*result.as_ref().unwrap_or(&0));
            return Poll::Ready(result);
        }
        let left = self.pace.left();
        let (_, timer) = self
            .blocked
            .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        ready!(timer.as_mut().poll(cx));
        self.overdue = true;
        // A close would leave what was not taken with the kernel, which offers it to the client for minutes more.
        let _ = self.tcp.set_zero_linger();
        Poll::Ready(Err(TooSlow.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if this.ahead.is_empty() {
            ready!(Pin::new(&mut this.tcp).poll_read(cx, buf))?;
        } else {
            let n = this.ahead.len().min(buf.remaining());
            buf.put_slice(this.ahead.get(..n).unwrap_or_default());
            this.ahead.advance(n);
            if this.ahead.is_empty() {
                this.ahead = BytesMut::new();
            }
        }
        if this.expect_tls
            && let Some(&first) = buf.filled().get(before)
        {
            this.expect_tls = false;
            if first != HANDSHAKE_RECORD {
                // OpenSSL would answer some of these; the rule is to close without a word.
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.tcp).poll_write(cx, buf);
        this.watch_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.tcp).poll_write_vectored(cx, bufs);
        this.watch_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

/// Appends one read to `into`.
///
/// PERF: the bytes pass through the stack, so a stream that waits owns no buffer at all.
pub(super) fn poll_append<R: AsyncRead + Unpin>(
    reader: &mut R,
    cx: &mut Context<'_>,
    into: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let mut space = [MaybeUninit::uninit(); 4096];
    let mut buf = ReadBuf::uninit(&mut space);
    ready!(Pin::new(reader).poll_read(cx, &mut buf))?;
    into.extend_from_slice(buf.filled());
    Poll::Ready(Ok(buf.filled().len()))
}
