//! The stream Pingora reads requests from: plain or TLS, with a window over it.
//!
//! On HTTP/1 the front door reads the head first. The window then lets Pingora see that head and as many bytes as its
//! Content-Length or its chunks say, and nothing of the next request: framing has one judge, pipelined requests stay here in order, and a
//! connection goes on only where the last request ended. On HTTP/2 a [`FrameWatch`] keeps the deadlines.
//!
//! ```ignore
//! stream.fill().await?;                     // more of the head
//! stream.open(head_len, Window::Bytes(n));   // what Pingora may see
//! let session = ServerSession::new_http1(stream);
//! ```

mod http2;
mod pingora_io;

pub(crate) use pingora_io::LINGER;

use std::fmt;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use pingora_core::protocols::SocketDigest;
use pingora_core::protocols::tls::SslStream;
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::framing::ChunkWatch;
use super::http2::Uploads;
use super::pace::{Pace, TooSlow};
use super::socket::{Socket, poll_append};
use super::{Connection, Doorkeeper};
use http2::Frames;

/// Bytes of following requests that are taken in while one is being served. Beyond this the client's own buffers fill up.
const HELD_MAX: usize = 4096;
/// How often it is looked whether a client that has sent more than that is still there.
const LOOK: Duration = Duration::from_secs(1);

pub(super) enum Io {
    Plain(Socket),
    Tls(Box<SslStream<Socket>>),
}

impl Io {
    fn tcp(&self) -> &TcpStream {
        match self {
            Io::Plain(socket) => &socket.tcp,
            Io::Tls(tls) => &tls.get_ref().tcp,
        }
    }
}

/// What behind a head belongs to its request.
pub(super) enum Window {
    /// So many bytes.
    Bytes(u64),
    /// A chunked body.
    Chunks,
    /// Everything: after an upgrade the bytes are no longer HTTP.
    Everything,
}

/// A client connection as Pingora sees it.
pub struct ClientStream {
    io: Io,
    /// Read and not yet handed to Pingora.
    ahead: BytesMut,
    /// How many bytes Pingora may still see; `None`: all that come.
    window: Option<u64>,
    /// The body is chunked: the window covers what has been judged of it.
    chunks: Option<ChunkWatch>,
    /// Armed only while more has come than is held.
    look: Option<Pin<Box<Sleep>>>,
    /// How the client keeps up with its HTTP/1 body.
    pace: Pace,
    /// Since when bytes of that body are waited for.
    waiting: Option<Instant>,
    frames: Option<Box<Frames>>,
    digest: Arc<SocketDigest>,
}

impl ClientStream {
    pub(super) fn new(
        io: Io,
        connection: &Arc<Connection>,
        keeper: &Arc<dyn Doorkeeper>,
    ) -> ClientStream {
        let digest = SocketDigest::from_raw_fd(io.tcp().as_raw_fd());
        // The cells are new: nobody can have set them.
        let _ = digest.peer_addr.set(Some(connection.peer.into()));
        let _ = digest.local_addr.set(Some(connection.local.into()));
        let settings = &connection.listener;
        ClientStream {
            io,
            ahead: BytesMut::new(),
            window: if connection.http2 { None } else { Some(0) },
            chunks: None,
            look: None,
            pace: Pace::new(settings.body_rate, settings.body_idle),
            waiting: None,
            frames: connection
                .http2
                .then(|| Box::new(Frames::new(connection.clone(), keeper.clone()))),
            digest: Arc::new(digest),
        }
    }

    /// The request bodies of an HTTP/2 connection, as the wire shows them.
    pub(super) fn uploads(&self) -> Arc<Uploads> {
        let frames = self.frames.as_ref();
        frames.map(|frames| frames.uploads()).unwrap_or_default()
    }

