//! Callers that keep the listener waiting.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::routing::get;
use tokio::time::{Interval, interval};

use super::*;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(20);
const SHORT: Patience = Patience {
    head: Duration::from_millis(200),
    write: Duration::from_millis(200),
};
const LONG: Patience = Patience {
    head: SOON,
    write: SOON,
};

/// An answer in so many pieces, each after a pause longer than [`SHORT`] allows for anything else.
struct Slowly(Interval, usize);

impl hyper::body::Body for Slowly {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        std::task::ready!(self.0.poll_tick(cx));
        let Some(left) = self.1.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.1 = left;
        Poll::Ready(Some(Ok(hyper::body::Frame::data(Bytes::from_static(
            b"event\n",
        )))))
    }
}

async fn listen(patience: Patience) -> (SocketAddr, JoinSet<()>) {
    let app = Router::new()
        .route("/quick", get(async || "quick"))
        .route("/large", get(async || "x".repeat(64 << 20)))
        .route(
            "/slowly",
            get(async || Body::new(Slowly(interval(Duration::from_millis(150)), 5))),
        )
        .route(
            "/endless",
            get(async || Body::new(Slowly(interval(SOON), usize::MAX))),
        );
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    let mut server = JoinSet::new();
    server.spawn(serve(listener, app, patience));
    (address, server)
}

async fn dial(to: SocketAddr, bytes: &str) -> TcpStream {
    let mut line = TcpStream::connect(to).await.expect("connects");
    line.write_all(bytes.as_bytes()).await.expect("sends");
    line
}

/// All that comes until the other side ends it; `None`: it does not.
async fn to_the_end(line: &mut TcpStream) -> Option<String> {
    let mut all = Vec::new();
    // A reset is an end too.
    let _ = timeout(SOON, line.read_to_end(&mut all)).await.ok()?;
    Some(String::from_utf8_lossy(&all).into_owned())
}

#[tokio::test]
async fn who_says_nothing_or_half_a_head_is_ended() {
    let (address, _server) = listen(SHORT).await;
    for said in ["", "GET /quick HTTP/1.1\r\nHost: loc", "GET /quick"] {
        let mut line = dial(address, said).await;
        assert!(to_the_end(&mut line).await.is_some(), "{said:?}");
    }
}

#[tokio::test]
async fn a_head_that_drips_is_ended() {
    let (address, _server) = listen(SHORT).await;
    let mut line = dial(address, "GET /quick HTTP/1.1\r\n").await;
    let drip = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if line.write_all(b"x: y\r\n").await.is_err() {
                return;
            }
        }
    };
    assert!(timeout(SOON, drip).await.is_ok(), "it may drip for ever");
}

#[tokio::test]
async fn a_connection_that_idles_after_an_answer_is_ended() {
    let (address, _server) = listen(SHORT).await;
    let mut line = dial(address, "GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let all = to_the_end(&mut line).await.expect("an end");
    assert!(all.ends_with("\r\n\r\nquick"), "{all}");
}

#[tokio::test]
async fn an_answer_lasts_as_long_as_it_goes_on() {
    let (address, _server) = listen(SHORT).await;
    let request = "GET /slowly HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let all = to_the_end(&mut dial(address, request).await).await;
    let all = all.expect("an end");
    assert_eq!(all.matches("event\n").count(), 5, "{all}");
}

#[tokio::test]
async fn who_does_not_take_the_answer_is_ended() {
    let (address, mut server) = listen(SHORT).await;
    let line = dial(address, "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    // Nothing is read until the other side is gone: a reset, which makes the line readable with an error.
    let gone = timeout(SOON, async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if line.take_error().expect("readable").is_some() {
                return;
            }
        }
    });
    assert!(gone.await.is_ok(), "it may wait for ever");
    server.abort_all();
}

#[tokio::test]
async fn whoever_holds_every_connection_shuts_nobody_out() {
    let (address, _server) = listen(LONG).await;
    let mut held = Vec::new();
    for number in 0..2 * MOST {
        let said = match number % 3 {
            0 => "",
            1 => "GET /quick HTTP/1.1\r\n",
            _ => "GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n",
        };
        held.push(dial(address, said).await);
    }
    let request = "GET /quick HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let all = to_the_end(&mut dial(address, request).await).await;
    assert!(all.expect("an end").ends_with("quick"));
    let oldest = held.first_mut().expect("some");
    assert!(to_the_end(oldest).await.is_some(), "the oldest went");
}
