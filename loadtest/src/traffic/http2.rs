//! HTTP/2 connections with several requests at a time.
//!
//! ```ignore
//! tasks.spawn(http2::connection(task));
//! ```

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use tokio::task::JoinHandle;

use super::door::HTTP2;
use super::http1::body;
use super::task::{Task, in_time};
use super::{HOST, PATIENCE};

/// Between two rounds of requests.
const PAUSE: Duration = Duration::from_millis(20);

struct Open {
    requests: SendRequest<Bytes>,
    driver: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// One connection until the server says GOAWAY, then the next; four requests at a time.
pub(super) async fn connection(mut task: Task) {
    task.tls = true;
    let (mut open, mut opened) = (None::<Open>, 0);
    for round in 0_u64.. {
        let over = task.is_over();
        // Not ready means that the server has announced the end before anything was sent.
        let sender = match &open {
            Some(open) => open.requests.clone().ready().await.ok(),
            None => None,
        };
        let sender = match sender {
            Some(sender) => Some(sender),
            None => {
                if open.take().is_some() {
                    task.count(|diary| &diary.ended_between);
                }
                opened += 1;
                match in_time("a connection", connect(&task)).await {
                    Ok(connected) => {
                        task.count(|diary| &diary.connections);
                        Some(open.insert(connected).requests.clone())
                    }
                    Err(error) => {
                        task.diary.failed(&task.name, opened, &error);
                        None
                    }
                }
            }
        };
        if let Some(sender) = sender {
            let number = |at: u64| round * 4 + at;
            let answers = tokio::join!(
                ask(&sender, number(0), "/web/number", None),
                ask(&sender, number(1), "/web/slow", None),
                ask(&sender, number(2), "/safe/number", None),
                ask(&sender, number(3), "/web/echo", Some(20_000)),
            );
            let (first, second, third, fourth) = answers;
            for answered in [first, second, third, fourth] {
                match answered {
                    Ok(()) => task.count(|diary| &diary.requests),
                    Err(error) => task.diary.failed(&task.name, opened, &error),
                }
            }
        }
        task.stands();
        if over {
            return;
        }
        task.rest(PAUSE).await;
    }
}

async fn connect(task: &Task) -> io::Result<Open> {
    let io = task.door.open(true, HTTP2).await?;
    let (requests, connection) = h2::client::handshake(io).await.map_err(io::Error::other)?;
    let driver = tokio::spawn(async move {
        // What went wrong is reported by the requests themselves.
        let _ = connection.await;
    });
    let open = Open { requests, driver };
    open.requests
        .clone()
        .ready()
        .await
        .map_err(io::Error::other)?;
    Ok(open)
}

/// One request; with `size` a POST of so many bytes, which come back.
async fn ask(
    requests: &SendRequest<Bytes>,
    number: u64,
    path: &str,
    size: Option<usize>,
) -> io::Result<()> {
    let exchange = exchange(requests.clone(), number, path, size);
    let what = || format!("request {number} to {path}");
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(done) => done.map_err(|error| io::Error::other(format!("{}: {error}", what()))),
        Err(_) => Err(io::Error::other(format!(
            "{}: nothing within {PATIENCE:?}",
            what()
        ))),
    }
}

async fn exchange(
    mut requests: SendRequest<Bytes>,
    number: u64,
    path: &str,
    size: Option<usize>,
) -> io::Result<()> {
    let (method, target, sent) = match size {
        Some(size) => ("POST", path.to_owned(), body(number, size)),
        None => ("GET", format!("{path}/{number}"), Vec::new()),
    };
    let request = http::Request::builder()
        .method(method)
        .uri(format!("https://{HOST}{target}"))
        .body(())
        .map_err(io::Error::other)?;
    let (answer, mut sending) = requests
        .send_request(request, size.is_none())
        .map_err(io::Error::other)?;
    if size.is_some() {
        // Smaller than the window that every stream begins with.
        let body = Bytes::from(sent.clone());
        sending.send_data(body, true).map_err(io::Error::other)?;
    }
    let (head, mut body) = answer.await.map_err(io::Error::other)?.into_parts();
    let mut got = BytesMut::new();
    while let Some(piece) = body.data().await {
        let piece = piece.map_err(io::Error::other)?;
        got.extend_from_slice(&piece);
        let given = body.flow_control().release_capacity(piece.len());
        given.map_err(io::Error::other)?;
    }
    let expected = if size.is_some() {
        sent
    } else {
        number.to_string().into_bytes()
    };
    if head.status != 200 || got != expected {
        let text = String::from_utf8_lossy(got.get(..80).unwrap_or(&got)).into_owned();
        let what = format!("answered {}: {} bytes, {text:?}", head.status, got.len());
        return Err(io::Error::other(what));
    }
    Ok(())
}
