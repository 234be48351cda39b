//! WebSockets whose numbered messages must come back one by one (RFC 6455).
//!
//! ```ignore
//! tasks.spawn(websocket::echo(task));
//! ```

use std::io;
use std::time::Duration;

use super::HOST;
use super::door::HTTP1;
use super::http1;
use super::task::{Task, in_time};
use crate::wire::connection::{Connection, Part};

/// Between two messages.
const PAUSE: Duration = Duration::from_millis(200);
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

/// One WebSocket for the whole time.
pub(super) async fn echo(mut task: Task) {
    let mut line = match in_time("the upgrade", open(&task)).await {
        Ok(line) => line,
        Err(error) => return task.diary.failed(&task.name, 1, &error),
    };
    task.count(|diary| &diary.connections);
    for number in 1_u64.. {
        let over = task.is_over();
        let told = number.to_string();
        if let Err(error) = in_time("a message", back(&mut line, TEXT, told.as_bytes())).await {
            return task.diary.dropped(&task.name, 1, &error);
        }
        task.count(|diary| &diary.echoes);
        task.stands();
        if over {
            break;
        }
        task.rest(PAUSE).await;
    }
    if let Err(error) = in_time("the close", back(&mut line, CLOSE, &[3, 232])).await {
        task.diary.dropped(&task.name, 1, &error);
    }
}

async fn open(task: &Task) -> io::Result<Connection> {
    let mut line = Connection::new(task.door.open(task.tls, HTTP1).await?);
    let request = format!(
        "GET /ws/echo HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    line.write(request.as_bytes(), Part::Head).await?;
    match http1::head(&mut line).await?.status {
        101 => Ok(line),
        status => Err(io::Error::other(format!("answered {status}"))),
    }
}

/// Sends a short frame and reads the same one, unmasked.
async fn back(line: &mut Connection, first: u8, payload: &[u8]) -> io::Result<()> {
    let length = u8::try_from(payload.len()).map_err(io::Error::other)?;
    // Masked with zeros, which changes nothing.
    let sent = [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat();
    line.write(&sent, Part::Body).await?;
    let expected = [&[first, length], payload].concat();
    let mut got = Vec::new();
    while got.len() < expected.len() {
        let missing = expected.len() - got.len();
        got.extend_from_slice(&line.read_some(missing as u64).await?);
    }
    if got != expected {
        let what = format!("{expected:?} was expected, {got:?} came");
        return Err(io::Error::other(what));
    }
    Ok(())
}
