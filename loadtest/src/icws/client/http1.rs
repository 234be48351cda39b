//! Requests over HTTP/1.1, written as bytes, with connections kept per authority.
//!
//! ```text
//! GET /us/icserver1/icws/1234/messaging/messages HTTP/1.1
//! Host: cc.example.com
//! Cookie: icws_1234=dba2f460-58ce-47ba-85b3-1bcf4e1e526e; other=1
//! ```

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::ClientError;
use super::response::{Body, Response};
use super::transport::{ClientOptions, Url, connect};
use crate::icws::session::lock;
use crate::wire::Framing;
use crate::wire::body::BodyReader;
use crate::wire::connection::{Connection, Part};

/// Idle connections kept per client.
const MAX_IDLE: usize = 16;
const ALPN: &[u8] = b"\x08http/1.1";

/// The idle connections.
#[derive(Default)]
pub(super) struct Http1 {
    idle: Arc<Idle>,
}

#[derive(Default)]
struct Idle(Mutex<HashMap<String, Vec<Connection>>>);

impl Idle {
    fn take(&self, origin: &str) -> Option<Connection> {
        let mut idle = lock(&self.0);
        let connections = idle.get_mut(origin)?;
        // Bytes or an end on an idle connection mean that the server is done with it.
        std::iter::from_fn(|| connections.pop()).find(|connection| {
            let unread = connection.io.tcp().try_read(&mut [0]);
            unread.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        })
    }

    fn keep(&self, origin: &str, connection: Connection) {
        let mut idle = lock(&self.0);
        let connections = idle.entry(origin.to_owned()).or_default();
        if connections.len() < MAX_IDLE {
            connections.push(connection);
        }
    }
}

impl Http1 {
    /// Sends one request, once: nothing is ever sent again on another connection, so that tests can count.
    pub(super) async fn send(
        &mut self,
        options: &ClientOptions,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        cookies: &[String],
        body: Vec<u8>,
    ) -> Result<Response, ClientError> {
        let origin = format!("{}://{}", url.scheme, url.authority);
        let mut connection = match self.idle.take(&origin) {
            Some(connection) => connection,
            None => Connection::new(connect(options, url, ALPN).await?),
        };
        let mut head = format!(
            "{method} {} HTTP/1.1\r\nHost: {}\r\n",
            url.target, url.authority
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !cookies.is_empty() {
            head.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT") {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        request.extend_from_slice(&body);
        connection.write(&request, Part::Head).await?;

        let (status, headers) = read_answer_head(&mut connection).await?;
        let bodiless = method == "HEAD" || status == 204 || status == 304;
        let find = |name: &str| {
            headers
                .iter()
                .find(|(given, _)| given.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        };
        let (length, coding) = (find("content-length"), find("transfer-encoding"));
        let end = End::of(bodiless, length, coding).map_err(ClientError::Protocol)?;
        let closing = find("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let keep = !closing && matches!(end, End::Framed(_));
        let idle = keep.then(|| (Arc::clone(&self.idle), origin));
        let mut body = Http1Body {
            connection: Some(connection),
            end,
            idle,
        };
        body.retire();
        Ok(Response::new(status, headers, Body::Http1(Box::new(body))))
    }
}

/// Status and header fields of the final answer; interim answers are skipped.
async fn read_answer_head(
    connection: &mut Connection,
) -> Result<(u16, Vec<(String, String)>), ClientError> {
    loop {
        let head = connection
            .read_head()
            .await?
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let mut fields = [httparse::EMPTY_HEADER; 128];
        let mut parsed = httparse::Response::new(&mut fields);
        parsed
            .parse(&head)
            .map_err(|error| ClientError::Protocol(format!("not an HTTP/1 answer: {error}")))?;
        let status = parsed
            .code
            .ok_or_else(|| ClientError::Protocol("an answer without a status".to_owned()))?;
        if status >= 200 || status == 101 {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            return Ok((
                status,
                parsed
                    .headers
                    .iter()
                    .map(|field| (field.name.to_owned(), text(field.value)))
                    .collect(),
            ));
        }
    }
}

/// Where an answer's body ends (RFC 9112, 6.3).
enum End {
    /// Where its framing says.
    Framed(BodyReader),
    /// Where the connection ends.
    OfConnection,
}

impl End {
    /// From the framing headers; `bodiless` where the status or the method rules a body out.
    fn of(bodiless: bool, length: Option<&str>, coding: Option<&str>) -> Result<Self, String> {
        let framing = match (length, coding) {
            _ if bodiless => Framing::Length(0),
            (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
            (Some(length), None) => {
                let length = length
                    .parse()
                    .map_err(|_| format!("not a length: {length:?}"))?;
                Framing::Length(length)
            }
            (None, None) => return Ok(Self::OfConnection),
            _ => {
                return Err(format!(
                    "ambiguous framing: Content-Length {length:?}, Transfer-Encoding {coding:?}"
                ));
            }
        };
        Ok(Self::Framed(BodyReader::new(framing, false)))
    }
}

/// A body on its way over HTTP/1.1; the connection goes back to the idle ones at the body's end.
pub struct Http1Body {
    connection: Option<Connection>,
    end: End,
    idle: Option<(Arc<Idle>, String)>,
}

impl Http1Body {
    pub(super) async fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        let Some(connection) = self.connection.as_mut() else {
            return Ok(None);
        };
        let piece = match &mut self.end {
            End::Framed(reader) => reader.next(connection).await?,
            End::OfConnection => match connection.read_some(u64::MAX).await {
                Ok(piece) => Some(piece),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.connection = None;
                    None
                }
                Err(error) => return Err(error),
            },
        };
        self.retire();
        Ok(piece)
    }

    /// Gives the connection back once the body has been read.
    fn retire(&mut self) {
        if matches!(&self.end, End::Framed(reader) if reader.is_done())
            && let Some(mut connection) = self.connection.take()
            && let Some((idle, origin)) = self.idle.take()
            && connection.take_ahead().is_empty()
        {
            idle.keep(&origin, connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_answer_follows_its_framing() {
        let done = |end: &End| matches!(end, End::Framed(reader) if reader.is_done());
        assert!(done(&End::of(true, Some("5"), None).unwrap()));
        assert!(done(&End::of(false, Some("0"), None).unwrap()));
        assert!(!done(&End::of(false, None, Some("chunked")).unwrap()));
        assert!(matches!(End::of(false, None, None), Ok(End::OfConnection)));
        for (length, coding) in [
            (Some("1"), Some("chunked")),
            (Some("x"), None),
            (None, Some("gzip")),
        ] {
            assert!(
                End::of(false, length, coding).is_err(),
                "{length:?} {coding:?}"
            );
        }
    }
}
