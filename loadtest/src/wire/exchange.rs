//! One request and its answer, as a simulation handles them.
//!
//! ```
//! use loadtest::wire::{Exchange, Reply, Service};
//! struct Clock;
//! impl Service for Clock {
//!     async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
//!         let mut events = exchange.stream(Reply::new(200).header("Content-Type", "text/event-stream")).await?;
//!         events.send(b"data: tick\n\n").await?; // one chunk, flushed
//!         events.finish().await
//!     }
//! }
//! ```

use std::future::Future;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;

use super::body::BodyReader;
use super::connection::{Connection, Part};
use super::io::Io;
use super::recorder::{Record, Recorder};
use super::reply::Reply;
use super::request::{Connected, Request};

/// Largest request body that [`Exchange::body`] collects, in bytes.
const MAX_COLLECTED: usize = 64 * 1024 * 1024;
/// Unread request body that is skipped to keep a connection; with more left it is closed.
const MAX_SKIPPED: u64 = 1024 * 1024;

/// What a server answers.
pub trait Service: Send + Sync + 'static {
    /// Answers one request. Returning without an answer, or an error, closes the connection.
    fn answer(&self, exchange: &mut Exchange<'_>) -> impl Future<Output = io::Result<()>> + Send;
}

impl<S: Service> Service for Arc<S> {
    fn answer(&self, exchange: &mut Exchange<'_>) -> impl Future<Output = io::Result<()>> + Send {
        S::answer(self, exchange)
    }
}

/// A service made of a function from the recorded request, body read, to the reply.
pub struct Respond<F: Fn(&Record) -> Reply>(pub F);

impl<F: Fn(&Record) -> Reply + Send + Sync + 'static> Service for Respond<F> {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> io::Result<()> {
        let body = exchange.body().await?;
        let reply = (self.0)(&exchange.as_record(&body));
        exchange.reply(reply).await
    }
}

/// One request with the means to read its body and to answer it.
pub struct Exchange<'c> {
    pub(super) request: Arc<Request>,
    pub(super) connected: &'c Connected,
    pub(super) connection: &'c mut Connection,
    pub(super) body: BodyReader,
    pub(super) recorder: &'c Recorder,
    pub(super) server: &'c str,
    pub(super) number: u64,
    pub(super) keep: bool,
    pub(super) answered: bool,
}

