//! Servers that stop too early: in the head, in the body, or between two requests.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! let server = loadtest::rude::length_body_cut(1000, 10).await?; // promises 1000 bytes, sends 10
//! # drop(server); Ok(())
//! # }
//! ```

use std::io;

use super::listener::Rude;

/// Answers half a head and then says nothing more, for as long as the client stays.
///
/// # Errors
/// No port can be bound (as of every server here).
pub async fn half_a_head() -> io::Result<Rude> {
    Rude::serve(|mut connection| async move {
        connection.read_head().await?;
        connection
            .write(b"HTTP/1.1 200 OK\r\nContent-Type: text/pl")
            .await?;
        connection.until_gone().await?;
        Ok(connection)
    })
    .await
}

/// Promises a body of `promised` bytes, sends `sent` of them and closes.
///
/// # Errors
/// No port can be bound.
pub async fn length_body_cut(promised: usize, sent: usize) -> io::Result<Rude> {
    Rude::serve(move |mut connection| async move {
        connection.read_head().await?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {promised}\r\n\r\n"
        );
        let mut answer = head.into_bytes();
        answer.resize(answer.len() + sent, b'x');
        connection.write(&answer).await?;
        Ok(connection)
    })
    .await
}

/// Sends this many whole chunks of 10 bytes, half of another one, and closes.
///
/// # Errors
/// No port can be bound.
pub async fn chunked_body_cut(chunks: usize) -> io::Result<Rude> {
    Rude::serve(move |mut connection| async move {
        connection.read_head().await?;
        let mut answer =
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                .to_vec();
        for _ in 0..chunks {
            answer.extend_from_slice(b"a\r\n0123456789\r\n");
        }
        answer.extend_from_slice(b"a\r\n01234");
        connection.write(&answer).await?;
        Ok(connection)
    })
    .await
}

/// Answers the first request of a connection properly and keeps it, then closes it the moment the next request arrives,
/// unanswered; with `reset` by a TCP reset.
///
/// # Errors
/// No port can be bound.
pub async fn closes_on_next_request(reset: bool) -> io::Result<Rude> {
    Rude::serve(move |mut connection| async move {
        connection.read_head().await?;
        connection
            .write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nfirst")
            .await?;
        connection.read_head().await?;
        if reset {
            connection.reset()
        } else {
            Ok(connection)
        }
    })
    .await
}

/// Accepts and resets at once.
///
/// # Errors
/// No port can be bound.
pub async fn resets_at_once() -> io::Result<Rude> {
    Rude::serve(|connection| async move { connection.reset() }).await
}