    /// What has been read of the next head.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.ahead
    }

    /// Reads more of the next head. `Ok(0)` is the end.
    pub(super) async fn fill(&mut self) -> io::Result<usize> {
        std::future::poll_fn(|cx| poll_append(&mut self.io, cx, &mut self.ahead)).await
    }

    /// Cuts bytes out of what has been read.
    pub(super) fn cut(&mut self, range: Range<usize>) {
        let tail = self.ahead.split_off(range.end.min(self.ahead.len()));
        self.ahead.truncate(range.start);
        self.ahead.unsplit(tail);
    }

    /// Makes an absolute target one in origin form by cutting its scheme and authority, which Host repeats: nothing behind has to
    /// know that there is another form. Says by how many bytes the head became shorter.
    pub(super) fn make_origin_form(&mut self, mut authority: Range<usize>) -> usize {
        let path_follows = self.ahead.get(authority.end) == Some(&b'/');
        if !path_follows && let Some(last) = self.ahead.get_mut(authority.end.saturating_sub(1)) {
            // An empty path is `/` (RFC 9110 section 4.2.3).
            *last = b'/';
            authority.end -= 1;
        }
        let len = authority.len();
        self.cut(authority);
        len
    }

    /// Lets Pingora see the head and the body behind it.
    pub(super) fn open(&mut self, head: usize, body: Window) {
        let head = head as u64;
        self.pace.forgive();
        self.waiting = None;
        (self.window, self.chunks) = match body {
            Window::Bytes(n) => (Some(head.saturating_add(n)), None),
            Window::Chunks => (Some(head), Some(ChunkWatch::default())),
            Window::Everything => (None, None),
        };
    }

    /// Whether the last request was read to its very end, so that the next head begins here.
    pub(super) fn at_boundary(&mut self) -> bool {
        let finished = match self.window {
            Some(left) => left == 0 && self.chunks.as_ref().is_none_or(ChunkWatch::is_done),
            // An upgrade that did not come about: Pingora gives a connection back only if it has read nothing behind the request.
            None => self.ahead.is_empty(),
        };
        self.chunks = None;
        self.window = Some(0);
        finished
    }

    /// Reads past the window and throws away, to let a client that still sends come to read our answer.
    pub(super) async fn discard(&mut self, most: usize) -> io::Result<()> {
        self.ahead = BytesMut::new();
        let mut seen = 0;
        while seen < most {
            let n = self.fill().await?;
            self.ahead.clear();
            if n == 0 {
                break;
            }
            seen += n;
        }
        Ok(())
    }

    /// A request's bytes, with an eye on how long they take. Time in which nobody asks for them, because the server does not take
    /// them, is not the client's.
    fn poll_body(
        &mut self,
        left: u64,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let awaited = left > 0 || self.chunks.as_ref().is_some_and(|chunks| !chunks.is_done());
        let before = buf.filled().len();
        let read = self.poll_chunks(left, cx, buf);
        if !awaited {
            return read;
        }
        if read.is_pending() {
            self.waiting.get_or_insert_with(Instant::now);
            return read;
        }
        if let Some(since) = self.waiting.take() {
            self.pace.waited(since.elapsed());
            // Silence has Pingora's timer; what is left to end is the byte that comes just in time.
            if self.pace.is_over() {
                return Poll::Ready(Err(TooSlow.into()));
            }
        }
        self.pace.moved(buf.filled().len() - before);
        read
    }

    /// Hands out a chunked body as far as it has been judged; what is malformed is never seen.
    fn poll_chunks(
        &mut self,
        mut left: u64,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(chunks) = self.chunks.as_mut().filter(|chunks| !chunks.is_done()) else {
            return self.poll_window(left, cx, buf);
        };
        if left == 0 {
            if self.ahead.is_empty() && ready!(poll_append(&mut self.io, cx, &mut self.ahead))? == 0
            {
                return Poll::Ready(Ok(()));
            }
            let judged = chunks.follow(&self.ahead);
            left = judged.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))? as u64;
        }
        self.poll_window(left, cx, buf)
    }

    fn poll_window(
        &mut self,
        left: u64,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if left == 0 {
            return self.poll_beyond(cx);
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let before = buf.filled().len();
        if !self.ahead.is_empty() {
            let n = self.ahead.len().min(buf.remaining()).min(most);
            buf.put_slice(self.ahead.get(..n).unwrap_or_default());
            self.ahead.advance(n);
            if self.ahead.is_empty() {
                // PERF: an idle or upgraded connection keeps no buffer.
                self.ahead = BytesMut::new();
            }
        } else if most >= buf.remaining() {
            ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        } else {
            let mut last = ReadBuf::new(buf.initialize_unfilled_to(most));
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut last))?;
            let n = last.filled().len();
            buf.advance(n);
        }
        let n = buf.filled().len() - before;
        self.window = Some(left.saturating_sub(n as u64));
        Poll::Ready(Ok(()))
    }

    /// Pingora reads beyond a request to notice that the client has gone. It learns just that.
    fn poll_beyond(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.ahead.len() < HELD_MAX {
            let n = ready!(poll_append(&mut self.io, cx, &mut self.ahead))?;
            if n == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        // SECURITY: with unread bytes in the kernel no read tells that the client has left, and it would hold the server's connection.
        loop {
            let looked = std::pin::pin!(self.io.tcp().ready(Interest::READABLE)).poll(cx)?;
            if let Poll::Ready(ready) = looked
                && ready.is_read_closed()
            {
                return Poll::Ready(Ok(()));
            }
            let look = self.look.get_or_insert_with(|| Box::pin(sleep(LOOK)));
            ready!(look.as_mut().poll(cx));
            self.look = None;
        }
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        let Some(frames) = &mut self.frames else {
            return read;
        };
        match read {
            Poll::Pending => frames.poll_deadline(cx),
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            Poll::Ready(Ok(())) => {
                let new = buf.filled().get(before..).unwrap_or_default();
                Poll::Ready(frames.follow(new))
            }
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.window {
            _ if this.frames.is_some() => this.poll_frames(cx, buf),
            Some(left) => this.poll_body(left, cx, buf),
            None if this.ahead.is_empty() => Pin::new(&mut this.io).poll_read(cx, buf),
            None => {
                // All that has been read fits the widest window.
                let all = this.poll_window(u64::MAX, cx, buf);
                this.window = None;
                all
            }
        }
    }
}

impl fmt::Debug for ClientStream {
    // SECURITY: never the bytes; they hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientStream")
            .field("tls", &matches!(self.io, Io::Tls(_)))
            .field("ahead", &self.ahead.len())
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
