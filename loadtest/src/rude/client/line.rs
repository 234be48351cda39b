//! An open connection of the rude client, for exchanges in several steps.
//!
//! ```no_run
//! # async fn example(address: std::net::SocketAddr) -> std::io::Result<()> {
//! use std::time::Duration;
//! use loadtest::rude::client::Dial;
//! let mut line = Dial::plain(address).open().await?;
//! line.write(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n").await?;
//! let head = line.read_until(b"\r\n\r\n", Duration::from_secs(1)).await?;
//! line.write(b"\x81\x80\0\0\0\0").await?;
//! # drop(head); Ok(())
//! # }
//! ```

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Ended, MAX_READ};
use crate::wire::Io;

/// An open connection.
#[derive(Debug)]
pub struct Line {
    pub(super) io: Io,
    pub(super) ahead: BytesMut,
}

impl Line {
    pub(super) fn new(io: Io) -> Self {
        Self {
            io,
            ahead: BytesMut::new(),
        }
    }

    /// The protocol that ALPN chose.
    pub fn alpn(&self) -> Option<String> {
        match &self.io {
            Io::Plain(_) => None,
            Io::Tls(tls) => {
                let chosen = tls.ssl().selected_alpn_protocol()?;
                Some(String::from_utf8_lossy(chosen).into_owned())
            }
        }
    }

    /// The bare stream, for a protocol of its own. What was read ahead of it is lost.
    pub fn into_io(self) -> Io {
        self.io
    }

    /// Sends these bytes.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.io.write_all(bytes).await?;
        self.io.flush().await
    }

    /// Sends these bytes a few at a time with a pause between.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn drip(&mut self, bytes: &[u8], size: usize, pause: Duration) -> io::Result<()> {
        super::drip(&mut self.io, bytes, size.max(1), pause).await
    }

    /// Reads up to and with this mark; what follows stays for the next read.
    ///
    /// # Errors
    /// The connection ended before, or the deadline passed (`TimedOut`).
    pub async fn read_until(&mut self, mark: &[u8], deadline: Duration) -> io::Result<Bytes> {
        let read = async {
            loop {
                let found = self
                    .ahead
                    .windows(mark.len().max(1))
                    .position(|part| part == mark);
                if let Some(found) = found {
                    return Ok(self.ahead.split_to(found + mark.len()).freeze());
                }
                self.fill().await?;
            }
        };
        tokio::time::timeout(deadline, read).await?
    }

    /// Reads exactly so many bytes.
    ///
    /// # Errors
    /// The connection ended before, or the deadline passed (`TimedOut`).
    pub async fn read_exactly(&mut self, size: usize, deadline: Duration) -> io::Result<Bytes> {
        let read = async {
            while self.ahead.len() < size {
                self.fill().await?;
            }
            Ok(self.ahead.split_to(size).freeze())
        };
        tokio::time::timeout(deadline, read).await?
    }

    /// Reads once, so many bytes at most, and takes no more than these from the system.
    ///
    /// # Errors
    /// The connection ended or broke.
    pub async fn sip(&mut self, most: usize) -> io::Result<Bytes> {
        if self.ahead.is_empty() {
            let mut sip = vec![0; most];
            let n = self.io.read(&mut sip).await?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            sip.truncate(n);
            return Ok(sip.into());
        }
        Ok(self.ahead.split_to(most.min(self.ahead.len())).freeze())
    }

    /// Reads until the connection ends, or the deadline passes.
    pub async fn read_to_end(&mut self, deadline: Duration) -> (Bytes, Ended) {
        let read = async {
            loop {
                match self.fill().await {
                    Ok(()) if self.ahead.len() >= MAX_READ => return Ended::TooMuch,
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        return Ended::Closed;
                    }
                    Err(_) => return Ended::Reset,
                }
            }
        };
        let ended = tokio::time::timeout(deadline, read)
            .await
            .unwrap_or(Ended::Open);
        (self.ahead.split().freeze(), ended)
    }

    /// Ends the connection by a TCP reset.
    pub fn reset(self) {
        // A connection that is gone already needs no reset.
        let _ = self.io.tcp().set_zero_linger();
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.io.read_buf(&mut self.ahead).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}
