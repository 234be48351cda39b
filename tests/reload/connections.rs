//! Connections to servers over a reload: those of servers that stay are used on.

use std::sync::Arc;
use std::time::Duration;

use loadtest::rude::client::Dial;
use loadtest::rude::{Upgrade, websocket_echo};
use loadtest::wire::Fault;

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
            "servers: {{ one: {{ kind: http, url: 'http://{}', health: off, websocket: true }} }}\n\
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

#[tokio::test]
async fn a_server_that_was_removed_keeps_no_connection_longer_than_an_unused_one_is_kept() {
    let (gone, stays) = (answering().await, answering().await);
    let file = |with: bool| {
        let gone = match with {
            true => format!(
                "  gone: {{ kind: http, url: '{}', health: off, timeouts: {{ pooled: 300ms }} }}\n",
                gone.base_url()
            ),
            false => String::new(),
        };
        let route = if with {
            ", { path: /gone/, server: gone }"
        } else {
            ""
        };
        format!(
            "servers:\n  stays: {{ kind: http, url: '{}', health: off, timeouts: {{ pooled: 60s }} }}\n{gone}\
             hosts: {{ {HOST}: {{ routes: [{{ path: /stays/, server: stays }}{route}] }} }}\n",
            stays.base_url()
        )
    };
    let stage = Stage::start(&file(true)).await;
    for path in ["/gone/x", "/stays/x"] {
        assert_eq!(stage.get(path).await.status(), Some(200));
    }
    assert_eq!(stage.reload(&file(false)).await, Outcome::Applied);
    assert_eq!(stage.get("/gone/x").await.status(), Some(404));
    until("its connection is closed", async || gone.open() == 0).await;
    assert_eq!(stage.get("/stays/x").await.status(), Some(200));
    assert_eq!((stays.open(), stays.accepted()), (1, 1));
}

#[tokio::test]
async fn a_request_under_way_to_a_server_that_is_removed_ends_well() {
    let inside = answering().await;
    inside
        .faults()
        .set(Fault::Delay(Duration::from_millis(300)));
    let stage = Stage::start(&servers(&[("one", &inside)])).await;
    let under_way = async {
        let got = stage.get("/one/x").await;
        assert_eq!((got.status(), got.body()), (Some(200), &b"ok"[..]));
    };
    let removed = async {
        until("the request has arrived", async || {
            !inside.recorder().all().is_empty() || inside.open() > 0
        })
        .await;
        let other = answering().await;
        assert_eq!(
            stage.reload(&servers(&[("two", &other)])).await,
            Outcome::Applied
        );
    };
    tokio::join!(under_way, removed);
    assert_eq!(stage.get("/one/x").await.status(), Some(404));
}
