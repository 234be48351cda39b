//! WebSockets: only the server's 101 on a route that allows it makes a tunnel, and a header that asks for one switches nothing off.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Ended, Line};
use loadtest::rude::{self, End, Rude, Upgrade, websocket_echo};

use super::support::*;

const ASKS: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
/// How fast one side hears of the other's leaving.
const PROMPT: Duration = Duration::from_secs(2);

fn file(server: SocketAddr, rest: &str) -> String {
    format!(
        "servers:
  echo:  {{ kind: http, url: 'http://{server}', websocket: true, {rest} }}
  plain: {{ kind: http, url: 'http://{server}' }}
  icws:  {{ kind: icws, url: 'http://{server}' }}
hosts:
  {HOST}:
    routes:
      - {{ path: /ws/, server: echo, request_body: 1KiB }}
      - {{ path: /no/, server: plain }}
      - {{ path: /us/icws1/, server: icws }}
"
    )
}

fn handshake(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\n{ASKS}\r\n")
}

/// One frame of a client, masked with zeros.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        size @ 0..=125 => frame.push(0x80 | u8::try_from(size).unwrap()),
        size => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&u64::try_from(size).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

async fn tunnel(edge: &Edge) -> Line {
    let mut line = Dial::plain(edge.plain()).open().await.unwrap();
    line.write(handshake("/ws/echo").as_bytes()).await.unwrap();
    let head = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 101"), "{head:?}");
    line
}

async fn echo(line: &mut Line, text: &[u8]) {
    line.write(&frame(1, text)).await.unwrap();
    let got = line.read_exactly(2 + text.len(), SOON).await.unwrap();
    assert!(got.ends_with(text), "{got:?}");
}

#[tokio::test]
async fn only_a_route_that_allows_it_and_a_request_that_asks_for_it_make_a_tunnel() {
    const SWITCHES: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    for (request, is_tunnel) in [
        (handshake("/ws/a"), true),
        (handshake("/no/a"), false),
        (handshake("/us/icws1/icws/a"), false),
        (format!("GET /ws/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n"), false),
        (
            format!(
                "GET /ws/a HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
            ),
            false,
        ),
        (
            format!(
                "GET /ws/a HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"
            ),
            false,
        ),
        (
            format!("GET /ws/a HTTP/1.0\r\nHost: {HOST}\r\n{ASKS}\r\n"),
            false,
        ),
    ] {
        let server = rude::says(SWITCHES).await.unwrap();
        let edge = edge(&file(server.address(), "")).await;
        let mut line = Dial::plain(edge.plain()).open().await.unwrap();
        line.write(request.as_bytes()).await.unwrap();
        let head = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
        let status = if is_tunnel {
            &b"HTTP/1.1 101"[..]
        } else {
            b"HTTP/1.1 502"
        };
        assert!(head.starts_with(status), "{request:?}: {head:?}");
        let written = line.write(b"tunnelled").await;
        if is_tunnel {
            written.unwrap();
            let through = |seen: &[rude::Seen]| seen[0].text().contains("tunnelled");
            server
                .wait_for("bytes through the tunnel", SOON, through)
                .await
                .unwrap();
        } else {
            let (_, ended) = line.read_to_end(SOON).await;
            assert_ne!(ended, Ended::Open, "{request:?}");
            assert!(
                !server
                    .seen()
                    .iter()
                    .any(|seen| seen.text().contains("tunnelled")),
                "{request:?}"
            );
            let asked = server
                .seen()
                .iter()
                .any(|seen| seen.text().to_ascii_lowercase().contains("upgrade:"));
            assert!(!asked, "{request:?}: {:?}", server.seen()[0].text());
        }
    }
}

