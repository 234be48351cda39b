//! Slow and abusive clients, one after the other in a table: for the test that each is ended, and for the measurement of what they hold.
//!
//! ```no_run
//! # async fn example(address: std::net::SocketAddr) -> std::io::Result<()> {
//! use std::time::Duration;
//! use loadtest::{rude::client::Dial, slow};
//! for attack in slow::http1() {
//!     let mut client = attack.begin(&Dial::plain(address)).await?;
//!     println!("{}: {:?}", attack.name, attack.hold(&mut client, Duration::from_secs(60)).await);
//! }
//! # Ok(())
//! # }
//! ```

mod frames;
mod http1;
mod http2;
pub mod measure;

use std::io;
use std::time::Duration;

use bytes::Bytes;

use crate::rude::client::{Dial, Ended, Line};

pub use frames::{Fields, frame, get, hpack};
pub use http1::http1;
pub use http2::http2;

/// The host that the clients ask for.
pub const HOST: &str = "proxy.example.com";
/// A path with an answer that never ends.
pub const ENDLESS: &str = "/endless/";
/// A path that takes bodies and answers briefly.
pub const BRIEF: &str = "/brief/";

/// One way to hold on to a server.
#[derive(Clone, Debug)]
pub struct Attack {
    /// What it is called in a table.
    pub name: &'static str,
    /// The gateway's word for it; `None` where the end is everyday life and counted against nobody.
    pub reason: Option<&'static str>,
    /// It ends by a deadline, not by what it sends.
    pub waits: bool,
    /// Bytes the kernel holds for what it has not read; `None`: as many as it likes.
    pub receive_buffer: Option<u32>,
    opening: Bytes,
    then: Then,
}

/// What follows the opening.
#[derive(Clone, Debug)]
enum Then {
    /// Nothing, but what comes is read.
    Silence,
    /// These bytes again and again, with a pause before each.
    Drip(Bytes, Duration),
    /// These bytes as often and as fast as the line takes them.
    Flood(Bytes, usize),
    /// Nothing, and nothing is read.
    Deaf,
    /// So many bytes are read after each pause.
    Sip(usize, Duration),
}

impl Attack {
    fn new(name: &'static str, reason: &'static str, opening: impl Into<Bytes>) -> Self {
        Self {
            name,
            reason: Some(reason),
            waits: true,
            receive_buffer: None,
            opening: opening.into(),
            then: Then::Silence,
        }
    }

    fn counted_against_nobody(mut self) -> Self {
        self.reason = None;
        self
    }

    fn at_once(mut self) -> Self {
        self.waits = false;
        self
    }

    fn drip(mut self, piece: impl Into<Bytes>, pause: Duration) -> Self {
        self.then = Then::Drip(piece.into(), pause);
        self
    }

    fn flood(mut self, piece: impl Into<Bytes>, times: usize) -> Self {
        self.then = Then::Flood(piece.into(), times);
        self.at_once()
    }

    fn deaf(mut self) -> Self {
        self.then = Then::Deaf;
        self.receive_buffer = Some(8 * 1024);
        self
    }

    fn sip(mut self, bytes: usize, pause: Duration) -> Self {
        self.then = Then::Sip(bytes, pause);
        self.receive_buffer = Some(4 * 1024);
        self
    }

    /// Whether it leaves things unread: its end shows only when they are read.
    pub fn leaves_unread(&self) -> bool {
        matches!(self.then, Then::Deaf | Then::Sip(..))
    }

    /// Connects and says the opening.
    ///
    /// # Errors
    /// The connection or the TLS handshake failed.
    pub async fn begin(&self, dial: &Dial) -> io::Result<Line> {
        let dial = match self.receive_buffer {
            Some(bytes) => dial.clone().receive_buffer(bytes),
            None => dial.clone(),
        };
        let mut line = dial.open().await?;
        // Some are ended before they have said it all.
        let _ = line.write(&self.opening).await;
        Ok(line)
    }

    /// Goes on until the other side ends it or `patience` is over. Of one that leaves things
    /// unread the end shows only when they are read.
    pub async fn hold(&self, line: &mut Line, patience: Duration) -> Ended {
        let until = tokio::time::Instant::now() + patience;
        let left = || until.saturating_duration_since(tokio::time::Instant::now());
        match &self.then {
            Then::Silence => {}
            Then::Deaf => {
                tokio::time::sleep(patience).await;
                return Ended::Open;
            }
            Then::Drip(piece, pause) => {
                while !left().is_zero() {
                    let (_, ended) = line.read_to_end(*pause).await;
                    if ended != Ended::Open {
                        return ended;
                    }
                    if line.write(piece).await.is_err() {
                        break;
                    }
                }
            }
            Then::Flood(piece, times) => {
                let flood = async {
                    for _ in 0..*times {
                        if line.write(piece).await.is_err() {
                            break;
                        }
                    }
                };
                // What is not taken is not sent: the end shows in reading.
                let _ = tokio::time::timeout(patience / 2, flood).await;
            }
            Then::Sip(bytes, pause) => loop {
                tokio::time::sleep(*pause).await;
                // A timeout of nothing would still let through what can be read at once.
                if left().is_zero() {
                    return Ended::Open;
                }
                match tokio::time::timeout(left(), line.sip(*bytes)).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        return Ended::Closed;
                    }
                    Ok(Err(_)) => return Ended::Reset,
                    Err(_) => return Ended::Open,
                }
            },
        }
        line.read_to_end(left()).await.1
    }
}
