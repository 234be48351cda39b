//! Servers that never come to an end: each is given up after a bounded time or number of bytes.
//!
//! Pingora ends a head at 1 MiB or 256 fields, the line before a chunk at 8 KiB and trailers at 64 KiB (`v1/common.rs`, `v1/body.rs`);
//! the number of 1xx answers is bounded by the gateway itself.

use loadtest::rude::client::{Dial, Ended};
use loadtest::rude::{self, Rude};

use super::rude::edge_to;
use super::support::*;

#[tokio::test]
async fn an_endless_head_ends_at_a_megabyte() {
    let server = rude::endless_header().await.unwrap();
    let edge = edge_to(&server).await;
    let got = get(&edge, "/one/x").await;
    assert_eq!((got.status(), got.ended), (Some(502), Ended::Closed));
    let seen = server.wait_for_leavers(1, SOON).await.unwrap();
    // What the gateway took, and what the buffers of two sockets hold.
    assert!(
        seen[0].written_total < 16_000_000,
        "{}",
        seen[0].written_total
    );
}

#[tokio::test]
async fn interim_answers_come_through_and_a_flood_of_them_ends() {
    let some = rude::flood_of_informational(Some(3)).await.unwrap();
    let edge = edge_to(&some).await;
    let got = get(&edge, "/one/x").await;
    assert_eq!(got.statuses(), [100, 100, 100, 200]);
    // HTTP/1.0 knows none of them.
    let request = format!("GET /one/x HTTP/1.0\r\nHost: {HOST}\r\n\r\n");
    let got = Dial::plain(edge.plain()).send(request, SOON).await.unwrap();
    assert_eq!(got.statuses(), [200]);

    for (count, version) in [(None, "1.1"), (None, "1.0"), (Some(5_000), "1.1")] {
        let flood = rude::flood_of_informational(count).await.unwrap();
        let edge = edge_to(&flood).await;
        let request =
            format!("GET /one/x HTTP/{version}\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        let got = Dial::plain(edge.plain()).send(request, SOON).await.unwrap();
        assert_eq!(got.ended, Ended::Closed, "{count:?}");
        assert_eq!(got.statuses().last(), Some(&502), "{count:?}");
        assert!(got.statuses().len() <= 101, "{count:?}");
        assert_eq!(refusals(&edge, "upstream_broken").await, 1.0);
    }
}

/// A server that says `first` and then `more` for ever.
async fn endless(first: &'static str, more: &'static str) -> Rude {
    Rude::serve(move |mut connection| async move {
        connection.read_head().await?;
        connection.write(first.as_bytes()).await?;
        let more = more.repeat(1_000);
        loop {
            connection.write_watching(more.as_bytes()).await?;
        }
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn what_never_ends_behind_the_head_is_given_up() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (what, first, more) in [
        ("chunk size", "", "0"),
        ("chunk extension", "5;", "x"),
        ("chunk extensions", "5", ";x=y"),
        ("trailers", "0\r\n", "X-Trailer: 1\r\n"),
        ("one trailer", "0\r\nX-Trailer: ", "x"),
    ] {
        let first: &'static str = format!("{chunked}{first}").leak();
        let server = endless(first, more).await;
        let edge = edge_to(&server).await;
        let got = get(&edge, "/one/x").await;
        assert_ne!(got.ended, Ended::Open, "{what}");
        let seen = server
            .wait_for_leavers(1, SOON)
            .await
            .unwrap_or_else(|missed| panic!("{what}: {missed}"));
        assert!(
            seen[0].written_total < 16_000_000,
            "{what}: {}",
            seen[0].written_total
        );
    }
}
