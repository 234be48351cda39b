//! One representation of a file, and the answer it gives to a request (RFC 9110 sections 13 and 14).

use super::answer::{Answer, Body, Refusal};
use super::cache::Cache;
use super::conditional::{Outcome, evaluate, range_counts};
use super::encoding::Encoding;
use super::range::{Part, requested};
use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::fs::File;
use std::io::{self, Read};
use std::time::SystemTime;

/// Files up to this size, in bytes, are read at once, where they were opened.
const SMALL: u64 = 64 * 1024;

/// Something that can be sent, with what describes it.
#[derive(Debug)]
pub(super) struct Representation {
    pub(super) media_type: HeaderValue,
    /// Strong, with its quotes.
    pub(super) etag: String,
    pub(super) modified: Option<SystemTime>,
    pub(super) length: u64,
    pub(super) encoding: Option<Encoding>,
    /// Whether another request could have got another coding.
    pub(super) varies: bool,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Bytes(Bytes),
    /// Blocks when it is read.
    File(File),
}

impl Representation {
    /// Preconditions first, then the range, then the content (RFC 9110 section 13.2.2). `head`: the method is HEAD.
    pub(super) fn answer(self, head: bool, asked: &HeaderMap, cache: Cache) -> Answer {
        match evaluate(asked, &self.etag, self.modified) {
            Outcome::Failed => return Answer::refuse(Refusal::Precondition),
            Outcome::NotModified => return self.not_modified(cache),
            Outcome::Goes => {}
        }
        // RFC 9110 section 14.2: a range is defined for GET only.
        let part = if !head && range_counts(asked, &self.etag, self.modified, SystemTime::now()) {
            requested(asked, self.length)
        } else {
            Part::Whole
        };
        match part {
            Part::Whole => self.send(head, StatusCode::OK, 0, None, cache),
            Part::Bytes { first, last } => {
                self.send(head, StatusCode::PARTIAL_CONTENT, first, Some(last), cache)
            }
            Part::Unsatisfiable => Answer::refuse(Refusal::Range).with(
                header::CONTENT_RANGE,
                text(format!("bytes */{}", self.length)),
            ),
        }
    }

    fn send(
        self,
        head: bool,
        status: StatusCode,
        first: u64,
        last: Option<u64>,
        cache: Cache,
    ) -> Answer {
        let mut headers = self.describing(cache);
        let total = self.length;
        let length = last.map_or(total, |last| last - first + 1);
        headers.insert(header::CONTENT_TYPE, self.media_type);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(modified) = self.modified {
            headers.insert(
                header::LAST_MODIFIED,
                text(httpdate::fmt_http_date(modified)),
            );
        }
        if let Some(encoding) = self.encoding {
            headers.insert(header::CONTENT_ENCODING, encoding.header());
        }
        if let Some(last) = last {
            headers.insert(
                header::CONTENT_RANGE,
                text(format!("bytes {first}-{last}/{total}")),
            );
        }
        let body = if head {
            Ok(Body::Empty)
        } else {
            self.content.body(first, length)
        };
        match body {
            Ok(body) => Answer {
                status,
                headers,
                body,
                refusal: None,
            },
            Err(_) => Answer::refuse(Refusal::Disk),
        }
    }

    /// RFC 9110 section 15.4.5: what a cache needs to keep what it has, and no more.
    fn not_modified(self, cache: Cache) -> Answer {
        let headers = self.describing(cache);
        Answer {
            status: StatusCode::NOT_MODIFIED,
            headers,
            body: Body::Empty,
            refusal: None,
        }
    }

    /// The headers that a 200 and a 304 share.
    fn describing(&self, cache: Cache) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(12);
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        headers.insert(header::CACHE_CONTROL, cache.header());
        headers.insert(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        );
        if self.varies {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        headers
    }
}

impl Content {
    fn body(self, start: u64, length: u64) -> io::Result<Body> {
        match self {
            Content::Bytes(bytes) => {
                let piece = usize::try_from(start)
                    .ok()
                    .zip(usize::try_from(start + length).ok());
                let piece = piece.filter(|(start, end)| start <= end && *end <= bytes.len());
                piece
                    .map(|(start, end)| Body::Bytes(bytes.slice(start..end)))
                    .ok_or(io::ErrorKind::UnexpectedEof.into())
            }
            // PERF: most files of a web application are small; reading them here saves the hops of an asynchronous read.
            Content::File(mut file) if length <= SMALL => {
                if start > 0 {
                    io::Seek::seek(&mut file, io::SeekFrom::Start(start))?;
                }
                let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
                file.take(length).read_to_end(&mut bytes)?;
                // The file was cut after it was opened: half of it under the tag of the whole would be kept by caches.
                if bytes.len() as u64 == length {
                    Ok(Body::Bytes(bytes.into()))
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                }
            }
            Content::File(file) => Ok(Body::File {
                file: tokio::fs::File::from_std(file),
                start,
                length,
            }),
        }
    }
}

fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("digits, dates and the word `bytes` are visible ASCII")
}
