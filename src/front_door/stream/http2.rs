//! What the stream of an HTTP/2 connection does with its [`FrameWatch`]: deadlines, floods, and telling the doorkeeper why it ended.
//!
//! ```ignore
//! frames.follow(bytes_read)?;
//! frames.sent(bytes_written)?;
//! ```

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};

use crate::front_door::frames::{FrameWatch, Owed, Sent, SentWatch, TooMany};
use crate::front_door::http2::Uploads;
use crate::front_door::{Connection, Doorkeeper};
use crate::reason::Reason;

pub(super) struct Frames {
    watch: FrameWatch,
    uploads: Arc<Uploads>,
    sent: SentWatch,
    /// Units that were complete when the clock was last set.
    complete: u64,
    deadline: Option<Pin<Box<Sleep>>>,
    connection: Arc<Connection>,
    keeper: Arc<dyn Doorkeeper>,
    /// The doorkeeper knows why the connection ends.
    told: bool,
}

impl Frames {
    pub(super) fn new(connection: Arc<Connection>, keeper: Arc<dyn Doorkeeper>) -> Frames {
        let settings = &connection.listener;
        let uploads = Arc::<Uploads>::default();
        Frames {
            watch: FrameWatch::new(settings.http2.resets, uploads.clone()),
            uploads,
            sent: SentWatch::new(),
            complete: 0,
            deadline: Some(after(settings.head.within)),
            connection,
            keeper,
            told: false,
        }
    }

    pub(super) fn uploads(&self) -> Arc<Uploads> {
        self.uploads.clone()
    }

    /// The end of the connection: the first reason is the one.
    pub(super) fn end(&mut self, reason: Reason) {
        if !std::mem::replace(&mut self.told, true) {
            self.keeper.refused(reason, &self.connection);
        }
    }

    fn too_many(&mut self, what: TooMany) -> io::Error {
        self.end(what.reason());
        io::Error::other("more frames than a client may send")
    }

    pub(super) fn follow(&mut self, bytes: &[u8]) -> io::Result<()> {
        let followed = self.watch.follow(bytes, self.connection.opened.elapsed());
        followed.map_err(|what| self.too_many(what))?;
        let same_unit = self.complete == self.watch.complete();
        self.complete = self.watch.complete();
        self.deadline = match self.watch.owed() {
            Owed::Nothing => None,
            // The clock of a unit runs from its beginning ...
            Owed::Bytes if same_unit && self.deadline.is_some() => self.deadline.take(),
            Owed::Bytes => Some(after(self.connection.listener.head.within)),
            // ... that of a body from its last byte.
            Owed::Data => Some(after(self.connection.listener.body_idle)),
        };
        Ok(())
    }

    /// These bytes went out.
    pub(super) fn sent(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut gone = None;
        let mut refused = 0;
        let watch = &mut self.watch;
        self.sent.follow(bytes, |sent| match sent {
            Sent::Data(len) => watch.sent_data(len),
            Sent::Window { stream, more } => self.uploads.allowed(stream, more),
            Sent::Closed(stream) => self.uploads.complete(stream),
            Sent::TooLarge => refused += 1,
            Sent::GoAway(reason) => gone = Some(reason),
        });
        for _ in 0..refused {
            self.keeper.refused(Reason::HeadTooLarge, &self.connection);
            let charged = self.watch.refused_list(self.connection.opened.elapsed());
            charged.map_err(|what| self.too_many(what))?;
        }
        if let Some(reason) = gone {
            self.end(reason);
        }
        Ok(())
    }

    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.deadline {
            None => Poll::Pending,
            Some(deadline) => {
                ready!(deadline.as_mut().poll(cx));
                self.end(match self.watch.owed() {
                    _ if !self.watch.greeted() => Reason::PrefaceTimeout,
                    Owed::Data => Reason::BodyTimeout,
                    Owed::Nothing | Owed::Bytes => Reason::HeadTimeout,
                });
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

fn after(time: Duration) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until((Instant::now() + time).into()))
}
