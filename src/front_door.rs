//! Everything before a request exists: listeners that come and go in a running process, PROXY protocol, TLS by server name, the
//! deadline over the request head, strict framing, and the limits of HTTP/2. What passes is handed to a Pingora HTTP app.
//!
//! ```text
//! accept ── admitted? ── PROXY header ── admitted? ── TLS by name ──┬─ HTTP/1: head ── framing ── app ──┐
//!                                                                   │    ^── boundary? ── keep-alive ───┘
//!                                                                   └─ HTTP/2: frame watch ── each stream ── app
//! ```
//!
//! Pingora's own listeners cannot change while it runs, and its HTTP/1 reader has no deadline over a head (its issue 447); so the
//! accept loop is ours and Pingora gets streams on which a whole, checked head is waiting.
//!
//! ```
//! use pingora_core::apps::HttpServerApp;
//! use portcullis::front_door::{AdmitAll, BindErrors, FrontDoor, ListenerSettings};
//! use std::{sync::Arc, time::Duration};
//!
//! async fn run<A: HttpServerApp + Send + Sync + 'static>(app: Arc<A>) -> Result<(), BindErrors> {
//!     let door = FrontDoor::new(app, Arc::new(AdmitAll));
//!     door.apply(vec![ListenerSettings::new(([127, 0, 0, 1], 0).into())]).await?;
//!     for (wanted, actual) in door.bound() {
//!         println!("{wanted} is {actual}");
//!     }
//!     door.close(Duration::from_secs(30)).await;
//!     Ok(())
//! }
//! ```

mod connection;
mod cut;
mod doorkeeper;
mod frames;
pub mod framing;
mod head;
mod http1;
mod http2;
mod listener;
mod listeners;
mod pace;
pub mod proxy_protocol;
mod serve;
mod settings;
mod socket;
mod stream;
pub mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use pingora_core::apps::HttpServerApp;
use tokio::sync::{Notify, watch};

pub use connection::{BodyProgress, Connection, ConnectionTls};
pub use doorkeeper::{AdmitAll, Doorkeeper, Guard};
pub(crate) use listener::{bind, from_fd, is_of_one_connection, open, unshare};
pub use listeners::{BindError, BindErrors, Inherited};
pub use pace::TooSlow;
pub use settings::{HeadLimits, Http2Limits, ListenerSettings, ProxyProtocol, TlsSettings};
pub(crate) use socket::Socket;
pub use stream::ClientStream;
pub(crate) use stream::LINGER;

use listeners::Listeners;

/// The listeners of the process and the connections that came through them.
pub struct FrontDoor<A> {
    shared: Arc<Shared<A>>,
    listeners: Listeners,
}

/// What every connection shares.
struct Shared<A> {
    app: Arc<A>,
    keeper: Arc<dyn Doorkeeper>,
    signals: Arc<Signals>,
    open: AtomicUsize,
    emptied: Notify,
    next_id: AtomicU64,
}

impl<A> FrontDoor<A>
where
    A: HttpServerApp + Send + Sync + 'static,
{
    /// A front door without listeners.
    pub fn new(app: Arc<A>, keeper: Arc<dyn Doorkeeper>) -> FrontDoor<A> {
        FrontDoor {
            shared: Arc::new(Shared {
                app,
                keeper,
                signals: Arc::new(Signals {
                    last: AtomicBool::new(false),
                    stop: watch::Sender::new(false),
                    leave: watch::Sender::new(false),
                    cut: watch::Sender::new(false),
                }),
                open: AtomicUsize::new(0),
                emptied: Notify::new(),
                next_id: AtomicU64::new(1),
            }),
            listeners: Listeners::default(),
        }
    }

    /// Makes the listeners be those wanted. New addresses are bound first; then kept listeners get their new settings (connections
    /// that live keep theirs) and the others stop accepting (their connections finish). Must run inside a tokio runtime: accept loops
    /// and connections are tasks of it.
    ///
    /// # Errors
    /// Every address that cannot be bound; nothing has changed then.
    pub async fn apply(&self, wanted: Vec<ListenerSettings>) -> Result<(), BindErrors> {
        self.listeners.apply(wanted, &self.shared).await
    }

    /// Which of these addresses cannot be listened on, as far as they are new. Each is let go again at once.
    pub fn cannot_be_bound(&self, wanted: &[SocketAddr]) -> BindErrors {
        self.listeners.cannot_be_bound(wanted)
    }

    /// The address each listener was told and the one it has. They differ where the port was 0.
    pub fn bound(&self) -> Vec<(SocketAddr, SocketAddr)> {
        self.listeners.bound()
    }

    /// Connections that are open now, handshakes included.
    pub fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Sockets of a process before this one. The first [`apply`](FrontDoor::apply) takes those that it wants and closes the others.
    pub fn inherit(&self, sockets: Vec<Inherited>) {
        self.listeners.inherit(sockets);
    }

    /// The listening sockets for a process after this one, which shares their queues with it.
    ///
    /// # Errors
    /// The system has no more descriptors.
    pub fn sockets(&self) -> io::Result<Vec<Inherited>> {
        self.listeners.sockets()
    }

    /// Stops accepting without closing: clients wait in the kernel's queue until [`resume`](FrontDoor::resume) or another process that
    /// has the [`sockets`](FrontDoor::sockets) accepts them.
    pub async fn pause(&self) {
        self.listeners.pause().await;
    }

    /// Accepts again after a [`pause`](FrontDoor::pause).
    pub async fn resume(&self) {
        self.listeners.resume(&self.shared).await;
    }

    /// From now on every HTTP/1 answer is the last on its connection, so that clients move elsewhere while the door is still open.
    pub fn announce_end(&self) {
        self.shared.signals.last.store(true, Ordering::Relaxed);
    }

    /// Stops accepting and lets what is under way finish: HTTP/1 answers `Connection: close`, HTTP/2 says GOAWAY, and connections at
    /// rest are closed. What is still open after `deadline` is cut off. Returns how many that were. The door does not open again.
    pub async fn close(&self, deadline: Duration) -> usize {
        self.listeners.stop().await;
        self.shared.signals.leave.send_replace(true);
        self.wind_down(deadline).await
    }

    /// The same for a process whose successor serves already, so that there is no hurry: a connection at rest may still make one
    /// request. Closing it at once could cross a request on its way, which the client would see fail.
    pub async fn wind_down(&self, deadline: Duration) -> usize {
        self.listeners.stop().await;
        self.announce_end();
        self.shared.signals.stop.send_replace(true);
        let in_time = tokio::time::timeout(deadline, self.shared.empty()).await;
        if in_time.is_ok() {
            return 0;
        }
        let cut = self.open_connections();
        self.shared.signals.cut.send_replace(true);
        self.shared.empty().await;
        cut
    }
}

/// What [`FrontDoor::close`] tells every connection.
struct Signals {
    /// Each HTTP/1 answer is the last on its connection.
    last: AtomicBool,
    /// Finish what is under way, begin nothing new. Pingora's `ShutdownWatch`.
    stop: watch::Sender<bool>,
    /// HTTP/1 connections at rest end.
    leave: watch::Sender<bool>,
    /// End at once.
    cut: watch::Sender<bool>,
}

impl<A> Shared<A> {
    fn count(self: &Arc<Self>) -> Counted<A> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.open.load(Ordering::Relaxed) == 0 {
                return;
            }
            emptied.await;
        }
    }
}

/// One open connection.
struct Counted<A>(Arc<Shared<A>>);

impl<A> Drop for Counted<A> {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}
