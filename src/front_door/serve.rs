//! One connection from accept to close: PROXY header, TLS, then HTTP/1 or HTTP/2.
//!
//! ```ignore
//! tokio::spawn(serve::connection(door, arrival));
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use pingora_core::apps::HttpServerApp;
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use super::cut::Cuts;
use super::doorkeeper::Guard;
use super::proxy_protocol::{self, Step};
use super::settings::ProxyProtocol;
use super::socket::Socket;
use super::stream::{ClientStream, Io};
use super::{Connection, Counted, ListenerSettings, Shared, http1, http2};
use crate::reason::Reason;

/// An admitted TCP connection.
pub(super) struct Arrival {
    pub tcp: TcpStream,
    pub peer: SocketAddr,
    pub local: SocketAddr,
    pub settings: Arc<ListenerSettings>,
    pub guard: Guard,
    /// Those since before it was admitted.
    pub cuts: Cuts,
    pub at: Instant,
}

/// Ready for requests.
struct Established {
    stream: Box<ClientStream>,
    connection: Arc<Connection>,
    cuts: Cuts,
    _guards: (Guard, Option<Guard>),
}

/// Everything that ends a connection leads back here; `cut` ends what is still open after the drain's deadline.
pub(super) async fn connection<A>(door: Counted<A>, arrival: Arrival)
where
    A: HttpServerApp + Send + Sync + 'static,
{
    let Counted(door) = &door;
    let mut cut = door.signals.cut.subscribe();
    tokio::select! {
        biased;
        () = live(door, arrival) => {}
        _ = cut.wait_for(|cut| *cut) => {}
    }
}

async fn live<A>(door: &Arc<Shared<A>>, arrival: Arrival)
where
    A: HttpServerApp + Send + Sync + 'static,
{
    // PERF: boxed, so that the long life after it does not carry the size of a handshake.
    let Some(established) = Box::pin(establish(door, arrival)).await else {
        return;
    };
    let connection = established.connection;
    door.keeper.opened(&connection);
    let _closed = Closed {
        door,
        connection: &connection,
    };
    let stream = established.stream;
    let requests = async {
        match connection.http2 {
            true => Box::pin(http2::serve(door, stream, connection.clone())).await,
            false => Box::pin(http1::serve(door, stream, connection.clone())).await,
        }
    };
    // SECURITY: a trusted proxy's connection is not its own: what clients have open in it ends request by request.
    let peer = connection.peer.ip();
    let client = (!connection.listener.trusts(peer)).then_some(peer);
    tokio::select! {
        biased;
        () = requests => {}
        () = established.cuts.reach(&*door.keeper, || client) => {
            door.keeper.refused(Reason::Banned, &connection);
        }
    }
}

/// Tells the doorkeeper however the connection ends.
struct Closed<'a, A> {
    door: &'a Shared<A>,
    connection: &'a Connection,
}

impl<A> Drop for Closed<'_, A> {
    fn drop(&mut self) {
        self.door.keeper.closed(self.connection);
    }
}

async fn establish<A>(door: &Shared<A>, arrival: Arrival) -> Option<Established> {
    let settings = arrival.settings;
    let mut connection = Connection {
        id: door.next_id.fetch_add(1, Ordering::Relaxed),
        listener: settings.clone(),
        local: arrival.local,
        tcp_peer: arrival.peer,
        peer: arrival.peer,
        tls: None,
        http2: false,
        opened: arrival.at,
    };
    let mut socket = Socket::new(arrival.tcp, settings.write_idle);
    let mut second = None;
    match client_of(&mut socket, &connection).await {
        Ok(None) => {}
        Ok(Some(client)) => {
            connection.peer = client;
            second = Some(
                door.keeper
                    .admit_named(client.ip().to_canonical(), &settings)?,
            );
        }
        Err(refused) => return refused.tell(door, &connection),
    }
    let io = match &settings.tls {
        None => Io::Plain(socket),
        Some(tls) => match tls.accept(socket, settings.tls_handshake).await {
            Ok(accepted) => {
                connection.tls = Some(accepted.tls);
                connection.http2 = accepted.http2;
                Io::Tls(accepted.stream)
            }
            Err(refused) => return refused.tell(door, &connection),
        },
    };
    let connection = Arc::new(connection);
    Some(Established {
        stream: Box::new(ClientStream::new(io, &connection, &door.keeper)),
        connection,
        cuts: arrival.cuts,
        _guards: (arrival.guard, second),
    })
}

/// A connection that ended before a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoEntry {
    /// The client left before it said a word: port checks of balancers and connections that browsers open in advance do that.
    Left,
    /// Worth telling the doorkeeper.
    Refused(Reason),
}

impl NoEntry {
    /// What to make of bytes that failed to come.
    pub(super) fn of(said_something: bool, out_of_time: bool, reason: Reason) -> NoEntry {
        match (said_something, out_of_time) {
            (true, _) => NoEntry::Refused(reason),
            (false, true) => NoEntry::Refused(Reason::IdleConnection),
            (false, false) => NoEntry::Left,
        }
    }

    fn tell<A>(self, door: &Shared<A>, connection: &Connection) -> Option<Established> {
        if let NoEntry::Refused(reason) = self {
            door.keeper.refused(reason, connection);
        }
        None
    }
}

/// The client a believed PROXY header names. From peers that are not trusted nothing is looked for: their header is malformed input
/// to whatever protocol follows.
async fn client_of(
    socket: &mut Socket,
    connection: &Connection,
) -> Result<Option<SocketAddr>, NoEntry> {
    let settings = &connection.listener;
    let trusted = settings.trusts(connection.tcp_peer.ip());
    let required = match (settings.proxy_protocol, trusted) {
        (ProxyProtocol::Never, _) | (ProxyProtocol::Accept, false) => return Ok(None),
        (ProxyProtocol::Require, false) => return Err(NoEntry::Refused(Reason::ProxyProtocol)),
        (ProxyProtocol::Accept, true) => false,
        (ProxyProtocol::Require, true) => true,
    };
    let deadline = tokio::time::Instant::now() + settings.head.within;
    loop {
        match proxy_protocol::parse(socket.peeked()) {
            Ok(Step::Header { len, client }) => {
                socket.consume(len);
                return Ok(client);
            }
            Ok(Step::NotOne) if !required => return Ok(None),
            Ok(Step::NotOne) | Err(proxy_protocol::Malformed) => {
                return Err(NoEntry::Refused(Reason::ProxyProtocol));
            }
            Ok(Step::More) => {}
        }
        let read = timeout_at(deadline, socket.peek_more()).await;
        if !matches!(read, Ok(Ok(1..))) {
            let said_something = !socket.peeked().is_empty();
            return Err(NoEntry::of(
                said_something,
                read.is_err(),
                Reason::ProxyProtocol,
            ));
        }
    }
}
