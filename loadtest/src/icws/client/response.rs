//! One answer: status, headers, and a body that is read as it arrives.
//!
//! ```no_run
//! # async fn example(mut response: loadtest::icws::Response) -> Result<(), loadtest::icws::ClientError> {
//! let text = response.text().await?;
//! println!("{} {:?} {text}", response.status, response.header("content-type"));
//! # Ok(())
//! # }
//! ```

use std::io::Read;

use bytes::{Bytes, BytesMut};
use flate2::read::{GzDecoder, ZlibDecoder};
use serde_json::Value;

use super::ClientError;
use super::http1::Http1Body;
use super::http2::Http2Body;

/// Largest body that is collected, before and after decoding, in bytes.
const MAX_COLLECTED: usize = 256 * 1024 * 1024;

/// An answer.
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header fields in order; HTTP/1.1 names keep their case, HTTP/2 names are lower case.
    pub headers: Vec<(String, String)>,
    /// The body, still to be read.
    pub body: Body,
    collected: Option<Bytes>,
}

/// A body on its way.
pub enum Body {
    /// Over HTTP/1.1.
    Http1(Box<Http1Body>),
    /// Over HTTP/2.
    Http2(Http2Body),
}

impl Body {
    /// The next piece as it arrived, without framing; `None` at the proper end.
    ///
    /// # Errors
    /// The body ended before its end.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>, ClientError> {
        match self {
            Self::Http1(body) => Ok(body.next_piece().await?),
            Self::Http2(body) => body.next_piece().await,
        }
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

impl Response {
    pub(super) fn new(status: u16, headers: Vec<(String, String)>, body: Body) -> Self {
        Self {
            status,
            headers,
            body,
            collected: None,
        }
    }

    /// First value of a header, any case of the name.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    }

    /// The whole body as it was sent, content coding included. May be asked for again.
    ///
    /// # Errors
    /// The body ended before its end, or is above 256 MiB.
    pub async fn raw(&mut self) -> Result<Bytes, ClientError> {
        if let Some(collected) = &self.collected {
            return Ok(collected.clone());
        }
        let mut whole = BytesMut::new();
        while let Some(piece) = self.body.next_piece().await? {
            if whole.len() + piece.len() > MAX_COLLECTED {
                return Err(ClientError::Protocol("the body is too large".to_owned()));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(self.collected.insert(whole.freeze()).clone())
    }

    /// The whole body with gzip or deflate (zlib format) undone.
    ///
    /// # Errors
    /// As [`Self::raw`], and a body that is not in its stated coding.
    pub async fn bytes(&mut self) -> Result<Bytes, ClientError> {
        let raw = self.raw().await?;
        let (mut plain, most) = (Vec::new(), MAX_COLLECTED as u64);
        match self.header("content-encoding").as_deref() {
            None | Some("identity") => return Ok(raw),
            Some("gzip") => GzDecoder::new(raw.as_ref())
                .take(most)
                .read_to_end(&mut plain)?,
            Some("deflate") => ZlibDecoder::new(raw.as_ref())
                .take(most)
                .read_to_end(&mut plain)?,
            Some(other) => {
                return Err(ClientError::Protocol(format!(
                    "unknown content coding {other}"
                )));
            }
        };
        Ok(plain.into())
    }

    /// [`Self::bytes`] as text.
    ///
    /// # Errors
    /// As [`Self::bytes`], and bytes that are not UTF-8.
    pub async fn text(&mut self) -> Result<String, ClientError> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.to_vec())
            .map_err(|_| ClientError::Protocol("the body is not UTF-8".to_owned()))
    }

    /// [`Self::text`] as JSON.
    ///
    /// # Errors
    /// As [`Self::text`], and text that is not JSON.
    pub async fn json(&mut self) -> Result<Value, ClientError> {
        let text = self.text().await?;
        serde_json::from_str(&text)
            .map_err(|error| ClientError::Protocol(format!("{error} in {text:?}")))
    }
}