#[tokio::test]
async fn a_frame_in_the_segment_of_the_101_arrives() {
    let server = websocket_echo(Upgrade::WithFrame("welcome".to_owned()))
        .await
        .unwrap();
    let edge = edge(&file(server.address(), "")).await;
    for _ in 0..100 {
        let mut line = tunnel(&edge).await;
        let first = line.read_exactly(9, SOON).await.unwrap();
        assert!(first.ends_with(b"welcome"), "{first:?}");
        echo(&mut line, b"hello").await;
    }
}

#[tokio::test]
async fn a_megabyte_comes_back_whole_and_a_body_cap_is_for_bodies() {
    let server = websocket_echo(Upgrade::Plain).await.unwrap();
    let edge = edge(&file(server.address(), "")).await;
    let mut line = tunnel(&edge).await;
    let text: Vec<u8> = (0..1_000_000_u32)
        .flat_map(|n| n.to_le_bytes())
        .take(1_000_000)
        .collect();
    for _ in 0..3 {
        line.write(&frame(2, &text)).await.unwrap();
        let got = line.read_exactly(10 + text.len(), SOON).await.unwrap();
        assert!(got.ends_with(&text), "{} bytes", got.len());
    }
}

#[tokio::test]
async fn either_side_hears_at_once_that_the_other_has_gone() {
    let server = websocket_echo(Upgrade::Plain).await.unwrap();
    let edge = edge(&file(server.address(), "timeouts: { stream: 60s }")).await;
    // The client goes, well or badly.
    let line = tunnel(&edge).await;
    drop(line);
    server.wait_for_leavers(1, PROMPT).await.unwrap();
    tunnel(&edge).await.reset();
    server.wait_for_leavers(2, PROMPT).await.unwrap();
    // The server closes after a close frame.
    let mut line = tunnel(&edge).await;
    line.write(&frame(8, &[3, 232])).await.unwrap();
    let (got, ended) = line.read_to_end(PROMPT).await;
    assert_eq!(
        (got.as_ref(), ended),
        (&[0x88, 2, 3, 232][..], Ended::Closed)
    );
    // The server goes without a word.
    drop(server);
    let server = Rude::serve(|mut connection| async move {
        connection.read_head().await?;
        connection.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await?;
        connection.fill().await?;
        connection.reset()
    })
    .await
    .unwrap();
    edge.reload(&file(server.address(), "timeouts: { stream: 60s }"))
        .await
        .unwrap();
    let mut line = tunnel(&edge).await;
    line.write(b"go").await.unwrap();
    let (_, ended) = line.read_to_end(PROMPT).await;
    assert_ne!(ended, Ended::Open);
}

#[tokio::test]
async fn a_header_that_asks_for_a_tunnel_switches_no_check_off() {
    let server = rude::echoes_request().await.unwrap();
    let edge = edge(&file(server.address(), "")).await;
    let large = "x".repeat(1025);
    let chunked = format!("401\r\n{large}\r\n0\r\n\r\n");
    for (method, target, host, framing, body, status) in [
        ("GET", "/ws/%2e%2e/no/secret", HOST, "", "", 400),
        ("GET", "/ws/..%2fno/secret", HOST, "", "", 400),
        ("GET", "/nowhere", HOST, "", "", 404),
        ("GET", "/ws/a", "other.example.com", "", "", 404),
        ("GET", "/ws/a", "a b", "", "", 400),
        ("TRACE", "/ws/a", HOST, "", "", 405),
        (
            "POST",
            "/ws/a",
            HOST,
            "Content-Length: 1025\r\n",
            large.as_str(),
            413,
        ),
        (
            "GET",
            "/ws/a",
            HOST,
            "Content-Length: 1025\r\n",
            large.as_str(),
            413,
        ),
        (
            "POST",
            "/ws/a",
            HOST,
            "Transfer-Encoding: chunked\r\n",
            chunked.as_str(),
            413,
        ),
        (
            "GET",
            "/ws/a",
            HOST,
            "Transfer-Encoding: chunked\r\n",
            chunked.as_str(),
            413,
        ),
        (
            "POST",
            "/ws/a",
            HOST,
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
            400,
        ),
    ] {
        let request =
            format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{ASKS}{framing}\r\n{body}");
        let got = Dial::plain(edge.plain())
            .half_close()
            .send(request, SOON)
            .await
            .unwrap();
        let what = format!("{method} {target} {framing:?}");
        // The front door takes no body with a request for an upgrade at all, which is stricter than the cap.
        let refused = got.status() == Some(status) || (status == 413 && got.status() == Some(400));
        assert!(refused, "{what}: {}", got.text());
        assert_ne!(got.ended, Ended::Open, "{what}");
        let through = server
            .seen()
            .iter()
            .any(|seen| seen.text().contains(&large));
        assert!(!through, "{what}");
    }
}

