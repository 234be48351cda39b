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

/// The requests of a round: path, and of a POST the size of its body.
const ROUND: [(&str, Option<usize>); 4] = [
    ("/web/number", None),
    ("/web/slow", None),
    ("/safe/number", None),
    ("/web/echo", Some(20_000)),
];

/// Why a request has no answer.
enum Unanswered {
    /// GOAWAY says of it that nobody has looked at it, and any client may ask again (RFC 9113 section 6.8). The library opens streams that
    /// were waiting when it had heard of the end already, which no browser does.
    NotProcessed,
    Failed(io::Error),
}

/// One connection until the server says GOAWAY, then the next; four requests at a time.
pub(super) async fn connection(mut task: Task) {
    task.tls = true;
    let (mut open, mut opened) = (None::<Open>, 0);
    for round in 0_u64.. {
        let over = task.is_over();
        if let Some(sender) = sender(&task, &mut open, &mut opened).await {
            let of = |at: usize| ask(&sender, round * 4 + at as u64, ROUND[at]);
            let (a, b, c, d) = tokio::join!(of(0), of(1), of(2), of(3));
            for (at, answered) in [a, b, c, d].into_iter().enumerate() {
                let answered = match answered {
                    Err(Unanswered::NotProcessed) => {
                        task.count(|diary| &diary.not_processed);
                        open = None;
                        match sender_again(&task, &mut open, &mut opened).await {
                            Some(sender) => ask(&sender, round * 4 + at as u64, ROUND[at]).await,
                            None => continue,
                        }
                    }
                    answered => answered,
                };
                match answered {
                    Ok(()) => task.count(|diary| &diary.requests),
                    Err(Unanswered::Failed(error)) => {
                        task.diary.failed(&task.name, opened, &error);
                    }
                    Err(Unanswered::NotProcessed) => {
                        let what = "not processed, on a new connection too";
                        task.diary.failed(&task.name, opened, &what);
                    }
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

/// The connection that is there, or the next one.
async fn sender(
    task: &Task,
    open: &mut Option<Open>,
    opened: &mut u64,
) -> Option<SendRequest<Bytes>> {
    // Not ready means that the server has announced the end before anything was sent.
    if let Some(open) = open
        && let Ok(sender) = open.requests.clone().ready().await
    {
        return Some(sender);
    }
    if open.take().is_some() {
        task.count(|diary| &diary.ended_between);
    }
    sender_again(task, open, opened).await
}

async fn sender_again(
    task: &Task,
    open: &mut Option<Open>,
    opened: &mut u64,
) -> Option<SendRequest<Bytes>> {
    *opened += 1;
    match in_time("a connection", connect(task)).await {
        Ok(connected) => {
            task.count(|diary| &diary.connections);
            Some(open.insert(connected).requests.clone())
        }
        Err(error) => {
            task.diary.failed(&task.name, *opened, &error);
            None
        }
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

/// One request; with a size a POST of so many bytes, which come back.
async fn ask(
    requests: &SendRequest<Bytes>,
    number: u64,
    (path, size): (&str, Option<usize>),
) -> Result<(), Unanswered> {
    let exchange = exchange(requests.clone(), number, path, size);
    let failed = |why: &dyn std::fmt::Display| {
        let what = format!("request {number} to {path}: {why}");
        Unanswered::Failed(io::Error::other(what))
    };
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if is_not_processed(&error) => Err(Unanswered::NotProcessed),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(failed(&format!("nothing within {PATIENCE:?}"))),
    }
}

fn is_not_processed(error: &io::Error) -> bool {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<h2::Error>());
    inner.is_some_and(|error| {
        error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR)
    })
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
