//! Servers that switch to another protocol than the one that was asked for, or speak of one where none is asked for.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::Rude;
use loadtest::rude::client::Dial;

use super::support::*;

/// A gateway, and behind it a server that says only this.
async fn answering(answer: &'static str) -> (Rude, Edge) {
    let server = Rude::serve(move |mut connection| async move {
        connection.read_head().await?;
        connection.write(answer.as_bytes()).await?;
        Ok(connection)
    });
    let server = server.await.unwrap();
    let edge = edge(&server.address().to_string(), "").await;
    (server, edge)
}

#[tokio::test]
async fn a_switch_to_another_protocol_than_the_one_that_was_asked_for_is_none() {
    let ask = "GET /talk/x HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
               Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for (answer, status) in [
        ("Connection: Upgrade\r\nUpgrade: WebSocket\r\n", 101),
        ("Connection: Upgrade\r\nUpgrade: h2c\r\n", 502),
        ("Connection: Upgrade\r\n", 502),
    ] {
        let whole = format!("HTTP/1.1 101 Switching Protocols\r\n{answer}\r\n");
        let (_server, edge) = answering(whole.leak()).await;
        let dial = Dial::plain(edge.plain());
        let got = dial.send(ask, Duration::from_millis(500)).await.unwrap();
        assert_eq!(got.status(), Some(status), "{answer}{}", got.text());
    }
    no_panics();
}

#[tokio::test]
async fn an_ordinary_answer_offers_no_other_protocol_to_the_client() {
    let (_server, edge) = answering(
        "HTTP/1.1 302 Found\r\nLocation: /x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let ask = "GET /talk/x HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: close\r\n\r\n";
    let got = Dial::plain(edge.plain()).send(ask, SOON).await.unwrap();
    assert_eq!(got.status(), Some(302));
    assert!(header(&got, "upgrade").is_empty(), "{}", got.text());
}
