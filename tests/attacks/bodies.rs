//! Clients that are slow, many, greedy or gone, tunnels that are none, and files of the configuration that nobody should read.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Ended};
use loadtest::rude::{Upgrade, websocket_echo};
use loadtest::wire::Reply;

use super::support::{SOON, edge, no_panics, ok, stage, stage_with};

const SHORT: &str = "limits: { request_head: { within: 1s }, request_body: { idle: 1s }, keep_alive: { idle: 1s }, write_idle: 1s, tls_handshake: 1s }";

#[tokio::test]
async fn two_hundred_slow_clients_are_ended_and_leave_nothing() {
    let stage = stage_with(SHORT, |_| Reply::new(200).body(vec![b'x'; 4 << 20])).await;
    let host = "Host: proxy.example.com\r\n";
    let slow = [
        String::new(),
        "G".to_owned(),
        format!("GET /gadgets/x HTTP/1.1\r\n{host}X: "),
        format!("POST /gadgets/x HTTP/1.1\r\n{host}Content-Length: 1000\r\n\r\nabc"),
        format!("POST /gadgets/x HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
        format!("POST /gadgets/x HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n0\r\nX: "),
        format!(
            "POST /gadgets/x HTTP/1.1\r\n{host}Expect: 100-continue\r\nContent-Length: 10\r\n\r\n"
        ),
    ];
    let mut waiting = Vec::new();
    for at in 0..200 {
        let bytes = slow[at % slow.len()].clone();
        let mut dial = Dial::plain(stage.edge.plain());
        if at % 2 == 0 {
            dial = Dial::tls(stage.edge.https())
                .sni("proxy.example.com")
                .alpn(&["http/1.1"]);
        }
        waiting.push(tokio::spawn(async move {
            dial.send(bytes, SOON).await.unwrap().ended
        }));
    }
    // And some that ask for much and take nothing of it.
    let mut takers = Vec::new();
    for _ in 0..20 {
        let mut line = Dial::plain(stage.edge.plain()).open().await.unwrap();
        let get = format!("GET /gadgets/big HTTP/1.1\r\n{host}\r\n");
        line.write(get.as_bytes()).await.unwrap();
        takers.push(line);
    }
    let got = stage.get("/nowhere", "").await;
    assert_eq!(got.status(), Some(404), "others are served meanwhile");
    for ended in waiting {
        assert_ne!(ended.await.unwrap(), Ended::Open);
    }
    stage.nothing_leaks().await;
    drop(takers);
}

#[tokio::test]
async fn heads_have_a_size_a_number_of_fields_and_no_way_around() {
    let stage = stage(ok).await;
    for (headers, status) in [
        (format!("Cookie: {}\r\n", "a=b; ".repeat(6_000)), 200),
        (format!("Cookie: {}\r\n", "a=b; ".repeat(7_000)), 431),
        ("Cookie: a=b\r\n".repeat(90), 200),
        ("Cookie: a=b\r\n".repeat(110), 431),
        (format!("{}: a\r\n", "x".repeat(40_000)), 431),
        ("X:\r\n".repeat(110), 431),
        (format!("Connection: {}close\r\n", "close, ".repeat(5)), 200),
        (
            format!("Connection: {}close\r\n", "close, ".repeat(20)),
            400,
        ),
        (format!("Connection: {}close\r\n", ", ".repeat(20)), 200),
        (format!("Range: bytes={}0-1\r\n", "0-1,".repeat(4_000)), 200),
        (
            format!("X-Forwarded-For: {}::1\r\n", "::1,".repeat(5_000)),
            200,
        ),
        (
            format!("Accept: {}a\r\n", "text/event-stream,".repeat(1_000)),
            200,
        ),
    ] {
        let got = stage.get("/gadgets/x", &headers).await;
        let name = headers.get(..30);
        assert!(!got.text().contains("Pingora"), "{name:?}: {}", got.text());
        assert_eq!(got.status(), Some(status), "{name:?} {}", headers.len());
    }
    stage.seen();
    no_panics();
}

#[tokio::test]
async fn a_tunnel_is_only_there_where_both_sides_asked_for_it() {
    let echo = websocket_echo(Upgrade::Plain).await.unwrap();
    let edge = edge(&echo.address().to_string(), "").await;
    let host = "Host: proxy.example.com\r\n";
    let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (head, tunnel) in [
        (
            format!(
                "GET /talk/x HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n"
            ),
            true,
        ),
        (
            format!(
                "GET /gadgets/x HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n"
            ),
            false,
        ),
        (
            format!(
                "GET /us/icserver1/icws/x HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n"
            ),
            false,
        ),
        (
            format!(
                "GET /talk/x HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
            ),
            false,
        ),
        (
            format!(
                "GET /talk/x HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n"
            ),
            false,
        ),
        (
            format!(
                "GET /talk/x HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n{key}\r\n"
            ),
            false,
        ),
        (
            format!(
                "POST /talk/x HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n"
            ),
            false,
        ),
        (
            format!(
                "GET /talk/x HTTP/1.0\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n"
            ),
            false,
        ),
        (
            format!("GET /talk/x HTTP/1.1\r\n{host}Upgrade: websocket\r\n{key}\r\n"),
            false,
        ),
        (
            format!(
                "GET /talk/x HTTP/1.1\r\n{host}Connection: close\r\nUpgrade: websocket\r\n{key}\r\n"
            ),
            false,
        ),
    ] {
        let got = Dial::plain(edge.plain())
            .send(head.clone(), Duration::from_millis(400))
            .await
            .unwrap();
        assert_eq!(got.status() == Some(101), tunnel, "{head}{}", got.text());
    }
    no_panics();
}

#[tokio::test]
async fn a_folder_that_holds_a_private_key_is_not_served() {
    for (yaml, starts) in [
        ("hosts: { proxy.example.com: { files: . } }", false),
        (
            "hosts: { proxy.example.com: { routes: [ { path: /a/, files: . } ] } }",
            false,
        ),
        ("hosts: { proxy.example.com: { files: link } }", false),
        ("hosts: { proxy.example.com: { files: web } }", true),
    ] {
        let started = Edge::with(yaml, &["proxy.example.com"], |folder| {
            std::fs::create_dir(folder.join("web"))?;
            std::os::unix::fs::symlink(".", folder.join("link"))
        })
        .await;
        match started {
            Ok(_) => assert!(starts, "{yaml}"),
            Err(error) => assert!(
                !starts && error.to_string().contains("private key"),
                "{yaml}: {error}"
            ),
        }
    }
}
