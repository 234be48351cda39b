//! HTTP/1.1 over kept connections and over new ones: every answer is compared with what was asked for.
//!
//! ```ignore
//! tasks.spawn(http1::kept(task));
//! ```

use std::io;
use std::time::Duration;

use bytes::BytesMut;

use super::HOST;
use super::door::HTTP1;
use super::task::{Task, in_time};
use crate::wire::Framing;
use crate::wire::body::BodyReader;
use crate::wire::connection::{Connection, Part};

/// Between two requests of one client.
const PAUSE: Duration = Duration::from_millis(20);
/// Between the two halves of a slow body.
const HALF: Duration = Duration::from_millis(30);

/// One connection for as long as the server keeps it, then the next.
pub(super) async fn kept(mut task: Task) {
    let (mut line, mut opened) = (None, 0);
    for number in 0_u64.. {
        let over = task.is_over();
        if line.as_ref().is_some_and(has_ended) {
            task.count(|diary| &diary.ended_between);
            line = None;
        }
        if line.is_none() {
            opened += 1;
            line = open(&task, opened).await;
        }
        if let Some(mut open) = line.take() {
            match in_time("a request", ask(&mut open, number, &Wish::of(number))).await {
                Ok(keep) => {
                    task.count(|diary| &diary.requests);
                    line = keep.then_some(open);
                }
                Err(error) => task.diary.failed(&task.name, opened, &error),
            }
        }
        task.stands();
        if over {
            return;
        }
        task.rest(PAUSE).await;
    }
}

/// A new connection for each request.
pub(super) async fn fresh(mut task: Task) {
    for number in 1_u64.. {
        let over = task.is_over();
        if let Some(mut open) = open(&task, number).await {
            match in_time("a request", ask(&mut open, number, &Wish::Last)).await {
                Ok(_) => task.count(|diary| &diary.requests),
                Err(error) => task.diary.failed(&task.name, number, &error),
            }
        }
        task.stands();
        if over {
            return;
        }
        task.rest(PAUSE).await;
    }
}

async fn open(task: &Task, number: u64) -> Option<Connection> {
    match in_time("a connection", task.door.open(task.tls, HTTP1)).await {
        Ok(io) => {
            task.count(|diary| &diary.connections);
            Some(Connection::new(io))
        }
        Err(error) => {
            task.diary.failed(&task.name, number, &error);
            None
        }
    }
}

/// Bytes or an end on an idle connection mean that the server is done with it.
fn has_ended(connection: &Connection) -> bool {
    let unread = connection.io.tcp().try_read(&mut [0]);
    !unread.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// What is asked for.
enum Wish {
    Number,
    Slow,
    Safe,
    /// A body of so many bytes, with its length.
    Body(usize),
    /// The same in chunks, with a pause in its middle.
    Chunks(usize),
    /// The last one of its connection.
    Last,
}

impl Wish {
    fn of(number: u64) -> Wish {
        let size = usize::try_from(number % 64).unwrap_or(1) * 997 + 2;
        match number % 6 {
            0 => Wish::Slow,
            1 => Wish::Body(size),
            2 => Wish::Chunks(size),
            3 => Wish::Safe,
            _ => Wish::Number,
        }
    }
}

/// One exchange. Returns whether the connection stays.
async fn ask(line: &mut Connection, number: u64, wish: &Wish) -> io::Result<bool> {
    let get = |path: &str, more: &str| {
        format!("GET {path}/{number} HTTP/1.1\r\nHost: {HOST}\r\n{more}\r\n").into_bytes()
    };
    let post = |framing: &str| {
        format!("POST /web/echo HTTP/1.1\r\nHost: {HOST}\r\n{framing}\r\n").into_bytes()
    };
    let mut expected = number.to_string().into_bytes();
    match *wish {
        Wish::Number => line.write(&get("/web/number", ""), Part::Head).await?,
        Wish::Slow => line.write(&get("/web/slow", ""), Part::Head).await?,
        Wish::Safe => line.write(&get("/safe/number", ""), Part::Head).await?,
        Wish::Last => {
            let request = get("/web/number", "Connection: close\r\n");
            line.write(&request, Part::Head).await?;
        }
        Wish::Body(size) => {
            expected = body(number, size);
            let head = post(&format!("Content-Length: {size}\r\n"));
            line.write(&[head, expected.clone()].concat(), Part::Head)
                .await?;
        }
        Wish::Chunks(size) => {
            expected = body(number, size);
            let (first, second) = expected.split_at(size / 2);
            let head = post("Transfer-Encoding: chunked\r\n");
            line.write(&[head, chunk(first)].concat(), Part::Head)
                .await?;
            tokio::time::sleep(HALF).await;
            let rest = [chunk(second), b"0\r\n\r\n".to_vec()].concat();
            line.write(&rest, Part::Body).await?;
        }
    }
    let (keep, got) = answer(line).await?;
    if got != expected {
        let text = String::from_utf8_lossy(got.get(..80).unwrap_or(&got)).into_owned();
        let what = format!("request {number}: {} bytes, {text:?}", got.len());
        return Err(io::Error::other(what));
    }
    Ok(keep)
}

/// A body that belongs to this request alone.
pub(super) fn body(number: u64, size: usize) -> Vec<u8> {
    let text = format!("{number} ");
    text.bytes().cycle().take(size).collect()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// A 200 with its whole body, and whether the connection stays.
async fn answer(line: &mut Connection) -> io::Result<(bool, BytesMut)> {
    let head = head(line).await?;
    let mut reader = BodyReader::new(head.framing, false);
    let mut body = BytesMut::new();
    while let Some(piece) = reader.next(line).await? {
        body.extend_from_slice(&piece);
    }
    if head.status != 200 {
        let text = String::from_utf8_lossy(&body);
        return Err(io::Error::other(format!(
            "answered {}: {text}",
            head.status
        )));
    }
    Ok((!head.closes, body))
}

/// The head of an answer, as far as a client needs it.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) closes: bool,
    pub(super) framing: Framing,
}

pub(super) async fn head(line: &mut Connection) -> io::Result<Head> {
    let gone = || io::Error::other("the connection ended before the answer");
    let bytes = line.read_head().await?.ok_or_else(gone)?;
    let text = String::from_utf8_lossy(&bytes);
    let field = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_ascii_lowercase())
        })
    };
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let chunked = field("transfer-encoding").is_some_and(|coding| coding == "chunked");
    let length = field("content-length").and_then(|length| length.parse().ok());
    let framing = match (chunked, length) {
        (true, _) => Framing::Chunked,
        (false, Some(length)) => Framing::Length(length),
        (false, None) if status == Some(101) => Framing::Length(0),
        _ => return Err(io::Error::other(format!("no end can be told: {text}"))),
    };
    Ok(Head {
        status: status.ok_or_else(|| io::Error::other(format!("no status: {text}")))?,
        closes: field("connection").is_some_and(|value| value == "close"),
        framing,
    })
}