impl Exchange<'_> {
    /// The request head.
    pub fn request(&self) -> &Arc<Request> {
        &self.request
    }

    /// The connection it came on.
    pub fn connected(&self) -> &Connected {
        self.connected
    }

    /// Number of this request in the recorder.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next piece of the request body without framing; `None` at its end. Sends `100 Continue` when the client waits for it.
    ///
    /// # Errors
    /// The connection ended early, or the framing is broken.
    pub async fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        let piece = self.body.next(self.connection).await?;
        if let Some(piece) = &piece {
            self.recorder.body(self.number, piece);
        }
        if self.body.is_done() {
            self.recorder
                .change(self.number, |record| record.body_complete = true);
        }
        Ok(piece)
    }

    /// The rest of the request body.
    ///
    /// # Errors
    /// As [`Self::next_piece`], and a body above 64 MiB.
    pub async fn body(&mut self) -> io::Result<Bytes> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next_piece().await? {
            if whole.len() + piece.len() > MAX_COLLECTED {
                return Err(io::Error::other("the request body is too large to collect"));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// Writes a whole answer.
    ///
    /// # Errors
    /// The connection broke, or a fault cut it.
    pub async fn reply(&mut self, reply: Reply) -> io::Result<()> {
        let reply = self.settle(reply).await?;
        self.connection
            .write(&reply.head_bytes(), Part::Head)
            .await?;
        if self.request.method != "HEAD" && !reply.is_bodiless() {
            match reply.pieces {
                None => self.connection.write(&reply.body, Part::Body).await?,
                Some(size) => {
                    for piece in reply.body.chunks(size) {
                        self.connection.write(&chunk(piece), Part::Body).await?;
                    }
                    self.connection.write(b"0\r\n\r\n", Part::Body).await?;
                }
            }
        }
        self.recorder
            .change(self.number, |record| record.answered = true);
        Ok(())
    }

    /// Writes a whole answer without having read the request body, as a server does that refuses an upload early, then closes.
    ///
    /// # Errors
    /// The connection broke, or a fault cut it.
    pub async fn reply_early(&mut self, reply: Reply) -> io::Result<()> {
        let reply = reply.closing();
        (self.keep, self.answered) = (false, true);
        self.recorder
            .change(self.number, |record| record.status = Some(reply.status));
        self.connection
            .write(&reply.head_bytes(), Part::Head)
            .await?;
        self.connection.write(&reply.body, Part::Body).await?;
        self.recorder
            .change(self.number, |record| record.answered = true);
        // Closing with unread bytes would reset the connection and could take the answer along.
        self.connection.io.shutdown().await?;
        self.connection.closed().await;
        Ok(())
    }

    /// Writes the head of an answer whose body follows piece by piece: chunked, or until close for HTTP/1.0 and for a
    /// reply that frames itself.
    ///
    /// # Errors
    /// The connection broke, or a fault cut it.
    pub async fn stream(&mut self, reply: Reply) -> io::Result<BodyWriter<'_>> {
        let chunked = self.request.minor_version >= 1 && !reply.frames_itself();
        let mut reply = self.settle(reply).await?;
        reply.close |= !chunked;
        let keep = std::mem::replace(&mut self.keep, false) && chunked;
        let framing = chunked.then_some("Transfer-Encoding: chunked\r\n");
        self.connection
            .write(&reply.head_with(framing), Part::Head)
            .await?;
        Ok(BodyWriter {
            connection: self.connection,
            recorder: self.recorder,
            number: self.number,
            chunked,
            keep: (keep, &mut self.keep),
        })
    }

    /// Writes the head of an answer that changes protocol and hands over the stream, with the bytes the peer has sent ahead.
    ///
    /// # Errors
    /// The connection broke, or a fault cut it.
    pub async fn upgrade(&mut self, reply: Reply) -> io::Result<(Bytes, &mut Io)> {
        self.keep = false;
        self.recorder
            .change(self.number, |record| record.status = Some(reply.status));
        self.connection
            .write(&reply.head_with(None), Part::Head)
            .await?;
        self.recorder
            .change(self.number, |record| record.answered = true);
        Ok((self.connection.take_ahead(), &mut self.connection.io))
    }

    /// Returns once the client has gone, for answers that wait for something. Cancel safe.
    pub async fn client_gone(&mut self) {
        self.connection.closed().await;
    }

    /// Reads away what is left of the request body, so that the next request starts where it should.
    async fn settle(&mut self, mut reply: Reply) -> io::Result<Reply> {
        let mut skipped = 0;
        while !self.body.is_held_back() && skipped < MAX_SKIPPED {
            let Some(piece) = self.next_piece().await? else {
                break;
            };
            skipped += piece.len() as u64;
        }
        self.answered = true;
        self.keep &= self.body.is_done() && !reply.close;
        reply.close = !self.keep;
        self.recorder
            .change(self.number, |record| record.status = Some(reply.status));
        Ok(reply)
    }

    fn as_record(&self, body: &[u8]) -> Record {
        Record {
            number: self.number,
            at: std::time::Instant::now(),
            server: self.server.to_owned(),
            connected: self.connected.clone(),
            request: Arc::clone(&self.request),
            body: body.to_vec(),
            body_size: body.len() as u64,
            body_complete: true,
            status: None,
            answered: false,
            over: false,
        }
    }
}

/// The body of an answer, written piece by piece. Dropped without [`Self::finish`] it leaves the body unfinished and the
/// connection is closed.
pub struct BodyWriter<'e> {
    connection: &'e mut Connection,
    recorder: &'e Recorder,
    number: u64,
    chunked: bool,
    keep: (bool, &'e mut bool),
}

impl BodyWriter<'_> {
    /// Writes one piece as one chunk and flushes it. An empty piece is nothing.
    ///
    /// # Errors
    /// The connection broke, or a fault cut it.
    pub async fn send(&mut self, piece: &[u8]) -> io::Result<()> {
        match (piece.is_empty(), self.chunked) {
            (true, _) => Ok(()),
            (false, true) => self.connection.write(&chunk(piece), Part::Body).await,
            (false, false) => self.connection.write(piece, Part::Body).await,
        }
    }

    /// Returns once the client has gone. Cancel safe, for use beside a source of events.
    pub async fn closed(&mut self) {
        self.connection.closed().await;
    }

    /// Ends the body properly.
    ///
    /// # Errors
    /// The connection broke, or a fault cut it.
    pub async fn finish(self) -> io::Result<()> {
        if self.chunked {
            self.connection.write(b"0\r\n\r\n", Part::Body).await?;
        }
        let (was_kept, keep) = self.keep;
        *keep = was_kept;
        self.recorder
            .change(self.number, |record| record.answered = true);
        Ok(())
    }
}

fn chunk(piece: &[u8]) -> Vec<u8> {
    let mut framed = format!("{:x}\r\n", piece.len()).into_bytes();
    framed.extend_from_slice(piece);
    framed.extend_from_slice(b"\r\n");
    framed
}
