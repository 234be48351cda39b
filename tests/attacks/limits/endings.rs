//! Every way a connection and a request can end: what they held is given back, and nothing twice.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::Dial;
use loadtest::wire::{Exchange, Reply, Server, ServerOptions, Service};

use super::super::http2;
use super::super::support::{no_panics, watch};
use super::{HOST, Stage, file, from, post, until};

/// A server that answers by the name of what is asked: at once, slowly, with half an answer, never, or with a tunnel.
struct Moody;

impl Service for Moody {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
        let target = exchange.request().target.clone();
        if target.contains("tunnel") {
            let reply = Reply::new(101)
                .header("Connection", "Upgrade")
                .header("Upgrade", "websocket");
            let (_, io) = exchange.upgrade(reply).await?;
            let mut end = [0; 64];
            while tokio::io::AsyncReadExt::read(io, &mut end).await? > 0 {}
            return Ok(());
        }
        exchange.body().await?;
        match () {
            () if target.contains("never") => std::future::pending().await,
            () if target.contains("cut") => Err(std::io::Error::other("cut")),
            () if target.contains("stream") => {
                let reply = Reply::new(200).chunked(10);
                let mut body = exchange.stream(reply).await?;
                loop {
                    body.send(b"x").await?;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            () => exchange.reply(Reply::new(200).body("ok")).await,
        }
    }
}

const LIMITS: &str = "{ request_head: { within: 500ms }, request_body: { idle: 500ms }, keep_alive: { idle: 1s }, http2: { idle: 1s }, interactions: { MaxInteractionsAllowedPerIP: 500, MaxInteractionsAllowedPerUnitTime: 1000, MaxChatsAllowedPerUnitTime: 1000 } }";

async fn moody() -> Stage {
    watch();
    let server = Server::start(ServerOptions::default(), Moody)
        .await
        .unwrap();
    let edge = Edge::start(&file(&server, LIMITS, ""), &[HOST])
        .await
        .unwrap();
    Stage { edge, server }
}

/// What clients send, and leave in the middle of.
fn beginnings() -> Vec<String> {
    let get = |target: &str, fields: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n")
    };
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let start = post(
        "/chat/websvcs/chat/start",
        "",
        r#"{"participant":{"name":"W"}}"#,
    );
    let never = post(
        "/chat/websvcs/chat/start?never",
        "",
        r#"{"participant":{"name":"W"}}"#,
    );
    vec![
        String::new(),
        "GET /w".to_owned(),
        "\x16\x03\x01".to_owned(),
        "GET /\r\n\r\n".to_owned(),
        get("/web/x", ""),
        get("/web/x", "Connection: close\r\n"),
        get("/web/x", "").repeat(5),
        get("/nowhere", ""),
        get("/web/never", ""),
        get("/web/cut", ""),
        get("/web/stream", ""),
        get("/web/tunnel", upgrade),
        get("/web/never", upgrade),
        format!("POST /web/x HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\nabc"),
        format!("POST /web/x HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\nzz"),
        format!("POST /web/x HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 99999999999\r\n\r\n"),
        start.clone(),
        start.split_at(start.len() - 5).0.to_owned(),
        never,
        start.replace("/start", "/poll/p1"),
    ]
}

