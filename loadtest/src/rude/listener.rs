//! The common part of all rude servers: a listener, a script for each connection, and a record of what came in.
//!
//! ```no_run
//! # async fn example(server: loadtest::rude::Rude) {
//! use std::time::Duration;
//! use loadtest::rude::End;
//! let left = |seen: &[loadtest::rude::Seen]| seen.iter().any(|one| one.end == Some(End::Peer));
//! server.wait_for("the reader to leave", Duration::from_secs(5), left).await.unwrap();
//! # }
//! ```

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::connection::Connection;

/// Bytes of one connection that are kept; the rest is counted.
const KEPT: usize = 4 * 1024 * 1024;

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The other side closed or reset it.
    Peer,
    /// The script was done with it.
    Script,
}

/// One connection as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The other side.
    pub peer: SocketAddr,
    /// When it was accepted.
    pub accepted: Instant,
    /// The first 4 MiB received.
    pub received: Vec<u8>,
    /// All bytes received.
    pub received_total: u64,
    /// All bytes written.
    pub written_total: u64,
    /// Who ended it, once it is over.
    pub end: Option<End>,
    /// When it ended.
    pub ended: Option<Instant>,
}

impl Seen {
    /// What was received, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    /// How many request heads were received, counted by their empty lines.
    pub fn heads(&self) -> usize {
        self.received
            .windows(4)
            .filter(|four| four == b"\r\n\r\n")
            .count()
    }
}

/// What was waited for did not come; holds what was seen instead.
#[derive(Clone, Debug)]
pub struct NotSeen {
    /// What.
    pub what: String,
    /// The connections at the end of the wait.
    pub seen: Vec<Seen>,
}

impl std::fmt::Display for NotSeen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ends: Vec<_> = self
            .seen
            .iter()
            .map(|one| (one.received_total, one.end))
            .collect();
        write!(
            out,
            "not seen: {}; connections (bytes received, end): {ends:?}",
            self.what
        )
    }
}

impl std::error::Error for NotSeen {}

/// A running rude server. Dropping it ends it and its connections.
#[derive(Debug)]
pub struct Rude {
    address: SocketAddr,
    log: Log,
    accepting: JoinHandle<()>,
}

/// The records of all connections; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Log {
    seen: Arc<Mutex<Vec<Seen>>>,
    changed: watch::Sender<u64>,
}

impl Log {
    pub(super) fn change(&self, at: usize, change: impl FnOnce(&mut Seen)) {
        if let Some(one) = self.lock().get_mut(at) {
            change(one);
        }
        self.changed.send_modify(|version| *version += 1);
    }

    pub(super) fn received(&self, at: usize, bytes: &[u8]) {
        self.change(at, |one| {
            let room = KEPT.saturating_sub(one.received.len()).min(bytes.len());
            one.received.extend(bytes.iter().take(room));
            one.received_total += bytes.len() as u64;
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, peer: SocketAddr) -> usize {
        let mut seen = self.lock();
        seen.push(Seen {
            peer,
            accepted: Instant::now(),
            received: Vec::new(),
            received_total: 0,
            written_total: 0,
            end: None,
            ended: None,
        });
        seen.len() - 1
    }
}

impl Rude {
    /// Serves every connection by this script. The script ends the connection by returning: an error means that the peer
    /// was gone.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn serve<S, F>(script: S) -> io::Result<Self>
    where
        S: Fn(Connection) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<Connection>> + Send + 'static,
    {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Self::serve_on(socket, script)
    }

    /// As [`Self::serve`], on a bound socket with options of its own.
    pub(super) fn serve_on<S, F>(socket: TcpSocket, script: S) -> io::Result<Self>
    where
        S: Fn(Connection) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<Connection>> + Send + 'static,
    {
        let listener = socket.listen(1024)?;
        let address = listener.local_addr()?;
        let log = Log {
            seen: Arc::default(),
            changed: watch::Sender::new(0),
        };
        let accepting = tokio::spawn(accept(listener, log.clone(), script));
        Ok(Self {
            address,
            log,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All connections so far, in order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.log.lock().clone()
    }

    /// Waits until the connections look like this.
    ///
    /// # Errors
    /// They do not within `deadline`.
    pub async fn wait_for(
        &self,
        what: &str,
        deadline: Duration,
        like_this: impl Fn(&[Seen]) -> bool,
    ) -> Result<Vec<Seen>, NotSeen> {
        let mut changed = self.log.changed.subscribe();
        let wait = async {
            loop {
                changed.borrow_and_update();
                let seen = self.seen();
                if like_this(&seen) || changed.changed().await.is_err() {
                    return seen;
                }
            }
        };
        tokio::time::timeout(deadline, wait)
            .await
            .map_err(|_| NotSeen {
                what: what.to_owned(),
                seen: self.seen(),
            })
    }

    /// Waits until so many connections were ended by the other side: how fast a reader's leaving gets here.
    ///
    /// # Errors
    /// They were not within `deadline`.
    pub async fn wait_for_leavers(
        &self,
        count: usize,
        deadline: Duration,
    ) -> Result<Vec<Seen>, NotSeen> {
        let left =
            |seen: &[Seen]| seen.iter().filter(|one| one.end == Some(End::Peer)).count() >= count;
        self.wait_for("readers to leave", deadline, left).await
    }
}

impl Drop for Rude {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept<S, F>(listener: TcpListener, log: Log, script: S)
where
    S: Fn(Connection) -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<Connection>> + Send + 'static,
{
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((tcp, peer)) = listener.accept().await else {
            continue;
        };
        let at = log.open(peer);
        let connection = connection(tcp, &log, at);
        let (log, playing) = (log.clone(), script(connection));
        connections.spawn(async move {
            let (end, connection) = match playing.await {
                Ok(connection) => (End::Script, Some(connection)),
                Err(_) => (End::Peer, None),
            };
            log.change(at, |one| {
                one.end = Some(end);
                one.ended = Some(Instant::now());
            });
            drop(connection);
        });
    }
}

fn connection(tcp: TcpStream, log: &Log, at: usize) -> Connection {
    // What belongs together must leave together and at once; an error here only means a peer already gone.
    let _ = tcp.set_nodelay(true);
    Connection::new(tcp, log.clone(), at)
}
