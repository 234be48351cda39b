//! `limits` of single connections and requests: heads, bodies, keep-alive, HTTP/2 and handshakes. Living connections keep theirs.

use std::sync::Arc;
use std::time::Duration;

use loadtest::rude::client::Ended;

use super::clients;
use super::ground::{Ground, HOST, SOON};
use super::looks::{patience, stays};
use super::row::{Row, row};

const HEAD: &str = "limits:\n  request_head: { @ }";
const BODY: &str = "limits:\n  request_body: { @ }";
const KEEP: &str = "limits:\n  keep_alive: { @ }";
const HTTP2: &str = "limits:\n  http2: { @ }";
const OWN: &str = "limits:\n  @";

pub fn rows() -> Vec<Row> {
    vec![
        row(
            "limits.request_head.within",
            HEAD,
            ["within: 300ms", "within: 60s"],
            ["closed", "open"],
            |ground, expected| async move {
                stays(ground.plain(), "GET / HTTP/1.1\r\nHost: proxy", expected).await
            },
        ),
        row(
            "limits.request_head.size",
            HEAD,
            ["size: 32KiB", "size: 2KiB"],
            ["200", "431"],
            |ground, _| async move {
                with_fields(&ground, &format!("X-Long: {}\r\n", "x".repeat(4000))).await
            },
        ),
        row(
            "limits.request_head.fields",
            HEAD,
            ["fields: 100", "fields: 10"],
            ["200", "431"],
            |ground, _| async move { with_fields(&ground, &"X-Field: x\r\n".repeat(20)).await },
        ),
        row(
            "limits.request_body.size",
            BODY,
            ["size: 1KiB", "size: 1MiB"],
            ["413", "200"],
            |ground, _| async move {
                let body = format!("Content-Length: 2000\r\n\r\n{}", "x".repeat(2000));
                let request =
                    format!("POST /web/x HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{body}");
                ground
                    .plain()
                    .send(request, SOON)
                    .await
                    .unwrap()
                    .status()
                    .unwrap()
                    .to_string()
            },
        ),
        row(
            "limits.request_body.idle",
            BODY,
            ["idle: 300ms", "idle: 60s"],
            ["closed", "open"],
            |ground, expected| async move {
                let request =
                    format!("POST /web/x HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9\r\n\r\nx");
                stays(ground.plain(), &request, expected).await
            },
        ),
        row(
            "limits.request_body.rate",
            BODY,
            ["idle: 1s, rate: 1B", "idle: 1s, rate: 1MiB"],
            ["200", "too slow"],
            |ground, _| async move {
                let request = format!(
                    "POST /web/x HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: 16\r\n\r\n"
                );
                let mut line = ground.plain().open().await.unwrap();
                line.write(request.as_bytes()).await.unwrap();
                // Two and a half seconds for sixteen bytes. A connection that is ended meanwhile takes no more of them.
                let _ = line
                    .drip(b"0123456789abcdef", 1, Duration::from_millis(150))
                    .await;
                match line.read_until(b"\r\n", SOON).await {
                    Ok(status) if status.starts_with(b"HTTP/1.1 200 ") => "200".to_owned(),
                    _ => "too slow".to_owned(),
                }
            },
        ),
        row(
            "limits.keep_alive.idle",
            KEEP,
            ["idle: 60s", "idle: 1s"],
            ["open", "closed"],
            |ground, expected| async move {
                stays(
                    ground.plain(),
                    &format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
                    expected,
                )
                .await
            },
        ),
        row(
            "limits.keep_alive.requests",
            KEEP,
            ["requests: 30", "requests: 4"],
            ["30", "4"],
            |ground, _| async move {
                let request = format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n").repeat(40);
                let got = ground.plain().send(request, SOON).await.unwrap();
                assert_ne!(got.ended, Ended::Open);
                got.statuses().len().to_string()
            },
        ),
        row(
            "limits.http2.streams",
            HTTP2,
            ["streams: 7", "streams: 9"],
            ["7", "9"],
            |ground, _| async move {
                let (sender, _driver) = clients::http2(&ground).await;
                clients::ask(&sender).await.unwrap();
                sender.current_max_send_streams().to_string()
            },
        ),
        row(
            "limits.http2.idle",
            HTTP2,
            ["idle: 60s", "idle: 1s"],
            ["open", "closed"],
            |ground, expected| async move {
                let (sender, driver) = clients::http2(&ground).await;
                clients::ask(&sender).await.unwrap();
                let ended = tokio::time::timeout(patience(expected), driver).await;
                if ended.is_ok() { "closed" } else { "open" }.to_owned()
            },
        ),
        // Attacks on it are tests of their own; here it is enough that new connections get the number.
        row(
            "limits.http2.pending_resets",
            HTTP2,
            ["pending_resets: 20", "pending_resets: 30"],
            ["20", "30"],
            |ground, _| async move {
                let snapshot = ground.edge().server().snapshot();
                snapshot.listeners[0].http2.pending_resets.to_string()
            },
        ),
        row(
            "limits.tls_handshake",
            OWN,
            ["tls_handshake: 300ms", "tls_handshake: 60s"],
            ["closed", "open"],
            |ground, expected| async move {
                let dial = loadtest::rude::client::Dial::plain(ground.edge().https());
                stays(dial, "\x16\x03\x01", expected).await
            },
        ),
        row(
            "limits.write_idle",
            OWN,
            ["write_idle: 300ms", "write_idle: 60s"],
            ["closed", "open"],
            |ground, expected| async move { unread(&ground, expected).await },
        ),
    ]
}

async fn with_fields(ground: &Ground, fields: &str) -> String {
    let got = ground.ask(&ground.plain(), "GET /web/x", fields).await;
    got.status().unwrap().to_string()
}

/// Asks for a great deal and reads nothing of it: whether the gateway counts a slow reader.
async fn unread(ground: &Arc<Ground>, expected: &str) -> String {
    let counted = async || {
        let text = ground.admin("GET /metrics", "").await.text();
        let name = "portcullis_refusals_total{mode=\"enforce\",reason=\"slow_reader\"} ";
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap().trim().parse::<u64>().unwrap()
    };
    let before = counted().await;
    let mut line = ground.plain().receive_buffer(4096).open().await.unwrap();
    let request = format!("GET /web/big HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    line.write(request.as_bytes()).await.unwrap();
    let deadline = tokio::time::Instant::now() + patience(expected);
    while tokio::time::Instant::now() < deadline {
        if counted().await > before {
            return "closed".to_owned();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    "open".to_owned()
}
