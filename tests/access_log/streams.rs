//! Event streams and WebSockets: a line when they begin and one when they are over, however they end.

use std::time::Duration;

use loadtest::rude::client::{Dial, Line};
use loadtest::rude::{Upgrade, endless_events, websocket_echo};

use super::upstream::*;
use super::{LOG, lines, so_many};

const HANDSHAKE: &str = "GET /one/ws HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async fn websocket(edge: &loadtest::edge::Edge) -> Line {
    let mut line = Dial::plain(edge.plain()).open().await.unwrap();
    line.write(HANDSHAKE.as_bytes()).await.unwrap();
    line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    line.write(&[0x81, 0x85, 0, 0, 0, 0, b'h', b'e', b'l', b'l', b'o'])
        .await
        .unwrap();
    line.read_exactly(7, SOON).await.unwrap();
    line
}

#[tokio::test]
async fn a_websocket_has_a_line_at_its_start_and_one_at_its_end() {
    let server = websocket_echo(Upgrade::Plain).await.unwrap();
    let rest = format!("url: 'http://{}', websocket: true", server.address());
    let edge = edge(&(one_server("http", &rest) + LOG)).await;
    let open = websocket(&edge).await;
    let start = &so_many(&edge, 1).await[0];
    assert_eq!(
        (&start["stream"], &start["status"]),
        (&"start".into(), &101.into()),
        "{start}"
    );
    assert!(start.get("duration").is_none(), "{start}");
    drop(open);
    let end = &so_many(&edge, 2).await[1];
    assert_eq!(
        (&end["stream"], &end["id"]),
        (&"end".into(), &start["id"]),
        "{end}"
    );
    assert_eq!(
        (&end["bytes_in"], &end["bytes_out"]),
        (&11.into(), &7.into()),
        "{end}"
    );
    assert!(end["duration"].as_f64().is_some(), "{end}");
}

#[tokio::test]
async fn a_websocket_that_the_drain_cuts_has_its_last_line_on_the_disk() {
    let server = websocket_echo(Upgrade::Plain).await.unwrap();
    let rest = format!("url: 'http://{}', websocket: true", server.address());
    let edge = edge(&(one_server("http", &rest) + LOG)).await;
    let _open = websocket(&edge).await;
    so_many(&edge, 1).await;
    let path = edge.folder().join("access.log");
    let kept = std::fs::File::open(&path).unwrap();
    assert_eq!(edge.stop(Duration::from_millis(50)).await, 1);
    // The folder is gone with the gateway, the file is not.
    let text = std::io::read_to_string(kept).unwrap();
    let end: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        (&end["stream"], &end["reason"]),
        (&"end".into(), &"cut".into()),
        "{end}"
    );
    assert_eq!(
        (&end["bytes_in"], &end["bytes_out"]),
        (&11.into(), &7.into()),
        "{end}"
    );
}

#[tokio::test]
async fn an_event_stream_has_both_lines_and_a_client_that_leaves_ends_it() {
    let server = endless_events(Duration::from_millis(5)).await.unwrap();
    let rest = format!("url: 'http://{}'", server.address());
    let edge = edge(&(one_server("icws", &rest) + LOG)).await;
    let mut line = Dial::plain(edge.plain()).open().await.unwrap();
    let request = format!(
        "GET /us/one/icws/1/messaging/messages HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n"
    );
    line.write(request.as_bytes()).await.unwrap();
    line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    let start = &so_many(&edge, 1).await[0];
    assert_eq!(
        (&start["stream"], &start["status"]),
        (&"start".into(), &200.into()),
        "{start}"
    );
    drop(line);
    until("the end", async || lines(&edge).len() == 2).await;
    let end = &lines(&edge)[1];
    assert_eq!(
        (&end["stream"], &end["reason"]),
        (&"end".into(), &"client_gone".into()),
        "{end}"
    );
}
