//! Connections to the admin listener: how many, how long each may be silent, and how each ends.
//!
//! ```text
//! accept ── room? somebody goes ─── TLS within 10 s ── head within 30 s ── answer, as long as it is taken ──┐
//!                                                          ^── the next request, or silence for 30 s ────────┘
//! ```

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::arrival::Arrival;
use super::tls::Tls;
use crate::front_door::{LINGER, Socket, is_of_one_connection};
use crate::limits::Address;

/// Connections at the same time: a scraper, health checks, and browsers that hold on to an event stream.
const MOST: usize = 128;
/// The largest head.
const HEAD: usize = 16 * 1024;
/// After this the system is asked again when it gives no connection.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a caller may keep a connection waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From the connection to the end of its handshake.
    handshake: Duration,
    /// From then, or from the last answer, to the end of a request's head.
    head: Duration,
    /// What is written waits for the caller; 500 bytes taken pay for a second of it. An answer may last as long as it likes.
    write: Duration,
}

/// What holds in the running gateway.
pub(super) const PATIENCE: Patience = Patience {
    handshake: Duration::from_secs(10),
    head: Duration::from_secs(30),
    write: Duration::from_secs(30),
};

/// What every connection gets.
#[derive(Clone)]
pub(super) struct Serving {
    pub app: Router,
    /// The TLS of the moment.
    pub tls: Arc<dyn Fn() -> Option<Arc<Tls>> + Send + Sync>,
    pub patience: Patience,
    /// True when no connection shall begin another request.
    pub leave: watch::Receiver<bool>,
}

/// Serves until it is told to leave: then it accepts nothing more and returns the connections that have yet to finish. Dropped, it ends
/// every connection too.
pub(super) async fn serve(listener: Arc<TcpListener>, mut serving: Serving) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let mut open: VecDeque<(Address, AbortHandle)> = VecDeque::new();
    let mut accept = |accepted: io::Result<(TcpStream, SocketAddr)>, serving: &Serving| {
        let (tcp, peer) = accepted?;
        while tasks.try_join_next().is_some() {}
        open.retain(|(_, connection)| !connection.is_finished());
        while open.len() >= MOST
            && let Some((_, oldest)) = open.remove(who_goes(open.iter().map(|(from, _)| *from)))
        {
            oldest.abort();
        }
        let from = Address::from(peer.ip());
        open.push_back((from, tasks.spawn(connection(tcp, peer, serving.clone()))));
        io::Result::Ok(())
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told_to_leave(&mut serving.leave) => break,
        };
        match accept(accepted, &serving) {
            Ok(()) => {}
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                log::error!("the admin listener cannot accept: {error}; next try in {PAUSE:?}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    // Who is in the queue already would be reset by the close.
    for _ in 0..MOST {
        let queued = timeout(Duration::ZERO, listener.accept()).await;
        if !queued.is_ok_and(|accepted| accept(accepted, &serving).is_ok()) {
            break;
        }
    }
    tasks
}

/// Whose place is taken, of these with the oldest first.
///
/// SECURITY: the oldest of the address that has the most. Not the newest, or whoever holds every place for ever would have blinded the
/// operator; and of no other address, or whoever comes a thousand times a second would cut off everybody else.
fn who_goes(open: impl Iterator<Item = Address> + Clone) -> usize {
    let mut held: HashMap<Address, usize> = HashMap::new();
    open.clone()
        .for_each(|from| *held.entry(from).or_default() += 1);
    let most = held.values().copied().max();
    let mut places = open.map(|from| held.get(&from).copied());
    places.position(|holds| holds == most).unwrap_or_default()
}

async fn told_to_leave(leave: &mut watch::Receiver<bool>) {
    let _ = leave.wait_for(|leave| *leave).await;
}

async fn connection(tcp: TcpStream, peer: SocketAddr, serving: Serving) {
    let Ok(local) = tcp.local_addr() else {
        return;
    };
    let mut arrival = Arrival {
        peer,
        local,
        tls: false,
        vouched: None,
    };
    let mut socket = Socket::new(tcp, serving.patience.write);
    let Some(tls) = (serving.tls)() else {
        // SECURITY: the rules of the moment may be those of loopback, and this the address that a reload is just leaving.
        if local.ip().to_canonical().is_loopback() {
            speak(&mut socket, arrival, serving).await;
        }
        return;
    };
    match timeout(serving.patience.handshake, tls.accept(socket)).await {
        Ok(Ok(mut secured)) => {
            arrival.tls = true;
            arrival.vouched = secured.vouched;
            speak(&mut *secured.stream, arrival, serving).await;
        }
        // Also for a certificate that nobody in `client_ca` vouches for.
        Ok(Err(error)) => {
            log::debug!("TLS with {peer} on the admin listener failed: {error}");
        }
        Err(_) => {}
    }
}

async fn speak<S>(stream: &mut S, arrival: Arrival, mut serving: Serving)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let app = TowerToHyperService::new(serving.app);
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(arrival);
        app.call(request)
    });
    {
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(serving.patience.head)
            .max_header_size(HEAD)
            .max_buf_size(2 * HEAD)
            .serve_connection(TokioIo::new(&mut *stream), service);
        tokio::pin!(served);
        // A fault of the caller's is answered by hyper, or nobody is left to hear of it.
        tokio::select! {
            _ = served.as_mut() => {}
            () = told_to_leave(&mut serving.leave) => {
                served.as_mut().graceful_shutdown();
                let _ = served.await;
            }
        }
    }
    // What was not read would turn the close into a reset, and the caller would not get to read why.
    let (time, most) = LINGER;
    let _ = timeout(time, async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(most as u64), &mut tokio::io::sink()).await
    })
    .await;
}
