//! Connections to servers over a reload: those of servers that stay are used on.

use std::sync::Arc;

use loadtest::rude::client::Dial;
use loadtest::rude::{Upgrade, websocket_echo};

use portcullis::reload::Outcome;

use crate::support::*;

#[tokio::test]
async fn a_change_of_one_server_leaves_the_connections_of_the_others_alone() {
    let (one, two, three) = (answering().await, answering().await, answering().await);
    let stage = Stage::start(&servers(&[("one", &one), ("two", &two)])).await;
    for path in ["/one/x", "/two/x"] {
        assert_eq!(stage.get(path).await.status(), Some(200));
    }
    let before = stage.snapshot();
    let moved = servers(&[("one", &one), ("two", &three)]);
    assert_eq!(stage.reload(&moved).await, Outcome::Applied);
    for path in ["/one/x", "/two/x"] {
        assert_eq!(stage.get(path).await.status(), Some(200));
    }
    assert_eq!(
        (one.accepted(), two.accepted(), three.accepted()),
        (1, 1, 1)
    );
    let after = stage.snapshot();
    assert!(Arc::ptr_eq(&before.upstreams[0], &after.upstreams[0]));
}

#[tokio::test]
async fn a_tunnel_outlives_reloads_and_holds_on_to_nothing_that_they_replace() {
    let inside = websocket_echo(Upgrade::Plain).await.unwrap();
    let file = |path: &str| {
        format!(
            "servers: {{ one: {{ kind: http, url: 'http://{}', websocket: true }} }}\n\
             hosts: {{ {HOST}: {{ routes: [{{ path: {path}, server: one }}] }} }}\n",
            inside.address()
        )
    };
    let stage = Stage::start(&file("/one/")).await;
    let asks = format!(
        "GET /one/x HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let mut line = Dial::plain(stage.server.bound()[1].1).open().await.unwrap();
    line.write(asks.as_bytes()).await.unwrap();
    let head = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 101"), "{head:?}");
    let old = Arc::downgrade(&stage.snapshot());
    assert_eq!(stage.reload(&file("/two/")).await, Outcome::Applied);
    until("the old snapshot is given back", async || {
        old.upgrade().is_none()
    })
    .await;
    // A masked text frame of two letters comes back.
    let frame = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
    line.write(&frame).await.unwrap();
    line.read_until(b"hi", SOON).await.unwrap();
}
