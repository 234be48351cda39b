//! Listening sockets and the loop that accepts from one.
//!
//! ```ignore
//! let socket = listener::open(listener::bind("0.0.0.0:443".parse()?, &[])?)?;
//! tokio::spawn(listener::accept_loop(Arc::new(socket), settings, door, leave));
//! ```

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use pingora_core::apps::HttpServerApp;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::cut::Cuts;
use super::{ListenerSettings, Shared, serve};

const BACKLOG: i32 = 65535;
/// A client that vanished without a word is found out after about two minutes.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);
/// Bytes the kernel takes ahead of what is on the line. SECURITY: without it a client that reads nothing has megabytes held for it,
/// and one that reads slowly looks like one that reads nothing, because the kernel asks for more only when a third of them has gone.
const UNSENT: u32 = 64 * 1024;
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Binds, and does not listen yet: as long as other addresses may fail, no client must end up here. IPv6 addresses take IPv6 only: an
/// address means what it says.
///
/// A socket that is `leaving` shares its port with the new one for the moment that both are there: `0.0.0.0:443` becomes
/// `192.0.2.1:443` without an instant in which nobody listens.
///
/// PERF: on Linux an accepted socket inherits TCP_NODELAY, TCP_NOTSENT_LOWAT and keep-alive from the listening one, so accepting costs no further calls.
///
/// # Errors
/// Those of the system, such as an address in use or a port that needs a capability.
pub(crate) fn bind(listen: SocketAddr, leaving: &[Arc<TcpListener>]) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(listen),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if listen.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_tcp_nodelay(true)?;
    let (time, interval, retries) = KEEPALIVE;
    let keepalive = TcpKeepalive::new()
        .with_time(time)
        .with_interval(interval)
        .with_retries(retries);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_notsent_lowat(UNSENT)?;
    share(&socket, listen, leaving)?;
    socket.bind(&listen.into())?;
    Ok(socket)
}

/// Listens on a socket from [`bind`].
///
/// # Errors
/// Somebody else listens there since.
pub(crate) fn open(socket: Socket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)?;
    // From here on nobody else may have a part of the port, least of all a second gateway that was started by mistake.
    socket.set_reuse_port(false)?;
    TcpListener::from_std(socket.into())
}

/// A socket that another process of ours has bound like [`bind`].
///
/// # Errors
/// It is no socket that listens.
pub(crate) fn from_fd(socket: OwnedFd) -> io::Result<TcpListener> {
    let socket = Socket::from(socket);
    if !socket.is_listener()? {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "does not listen",
        ));
    }
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// What was shared stays with its owner: no new socket came of it.
pub(crate) fn unshare(staying: &[Arc<TcpListener>]) {
    for socket in staying {
        // It fails for no socket that listens.
        let _ = SockRef::from(&**socket).set_reuse_port(false);
    }
}

/// Linux lets two sockets have one port if both say so at the moment the second one binds.
fn share(socket: &Socket, listen: SocketAddr, leaving: &[Arc<TcpListener>]) -> io::Result<()> {
    for old in leaving {
        if listen.port() != 0 && old.local_addr()?.port() == listen.port() {
            SockRef::from(&**old).set_reuse_port(true)?;
            socket.set_reuse_port(true)?;
        }
    }
    Ok(())
}

