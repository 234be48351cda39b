//! Strict chunks: where a chunked request body ends (RFC 9112 section 7.1), and that no other reader can see another end.
//!
//! Pingora reads chunks laxly: a size of no digits is its last chunk, and a chunk extension may hold anything, line ends included.
//! Whoever stands before the gateway may read those bytes otherwise, so that the rest of a body becomes a request of its own.
//!
//! ```ignore
//! let mut watch = ChunkWatch::default();
//! assert_eq!(watch.follow(b"3\r\nabc\r\n0\r\n\r\nGET "), Ok(13));
//! assert!(watch.is_done());
//! ```

use super::{is_tchar, is_value_byte};

/// Bytes of extensions and trailers in one body. All of them are dropped; nobody needs more.
const IGNORED_MAX: usize = 16 * 1024;

/// The body breaks the grammar of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Follows one chunked body byte by byte.
#[derive(Debug)]
pub(crate) struct ChunkWatch {
    state: State,
    ignored: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size { digits: u8, size: u64 },
    Extension { size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailer,
    Name,
    Value,
    TrailerEnd,
    LastLf,
    Done,
}
use State::{
    Data, DataCr, DataLf, Done, Extension, LastLf, Name, Size, SizeEnd, Trailer, TrailerEnd, Value,
};

const FIRST: State = Size { digits: 0, size: 0 };

impl Default for ChunkWatch {
    fn default() -> ChunkWatch {
        ChunkWatch {
            state: FIRST,
            ignored: 0,
        }
    }
}

impl ChunkWatch {
    /// Whether the body has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.state == Done
    }

    /// How many of these bytes, the next after those of the last call, belong to the body: all of them, unless it ends among them.
    pub(crate) fn follow(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut rest = bytes;
        while self.state != Done {
            if let Data { left } = self.state {
                // PERF: data is stepped over whole.
                let n = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                rest = rest.get(n..).unwrap_or_default();
                let left = left.saturating_sub(n as u64);
                self.state = if left == 0 { DataCr } else { Data { left } };
            }
            let Some((&byte, after)) = rest.split_first() else {
                break;
            };
            self.state = self.step(byte)?;
            rest = after;
        }
        Ok(bytes.len() - rest.len())
    }

    fn step(&mut self, byte: u8) -> Result<State, Malformed> {
        let next = match (self.state, byte) {
            (Size { digits, size }, b) if b.is_ascii_hexdigit() => {
                let digit = char::from(b).to_digit(16).ok_or(Malformed)?;
                // 15 digits: no sum of sizes comes near the end of a u64.
                let digits = digits
                    .checked_add(1)
                    .filter(|&n| n <= 15)
                    .ok_or(Malformed)?;
                let size = size << 4 | u64::from(digit);
                return Ok(Size { digits, size });
            }
            (Size { digits: 1.., size }, b'\r') => return Ok(SizeEnd { size }),
            (Size { digits: 1.., size }, b';') => Extension { size },
            (Extension { size }, b'\r') => return Ok(SizeEnd { size }),
            (Extension { size }, b) if is_value_byte(b) => Extension { size },
            (SizeEnd { size: 0 }, b'\n') => return Ok(Trailer),
            (SizeEnd { size }, b'\n') => return Ok(Data { left: size }),
            (DataCr, b'\r') => return Ok(DataLf),
            (DataLf, b'\n') => return Ok(FIRST),
            (Trailer, b'\r') => return Ok(LastLf),
            (LastLf, b'\n') => return Ok(Done),
            (Trailer | Name, b) if is_tchar(b) => Name,
            (Name, b':') => Value,
            (Value, b'\r') => TrailerEnd,
            (Value, b) if is_value_byte(b) => Value,
            (TrailerEnd, b'\n') => Trailer,
            _ => return Err(Malformed),
        };
        self.ignored += 1;
        if self.ignored > IGNORED_MAX {
            return Err(Malformed);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn end(body: &[u8]) -> Result<Option<usize>, Malformed> {
        let mut watch = ChunkWatch::default();
        let n = watch.follow(body)?;
        Ok(watch.is_done().then_some(n))
    }

    #[test]
    fn a_body_ends_behind_its_trailers() {
        for body in [
            "0\r\n\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            "0003;a=\"b c\";d\r\n\r\n\r\r\n00\r\n\r\n",
            "A\r\n0123456789\r\n0;x\r\nX-Sum: 1\r\nY:\r\n\r\n",
        ] {
            let more = format!("{body}GET / HTTP/1.1\r\n");
            assert_eq!(end(more.as_bytes()), Ok(Some(body.len())), "{body:?}");
        }
    }

    #[test]
    fn what_another_reader_could_take_otherwise_is_malformed() {
        for body in [
            "\r\n\r\n",
            " \r\n",
            ";a\r\n",
            " 3\r\n",
            "3 \r\n",
            "0x3\r\n",
            "+3\r\n",
            "-1\r\n",
            "3\n",
            "3\rabc",
            "3;a\nb\r\n",
            "3;\0\r\n",
            "3;a\rb\r\n",
            "0000000000000003\r\n",
            "ffffffffffffffff\r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n",
            "3\r\nabc0\r\n",
            "0\r\n\n",
            "0\r\nX: 1\n",
            "0\r\nnonsense\r\n",
            "0\r\n X: 1\r\n",
            "0\r\nX : 1\r\n",
            "0\r\n: 1\r\n",
        ] {
            assert_eq!(end(body.as_bytes()), Err(Malformed), "{body:?}");
        }
    }

    #[test]
    fn extensions_and_trailers_have_an_end() {
        let many = "1;aaaaaaaaa\r\nx\r\n".repeat(IGNORED_MAX / 10 + 1);
        assert_eq!(end(many.as_bytes()), Err(Malformed));
        let few = "1;aaaaaaaaa\r\nx\r\n".repeat(IGNORED_MAX / 10);
        assert_eq!(end(few.as_bytes()), Ok(None));
        let trailers = format!("0\r\n{}", "X: y\r\n".repeat(IGNORED_MAX / 4));
        assert_eq!(end(trailers.as_bytes()), Err(Malformed));
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(
            body in "([0-3a;]{1,3}\r\n[a-z]{0,3}\r\n){0,3}0\r\n(X: y\r\n)?\r\n[a-z\r\n]{0,9}",
            cut in 1usize..9,
        ) {
            let mut pieces = ChunkWatch::default();
            let mut got = Ok(0);
            for piece in body.as_bytes().chunks(cut) {
                got = match (got, pieces.follow(piece)) {
                    (Ok(sum), Ok(n)) => Ok(sum + n),
                    _ => Err(Malformed),
                };
            }
            let mut whole = ChunkWatch::default();
            prop_assert_eq!(got, whole.follow(body.as_bytes()));
            prop_assert!(got.is_err() || pieces.is_done() == whole.is_done());
        }
    }
}
