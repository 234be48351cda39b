//! Servers with an odd sense of time: endless events, slow bodies, no reading at all, an answer before the question.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use std::time::Duration;
//! let server = loadtest::rude::endless_events(Duration::from_millis(50)).await?;
//! // … a client reads some events and goes …
//! let seen = server.wait_for_leavers(1, Duration::from_secs(2)).await.unwrap();
//! println!("noticed {:?} after it came", seen[0].ended.unwrap() - seen[0].accepted);
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::net::TcpSocket;

use super::connection::Connection;
use super::listener::Rude;
use crate::wire::{Framing, Request};

/// Largest request that is echoed.
const MAX_ECHO: usize = 64 * 1024 * 1024;

/// Server-sent events without end, one every `pause`, numbered by `id:`. The record tells when the reader has gone.
///
/// # Errors
/// No port can be bound (as of every server here).
pub async fn endless_events(pause: Duration) -> io::Result<Rude> {
    Rude::serve(move |mut connection| async move {
        connection.read_head().await?;
        connection
            .write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await?;
        for id in 0_u64.. {
            let event = format!("id: {id}\ndata: {{\"number\":{id}}}\n\n");
            let chunk = format!("{:x}\r\n{event}\r\n", event.len());
            connection.write_watching(chunk.as_bytes()).await?;
            connection.pause(pause).await?;
        }
        Ok(connection)
    })
    .await
}

/// Sends `body` byte by byte, one every `pause`, with a right Content-Length, and keeps the connection.
///
/// # Errors
/// No port can be bound.
pub async fn drips(body: &'static [u8], pause: Duration) -> io::Result<Rude> {
    Rude::serve(move |mut connection| async move {
        loop {
            connection.read_head().await?;
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            connection.write(head.as_bytes()).await?;
            for byte in body {
                connection.pause(pause).await?;
                connection.write(std::slice::from_ref(byte)).await?;
            }
        }
    })
    .await
}

/// Accepts and never reads a byte nor writes one. The receive buffer is as small as the system allows, so that a sender
/// feels it soon.
///
/// # Errors
/// No port can be bound.
pub async fn never_reads() -> io::Result<Rude> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(1)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    Rude::serve_on(socket, |connection| async move {
        std::future::pending::<()>().await;
        Ok(connection)
    })
}

/// Answers 413 as soon as it has the head, without reading the body, and closes; with unread bytes waiting, the client
/// then gets a reset.
///
/// # Errors
/// No port can be bound.
pub async fn answers_early() -> io::Result<Rude> {
    Rude::serve(|mut connection| async move {
        connection.read_head().await?;
        connection
            .write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much")
            .await?;
        Ok(connection)
    })
    .await
}

/// Echoes every request exactly as it was received, head and framed body, as the body of a 200; keeps the connection
/// while it can tell where a request ends.
///
/// # Errors
/// No port can be bound.
pub async fn echoes_request() -> io::Result<Rude> {
    Rude::serve(|mut connection| async move {
        loop {
            let (request, is_understood) = whole_request(&mut connection).await?;
            let close = if is_understood { "" } else { "Connection: close\r\n" };
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n{close}\r\n",
                request.len()
            );
            connection.write(&[head.as_bytes(), &request].concat()).await?;
            if !is_understood {
                return Ok(connection);
            }
        }
    })
    .await
}

/// One request with its body as framed, and whether its end could be told.
async fn whole_request(connection: &mut Connection) -> io::Result<(Bytes, bool)> {
    let head = connection.read_head().await?;
    let framing = Request::parse(&head).and_then(|request| Framing::of_request(&request));
    let mut whole = BytesMut::from(head.as_ref());
    match framing {
        Ok(Framing::Length(size)) => {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            read_exact(connection, &mut whole, size).await?;
        }
        Ok(Framing::Chunked) => {
            if !read_chunks(connection, &mut whole).await? {
                return Ok((whole.freeze(), false));
            }
        }
        _ => return Ok((whole.freeze(), false)),
    }
    Ok((whole.freeze(), true))
}

async fn read_exact(
    connection: &mut Connection,
    whole: &mut BytesMut,
    size: usize,
) -> io::Result<()> {
    let mut missing = size;
    loop {
        let piece = connection.take(missing);
        missing -= piece.len();
        whole.extend_from_slice(&piece);
        if missing == 0 {
            return Ok(());
        }
        if whole.len() > MAX_ECHO {
            return Err(io::Error::other("the request is too large to echo"));
        }
        connection.fill().await?;
    }
}

/// Reads chunks and trailer fields, framing and all. False when a chunk size makes no sense.
async fn read_chunks(connection: &mut Connection, whole: &mut BytesMut) -> io::Result<bool> {
    loop {
        let (line, size) = loop {
            match httparse::parse_chunk_size(connection.ahead()) {
                Ok(httparse::Status::Complete(found)) => break found,
                Ok(httparse::Status::Partial) => connection.fill().await?,
                Err(_) => return Ok(false),
            }
        };
        read_exact(connection, whole, line).await?;
        if size == 0 {
            break;
        }
        let size = usize::try_from(size)
            .unwrap_or(usize::MAX)
            .saturating_add(2);
        read_exact(connection, whole, size).await?;
    }
    // Trailer fields, up to the empty line.
    loop {
        let end = connection.ahead().windows(2).position(|two| two == b"\r\n");
        match end {
            Some(end) => {
                read_exact(connection, whole, end + 2).await?;
                if end == 0 {
                    return Ok(true);
                }
            }
            None => connection.fill().await?,
        }
    }
}
