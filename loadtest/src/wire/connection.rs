//! One connection: buffered reading of heads and lines, and writing with the place where a fault cuts it.
//!
//! ```text
//! arm(Fault::CloseInBody(4)), then write("HTTP/1.1 200 OK...", Head) and write("hello", Body)
//! puts "HTTP/1.1 200 OK...hell" on the wire and fails
//! ```

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::faults::Fault;
use super::io::Io;

/// Longest request head in bytes; more closes the connection.
const MAX_HEAD: usize = 128 * 1024;
/// Longest chunk-size or trailer line in bytes.
const MAX_LINE: usize = 8 * 1024;
/// Bytes a peer may send ahead while an answer is being streamed to it.
const MAX_AHEAD: usize = 256 * 1024;

pub(crate) struct Connection {
    pub(crate) io: Io,
    buffer: BytesMut,
    cut: Option<Cut>,
}

/// Which part of an answer is being written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// An interim answer, which no fault cuts.
    Interim,
    Head,
    Body,
}

struct Cut {
    body_only: bool,
    left: usize,
    how: How,
}

#[derive(Clone, Copy)]
enum How {
    Reset,
    Close,
    Hang,
}

impl Connection {
    pub(crate) fn new(io: Io) -> Self {
        Self {
            io,
            buffer: BytesMut::new(),
            cut: None,
        }
    }

    /// Makes the coming answer break as the fault says.
    pub(crate) fn arm(&mut self, fault: Fault) {
        let (body_only, left, how) = match fault {
            Fault::ResetAfter(bytes) => (false, bytes, How::Reset),
            Fault::CloseInBody(bytes) => (true, bytes, How::Close),
            Fault::CloseBeforeHead => (false, 0, How::Close),
            Fault::HangBeforeHead => (false, 0, How::Hang),
            Fault::HangInBody(bytes) => (true, bytes, How::Hang),
            Fault::Delay(_) => return,
        };
        self.cut = Some(Cut {
            body_only,
            left,
            how,
        });
    }

    /// Forgets a fault that found nothing to cut.
    pub(crate) fn disarm(&mut self) {
        self.cut = None;
    }

    /// The next request head with its empty line; `None` when the peer closed between requests.
    pub(crate) async fn read_head(&mut self) -> io::Result<Option<Bytes>> {
        let mut searched = 0;
        loop {
            // Empty lines before a request line are allowed (RFC 9112, 2.2).
            while searched == 0 && self.buffer.starts_with(b"\r\n") {
                drop(self.buffer.split_to(2));
            }
            if let Some(end) = end_of_head(&self.buffer, searched) {
                return Ok(Some(self.buffer.split_to(end).freeze()));
            }
            searched = self.buffer.len().saturating_sub(3);
            if self.buffer.len() > MAX_HEAD {
                return Err(io::Error::other("the request head is too long"));
            }
            if self.fill().await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// One line without its line end.
    pub(crate) async fn read_line(&mut self) -> io::Result<Bytes> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&b| b == b'\n') {
                let mut line = self.buffer.split_to(end + 1).freeze();
                line.truncate(end);
                if line.ends_with(b"\r") {
                    line.truncate(end - 1);
                }
                return Ok(line);
            }
            if self.buffer.len() > MAX_LINE {
                return Err(io::Error::other("a line is too long"));
            }
            self.fill_or_eof().await?;
        }
    }

    /// At least one and at most `most` bytes.
    pub(crate) async fn read_some(&mut self, most: u64) -> io::Result<Bytes> {
        if self.buffer.is_empty() {
            self.fill_or_eof().await?;
        }
        let size = usize::try_from(most)
            .unwrap_or(usize::MAX)
            .min(self.buffer.len());
        Ok(self.buffer.split_to(size).freeze())
    }

    /// Returns once the peer has closed or broken the connection.
    pub(crate) async fn closed(&mut self) {
        while self.buffer.len() < MAX_AHEAD {
            if !matches!(self.fill().await, Ok(read) if read > 0) {
                return;
            }
        }
    }

    /// What the peer has sent ahead of its turn.
    pub(crate) fn take_ahead(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// Writes and flushes; an armed fault cuts it short and returns an error.
    pub(crate) async fn write(&mut self, bytes: &[u8], part: Part) -> io::Result<()> {
        let Some(cut) = self
            .cut
            .as_mut()
            .filter(|cut| part == Part::Body || (part == Part::Head && !cut.body_only))
        else {
            self.io.write_all(bytes).await?;
            return self.io.flush().await;
        };
        if let Some(left) = cut.left.checked_sub(bytes.len()).filter(|&left| left > 0) {
            cut.left = left;
            self.io.write_all(bytes).await?;
            return self.io.flush().await;
        }
        let (allowed, how) = (cut.left.min(bytes.len()), cut.how);
        self.io
            .write_all(bytes.get(..allowed).unwrap_or_default())
            .await?;
        self.io.flush().await?;
        match how {
            How::Reset => self.io.tcp().set_zero_linger()?,
            How::Close => {}
            How::Hang => self.closed().await,
        }
        Err(io::Error::other("cut by a fault"))
    }

    async fn fill_or_eof(&mut self) -> io::Result<()> {
        if self.fill().await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(16 * 1024);
        self.io.read_buf(&mut self.buffer).await
    }
}

/// Index after the empty line that ends a head, looking from `from` on.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len())
        .filter(|&at| bytes.get(at) == Some(&b'\n'))
        .find_map(|at| {
            let rest = bytes.get(at + 1..)?;
            let line_end = if rest.starts_with(b"\r\n") {
                2
            } else {
                usize::from(rest.starts_with(b"\n"))
            };
            (line_end > 0).then_some(at + 1 + line_end)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_head_is_found_with_either_line_end_and_across_reads() {
        let table: [(&[u8], Option<usize>); 6] = [
            (b"GET / HTTP/1.1\r\n\r\nrest", Some(18)),
            (b"GET / HTTP/1.1\n\nrest", Some(16)),
            (b"GET / HTTP/1.1\n\r\nrest", Some(17)),
            (b"GET / HTTP/1.1\r\n\r", None),
            (b"GET / HTTP/1.1\r\nHost: a\r\n", None),
            (b"", None),
        ];
        for (bytes, expected) in table {
            assert_eq!(end_of_head(bytes, 0), expected);
            for split in 0..bytes.len() {
                let early = end_of_head(&bytes[..split], 0);
                let found = early.or_else(|| end_of_head(bytes, split.saturating_sub(3)));
                assert_eq!(found, expected, "split at {split}");
            }
        }
    }
}
