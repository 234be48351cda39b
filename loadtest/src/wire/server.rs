//! The listener: accepts, does TLS, reads requests and hands each to the [`Service`].
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use loadtest::wire::{Authority, Reply, Respond, Server, ServerOptions, ServerTls};
//! let authority = Authority::new("Simulated CIC authority")?;
//! let tls = ServerTls::new(authority.issue(&["icserver1", "127.0.0.1"])?);
//! let options = ServerOptions { tls: Some(tls), ..ServerOptions::default() };
//! let server = Server::start(options, Respond(|_| Reply::new(200))).await?;
//! server.refuse_connections(true).await; // ECONNREFUSED on the same port
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use openssl::ssl::SslAcceptor;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::exchange::Service;
use super::faults::Faults;
use super::recorder::Recorder;
use super::serving::{self, Accepted};
use super::tls::ServerTls;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Name in the records.
    pub name: String,
    /// Where to listen; port 0 lets the system choose.
    pub bind: SocketAddr,
    /// TLS, or plain HTTP.
    pub tls: Option<ServerTls>,
    /// Where requests are recorded; several servers may share one.
    pub recorder: Recorder,
}

impl Default for ServerOptions {
    fn default() -> Self {
        let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            name: "server".to_owned(),
            bind,
            tls: None,
            recorder: Recorder::default(),
        }
    }
}

/// A running server. Dropping it closes the listener and every connection.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    tls: bool,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) recorder: Recorder,
    pub(super) faults: Faults,
    /// What the accept loop should do, and what it has done.
    pub(super) refuse: watch::Sender<bool>,
    pub(super) refusing: watch::Sender<bool>,
    pub(super) stalled: AtomicBool,
    /// Counts how often all connections were told to end.
    pub(super) cuts: watch::Sender<u64>,
    pub(super) accepted: AtomicU64,
    pub(super) open: AtomicUsize,
}

impl Server {
    /// Binds and serves in the background of the current runtime.
    ///
    /// # Errors
    /// The address cannot be bound, or the TLS identity is not usable.
    pub async fn start(options: ServerOptions, service: impl Service) -> io::Result<Self> {
        let acceptor = options.tls.as_ref().map(ServerTls::acceptor).transpose()?;
        let listener = bind(options.bind)?.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            name: options.name,
            recorder: options.recorder,
            faults: Faults::default(),
            refuse: watch::Sender::new(false),
            refusing: watch::Sender::new(false),
            stalled: AtomicBool::new(false),
            cuts: watch::Sender::new(0),
            accepted: AtomicU64::new(0),
            open: AtomicUsize::new(0),
        });
        let tls = acceptor.is_some();
        let accepting = tokio::spawn(accept_loop(
            listener,
            address,
            acceptor,
            Arc::clone(&shared),
            Arc::new(service),
        ));
        Ok(Self {
            address,
            tls,
            shared,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://address:port` or `https://address:port`.
    pub fn base_url(&self) -> String {
        format!(
            "{}://{}",
            if self.tls { "https" } else { "http" },
            self.address
        )
    }

    /// Whether the listener speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// What has arrived.
    pub fn recorder(&self) -> &Recorder {
        &self.shared.recorder
    }

    /// The faults of answers.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Connections accepted since the start.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Connections open now.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Refuses new connections at TCP level (the port stays reserved), or listens again. In effect once this returns.
    pub async fn refuse_connections(&self, refuse: bool) {
        let mut refusing = self.shared.refusing.subscribe();
        self.shared.refuse.send_replace(refuse);
        // The loop lives as long as this server, so the wait can only end with the change made.
        let _ = refusing.wait_for(|&now| now == refuse).await;
    }

    /// Accepts new connections and then says nothing on them, not even TLS; connections accepted so stay silent.
    pub fn stall_new_connections(&self, stall: bool) {
        self.shared.stalled.store(stall, Ordering::Relaxed);
    }

    /// Ends every open connection at once with a TCP reset.
    pub fn reset_connections(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.reset_connections();
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept_loop<S: Service>(
    listener: TcpListener,
    address: SocketAddr,
    acceptor: Option<SslAcceptor>,
    shared: Arc<Shared>,
    service: Arc<S>,
) {
    let mut refuse = shared.refuse.subscribe();
    let mut listener = listener;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((tcp, peer)) = accepted else {
                    // Out of descriptors, most likely: trying again at once would only spin.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                let number = shared.accepted.fetch_add(1, Ordering::Relaxed) + 1;
                // Subscribed before the task exists, so that a server dropped right now ends this connection too.
                let end = shared.cuts.subscribe();
                let accepted = Accepted { tcp, peer, number, end };
                tokio::spawn(serving::serve(accepted, acceptor.clone(), Arc::clone(&shared), Arc::clone(&service)));
            }
            wanted = async { refuse.wait_for(|&refuse| refuse).await.is_ok() } => {
                if !wanted {
                    return;
                }
                // A bound socket that does not listen answers with a reset and keeps the port ours.
                drop(listener);
                let Ok(reserved) = bind(address) else { return };
                shared.refusing.send_replace(true);
                if refuse.wait_for(|&refuse| !refuse).await.is_err() {
                    return;
                }
                let Ok(listening) = reserved.listen(BACKLOG) else { return };
                listener = listening;
                shared.refusing.send_replace(false);
            }
        }
    }
}
