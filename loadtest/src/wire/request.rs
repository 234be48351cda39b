//! One request head, as its bytes arrived.
//!
//! ```
//! use loadtest::wire::Request;
//! let head = b"GET /a%2Fb?x=1 HTTP/1.1\r\nHost: one\r\nCOOKIE: a=1\r\nCookie: b\r\n\r\n";
//! let request = Request::parse(head).unwrap();
//! assert_eq!(request.path(), "/a%2Fb");
//! assert_eq!(request.all("cookie"), ["a=1", "b"]);
//! assert_eq!(request.headers[1].0, "COOKIE");
//! ```

use std::net::SocketAddr;

/// The connection that a request came in on.
#[derive(Clone, Debug)]
pub struct Connected {
    /// Counts up from 1 per server; equal for requests on one connection.
    pub connection: u64,
    /// The other end of the TCP connection.
    pub peer: SocketAddr,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// Server name from the TLS client hello.
    pub sni: Option<String>,
    /// Common name of the verified client certificate.
    pub client_certificate: Option<String>,
}

/// A request head: exact bytes and their parts.
#[derive(Clone, Debug)]
pub struct Request {
    /// Every byte from the method to the empty line, both included.
    pub raw_head: Vec<u8>,
    /// Method as sent.
    pub method: String,
    /// Request target as sent: no decoding, query included.
    pub target: String,
    /// Minor version: 1 for HTTP/1.1, 0 for HTTP/1.0.
    pub minor_version: u8,
    /// Header fields in order of arrival, names in the sender's own case, duplicates kept.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// Most header fields that are accepted in one head.
    pub const MAX_HEADERS: usize = 128;

    /// Parses one complete head (up to and with the empty line).
    ///
    /// # Errors
    /// The text names what is wrong: not HTTP/1, too many fields, or bytes after a part of a head.
    pub fn parse(raw_head: &[u8]) -> Result<Self, String> {
        let mut fields = [httparse::EMPTY_HEADER; Self::MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(raw_head) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => {
                return Err("the request head is not complete".to_owned());
            }
            Err(error) => return Err(format!("not an HTTP/1 request head: {error}")),
        }
        let (Some(method), Some(target), Some(minor_version)) =
            (parsed.method, parsed.path, parsed.version)
        else {
            return Err("the request line is not complete".to_owned());
        };
        Ok(Self {
            raw_head: raw_head.to_vec(),
            method: method.to_owned(),
            target: target.to_owned(),
            minor_version,
            headers: parsed
                .headers
                .iter()
                .map(|h| (h.name.to_owned(), h.value.to_vec()))
                .collect(),
        })
    }

    /// Bytes that are no request head, kept to be looked at: no method, no target, no header.
    pub(super) fn unreadable(raw_head: &[u8]) -> Self {
        Self {
            raw_head: raw_head.to_vec(),
            method: String::new(),
            target: String::new(),
            minor_version: 0,
            headers: Vec::new(),
        }
    }

    /// The request line without its line end, as sent.
    pub fn line(&self) -> String {
        let end = self
            .raw_head
            .iter()
            .position(|&b| b == b'\r' || b == b'\n')
            .unwrap_or(self.raw_head.len());
        String::from_utf8_lossy(self.raw_head.get(..end).unwrap_or_default()).into_owned()
    }

    /// The target up to the query, as sent.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query after `?`, as sent; empty when there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// One parameter of the query, percent-decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query().split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then(|| {
                percent_encoding::percent_decode_str(value)
                    .decode_utf8_lossy()
                    .into_owned()
            })
        })
    }

    /// First value of a header, any case of the name.
    pub fn first(&self, name: &str) -> Option<String> {
        self.fields(name).next()
    }

    /// Every value of a header in order, any case of the name.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.fields(name).collect()
    }

    /// Whether a header is there at all.
    pub fn has(&self, name: &str) -> bool {
        self.fields(name).next().is_some()
    }

    /// Whether a comma list header holds this word, any case.
    pub fn lists(&self, name: &str, word: &str) -> bool {
        self.fields(name).any(|value| {
            value
                .split(',')
                .any(|item| item.trim().eq_ignore_ascii_case(word))
        })
    }

    fn fields<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let wanted = self
            .headers
            .iter()
            .filter(move |(given, _)| given.eq_ignore_ascii_case(name));
        wanted.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_raw_request_line_and_target_are_kept_to_the_byte() {
        let request =
            Request::parse(b"POST //a/%2e%2E;x=1/../b?q=%41&&r HTTP/1.1\r\nHost: h\r\n\r\n")
                .unwrap();
        assert_eq!(request.line(), "POST //a/%2e%2E;x=1/../b?q=%41&&r HTTP/1.1");
        assert_eq!(
            (request.path(), request.query()),
            ("//a/%2e%2E;x=1/../b", "q=%41&&r")
        );
        assert_eq!(request.parameter("q").as_deref(), Some("A"));
    }

    #[test]
    fn an_unfinished_head_is_an_error() {
        assert!(Request::parse(b"GET / HTTP/1.1\r\nHost: h\r\n").is_err());
        assert!(Request::parse(b"\x16\x03\x01\x02\x00").is_err());
    }
}
