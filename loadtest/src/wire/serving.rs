//! One connection's life: handshake, request after request, and a proper end or an abrupt one.
//!
//! ```text
//! accept -> TLS -> [ head -> record -> faults -> Service::answer ]* -> close_notify, FIN
//! ```

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use openssl::nid::Nid;
use openssl::ssl::{NameType, Ssl, SslAcceptor};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_openssl::SslStream;

use super::body::{BodyReader, Framing};
use super::connection::Connection;
use super::exchange::{Exchange, Service};
use super::faults::Fault;
use super::io::Io;
use super::recorder::Recorder;
use super::reply::Reply;
use super::request::{Connected, Request};
use super::server::Shared;

/// Longest wait for a peer to take a proper end.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection just accepted.
pub(super) struct Accepted {
    pub(super) tcp: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) number: u64,
    /// Changes when the connection has to end at once.
    pub(super) end: watch::Receiver<u64>,
}

/// Counts a connection as open for as long as it lives.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) async fn serve<S: Service>(
    accepted: Accepted,
    acceptor: Option<SslAcceptor>,
    shared: Arc<Shared>,
    service: Arc<S>,
) {
    shared.open.fetch_add(1, Ordering::Relaxed);
    let open = Open(shared);
    let shared = &open.0;
    let Accepted {
        tcp,
        peer,
        number,
        mut end,
    } = accepted;
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
        let _ = end.changed().await;
        let _ = tcp.set_zero_linger();
        return;
    }
    let mut connection = tokio::select! {
        io = handshake(tcp, acceptor, &mut connected) => match io {
            Ok(io) => Connection::new(io),
            Err(_) => return,
        },
        _ = end.changed() => return,
    };
    tokio::select! {
        ended = requests(&mut connection, &connected, shared, service.as_ref()) => {
            // A proper end says so (TLS close_notify); after a fault or a broken connection there is nothing proper to say.
            if ended.is_ok() {
                let _ = tokio::time::timeout(FAREWELL, connection.io.shutdown()).await;
            }
        }
        _ = end.changed() => {
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
        let parsed = Request::parse(&raw_head);
        let framing = parsed
            .as_ref()
            .map_err(String::clone)
            .and_then(Framing::of_request);
        // What cannot be served is on record too: a test has to see that it got this far.
        let request = Arc::new(parsed.unwrap_or_else(|_| Request::unreadable(&raw_head)));
        let number = shared
            .recorder
            .begin(&shared.name, connected.clone(), Arc::clone(&request));
        let _over = Over {
            recorder: &shared.recorder,
            number,
        };
        connection.disarm();
        for fault in shared.faults.take(&request.target) {
            match fault {
                Fault::Delay(pause) => tokio::time::sleep(pause).await,
                cut => connection.arm(cut),
            }
        }
        let mut exchange = Exchange {
            body: BodyReader::new(
                *framing.as_ref().unwrap_or(&Framing::Length(0)),
                request.lists("expect", "100-continue"),
            ),
            keep: request.minor_version >= 1 && !request.lists("connection", "close"),
            request,
            connected,
            connection: &mut *connection,
            recorder: &shared.recorder,
            server: &shared.name,
            number,
            answered: false,
        };
        if let Err(why) = framing {
            return exchange
                .reply(
                    Reply::new(400)
                        .header("Content-Type", "text/plain")
                        .body(why)
                        .closing(),
                )
                .await;
        }
        if exchange.body.is_done() {
            shared
                .recorder
                .change(number, |record| record.body_complete = true);
        }
        service.answer(&mut exchange).await?;
        if !exchange.keep || !exchange.answered {
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
