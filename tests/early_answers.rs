//! Answers that are there before the whole request is. Over HTTP/2 curl before 8 takes the reset that follows one for a failure.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "upstream/support.rs"]
mod inside;

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use inside::{HOST, SOON};
use loadtest::edge::Edge;
use loadtest::rude::client::Dial;

async fn client(edge: &Edge) -> SendRequest<Bytes> {
    let tls = Dial::tls(edge.https()).sni(HOST).alpn(&["h2"]);
    let io = tls.open().await.unwrap().into_io();
    let (client, driver) = h2::client::handshake(io).await.unwrap();
    tokio::spawn(driver);
    client
}

/// Whether the stream of a POST that is refused is reset after its answer. The body comes when the answer is there.
async fn is_reset(client: &mut SendRequest<Bytes>, length: Option<&str>, body: usize) -> bool {
    let mut post = Request::post(format!("https://{HOST}/nowhere"));
    if let Some(length) = length {
        post = post.header("content-length", length);
    }
    let (answer, mut send) = client.send_request(post.body(()).unwrap(), false).unwrap();
    assert_eq!(answer.await.unwrap().status(), 404);
    // Whatever the gateway says of the stream by itself stands before this answer.
    let other = Request::get(format!("https://{HOST}/nowhere"));
    let (other, _) = client.send_request(other.body(()).unwrap(), true).unwrap();
    assert_eq!(other.await.unwrap().status(), 404);
    if let Poll::Ready(told) = poll_fn(|cx| Poll::Ready(send.poll_reset(cx))).await {
        assert_eq!(told.unwrap(), h2::Reason::NO_ERROR);
        return true;
    }
    send.send_data(vec![b'x'; body].into(), true).unwrap();
    false
}

async fn gateway() -> Edge {
    let text = format!("hosts: {{ {HOST}: {{ routes: [ {{ path: /there/, files: www }} ] }} }}\n");
    let folder = |folder: &std::path::Path| std::fs::create_dir(folder.join("www"));
    Edge::with(&text, &[HOST], folder).await.unwrap()
}

#[tokio::test]
async fn a_short_body_may_come_after_the_refusal_and_a_long_one_is_reset() {
    let edge = gateway().await;
    let mut client = client(&edge).await;
    for (length, body, reset) in [
        (None, 1, false),
        (Some("1"), 1, false),
        (Some("60000"), 60_000, false),
        (Some("70000"), 70_000, true),
    ] {
        let was = is_reset(&mut client, length, body).await;
        assert_eq!(was, reset, "{length:?}");
    }
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let edge = gateway().await;
    let mut client = client(&edge).await;
    let post = Request::post(format!("https://{HOST}/nowhere"));
    let (answer, mut send) = client.send_request(post.body(()).unwrap(), false).unwrap();
    assert_eq!(answer.await.unwrap().status(), 404);
    let reset = tokio::time::timeout(SOON, poll_fn(|cx| send.poll_reset(cx)));
    assert_eq!(reset.await.unwrap().unwrap(), h2::Reason::NO_ERROR);
}
