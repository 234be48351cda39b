//! The cure for lost WebSockets: connections for upgrades whose first read after a write waits one turn.
//!
//! Pingora 0.9.1 loses the tunnel when the server's 101 is there before Pingora has finished noting that it sent the request
//! (its issue 946): the client sees 101 and then the end. A stream that answers `Pending` once, and wakes itself, after each
//! write lets that note be taken first. It costs one turn of the event loop per write, and only upgrades use it: they get
//! connections of their own, so that they never draw a pooled one without the cure.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::Error;
use pingora_core::ErrorType::{
    ConnectError, ConnectNoRoute, ConnectRefused, ConnectTimedout, InternalError,
};
use pingora_core::connectors::L4Connect;
use pingora_core::protocols::l4::socket::SocketAddr;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::protocols::l4::virt::{VirtualSockOpt, VirtualSocket, VirtualSocketStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Connects over TCP and yields once before the first read after each write.
#[derive(Debug)]
pub struct InstantUpgrade {
    /// The longest a TCP connect may take.
    pub connect: Duration,
}

#[async_trait]
impl L4Connect for InstantUpgrade {
    async fn connect(&self, to: &SocketAddr) -> pingora_core::Result<Stream> {
        let address = to
            .as_inet()
            .ok_or_else(|| Error::explain(InternalError, "an upgrade needs an internet address"))?;
        let tcp = tokio::time::timeout(self.connect, TcpStream::connect(address))
            .await
            .map_err(|_| {
                Error::explain(
                    ConnectTimedout,
                    format!("no connection to {address} within {:?}", self.connect),
                )
            })?
            .map_err(|error| {
                let kind = match error.kind() {
                    io::ErrorKind::ConnectionRefused => ConnectRefused,
                    io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                        ConnectNoRoute
                    }
                    _ => ConnectError,
                };
                Error::because(kind, format!("connecting to {address}"), error)
            })?;
        Ok(VirtualSocketStream::new(Box::new(Unhurried { tcp, wrote: false })).into())
    }
}

/// A TCP stream that lets the writer finish its turn before it reads.
#[derive(Debug)]
struct Unhurried {
    tcp: TcpStream,
    wrote: bool,
}

impl VirtualSocket for Unhurried {
    fn set_socket_option(&self, option: VirtualSockOpt) -> io::Result<()> {
        match option {
            VirtualSockOpt::NoDelay => self.tcp.set_nodelay(true),
            VirtualSockOpt::KeepAlive(keepalive) => {
                let mut wanted = socket2::TcpKeepalive::new()
                    .with_time(keepalive.idle)
                    .with_interval(keepalive.interval);
                if let Ok(count) = u32::try_from(keepalive.count) {
                    wanted = wanted.with_retries(count);
                }
                socket2::SockRef::from(&self.tcp).set_tcp_keepalive(&wanted)
            }
            _ => Ok(()),
        }
    }
}

impl AsyncRead for Unhurried {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.wrote) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Unhurried {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wrote = true;
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wrote = true;
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}
