//! Strict framing: is this HTTP/1 request head one that every server behind would read in the same way?
//!
//! Pure code over bytes. Pingora parses the head again afterwards and is laxer in places (bare LF, repeated Content-Length,
//! Transfer-Encoding beside it ...), so whatever passes here must be plain. Where RFC 9112 lets a server choose between repair and
//! refusal, the choice is refusal.
//!
//! ```
//! use portcullis::front_door::framing::{Body, check};
//! let facts = check(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\n").unwrap();
//! assert_eq!(facts.body, Body::Length(5));
//! ```

mod chunks;
mod fields;
mod target;

use std::ops::Range;

use crate::reason::Reason;

pub(super) use chunks::ChunkWatch;
pub(super) use fields::{content_length, is_tchar, is_value, is_value_byte, poses_as_another};
pub(super) use target::is_host;

/// The methods that pass, as an `Allow` field says it.
pub const ALLOW: &str = "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS";

/// How the body of a request is delimited (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// No body.
    None,
    /// Exactly so many bytes.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// What a head that passed says about the bytes after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadFacts {
    /// How the body is delimited.
    pub body: Body,
    /// The client offers to speak another protocol: after a 101 the bytes are no longer HTTP.
    pub upgrade: bool,
    /// The target was in absolute form; these bytes of the head are its scheme and authority, which equal Host.
    pub authority: Option<Range<usize>>,
}

/// Judges a whole request head, from the first byte of the request line to the empty line, both included.
///
/// # Errors
/// The reason to refuse it with. Syntax comes before version, version before method, method before everything else.
pub fn check(head: &[u8]) -> Result<HeadFacts, Reason> {
    let (line, rest) = split_line(head)?;
    let request = request_line(line)?;
    let fields = fields::read(rest, request.http10)?;
    let host = fields.host.ok_or(Reason::BadHost)?;
    let authority = target::check(request.target, host)?;
    Ok(HeadFacts {
        body: fields.body,
        upgrade: fields.upgrade,
        // The target stands one space behind the method.
        authority: authority.map(|len| request.method_len + 1..request.method_len + 1 + len),
    })
}

/// Whether the gateway passes this method. Methods are case-sensitive (RFC 9110 section 9.1).
pub fn is_allowed_method(method: &[u8]) -> bool {
    matches!(
        method,
        b"GET" | b"HEAD" | b"POST" | b"PUT" | b"DELETE" | b"PATCH" | b"OPTIONS"
    )
}

pub(super) struct RequestLine<'a> {
    method_len: usize,
    target: &'a [u8],
    http10: bool,
}

/// RFC 9112 section 3: `method SP request-target SP HTTP-version`, single spaces, nothing else.
pub(super) fn request_line(line: &[u8]) -> Result<RequestLine<'_>, Reason> {
    let mut parts = line.split(|&b| b == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Reason::MalformedHead);
    };
    if method.is_empty() || target.is_empty() || !method.iter().all(|&b| is_tchar(b)) {
        return Err(Reason::MalformedHead);
    }
    let http10 = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Reason::Version);
        }
        _ => return Err(Reason::MalformedHead),
    };
    if !is_allowed_method(method) {
        return Err(Reason::MethodNotAllowed);
    }
    Ok(RequestLine {
        method_len: method.len(),
        target,
        http10,
    })
}

/// The line up to CRLF and what follows it. A bare LF or a bare CR is refused (RFC 9112 section 2.2 would allow a repair).
fn split_line(bytes: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    let end = memchr::memchr(b'\n', bytes).ok_or(Reason::MalformedHead)?;
    let (line, rest) = bytes.split_at(end + 1);
    let line = line.strip_suffix(b"\r\n").ok_or(Reason::MalformedHead)?;
    if memchr::memchr(b'\r', line).is_some() {
        return Err(Reason::MalformedHead);
    }
    Ok((line, rest))
}

#[cfg(test)]
mod tests;
