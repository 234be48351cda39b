//! A WebSocket echo that is quick: its 101 leaves the moment the request head is there, with a first frame in the same
//! segment if wanted (RFC 6455).
//!
//! ```
//! // The example of RFC 6455 section 1.3.
//! assert_eq!(loadtest::rude::accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
//! ```

use std::io;

use bytes::{Bytes, BytesMut};

use super::connection::Connection;
use super::listener::Rude;
use crate::wire::Request;

/// Largest frame that is echoed.
const MAX_FRAME: u64 = 16 * 1024 * 1024;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// When the first words of the server leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// The 101 alone; frames follow only as echoes.
    Plain,
    /// The 101 and a text frame in one segment.
    WithFrame(String),
}

/// Answers every upgrade at once and echoes frames: text and binary as they are, ping as pong, close as close. A request
/// that is no upgrade gets 400.
///
/// # Errors
/// No port can be bound.
pub async fn websocket_echo(upgrade: Upgrade) -> io::Result<Rude> {
    let first = match upgrade {
        Upgrade::Plain => Vec::new(),
        Upgrade::WithFrame(text) => frame(true, TEXT, text.as_bytes()),
    };
    let first = Bytes::from(first);
    Rude::serve(move |connection| echo(connection, first.clone())).await
}

async fn echo(mut connection: Connection, first: Bytes) -> io::Result<Connection> {
    let head = connection.read_head().await?;
    let key = Request::parse(&head)
        .ok()
        .filter(|request| {
            request.lists("upgrade", "websocket") && request.lists("connection", "upgrade")
        })
        .and_then(|request| request.first("sec-websocket-key"));
    let Some(key) = key else {
        connection
            .write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .await?;
        return Ok(connection);
    };
    let accept = accept_key(&key);
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    connection
        .write(&[head.as_bytes(), &first].concat())
        .await?;
    loop {
        let received = read_frame(&mut connection).await?;
        match received.opcode {
            CLOSE => {
                connection
                    .write(&frame(true, CLOSE, &received.payload))
                    .await?;
                return Ok(connection);
            }
            PING => {
                connection
                    .write(&frame(true, PONG, &received.payload))
                    .await?;
            }
            PONG => {}
            opcode => {
                connection
                    .write(&frame(received.is_final, opcode, &received.payload))
                    .await?;
            }
        }
    }
}

/// The right Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2).
pub fn accept_key(key: &str) -> String {
    let mut hash = openssl::sha::Sha1::new();
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    openssl::base64::encode_block(&hash.finish())
}

struct Frame {
    is_final: bool,
    opcode: u8,
    payload: BytesMut,
}

async fn read_frame(connection: &mut Connection) -> io::Result<Frame> {
    let start = exactly(connection, 2).await?;
    let (first, second) = match start.as_ref() {
        [first, second] => (*first, *second),
        _ => return Err(io::ErrorKind::UnexpectedEof.into()),
    };
    let size = match second & 0x7f {
        126 => number(&exactly(connection, 2).await?),
        127 => number(&exactly(connection, 8).await?),
        short => u64::from(short),
    };
    let size = usize::try_from(size).ok().filter(|_| size <= MAX_FRAME);
    let size = size.ok_or_else(|| io::Error::other("the frame is too large to echo"))?;
    let mask = if second & 0x80 == 0 {
        Bytes::new()
    } else {
        exactly(connection, 4).await?
    };
    let mut payload = BytesMut::from(exactly(connection, size).await?.as_ref());
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok(Frame {
        is_final: first & 0x80 != 0,
        opcode: first & 0x0f,
        payload,
    })
}

async fn exactly(connection: &mut Connection, size: usize) -> io::Result<Bytes> {
    while connection.ahead().len() < size {
        connection.fill().await?;
    }
    Ok(connection.take(size))
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A frame as a server sends it: not masked.
fn frame(is_final: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![u8::from(is_final) << 7 | opcode];
    match payload.len() {
        size @ 0..=125 => frame.push(size as u8),
        size @ 126..=0xffff => {
            frame.push(126);
            frame.extend_from_slice(&(size as u16).to_be_bytes());
        }
        size => {
            frame.push(127);
            frame.extend_from_slice(&(size as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}
