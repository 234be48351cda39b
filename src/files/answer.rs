//! What a site answers: status, headers and a body that is read piece by piece.

use bytes::{Bytes, BytesMut};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION};
use http::{HeaderName, StatusCode};
use std::io;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::reason::Reason;

/// The largest piece of a file that is in memory for one request, in bytes.
const CHUNK: usize = 64 * 1024;

/// The answer to one request for a file.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Every header but `Date` and those of the connection.
    pub headers: HeaderMap,
    /// The body; empty for HEAD, though `Content-Length` is that of a GET.
    pub body: Body,
    /// Why no file was served, for the log and for whoever writes the error page.
    pub refusal: Option<Refusal>,
}

/// The body of an [`Answer`].
#[derive(Debug)]
pub enum Body {
    /// None.
    Empty,
    /// All of it.
    Bytes(Bytes),
    /// `length` bytes of `file` from `start`. [`Body::next_chunk`] reads them.
    File {
        /// The file.
        file: File,
        /// Where to begin, in bytes.
        start: u64,
        /// How much to send, in bytes.
        length: u64,
    },
}

/// Why a site did not serve a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// 405: neither GET nor HEAD.
    Method,
    /// 400: the path is broken, or could be read in two ways.
    Malformed,
    /// 404: a dot-file, a backup, a setting or a program source.
    Hidden,
    /// 404: there is no such file, or it lies outside the root, or may not be read.
    Missing,
    /// 412: `If-Match` or `If-Unmodified-Since` does not hold.
    Precondition,
    /// 416: the range lies behind the end of the file.
    Range,
    /// 500: the disk failed.
    Disk,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Refusal::Method => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Malformed => StatusCode::BAD_REQUEST,
            Refusal::Hidden | Refusal::Missing => StatusCode::NOT_FOUND,
            Refusal::Precondition => StatusCode::PRECONDITION_FAILED,
            Refusal::Range => StatusCode::RANGE_NOT_SATISFIABLE,
            Refusal::Disk => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The same for the log, the metrics and the error page.
    pub fn reason(self) -> Reason {
        match self {
            Refusal::Method => Reason::MethodNotAllowed,
            Refusal::Malformed => Reason::FilePath,
            Refusal::Hidden => Reason::FileHidden,
            Refusal::Missing => Reason::FileMissing,
            Refusal::Precondition => Reason::FilePrecondition,
            Refusal::Range => Reason::FileRange,
            Refusal::Disk => Reason::FileDisk,
        }
    }
}

impl Answer {
    pub(super) fn refuse(refusal: Refusal) -> Self {
        let mut headers = HeaderMap::new();
        // A 404 may be kept by caches (RFC 9110 section 15.1), beyond the moment the file is there.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        if refusal == Refusal::Method {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        Answer {
            status: refusal.status(),
            headers,
            body: Body::Empty,
            refusal: Some(refusal),
        }
    }

    pub(super) fn redirect(location: HeaderValue) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, location);
        // 308 is kept for ever by browsers unless they are told otherwise, and a directory may become a file.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        Answer {
            status: StatusCode::PERMANENT_REDIRECT,
            headers,
            body: Body::Empty,
            refusal: None,
        }
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl Body {
    /// How many bytes are still to come.
    pub fn remaining(&self) -> u64 {
        match self {
            Body::Empty => 0,
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File { length, .. } => *length,
        }
    }

    /// The next piece, at most 64 KiB of a file; `None` at the end.
    ///
    /// # Errors
    /// What the disk said; `UnexpectedEof` when the file has become shorter than the length that was announced. The connection has to
    /// be closed then, because the length is already sent.
    pub async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let (file, start, length) = match self {
            Body::Empty => return Ok(None),
            Body::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Body::Empty;
                return Ok((!bytes.is_empty()).then_some(bytes));
            }
            Body::File { length: 0, .. } => {
                *self = Body::Empty;
                return Ok(None);
            }
            Body::File {
                file,
                start,
                length,
            } => (file, start, length),
        };
        // PERF: one hop to a blocking thread for the position is little beside the reading, and every piece knows where it is from.
        file.seek(io::SeekFrom::Start(*start)).await?;
        let wanted = usize::try_from(*length).map_or(CHUNK, |length| length.min(CHUNK));
        let mut chunk = BytesMut::with_capacity(wanted);
        let read = file.take(wanted as u64).read_buf(&mut chunk).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *start += read as u64;
        *length -= read as u64;
        Ok(Some(chunk.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_and_its_reason_have_one_status() {
        for refusal in [
            Refusal::Method,
            Refusal::Malformed,
            Refusal::Hidden,
            Refusal::Missing,
            Refusal::Precondition,
            Refusal::Range,
            Refusal::Disk,
        ] {
            let status = refusal.status().as_u16();
            assert_eq!(refusal.reason().status(), Some(status), "{refusal:?}");
        }
    }
}
