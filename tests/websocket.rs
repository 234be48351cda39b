//! WebSockets through the gateway, also to servers that answer before anybody could expect it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::Dial;
use loadtest::rude::{Rude, Upgrade, websocket_echo};

const SOON: Duration = Duration::from_secs(10);
const HANDSHAKE: &str = "GET /ws/echo HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async fn edge(server: std::net::SocketAddr) -> Edge {
    let yaml = format!(
        "limits: {{ exempt: [127.0.0.0/8] }}\nservers:\n  echo: {{ kind: http, url: 'http://{server}', websocket: true }}\n  plain: {{ kind: http, url: 'http://{server}' }}\n\
         hosts: {{ proxy.example.com: {{ routes: [ {{ path: /ws/, server: echo }}, {{ path: /no/, server: plain }} ] }} }}\n"
    );
    Edge::start(&yaml, &["proxy.example.com"]).await.unwrap()
}

/// One text frame of a client: masked with zeros, so that its bytes stay readable.
fn frame(text: &[u8]) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text].concat()
}

async fn one(edge: &Edge, number: usize) {
    let mut line = Dial::plain(edge.plain()).open().await.unwrap();
    line.write(HANDSHAKE.as_bytes()).await.unwrap();
    let head = line
        .read_until(b"\r\n\r\n", SOON)
        .await
        .unwrap_or_else(|e| panic!("upgrade {number}: {e}"));
    assert!(
        head.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&head)
    );
    line.write(&frame(b"hello")).await.unwrap();
    let echoed = line
        .read_exactly(7, SOON)
        .await
        .unwrap_or_else(|e| panic!("echo {number}: {e}"));
    assert!(echoed.ends_with(b"hello"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_upgrades_survive_a_server_that_answers_101_at_once() {
    let server = websocket_echo(Upgrade::Plain).await.unwrap();
    let edge = std::sync::Arc::new(edge(server.address()).await);
    let workers = (0..8usize).map(|worker| {
        let edge = edge.clone();
        tokio::spawn(async move {
            for turn in 0..1250 {
                one(&edge, worker * 1250 + turn).await;
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
}

/// A server whose 101 is on the wire before anybody asked: the gateway finds it the moment it first reads.
async fn answers_before_it_is_asked() -> Rude {
    Rude::serve(|mut connection| async move {
        let key = loadtest::rude::accept_key("dGhlIHNhbXBsZSBub25jZQ==");
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {key}\r\n\r\n"
        );
        connection.write(answer.as_bytes()).await?;
        connection.read_head().await?;
        while connection.ahead().len() < 11 {
            connection.fill().await?;
        }
        connection.take(11);
        connection.write(b"\x81\x05hello").await?;
        connection.until_gone().await?;
        Ok(connection)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_101_that_is_there_before_the_request_is_no_lost_tunnel() {
    let server = answers_before_it_is_asked().await;
    let edge = edge(server.address()).await;
    for number in 0..200 {
        one(&edge, number).await;
    }
}
