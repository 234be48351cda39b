//! Event streams and long polls: nothing waits in between, and when one side goes the other hears of it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "upstream/support.rs"]
mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Ended, Line};
use loadtest::rude::{self, End, Rude, Seen};
use loadtest::wire::{Exchange, Reply, Server, ServerOptions, Service};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use tokio::net::TcpStream;

use support::*;

/// What the issue allows between a server's sending and a client's receiving.
const ALLOWED: Duration = Duration::from_millis(50);
const PROMPT: Duration = Duration::from_secs(2);
const EVENTS: usize = 60;

/// Sends numbered events, and notes when each left.
struct Events {
    sent: Arc<Mutex<Vec<Instant>>>,
    pause: Duration,
    count: usize,
}

impl Service for Events {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
        let reply = Reply::new(200)
            .header("Content-Type", "text/event-stream")
            .header("Cache-Control", "no-cache");
        let mut stream = exchange.stream(reply).await?;
        stream.send(b":ping\n\n").await?;
        for number in 0..self.count {
            tokio::time::sleep(self.pause).await;
            self.sent.lock().unwrap().push(Instant::now());
            // Small enough to sit in any buffer that somebody forgot to flush.
            stream
                .send(format!("id: {number}\ndata: {{}}\n\n").as_bytes())
                .await?;
        }
        stream.finish().await
    }
}

struct Stage {
    server: Server,
    edge: Edge,
    sent: Arc<Mutex<Vec<Instant>>>,
}

async fn stage(pause: Duration, count: usize, timeouts: &str) -> Stage {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let events = Events {
        sent: sent.clone(),
        pause,
        count,
    };
    let server = Server::start(ServerOptions::default(), events)
        .await
        .unwrap();
    let rest = format!(
        "url: 'http://{}', timeouts: {{ {timeouts} }}",
        server.address()
    );
    let edge = edge(&one_server("icws", &rest)).await;
    Stage { server, edge, sent }
}

const TARGET: &str = "/us/one/icws/1/messaging/messages";

fn asks(version: &str) -> String {
    format!(
        "GET {TARGET} HTTP/{version}\r\nHost: {HOST}\r\nAccept: text/event-stream\r\nCookie: icws_1=a\r\n\r\n"
    )
}

async fn listen(edge: &Edge, version: &str) -> Line {
    let mut line = Dial::plain(edge.plain()).open().await.unwrap();
    line.write(asks(version).as_bytes()).await.unwrap();
    line
}

