//! One attempt over a connection of its own: connect from an address, send some bytes, read to the end.
//!
//! ```ignore
//! let end = knock(gateway, Ipv4Addr::new(127, 32, 0, 1), b"GET / HTTP/1.1\r\n\r\n").await;
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::End;

const PATIENCE: Duration = Duration::from_secs(5);

/// What became of the bytes that were sent.
pub(super) async fn knock(to: SocketAddr, from: Ipv4Addr, bytes: &[u8]) -> End {
    let all = async {
        let mut stream = connect(to, from).await.ok()?;
        // The gateway may have closed it: then there is nothing to send to, and reading says so.
        let _ = stream.write_all(bytes).await;
        let mut answer = [0; 512];
        match stream.read(&mut answer).await {
            Ok(n) if n > 0 => Some(answer),
            _ => None,
        }
    };
    match tokio::time::timeout(PATIENCE, all).await {
        Err(_) => End::Failed,
        Ok(None) => End::Closed,
        Ok(Some(answer)) if answer.starts_with(b"HTTP/1.1 200") => End::Served,
        Ok(Some(_)) => End::Refused,
    }
}

/// A connection from that address. It ends with a reset, so that neither side keeps it in TIME_WAIT and ports do not run out.
///
/// # Errors
/// Those of the system.
pub(super) async fn connect(to: SocketAddr, from: Ipv4Addr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_zero_linger()?;
    socket.set_nodelay(true)?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(to).await
}
