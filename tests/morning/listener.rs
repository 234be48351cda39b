//! An open event stream that is read to its end, and counted then.

use std::io;
use std::sync::Arc;

use loadtest::rude::client::{Dial, Line};
use tokio::task::JoinHandle;

use super::caller::{Door, Way};
use super::center::SOON;
use super::client::HOST;
use super::ledger::Place;
use super::prometheus::PATIENCE;

/// How a stream came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server has ended it.
    Proper,
    /// It was cut off.
    Broken,
}

/// A stream that stands open.
pub struct Listener {
    reading: JoinHandle<(usize, End)>,
    door: Arc<Door>,
    place: Place,
}

impl Listener {
    /// Opens it; returns when its head is there.
    pub async fn open(
        door: &Arc<Door>,
        way: Way,
        place: Place,
        path: &str,
        cookie: &str,
    ) -> Listener {
        let reading = match way {
            Way::Http1 => http1(door, path, cookie).await,
            Way::Http2 => http2(door, path, cookie).await,
        };
        door.ledger.reached(place);
        let door = Arc::clone(door);
        Listener {
            reading: reading.unwrap(),
            door,
            place,
        }
    }

    /// Waits for the end.
    pub async fn end(self) -> End {
        let ended = tokio::time::timeout(SOON, self.reading).await;
        let (bytes, end) = ended.expect("the stream ends").unwrap();
        self.door.ledger.streamed(self.place, 200, 0, bytes);
        if end == End::Broken {
            self.door.ledger.broken(self.place.server);
        }
        end
    }
}

async fn http1(door: &Door, path: &str, cookie: &str) -> io::Result<JoinHandle<(usize, End)>> {
    let mut line = Dial::plain(door.plain).open().await?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\nCookie: {cookie}\r\n\r\n"
    );
    line.write(head.as_bytes()).await?;
    let head = line.read_until(b"\r\n\r\n", SOON).await?;
    assert!(head.starts_with(b"HTTP/1.1 200 "), "{head:?}");
    Ok(tokio::spawn(async move {
        let mut bytes = 0;
        loop {
            match chunk(&mut line).await {
                Ok(0) => return (bytes, End::Proper),
                Ok(size) => bytes += size,
                Err(_) => return (bytes, End::Broken),
            }
        }
    }))
}

/// The size of the next chunk, 0 at the end.
async fn chunk(line: &mut Line) -> io::Result<usize> {
    // As long as nothing is said: the whole morning, if need be.
    let size = line.read_until(b"\r\n", PATIENCE * 10).await?;
    let size = String::from_utf8_lossy(&size).into_owned();
    let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
    line.read_exactly(size + 2, SOON).await?;
    Ok(size)
}

async fn http2(door: &Door, path: &str, cookie: &str) -> io::Result<JoinHandle<(usize, End)>> {
    let line = Dial::tls(door.tls).sni(HOST).alpn(&["h2"]).open().await?;
    door.ledger.handshake("TLSv1.3", "done");
    let (mut requests, connection) = h2::client::handshake(line.into_io())
        .await
        .map_err(io::Error::other)?;
    let driver = tokio::spawn(connection);
    let request = http::Request::get(format!("https://{HOST}{path}"))
        .header("accept", "text/event-stream")
        .header("cookie", cookie)
        .body(())
        .map_err(io::Error::other)?;
    let (answer, _) = requests
        .send_request(request, true)
        .map_err(io::Error::other)?;
    let answer = tokio::time::timeout(SOON, answer)
        .await?
        .map_err(io::Error::other)?;
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    Ok(tokio::spawn(async move {
        let mut bytes = 0;
        let end = loop {
            match body.data().await {
                None => break End::Proper,
                Some(Ok(piece)) => {
                    let _ = body.flow_control().release_capacity(piece.len());
                    bytes += piece.len();
                }
                Some(Err(_)) => break End::Broken,
            }
        };
        drop(requests);
        driver.abort();
        (bytes, end)
    }))
}
