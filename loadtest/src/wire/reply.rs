//! One answer: status line, header fields in the given order and case, and a body framed as asked.
//!
//! ```
//! use loadtest::wire::Reply;
//! let reply = Reply::new(201).header("Location", "/icws/1/connection").body("{}");
//! assert_eq!(reply.head_bytes(), b"HTTP/1.1 201 Created\r\nLocation: /icws/1/connection\r\nContent-Length: 2\r\n\r\n");
//! ```

use bytes::Bytes;

/// An answer that is written as it stands.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) status: u16,
    reason: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Bytes,
    pub(super) pieces: Option<usize>,
    pub(super) close: bool,
}

impl Reply {
    /// An answer with this status, its usual reason phrase and no body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            reason: None,
            headers: Vec::new(),
            body: Bytes::new(),
            pieces: None,
            close: false,
        }
    }

    /// Adds a header field; the name keeps its case, earlier fields of the name stay.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets another reason phrase.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// Sends the body chunked, in pieces of at most `piece` bytes, instead of with a Content-Length.
    #[must_use]
    pub fn chunked(mut self, piece: usize) -> Self {
        self.pieces = Some(piece.max(1));
        self
    }

    /// Closes the connection after this answer and says so.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The header fields set so far.
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }

    /// The body.
    pub fn content(&self) -> &Bytes {
        &self.body
    }

    /// Status line and header fields with the framing this answer will use, up to and with the empty line.
    pub fn head_bytes(&self) -> Vec<u8> {
        let framing = match self.pieces {
            _ if self.is_bodiless() => None,
            Some(_) => Some("Transfer-Encoding: chunked\r\n".to_owned()),
            None => Some(format!("Content-Length: {}\r\n", self.body.len())),
        };
        self.head_with(framing.as_deref())
    }

    pub(super) fn head_with(&self, framing: Option<&str>) -> Vec<u8> {
        let reason = self
            .reason
            .as_deref()
            .unwrap_or_else(|| reason_phrase(self.status));
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        // A simulation that frames its answer itself (a wrong length on purpose, say) is left alone.
        if let Some(framing) = framing.filter(|_| !self.frames_itself()) {
            head.extend_from_slice(framing.as_bytes());
        }
        if self.close {
            head.extend_from_slice(b"Connection: close\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    pub(super) fn is_bodiless(&self) -> bool {
        (100..200).contains(&self.status) || self.status == 204 || self.status == 304
    }

    pub(super) fn frames_itself(&self) -> bool {
        let framed = |name: &str| {
            name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
        };
        self.headers.iter().any(|(name, _)| framed(name))
    }
}

fn reason_phrase(status: u16) -> &'static str {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|code| code.canonical_reason())
        .unwrap_or("Unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_keep_their_case_and_duplicates_their_order() {
        let head = Reply::new(302)
            .header("Set-Cookie", "a=1")
            .header("SET-COOKIE", "b=2")
            .closing()
            .head_bytes();
        let expected = "HTTP/1.1 302 Found\r\nSet-Cookie: a=1\r\nSET-COOKIE: b=2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        assert_eq!(String::from_utf8(head).unwrap(), expected);
    }

    #[test]
    fn an_answer_without_a_body_by_rule_has_no_framing() {
        assert_eq!(
            Reply::new(204).head_bytes(),
            b"HTTP/1.1 204 No Content\r\n\r\n"
        );
        assert_eq!(
            Reply::new(304).chunked(5).head_bytes(),
            b"HTTP/1.1 304 Not Modified\r\n\r\n"
        );
    }

    #[test]
    fn a_length_given_by_the_simulation_is_not_corrected() {
        let head = Reply::new(200)
            .header("content-length", "99")
            .body("x")
            .head_bytes();
        assert_eq!(head, b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n");
    }
}
