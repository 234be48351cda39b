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
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use openssl::nid::Nid;
use openssl::ssl::{NameType, Ssl, SslAcceptor};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_openssl::SslStream;

use super::body::{BodyReader, Framing};
use super::connection::{Connection, Part};
use super::exchange::{Exchange, Service};
use super::faults::{Fault, Faults};
use super::io::Io;
use super::recorder::Recorder;
use super::reply::Reply;
use super::request::{Connected, Request};
use super::tls::ServerTls;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// Longest wait for a peer to take a proper end.
const FAREWELL: Duration = Duration::from_secs(1);

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
struct Shared {
    name: String,
    recorder: Recorder,
    faults: Faults,
    /// What the accept loop should do, and what it has done.
    refuse: watch::Sender<bool>,
    refusing: watch::Sender<bool>,
    stalled: AtomicBool,
    /// Counts how often all connections were told to end.
    cuts: watch::Sender<u64>,
    accepted: AtomicU64,
    open: AtomicUsize,
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
                let Ok((tcp, peer)) = accepted else { continue };
                let number = shared.accepted.fetch_add(1, Ordering::Relaxed) + 1;
                tokio::spawn(serve(tcp, peer, number, acceptor.clone(), Arc::clone(&shared), Arc::clone(&service)));
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

/// Counts a connection as open for as long as it lives.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve<S: Service>(
    tcp: TcpStream,
    peer: SocketAddr,
    number: u64,
    acceptor: Option<SslAcceptor>,
    shared: Arc<Shared>,
    service: Arc<S>,
) {
    shared.open.fetch_add(1, Ordering::Relaxed);
    let open = Open(shared);
    let shared = &open.0;
    let mut cuts = shared.cuts.subscribe();
    // Latency is measured through this server, so small answers must not wait for acknowledgements.
    let _ = tcp.set_nodelay(true);
    let mut connected = Connected {
        connection: number,
        peer,
        tls: acceptor.is_some(),
        sni: None,
        client_certificate: None,
    };
    if shared.stalled.load(Ordering::Relaxed) {
        let _ = cuts.changed().await;
        let _ = tcp.set_zero_linger();
        return;
    }
    let mut connection = tokio::select! {
        io = handshake(tcp, acceptor, &mut connected) => match io {
            Ok(io) => Connection::new(io),
            Err(_) => return,
        },
        _ = cuts.changed() => return,
    };
    tokio::select! {
        ended = requests(&mut connection, &connected, shared, service.as_ref()) => {
            // A proper end says so (TLS close_notify); after a fault or a broken connection there is nothing proper to say.
            if ended.is_ok() {
                let _ = tokio::time::timeout(FAREWELL, connection.io.shutdown()).await;
            }
        }
        _ = cuts.changed() => {
            let _ = connection.io.tcp().set_zero_linger();
        }
    }
}

async fn handshake(
    tcp: TcpStream,
    acceptor: Option<SslAcceptor>,
    connected: &mut Connected,
) -> io::Result<Io> {
    let Some(acceptor) = acceptor else {
        return Ok(Io::Plain(tcp));
    };
    let mut stream = SslStream::new(Ssl::new(acceptor.context())?, tcp)?;
    Pin::new(&mut stream)
        .accept()
        .await
        .map_err(io::Error::other)?;
    connected.sni = stream
        .ssl()
        .servername(NameType::HOST_NAME)
        .map(str::to_owned);
    connected.client_certificate = stream.ssl().peer_certificate().and_then(|certificate| {
        let entry = certificate
            .subject_name()
            .entries_by_nid(Nid::COMMONNAME)
            .next()?;
        Some(entry.data().to_string().ok()?.to_owned())
    });
    Ok(Io::Tls(Box::new(stream)))
}

async fn requests<S: Service>(
    connection: &mut Connection,
    connected: &Connected,
    shared: &Shared,
    service: &S,
) -> io::Result<()> {
    while let Some(raw_head) = connection.read_head().await? {
        let parsed = Request::parse(&raw_head)
            .and_then(|request| Ok((Framing::of_request(&request)?, request)));
        let (framing, request) = match parsed {
            Ok(parsed) => parsed,
            Err(why) => {
                let refusal = Reply::new(400)
                    .header("Content-Type", "text/plain")
                    .body(why)
                    .closing();
                connection.write(&refusal.head_bytes(), Part::Head).await?;
                return connection.write(refusal.content(), Part::Body).await;
            }
        };
        let request = Arc::new(request);
        let number = shared
            .recorder
            .begin(&shared.name, connected.clone(), Arc::clone(&request));
        let over = Over {
            recorder: &shared.recorder,
            number,
        };
        let keep = if request.minor_version == 0 {
            request.lists("connection", "keep-alive")
        } else {
            !request.lists("connection", "close")
        };
        let continue_expected = request.lists("expect", "100-continue");
        connection.disarm();
        for fault in shared.faults.take(&request.target) {
            match fault {
                Fault::Delay(pause) => tokio::time::sleep(pause).await,
                cut => connection.arm(cut),
            }
        }
        let mut exchange = Exchange {
            request,
            connected,
            connection: &mut *connection,
            body: BodyReader::new(framing, continue_expected),
            recorder: &shared.recorder,
            server: &shared.name,
            number,
            keep,
            answered: false,
        };
        if framing == Framing::Length(0) {
            shared
                .recorder
                .change(number, |record| record.body_complete = true);
        }
        service.answer(&mut exchange).await?;
        let keep = exchange.keep && exchange.answered;
        drop(over);
        if !keep {
            break;
        }
    }
    Ok(())
}

/// Marks a record as over however the exchange ends, cancellation included.
struct Over<'r> {
    recorder: &'r Recorder,
    number: u64,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.recorder
            .change(self.number, |record| record.over = true);
    }
}
