//! Servers whose answers break the rules of message framing and header syntax (RFC 9112 and RFC 9110).
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! let server = loadtest::rude::says("HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello").await?;
//! # drop(server); Ok(())
//! # }
//! ```

use std::io;

use bytes::Bytes;

use super::listener::Rude;

/// Answers every request head with exactly these bytes and keeps the connection. Request bodies are not looked for.
///
/// # Errors
/// No port can be bound (as of every server here).
pub async fn says(answer: impl Into<Bytes>) -> io::Result<Rude> {
    let answer = answer.into();
    Rude::serve(move |mut connection| {
        let answer = answer.clone();
        async move {
            loop {
                connection.read_head().await?;
                connection.write_watching(&answer).await?;
            }
        }
    })
    .await
}

/// Two different Content-Length fields (RFC 9112 section 6.3: unrecoverable).
///
/// # Errors
/// No port can be bound.
pub async fn two_lengths() -> io::Result<Rude> {
    says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 11\r\n\r\nhello world").await
}

/// Content-Length beside Transfer-Encoding (RFC 9112 section 6.3: a sign of response splitting).
///
/// # Errors
/// No port can be bound.
pub async fn length_and_chunked() -> io::Result<Rude> {
    says("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").await
}

/// A header line that ends in a bare LF, with another field hidden behind it.
///
/// # Errors
/// No port can be bound.
pub async fn bare_line_feed() -> io::Result<Rude> {
    says("HTTP/1.1 200 OK\r\nX-One: 1\nX-Two: 2\r\nContent-Length: 5\r\n\r\nhello").await
}

/// A field value folded over two lines (RFC 9112 section 5.2).
///
/// # Errors
/// No port can be bound.
pub async fn obsolete_fold() -> io::Result<Rude> {
    says("HTTP/1.1 200 OK\r\nX-Folded: one\r\n two\r\nContent-Length: 5\r\n\r\nhello").await
}

/// One header field of this many bytes (2 MB say), then a proper end.
///
/// # Errors
/// No port can be bound.
pub async fn huge_header(size: usize) -> io::Result<Rude> {
    let mut answer = b"HTTP/1.1 200 OK\r\nX-Huge: ".to_vec();
    answer.resize(answer.len() + size, b'x');
    answer.extend_from_slice(b"\r\nContent-Length: 5\r\n\r\nhello");
    says(answer).await
}

/// A head that never ends: one small field after the other, for as long as the client reads.
///
/// # Errors
/// No port can be bound.
pub async fn endless_header() -> io::Result<Rude> {
    let fields = "X-More: and more\r\n".repeat(1_000);
    endless("HTTP/1.1 200 OK\r\n", fields.into()).await
}

/// `100 Continue` after `100 Continue`, for as long as the client reads; with a count, a proper answer after so many.
///
/// # Errors
/// No port can be bound.
pub async fn flood_of_informational(count: Option<usize>) -> io::Result<Rude> {
    const ONE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
    match count {
        None => endless(ONE, ONE.repeat(1_000).into()).await,
        Some(count) => {
            says(ONE.repeat(count) + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await
        }
    }
}

/// Answers with a body in every case, HEAD included.
///
/// # Errors
/// No port can be bound.
pub async fn body_after_head() -> io::Result<Rude> {
    says("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello").await
}

/// A 204 with a body.
///
/// # Errors
/// No port can be bound.
pub async fn body_in_no_content() -> io::Result<Rude> {
    says("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello").await
}

/// A 304 with a body.
///
/// # Errors
/// No port can be bound.
pub async fn body_in_not_modified() -> io::Result<Rude> {
    says("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 5\r\n\r\nhello").await
}

/// A reason phrase of bytes that are not text.
///
/// # Errors
/// No port can be bound.
pub async fn wrong_reason() -> io::Result<Rude> {
    says(&b"HTTP/1.1 200 \xff\xfe\x01\r\nContent-Length: 5\r\n\r\nhello"[..]).await
}

/// The same cookie this many times (200 say), each with another value.
///
/// # Errors
/// No port can be bound.
pub async fn many_cookies(count: usize) -> io::Result<Rude> {
    let cookies: String = (0..count)
        .map(|at| format!("Set-Cookie: icws_1=v{at}; Path=/icws/1; HttpOnly\r\n"))
        .collect();
    says(format!(
        "HTTP/1.1 200 OK\r\n{cookies}Content-Length: 5\r\n\r\nhello"
    ))
    .await
}

/// A redirect to something that is no URL.
///
/// # Errors
/// No port can be bound.
pub async fn invalid_location() -> io::Result<Rude> {
    says(
        "HTTP/1.1 302 Found\r\nLocation: http://[::bad]:port%zz/ icws\r\nContent-Length: 0\r\n\r\n",
    )
    .await
}

async fn endless(first: &'static str, more: Bytes) -> io::Result<Rude> {
    Rude::serve(move |mut connection| {
        let more = more.clone();
        async move {
            connection.read_head().await?;
            connection.write(first.as_bytes()).await?;
            loop {
                connection.write_watching(&more).await?;
            }
        }
    })
    .await
}
