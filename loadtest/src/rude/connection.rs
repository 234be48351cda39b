//! One connection in the hands of a script: reading with everything on record, writing exact bytes.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use loadtest::rude::Rude;
//! let server = Rude::serve(|mut connection| async move {
//!     connection.read_head().await?;
//!     connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!").await?;
//!     Ok(connection)
//! })
//! .await?;
//! # drop(server); Ok(())
//! # }
//! ```

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::listener::Log;

/// Largest head that is read.
const MAX_HEAD: usize = 16 * 1024 * 1024;
/// Most bytes that may wait to be read by the script.
const MAX_AHEAD: usize = 64 * 1024 * 1024;

/// A connection that a script plays on.
#[derive(Debug)]
pub struct Connection {
    tcp: TcpStream,
    ahead: BytesMut,
    log: Log,
    at: usize,
}

impl Connection {
    pub(super) fn new(tcp: TcpStream, log: Log, at: usize) -> Self {
        Self {
            tcp,
            ahead: BytesMut::new(),
            log,
            at,
        }
    }

    /// One request head, up to and with its empty line.
    ///
    /// # Errors
    /// The peer has gone, or the head is above 16 MiB.
    pub async fn read_head(&mut self) -> io::Result<Bytes> {
        let mut searched = 0;
        loop {
            let found = self
                .ahead
                .get(searched..)
                .and_then(|rest| rest.windows(4).position(|four| four == b"\r\n\r\n"));
            if let Some(found) = found {
                return Ok(self.ahead.split_to(searched + found + 4).freeze());
            }
            if self.ahead.len() > MAX_HEAD {
                return Err(io::Error::other("the request head does not end"));
            }
            searched = self.ahead.len().saturating_sub(3);
            self.fill().await?;
        }
    }

    /// What has arrived beyond the heads and pieces read so far.
    pub fn ahead(&self) -> &[u8] {
        &self.ahead
    }

    /// Takes this many of the bytes that have arrived, or fewer.
    pub fn take(&mut self, size: usize) -> Bytes {
        let size = size.min(self.ahead.len());
        self.ahead.split_to(size).freeze()
    }

    /// Waits for more bytes.
    ///
    /// # Errors
    /// The peer has gone.
    pub async fn fill(&mut self) -> io::Result<()> {
        let before = self.ahead.len();
        if before > MAX_AHEAD {
            return Err(io::Error::other("too much has arrived that nobody reads"));
        }
        if self.tcp.read_buf(&mut self.ahead).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.log
            .received(self.at, self.ahead.get(before..).unwrap_or_default());
        Ok(())
    }

    /// Writes these bytes, in one piece when the system lets it.
    ///
    /// # Errors
    /// The peer has gone.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tcp.write_all(bytes).await?;
        self.log
            .change(self.at, |one| one.written_total += bytes.len() as u64);
        Ok(())
    }

    /// Writes bytes, and notices if the peer leaves while they wait to be sent. What arrives meanwhile is kept.
    ///
    /// # Errors
    /// The peer has gone.
    pub async fn write_watching(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut reader, mut writer) = self.tcp.split();
        let (ahead, log, at) = (&mut self.ahead, &self.log, self.at);
        let watch = async {
            loop {
                let before = ahead.len();
                match reader.read_buf(ahead).await {
                    Ok(0) => return io::Error::from(io::ErrorKind::UnexpectedEof),
                    Ok(_) if before > MAX_AHEAD => {
                        return io::Error::other("too much has arrived that nobody reads");
                    }
                    Ok(_) => log.received(at, ahead.get(before..).unwrap_or_default()),
                    Err(error) => return error,
                }
            }
        };
        tokio::select! {
            biased;
            written = writer.write_all(bytes) => written?,
            gone = watch => return Err(gone),
        }
        self.log
            .change(self.at, |one| one.written_total += bytes.len() as u64);
        Ok(())
    }

    /// Waits this long; what arrives meanwhile is kept.
    ///
    /// # Errors
    /// The peer has gone meanwhile.
    pub async fn pause(&mut self, time: Duration) -> io::Result<()> {
        let wait = tokio::time::sleep(time);
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => return Ok(()),
                filled = self.fill() => filled?,
            }
        }
    }

    /// Reads what comes until the peer leaves.
    ///
    /// # Errors
    /// Always in the end: the peer has gone.
    pub async fn until_gone(&mut self) -> io::Result<()> {
        loop {
            self.fill().await?;
            self.ahead.clear();
        }
    }

    /// Ends by a TCP reset instead of a close.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn reset(self) -> io::Result<Self> {
        self.tcp.set_zero_linger()?;
        Ok(self)
    }
}
