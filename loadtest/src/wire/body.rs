//! How a body is framed, and reading one piece by piece.
//!
//! ```
//! use loadtest::wire::{Framing, Request};
//! let request = Request::parse(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n").unwrap();
//! assert_eq!(Framing::of_request(&request), Ok(Framing::Length(5)));
//! ```

use std::io;

use bytes::Bytes;

use super::connection::{Connection, Part};
use super::request::Request;

/// Largest number of trailer lines after a chunked body.
const MAX_TRAILERS: usize = 64;

/// Where a body ends (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// After this many bytes; 0 means there is no body.
    Length(u64),
    /// After the chunk of size zero and the trailers.
    Chunked,
}

impl Framing {
    /// The framing of a request's body.
    ///
    /// # Errors
    /// Framing that two readers could take differently: both headers, repeated or odd lengths, codings other than chunked.
    pub fn of_request(request: &Request) -> Result<Self, String> {
        let (lengths, codings) = (
            request.all("content-length"),
            request.all("transfer-encoding"),
        );
        match (lengths.as_slice(), codings.as_slice()) {
            ([], []) => Ok(Self::Length(0)),
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Self::Chunked),
            ([length], []) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {
                length
                    .parse()
                    .map(Self::Length)
                    .map_err(|_| "the content length is too large".to_owned())
            }
            _ => Err(format!(
                "ambiguous framing: Content-Length {lengths:?}, Transfer-Encoding {codings:?}"
            )),
        }
    }
}

/// Reads one body off a connection.
pub(crate) struct BodyReader {
    state: State,
    continue_expected: bool,
}

enum State {
    Length(u64),
    ChunkHead,
    Chunk(u64),
    Done,
}

impl BodyReader {
    pub(crate) fn new(framing: Framing, continue_expected: bool) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkHead,
        };
        Self {
            state,
            continue_expected,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether the peer is still holding the body back.
    pub(crate) fn is_held_back(&self) -> bool {
        self.continue_expected && !self.is_done()
    }

    /// The next piece; `None` at the end. Asks for the body first where the peer waits to be asked.
    pub(crate) async fn next(&mut self, connection: &mut Connection) -> io::Result<Option<Bytes>> {
        if self.is_held_back() {
            self.continue_expected = false;
            connection
                .write(b"HTTP/1.1 100 Continue\r\n\r\n", Part::Interim)
                .await?;
        }
        loop {
            match self.state {
                State::Done => return Ok(None),
                State::Length(left) => {
                    let piece = connection.read_some(left).await?;
                    let left = left - piece.len() as u64;
                    self.state = if left == 0 {
                        State::Done
                    } else {
                        State::Length(left)
                    };
                    return Ok(Some(piece));
                }
                State::ChunkHead => {
                    let size = chunk_size(&connection.read_line().await?)?;
                    self.state = State::Chunk(size);
                    if size == 0 {
                        skip_trailers(connection).await?;
                        self.state = State::Done;
                    }
                }
                State::Chunk(left) => {
                    let piece = connection.read_some(left).await?;
                    let left = left - piece.len() as u64;
                    self.state = State::Chunk(left);
                    if left == 0 {
                        if !connection.read_line().await?.is_empty() {
                            return Err(io::Error::other("a chunk is longer than its size says"));
                        }
                        self.state = State::ChunkHead;
                    }
                    return Ok(Some(piece));
                }
            }
        }
    }
}

async fn skip_trailers(connection: &mut Connection) -> io::Result<()> {
    for _ in 0..MAX_TRAILERS {
        if connection.read_line().await?.is_empty() {
            return Ok(());
        }
    }
    Err(io::Error::other("too many trailers"))
}

/// Size in the line before a chunk; extensions are skipped.
fn chunk_size(line: &[u8]) -> io::Result<u64> {
    let digits = line
        .split(|&b| b == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let hex = std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
    hex.and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or_else(|| io::Error::other("not a chunk size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_framing_is_refused() {
        let table = [
            ("", Ok(Framing::Length(0))),
            ("Content-Length: 12\r\n", Ok(Framing::Length(12))),
            ("Transfer-Encoding: Chunked\r\n", Ok(Framing::Chunked)),
            (
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                Err(()),
            ),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", Err(())),
            ("Content-Length: +1\r\n", Err(())),
            ("Content-Length: 99999999999999999999999\r\n", Err(())),
            ("Transfer-Encoding: gzip, chunked\r\n", Err(())),
        ];
        for (fields, expected) in table {
            let request =
                Request::parse(format!("POST / HTTP/1.1\r\n{fields}\r\n").as_bytes()).unwrap();
            assert_eq!(
                Framing::of_request(&request).map_err(drop),
                expected,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn chunk_sizes_are_hexadecimal_with_optional_extensions() {
        let table: [(&[u8], Option<u64>); 6] = [
            (b"0", Some(0)),
            (b"1aF;x=y", Some(0x1af)),
            (b"", None),
            (b"+1", None),
            (b"0x1", None),
            (b"fffffffffffffffff", None),
        ];
        for (line, expected) in table {
            assert_eq!(chunk_size(line).ok(), expected, "{line:?}");
        }
    }
}
