//! The socket to a receiver. Its thread may wait, and never for long: a receiver that takes nothing is told from one that is gone.
//!
//! ```ignore
//! let mut connection = Connection::to(&receiver, false)?;
//! connection.send(&mut piece)?;      // `WouldBlock`: the receiver takes no more for now
//! ```

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use openssl::ssl::SslStream;
use rustix::io::Errno;
use socket2::SockRef;

use super::backlog::Piece;
use super::{Receiver, tls};
use crate::config::value::Transport;

/// How long one address may take to answer, and then TLS.
const CONNECT: Duration = Duration::from_secs(5);
/// A receiver that takes nothing for so long is stuck; meanwhile nothing else is done for it.
const TAKE: Duration = Duration::from_secs(1);
/// What was sent and is not confirmed after so long goes over a new connection. The kernel watches it, a full window included.
const UNCONFIRMED: Duration = Duration::from_secs(30);
/// So long a refusal of a first datagram is waited for, where the last one was refused.
const ECHO: Duration = Duration::from_millis(200);
/// Reads of what a receiver may have to say, at once.
const HEARD: usize = 8;

/// A socket that a receiver is at the other end of.
pub(super) enum Connection {
    Datagrams { socket: UdpSocket, careful: bool },
    Stream(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

impl Connection {
    /// Looks the name up, and tries one address after the other. `careful`: the last try has failed.
    pub(super) fn to(receiver: &Receiver, careful: bool) -> io::Result<Connection> {
        let (host, port) = (&receiver.url.host, receiver.url.port);
        let addresses: Vec<SocketAddr> = match host.ip() {
            Some(ip) => vec![SocketAddr::new(ip, port)],
            None => look_up(host.as_str(), port)?,
        };
        let mut failed = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match Connection::at(address, receiver, careful) {
                Ok(connection) => return Ok(connection),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn at(address: SocketAddr, receiver: &Receiver, careful: bool) -> io::Result<Connection> {
        match receiver.url.transport {
            Transport::Udp => {
                let any: IpAddr = match address {
                    SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                    SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
                };
                let socket = UdpSocket::bind((any, 0))?;
                // Refusals come back to a connected socket only.
                socket.connect(address)?;
                socket.set_write_timeout(Some(TAKE))?;
                socket.set_read_timeout(Some(ECHO))?;
                Ok(Connection::Datagrams { socket, careful })
            }
            Transport::Tcp => Ok(Connection::Stream(stream(address)?)),
            Transport::Tls => {
                let tls = tls::connect(receiver, stream(address)?, CONNECT)?;
                Ok(Connection::Tls(Box::new(tls)))
            }
        }
    }

    /// Sends the piece, or as much of it as is taken.
    pub(super) fn send(&mut self, piece: &mut Piece) -> io::Result<()> {
        match self {
            Connection::Datagrams { socket, careful } => datagrams(socket, careful, piece),
            Connection::Stream(stream) => bytes(stream, piece),
            Connection::Tls(stream) => bytes(stream.as_mut(), piece),
        }
    }

    /// Says that this is the end, as TLS demands (RFC 5425, 4.4); what waits in the kernel still goes out.
    pub(super) fn close(self) {
        if let Connection::Tls(mut stream) = self {
            // Whoever does not hear it has no use for it.
            let _ = stream.shutdown();
        }
    }

    /// Whether the receiver has not closed it. Takes what the receiver has to say, which is nothing but tickets of TLS.
    pub(super) fn is_open(&mut self) -> bool {
        match self {
            Connection::Datagrams { .. } => true,
            Connection::Stream(stream) => {
                let _ = stream.set_nonblocking(true);
                let open = listen(stream);
                stream.set_nonblocking(false).is_ok() && open
            }
            Connection::Tls(stream) => {
                let _ = stream.get_ref().set_nonblocking(true);
                let open = listen(stream.as_mut());
                stream.get_ref().set_nonblocking(false).is_ok() && open
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sender's own thread, which no request waits for"
)]
fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok((host, port).to_socket_addrs()?.collect())
}

fn stream(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, CONNECT)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(TAKE))?;
    SockRef::from(&stream).set_tcp_user_timeout(Some(UNCONFIRMED))?;
    Ok(stream)
}

/// SECURITY: a receiver that talks without end is not listened to without end.
fn listen(stream: &mut impl Read) -> bool {
    for _ in 0..HEARD {
        match stream.read(&mut [0; 512]) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
    true
}

fn bytes(stream: &mut impl Write, piece: &mut Piece) -> io::Result<()> {
    while !piece.rest().is_empty() {
        match stream.write(piece.rest()) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => piece.took(written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn datagrams(socket: &UdpSocket, careful: &mut bool, piece: &mut Piece) -> io::Result<()> {
    while let Some(message) = piece.next() {
        let length = message.len();
        match socket.send(message) {
            Ok(_) if *careful => {
                // Only a refusal can come; if it does, this message has not arrived.
                match socket.recv(&mut [0; 1]) {
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                        return Err(error);
                    }
                    _ => *careful = false,
                }
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // No way for a message of this size: what comes after it shall not wait for ever.
            Err(error) if error.raw_os_error() == Some(Errno::MSGSIZE.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
        piece.took(length);
    }
    Ok(())
}