#[tokio::test]
async fn what_follows_a_request_for_a_tunnel_waits_for_the_101() {
    // This server takes no upgrade, so what follows is a request of its own, if anything, and never the server's to read raw.
    let server = rude::says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await
        .unwrap();
    let edge = edge(&file(server.address(), "")).await;
    let smuggled = "GET /hidden HTTP/1.1\r\nHost: inside\r\n\r\n";
    for target in ["/ws/a", "/no/a", "/us/icws1/icws/a"] {
        let request = handshake(target) + smuggled;
        let mut line = Dial::plain(edge.plain()).open().await.unwrap();
        line.write(request.as_bytes()).await.unwrap();
        let head = line.read_until(b"ok", SOON).await.unwrap();
        assert!(head.starts_with(b"HTTP/1.1 200"), "{target}: {head:?}");
        let _ = line.read_to_end(Duration::from_millis(200)).await;
    }
    for seen in server.seen() {
        assert!(!seen.text().contains("hidden"), "{}", seen.text());
    }
}

#[tokio::test]
async fn a_reload_cuts_no_tunnel_not_even_one_whose_server_is_gone_from_the_file() {
    let server = websocket_echo(Upgrade::Plain).await.unwrap();
    let yaml = file(server.address(), "");
    let edge = edge(&yaml).await;
    let mut line = tunnel(&edge).await;
    echo(&mut line, b"before").await;
    edge.reload(&yaml).await.unwrap();
    echo(&mut line, b"after").await;
    edge.reload(&file(SocketAddr::from(([127, 0, 0, 1], 9)), ""))
        .await
        .unwrap();
    echo(&mut line, b"and after that").await;
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_silent_tunnel_outlives_response_and_ends_at_stream() {
    let server = websocket_echo(Upgrade::Plain).await.unwrap();
    let edge = edge(&file(
        server.address(),
        "timeouts: { response: 200ms, stream: 1500ms }",
    ))
    .await;
    let mut line = tunnel(&edge).await;
    let (nothing, ended) = line.read_to_end(Duration::from_millis(700)).await;
    assert_eq!((nothing.len(), ended), (0, Ended::Open));
    echo(&mut line, b"still here").await;
    let silent = Instant::now();
    let (_, ended) = line.read_to_end(SOON).await;
    assert_ne!(ended, Ended::Open);
    assert!(
        silent.elapsed() >= Duration::from_millis(1000),
        "{:?}",
        silent.elapsed()
    );
    let over = |seen: &[rude::Seen]| seen[0].end == Some(End::Peer);
    server
        .wait_for("the server's side to end too", PROMPT, over)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_upgrade_never_takes_a_connection_from_the_pool_nor_leaves_one() {
    let server = rude::says("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        .await
        .unwrap();
    let edge = edge(&file(server.address(), "timeouts: { pooled: 60s }")).await;
    for expected in 1..=3 {
        let mut line = Dial::plain(edge.plain()).open().await.unwrap();
        line.write(handshake("/ws/a").as_bytes()).await.unwrap();
        let head = line.read_until(b"\r\n\r\nno", SOON).await.unwrap();
        assert!(head.starts_with(b"HTTP/1.1 403"), "{head:?}");
        assert_eq!(server.seen().len(), expected);
    }
}