/// Accepts until `leave` says so, and then whoever is in the queue already: closing would reset them. Each connection gets the settings of
/// its moment. Aborted, it leaves the queue as it is.
pub(super) async fn accept_loop<A>(
    listener: Arc<TcpListener>,
    settings: Arc<ArcSwap<ListenerSettings>>,
    door: Arc<Shared<A>>,
    leave: Arc<Notify>,
) where
    A: HttpServerApp + Send + Sync + 'static,
{
    let bound = listener.local_addr().ok();
    let mut pause = PAUSE.0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = leave.notified() => break,
        };
        match accepted {
            Ok((tcp, peer)) => {
                pause = PAUSE.0;
                serve_one(tcp, peer, bound, settings.load_full(), &door);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Out of descriptors or memory: the queue keeps the clients, and trying at once would only burn the processor.
                log::error!("cannot accept on {bound:?}: {error}; next try in {pause:?}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
    // The clock is asked after the queue, so who waits is found; a flood that goes on meanwhile has its end here.
    for _ in 0..BACKLOG {
        match timeout(Duration::ZERO, listener.accept()).await {
            Ok(Ok((tcp, peer))) => serve_one(tcp, peer, bound, settings.load_full(), &door),
            Ok(Err(error)) if is_of_one_connection(&error) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

fn serve_one<A>(
    tcp: TcpStream,
    peer: SocketAddr,
    bound: Option<SocketAddr>,
    settings: Arc<ListenerSettings>,
    door: &Arc<Shared<A>>,
) where
    A: HttpServerApp + Send + Sync + 'static,
{
    let cuts = Cuts::watch(&*door.keeper);
    let Some(guard) = door.keeper.admit(peer.ip().to_canonical(), &settings) else {
        return;
    };
    // PERF: only a wildcard listener has to ask which of our addresses it was.
    let local = match bound.filter(|bound| !bound.ip().is_unspecified()) {
        Some(bound) => bound,
        None => match tcp.local_addr() {
            Ok(local) => local,
            Err(_) => return,
        },
    };
    let arrival = serve::Arrival {
        tcp,
        peer,
        local,
        settings,
        guard,
        cuts,
        at: Instant::now(),
    };
    tokio::spawn(serve::connection(door.count(), arrival));
}

/// accept(2): these tell of a connection that failed before it was taken, and the next one may be fine.
pub(crate) fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionReset
            | ConnectionRefused
            | Interrupted
            | HostUnreachable
            | NetworkUnreachable
            | NetworkDown
            | TimedOut
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_accepted_connection_has_nodelay_and_keepalive() {
        let socket = bind(([127, 0, 0, 1], 0).into(), &[]).expect("loopback");
        let listener = open(socket).expect("listens");
        let address = listener.local_addr().expect("bound");
        let _client = tokio::net::TcpStream::connect(address)
            .await
            .expect("connects");
        let (accepted, _) = listener.accept().await.expect("accepts");
        assert!(accepted.nodelay().expect("readable"));
        assert!(
            socket2::SockRef::from(&accepted)
                .keepalive()
                .expect("readable")
        );
        let unsent = socket2::SockRef::from(&accepted).tcp_notsent_lowat();
        assert_eq!(unsent.expect("readable"), UNSENT);
    }

    #[tokio::test]
    async fn both_families_may_have_the_same_port() {
        let four = bind(([0, 0, 0, 0], 0).into(), &[]).expect("any IPv4 address");
        let four = open(four).expect("listens");
        let port = four.local_addr().expect("bound").port();
        match bind((std::net::Ipv6Addr::UNSPECIFIED, port).into(), &[]) {
            Ok(_) => {}
            // The machine may have no IPv6; what must not happen is that the addresses collide.
            Err(error) => assert_ne!(error.kind(), io::ErrorKind::AddrInUse),
        }
    }

    #[test]
    fn a_failed_connection_is_told_from_a_lack_of_descriptors() {
        let errors = |codes: &[i32]| -> Vec<bool> {
            let of = |&code: &i32| is_of_one_connection(&io::Error::from_raw_os_error(code));
            codes.iter().map(of).collect()
        };
        // Linux: ECONNABORTED, EINTR, EHOSTUNREACH, ECONNRESET; EMFILE, ENFILE, ENOMEM, ENOBUFS.
        assert_eq!(errors(&[103, 4, 113, 104]), [true; 4]);
        assert_eq!(errors(&[24, 23, 12, 105]), [false; 4]);
    }
}
