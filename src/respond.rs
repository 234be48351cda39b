//! Every answer that is the gateway's own: from a [`Reason`] to status, headers and body. Nothing else writes one.
//!
//! Before a request exists the front door uses [`bare`]; after that the kind behind the route gives the form
//! ([`Kind::answer`](crate::kinds::Kind::answer)) and [`send`] writes it. No answer repeats anything the client sent, names a
//! server inside, or says which product answered.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Version};
use pingora_core::Result;
use pingora_http::ResponseHeader;
use pingora_proxy::Session;
use tokio::time::timeout;

use crate::front_door::Connection;
use crate::front_door::framing::ALLOW;
use crate::reason::Reason;
use crate::request_id::{RequestId, X_REQUEST_ID};

/// The whole HTTP/1.1 answer for a refusal before a request exists: head and text, `Connection: close`, no `Server`.
///
/// Empty when the reason has no status: such a connection is closed without a word.
pub fn bare(reason: Reason) -> Vec<u8> {
    let Some(status) = reason.status() else {
        return Vec::new();
    };
    let phrase = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("Error");
    let allow = match reason {
        // RFC 9110 section 15.5.6: a 405 must carry Allow.
        Reason::MethodNotAllowed => format!("Allow: {ALLOW}\r\n"),
        _ => String::new(),
    };
    let text = reason.message();
    let length = text.len() + 1;
    format!(
        "HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\n{allow}Connection: close\r\n\r\n{text}\n"
    )
    .into_bytes()
}

/// Who reads the answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Audience<'a> {
    /// A person in front of a browser: the request accepts `text/html`.
    pub person: bool,
    /// What finds this request in the log.
    pub id: &'a str,
    /// Method and path as the server would have seen them, once that is known.
    pub asked: Option<(&'a Method, &'a str)>,
    /// The request's fields.
    pub headers: Option<&'a HeaderMap>,
}

/// An answer of our own.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// Headers besides Content-Type, Content-Length and Cache-Control.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// An answer with a body.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Answer {
            status,
            content_type,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The form for everybody without a form of their own: a short page for people, a line of text for programs.
    pub fn plain(reason: Reason, audience: &Audience<'_>) -> Self {
        let status = reason.status().unwrap_or(500);
        let message = reason.message();
        if !audience.person {
            return Answer::new(status, "text/plain; charset=utf-8", format!("{message}\n"));
        }
        let id = audience.id;
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{status}</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
             <body style=\"font:1rem/1.5 system-ui;margin:10vh auto;max-width:34rem;padding:0 1rem\">\
             <h1>{status}</h1><p>{message}</p><p><small>Reference for the administrator: {id}</small></p></body></html>\n"
        );
        Answer::new(status, "text/html; charset=utf-8", page)
    }

    /// The same with one more header.
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// The answer that has begun, if one has. A 1xx before the answer is none (RFC 9110, 15.2), except 101, after which HTTP is over.
pub fn begun(session: &Session) -> Option<&ResponseHeader> {
    session.response_written().filter(|head| {
        !head.status.is_informational() || head.status == http::StatusCode::SWITCHING_PROTOCOLS
    })
}

/// Writes an answer, unless one has begun already. `close` ends the connection after it.
///
/// # Errors
/// The client is gone.
pub async fn send(
    session: &mut Session,
    id: &RequestId,
    answer: Answer,
    close: bool,
) -> Result<()> {
    if begun(session).is_some() {
        return Ok(());
    }
    let mut head = ResponseHeader::build(answer.status, Some(answer.headers.len() + 5))?;
    if !answer.body.is_empty() {
        head.insert_header(CONTENT_TYPE, answer.content_type)?;
    }
    head.insert_header(CONTENT_LENGTH, answer.body.len())?;
    head.insert_header(CACHE_CONTROL, "no-store")?;
    head.insert_header(X_REQUEST_ID, id.to_string())?;
    if answer.status == 405 {
        head.insert_header(header::ALLOW, ALLOW)?;
    }
    for (name, value) in answer.headers {
        head.insert_header(name, value)?;
    }
    if close || Connection::closing() {
        session.set_keepalive(None);
    }
    let no_body = answer.body.is_empty() || session.req_header().method == http::Method::HEAD;
    session
        .write_response_header(Box::new(head), no_body)
        .await?;
    if !no_body {
        session.write_response_body(Some(answer.body), true).await?;
    }
    if !close {
        hear_out(session).await;
    }
    Ok(())
}

/// The longest rest of a request's body that is still listened to, in bytes.
const REST: usize = 64 * 1024;
/// So long it is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// A stream of HTTP/2 that ends before its body has come is reset with `NO_ERROR`, which is right (RFC 9113, 8.1) and which curl before 8
/// takes for a failure of the whole request. So a short body, which is on its way already, is read to its end.
async fn hear_out(session: &mut Session) {
    let head = session.req_header();
    let length = head.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // Who waits for a 100 sends nothing.
    let waits = head.headers.contains_key(header::EXPECT);
    if head.version != Version::HTTP_2 || waits || length.is_some_and(|length| length > REST) {
        return;
    }
    let mut heard = 0;
    let rest = async {
        while heard <= REST
            && let Ok(Some(piece)) = session.read_request_body().await
        {
            heard += piece.len();
        }
    };
    // SECURITY: a client that sends no end gets the reset after all.
    let _ = timeout(PATIENCE, rest).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_with_a_status_gives_a_complete_answer() {
        for &reason in Reason::ALL {
            let answer = String::from_utf8(bare(reason)).expect("ASCII");
            let Some(status) = reason.status() else {
                assert!(answer.is_empty());
                continue;
            };
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")));
            let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
            assert!(head.contains("\r\nConnection: close"));
            assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())));
            assert!(!head.to_ascii_lowercase().contains("\r\nserver:"));
            assert_eq!(head.contains("\r\nAllow: GET"), status == 405);
        }
    }
}