/// Half of the events arrived within this. The median, so that a busy machine's hiccup is not the gateway's fault.
fn median(sent: &[Instant], received: &[Instant]) -> Duration {
    assert_eq!(sent.len(), received.len());
    let mut took: Vec<_> = sent
        .iter()
        .zip(received)
        .map(|(sent, received)| received.duration_since(*sent))
        .collect();
    took.sort_unstable();
    took[took.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_one_by_one_over_http_1() {
    let stage = stage(Duration::from_millis(20), EVENTS, "").await;
    for version in ["1.1", "1.0"] {
        stage.sent.lock().unwrap().clear();
        let mut line = listen(&stage.edge, version).await;
        let head = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        assert!(
            head.contains("content-type: text/event-stream\r\n"),
            "{head}"
        );
        assert_eq!(
            head.contains("transfer-encoding: chunked"),
            version == "1.1",
            "{head}"
        );
        let ping = line.read_until(b":ping\n\n", SOON).await.unwrap();
        assert!(version == "1.1" || &ping[..] == b":ping\n\n", "{ping:?}");
        let mut received = Vec::new();
        for number in 0..EVENTS {
            let event = line.read_until(b"data: {}\n\n", SOON).await.unwrap();
            received.push(Instant::now());
            let event = String::from_utf8_lossy(&event).into_owned();
            assert!(event.contains(&format!("id: {number}\n")), "{event:?}");
        }
        let took = median(&stage.sent.lock().unwrap(), &received);
        assert!(took < ALLOWED, "HTTP/{version}: {took:?}");
        let seen = stage.server.recorder().all().pop().unwrap();
        assert_eq!(seen.header("accept").as_deref(), Some("text/event-stream"));
        assert_eq!(seen.header("accept-encoding"), None);
    }
}

/// An event stream over HTTP/2, and what keeps its connection going.
async fn listen_http_2(
    edge: &Edge,
) -> (
    h2::RecvStream,
    h2::client::SendRequest<bytes::Bytes>,
    tokio::task::JoinHandle<()>,
) {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    builder.set_alpn_protos(b"\x02h2").unwrap();
    let ssl = builder.build().configure().unwrap().into_ssl(HOST).unwrap();
    let tcp = TcpStream::connect(edge.https()).await.unwrap();
    let mut tls = tokio_openssl::SslStream::new(ssl, tcp).unwrap();
    std::pin::Pin::new(&mut tls).connect().await.unwrap();
    let (mut client, connection) = h2::client::handshake(tls).await.unwrap();
    let driver = tokio::spawn(async move {
        // How it ends is seen by the streams.
        let _ = connection.await;
    });
    let request = http::Request::get(format!("https://{HOST}{TARGET}"))
        .header("accept", "text/event-stream")
        .body(())
        .unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    let answer = tokio::time::timeout(SOON, answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    (answer.into_body(), client, driver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_one_by_one_over_http_2() {
    let stage = stage(Duration::from_millis(20), EVENTS, "").await;
    let (mut body, _client, _driver) = listen_http_2(&stage.edge).await;
    let mut text = String::new();
    let mut received = Vec::new();
    while let Some(piece) = tokio::time::timeout(SOON, body.data()).await.unwrap() {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        text.push_str(std::str::from_utf8(&piece).unwrap());
        while received.len() < text.matches("data: {}\n\n").count() {
            received.push(Instant::now());
        }
    }
    let took = median(&stage.sent.lock().unwrap(), &received);
    assert!(took < ALLOWED, "{took:?}");
}

#[tokio::test]
async fn a_listener_that_goes_ends_the_servers_side_at_once() {
    let server = rude::endless_events(Duration::from_millis(50))
        .await
        .unwrap();
    let edge = edge(&one_server(
        "icws",
        &format!("url: 'http://{}'", server.address()),
    ))
    .await;
    for turn in 1..=4 {
        let mut line = listen(&edge, if turn % 2 == 0 { "1.0" } else { "1.1" }).await;
        line.read_until(b"id: 3\n", SOON).await.unwrap();
        if turn > 2 {
            line.reset();
        } else {
            drop(line);
        }
        server.wait_for_leavers(turn, PROMPT).await.unwrap();
    }
    let (mut body, client, driver) = listen_http_2(&edge).await;
    body.data().await.unwrap().unwrap();
    // One stream of a connection that lives on.
    drop(body);
    server.wait_for_leavers(5, PROMPT).await.unwrap();
    drop(client);
    driver.abort();
}

/// A server that takes a request and says `first`, and then nothing.
async fn silent(first: &'static str) -> Rude {
    Rude::serve(move |mut connection| async move {
        connection.read_head().await?;
        connection.write(first.as_bytes()).await?;
        connection.until_gone().await?;
        Ok(connection)
    })
    .await
    .unwrap()
}

const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_client_that_goes_while_the_server_says_nothing_ends_it_too() {
    for first in [
        "",
        STREAM_HEAD,
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    ] {
        let server = silent(first).await;
        let edge = edge(&one_server(
            "icws",
            &format!("url: 'http://{}'", server.address()),
        ))
        .await;
        let line = listen(&edge, "1.1").await;
        let asked = |seen: &[Seen]| seen.first().is_some_and(|seen| seen.heads() == 1);
        server.wait_for("the request", SOON, asked).await.unwrap();
        drop(line);
        server
            .wait_for_leavers(1, PROMPT)
            .await
            .unwrap_or_else(|missed| panic!("{first:?}: {missed}"));
        until("the reason to be counted", async || {
            refusals(&edge, "client_gone").await == 1.0
        })
        .await;
    }
}

#[tokio::test]
async fn an_event_streams_silence_is_measured_by_stream_and_not_by_response() {
    // Gaps longer than `response`, a whole longer than `stream`.
    let stage = stage(Duration::from_millis(400), 6, "response: 150ms, stream: 2s").await;
    let mut line = listen(&stage.edge, "1.1").await;
    let (got, _) = {
        let got = line.read_until(b"0\r\n\r\n", SOON).await.unwrap();
        (String::from_utf8_lossy(&got).into_owned(), ())
    };
    assert_eq!(got.matches("data: {}").count(), 6, "{got}");
    assert_eq!(refusals(&stage.edge, "upstream_timeout").await, 0.0);
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_cut_and_looks_cut() {
    let server = silent(STREAM_HEAD).await;
    let rest = format!(
        "url: 'http://{}', timeouts: {{ response: 100ms, stream: 700ms }}",
        server.address()
    );
    let edge = edge(&one_server("icws", &rest)).await;
    let began = Instant::now();
    let mut line = listen(&edge, "1.1").await;
    line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    let (rest, ended) = line.read_to_end(SOON).await;
    assert!(began.elapsed() >= Duration::from_millis(700));
    assert_ne!(ended, Ended::Open);
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
    until("the reason to be counted", async || {
        refusals(&edge, "upstream_timeout").await == 1.0
    })
    .await;
    let over = |seen: &[Seen]| seen[0].end == Some(End::Peer);
    server
        .wait_for("the server's side to end", PROMPT, over)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_short_poll_without_the_accept_of_a_stream_has_the_timeout_of_an_answer() {
    let server = silent("").await;
    let rest = format!(
        "url: 'http://{}', timeouts: {{ response: 200ms, stream: 60s }}",
        server.address()
    );
    let edge = edge(&one_server("icws", &rest)).await;
    assert_eq!(get(&edge, TARGET).await.status(), Some(504));
    let heads: usize = server.seen().iter().map(Seen::heads).sum();
    assert_eq!(heads, 1, "a poll is asked once");
}

#[tokio::test]
async fn a_stream_that_the_server_cuts_looks_cut() {
    let server = rude::chunked_body_cut(3).await.unwrap();
    let edge = edge(&one_server(
        "icws",
        &format!("url: 'http://{}'", server.address()),
    ))
    .await;
    let mut line = listen(&edge, "1.1").await;
    let (got, ended) = line.read_to_end(SOON).await;
    assert_ne!(ended, Ended::Open);
    assert!(!got.ends_with(b"0\r\n\r\n"), "{got:?}");
    until("the reason to be counted", async || {
        refusals(&edge, "upstream_broken").await == 1.0
    })
    .await;
}