async fn nothing_is_held(stage: &Stage, addresses: std::ops::Range<u8>, what: &str) {
    for last in addresses {
        until(
            &format!("{what}: 127.0.0.{last} holds nothing"),
            async || {
                let used = stage.used(last).await;
                used["connections"]["open"] == 0 && used["requests_in_flight"]["now"] == 0
            },
        )
        .await;
    }
    until(what, async || {
        let text = stage.admin("GET /metrics", "").await.text();
        text.contains("\nportcullis_connections_open 0\n")
    })
    .await;
    until(what, async || stage.counts("chat").await[1] == 0).await;
    no_panics();
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Reset,
    Close,
    HalfClose,
    Wait,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_a_client_ends_nothing_is_held_for_it() {
    let stage = moody().await;
    for way in [Way::Reset, Way::Close, Way::HalfClose, Way::Wait] {
        let mut running = tokio::task::JoinSet::new();
        for (number, bytes) in beginnings().into_iter().enumerate() {
            for (tls, pause) in [(false, 0), (false, 60), (true, 0), (true, 60)] {
                let client = from(2 + (number % 3) as u8);
                let dial = match tls {
                    false => Dial::plain(stage.edge.plain()),
                    true => Dial::tls(stage.edge.https()).sni(HOST).alpn(&["http/1.1"]),
                };
                let (dial, bytes) = (dial.from(client), bytes.clone());
                running.spawn(async move {
                    let pause = Duration::from_millis(pause);
                    match way {
                        Way::Reset | Way::Close => {
                            let Ok(mut line) = dial.open().await else {
                                return;
                            };
                            let _ = line.write(bytes.as_bytes()).await;
                            // Long enough for some to be at the server, and too short for others.
                            tokio::time::sleep(pause).await;
                            if matches!(way, Way::Reset) {
                                line.reset();
                            }
                        }
                        Way::HalfClose => {
                            let _ = dial.half_close().send(bytes, pause * 5).await;
                        }
                        Way::Wait => {
                            let _ = dial.send(bytes, pause * 20).await;
                        }
                    }
                });
            }
        }
        while let Some(done) = running.join_next().await {
            done.unwrap();
        }
        nothing_is_held(&stage, 2..5, &format!("{way:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_a_stream_ends_nothing_is_held_for_it() {
    let stage = moody().await;
    for way in 0..4 {
        for target in [
            &b"/web/x"[..],
            b"/web/never",
            b"/web/stream",
            b"/web/cut",
            b"/nowhere",
        ] {
            let list = http2::hpack(&http2::get(target));
            let mut line = http2::open_from(&stage.edge, &[], from(2)).await;
            let flags = http2::END_HEADERS | if way == 3 { 0 } else { http2::END_STREAM };
            for number in 0..10 {
                let stream = number * 2 + 1;
                let head = http2::frame(http2::HEADERS, flags, stream, &list);
                let reset = http2::frame(3, 0, stream, &[0, 0, 0, 8]);
                let _ = line.write(&head).await;
                if way == 0 || number % 2 == 0 {
                    let _ = line.write(&reset).await;
                }
            }
            match way {
                0 => drop(line),
                1 => line.reset(),
                // Something that is no frame.
                2 => {
                    let _ = line.write(&[0xff; 64]).await;
                }
                _ => {
                    let _ = line.read_to_end(Duration::from_millis(100)).await;
                }
            }
        }
        nothing_is_held(&stage, 2..3, &format!("way {way}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_in_the_middle_of_requests_lose_no_count_and_invent_none() {
    let stage = moody().await;
    let mut held = Vec::new();
    for (number, limits) in [
        LIMITS.to_owned(),
        "{ requests_in_flight: 7, connections: 9 }".to_owned(),
        "{ mode: off }".to_owned(),
        "{ exempt: [127.0.0.0/8] }".to_owned(),
        "{ kinds: { http: { requests_in_flight: 50 } } }".to_owned(),
        "{ mode: observe, requests_in_flight: 1 }".to_owned(),
        LIMITS.to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        stage
            .edge
            .reload(&file(&stage.server, &limits, ""))
            .await
            .unwrap();
        let mut line = Dial::plain(stage.edge.plain())
            .from(from(2))
            .open()
            .await
            .unwrap();
        let request = format!("GET /web/never/{number} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        line.write(request.as_bytes()).await.unwrap();
        until("it is at the server", async || {
            stage.server.recorder().all().len() == number + 1
        })
        .await;
        held.push(line);
    }
    // The exempt one counts nowhere.
    assert_eq!(stage.used(2).await["requests_in_flight"]["now"], 6);
    assert_eq!(stage.used(2).await["connections"]["open"], 6);
    while let Some(line) = held.pop() {
        line.reset();
    }
    nothing_is_held(&stage, 2..3, "after all reloads").await;
}
