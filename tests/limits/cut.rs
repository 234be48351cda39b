//! A ban that cuts: what the address has open ends at once, whatever it is, and nobody else's.

use std::net::IpAddr;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Ended, Line};
use loadtest::wire::{Exchange, Reply, Server, ServerOptions, Service};

use super::support::*;

/// A server of tunnels that echo, streams that go on, and answers that never come.
struct Endless;

impl Service for Endless {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
        let target = exchange.request().target.clone();
        if target.contains("tunnel") {
            let reply = Reply::new(101)
                .header("Connection", "Upgrade")
                .header("Upgrade", "websocket");
            let (_, io) = exchange.upgrade(reply).await?;
            let mut piece = [0; 64];
            loop {
                let n = tokio::io::AsyncReadExt::read(io, &mut piece).await?;
                if n == 0 {
                    return Ok(());
                }
                tokio::io::AsyncWriteExt::write_all(io, &piece[..n]).await?;
            }
        }
        match () {
            () if target.contains("stream") => {
                let mut body = exchange.stream(Reply::new(200).chunked(10)).await?;
                body.send(b"begun").await?;
                std::future::pending().await
            }
            () if target.contains("never") => std::future::pending().await,
            () => exchange.reply(Reply::new(200).body("ok")).await,
        }
    }
}

async fn endless(limits: &str, more: &str) -> Stage {
    let server = Server::start(ServerOptions::default(), Endless)
        .await
        .unwrap();
    let edge = Edge::start(&file(&server, limits, more), &[HOST])
        .await
        .unwrap();
    Stage { edge, server }
}

fn asking(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n")
}

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// One of everything that can be open: what was sent, and what has come back so far.
async fn everything(edge: &Edge, client: IpAddr, fields: &str) -> Vec<(&'static str, Line)> {
    let mut open = Vec::new();
    for (what, target, mark) in [
        ("a tunnel", "/web/tunnel", "\r\n\r\n"),
        ("a stream", "/web/stream", "begun"),
        ("a request", "/web/never", ""),
        ("an idle connection", "/web/x", "ok"),
    ] {
        let dial = Dial::plain(edge.plain()).from(client);
        let mut line = dial.open().await.unwrap();
        let upgrade = if what == "a tunnel" { UPGRADE } else { "" };
        let request = asking(target, &format!("{upgrade}{fields}"));
        line.write(request.as_bytes()).await.unwrap();
        if !mark.is_empty() {
            line.read_until(mark.as_bytes(), SOON).await.unwrap();
        }
        open.push((what, line));
    }
    open
}

async fn ban(edge: &Edge, address: &str, cut: &str) {
    let body = format!(r#"{{"address": "{address}", "seconds": 600{cut}}}"#);
    let got = admin(edge, "POST /api/bans", &body).await;
    assert_eq!(got.status(), Some(200), "{}", got.text());
}

const CUT: &str = r#", "cut": true"#;

async fn in_flight(edge: &Edge, address: &str) -> u64 {
    let told = json(edge, &format!("GET /api/limits?address={address}")).await;
    told["requests_in_flight"]["now"].as_u64().unwrap()
}

async fn echoes(tunnel: &mut Line) -> bool {
    tunnel.write(b"still here").await.is_ok()
        && tunnel.read_until(b"still here", SOON).await.is_ok()
}

#[tokio::test]
async fn a_ban_that_cuts_ends_whatever_its_address_has_open_and_nothing_else() {
    let stage = endless("{}", "").await;
    let edge = &stage.edge;
    let cut = everything(edge, from(2), "").await;
    let mut others = everything(edge, from(3), "").await;
    until("all are under way", async || {
        in_flight(edge, "127.0.0.2").await == 3
    })
    .await;
    ban(edge, "127.0.0.2", CUT).await;
    for (what, mut line) in cut {
        let (rest, ended) = line.read_to_end(SOON).await;
        assert_ne!(ended, Ended::Open, "{what} is still there");
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{what}");
    }
    until("nothing is held", async || {
        in_flight(edge, "127.0.0.2").await == 0
    })
    .await;
    let told = json(edge, "GET /api/limits?address=127.0.0.2").await;
    assert_eq!(told["connections"]["open"], 0, "{told}");
    assert!(echoes(&mut others[0].1).await);
    assert_eq!(in_flight(edge, "127.0.0.3").await, 3);
    let cut = metric(
        edge,
        "portcullis_refusals_total",
        &["enforce", "\"banned\""],
    )
    .await;
    assert_eq!(cut, 4.0, "each is told as refused");
}

#[tokio::test]
async fn a_ban_without_the_word_cuts_nothing_and_one_that_follows_may() {
    let stage = endless("{}", "").await;
    let edge = &stage.edge;
    let mut open = everything(edge, from(2), "").await;
    ban(edge, "127.0.0.2", "").await;
    ban(edge, "127.0.0.2", r#", "cut": false"#).await;
    // Somebody else's cut makes everybody look.
    ban(edge, "127.0.0.9", CUT).await;
    assert!(echoes(&mut open[0].1).await);
    ban(edge, "127.0.0.2", CUT).await;
    let (_, ended) = open[0].1.read_to_end(SOON).await;
    assert_ne!(ended, Ended::Open);
    for wrong in [r#", "cut": 1"#, r#", "cut": "yes""#, r#", "cut": null"#] {
        let body = format!(r#"{{"address": "127.0.0.2", "seconds": 600{wrong}}}"#);
        let got = admin(edge, "POST /api/bans", &body).await;
        assert_eq!(got.status(), Some(400), "{wrong}");
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_only_the_clients_own_requests_are_cut() {
    let trust = "client_address: { trusted_proxies: [127.0.0.5], header: X-Forwarded-For }";
    let stage = endless("{}", trust).await;
    let edge = &stage.edge;
    let of = |client: &str| format!("X-Forwarded-For: {client}\r\n");
    let cut = everything(edge, from(5), &of("192.0.2.7")).await;
    let mut others = everything(edge, from(5), &of("192.0.2.8")).await;
    // A stranger may say what he likes about himself.
    let mut stranger = everything(edge, from(6), &of("192.0.2.7")).await;
    until("all are under way", async || {
        in_flight(edge, "192.0.2.7").await == 3
    })
    .await;
    ban(edge, "192.0.2.7", CUT).await;
    for (what, mut line) in cut {
        if what == "an idle connection" {
            // It is the proxy's, who has use for it.
            let request = asking("/web/x", &of("192.0.2.8"));
            line.write(request.as_bytes()).await.unwrap();
            line.read_until(b"ok", SOON).await.unwrap();
            continue;
        }
        let (_, ended) = line.read_to_end(SOON).await;
        assert_ne!(ended, Ended::Open, "{what} is still there");
    }
    until("nothing is held", async || {
        in_flight(edge, "192.0.2.7").await == 0
    })
    .await;
    assert!(echoes(&mut others[0].1).await);
    assert!(echoes(&mut stranger[0].1).await);
}

#[tokio::test]
async fn over_http2_the_connection_ends_with_all_its_streams() {
    let stage = endless("{}", "").await;
    let edge = &stage.edge;
    let dial = |client| {
        Dial::tls(edge.https())
            .sni(HOST)
            .alpn(&["h2"])
            .from(from(client))
    };
    let mut clients = Vec::new();
    for last in [2, 3] {
        let io = dial(last).open().await.unwrap().into_io();
        let (mut sender, connection) = h2::client::handshake(io).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut answers = Vec::new();
        for path in ["never", "stream", "never"] {
            let request = http::Request::get(format!("https://{HOST}/web/{path}"));
            let request = request.body(()).unwrap();
            sender = sender.ready().await.unwrap();
            let (answer, _) = sender.send_request(request, true).unwrap();
            answers.push(answer);
        }
        clients.push((sender, connection, answers));
    }
    until("all are under way", async || {
        in_flight(edge, "127.0.0.2").await == 3 && in_flight(edge, "127.0.0.3").await == 3
    })
    .await;
    ban(edge, "127.0.0.2", CUT).await;
    let (_sender, connection, _answers) = clients.remove(0);
    let ended = tokio::time::timeout(SOON, connection).await;
    assert!(ended.is_ok(), "the connection is still there");
    until("nothing is held", async || {
        in_flight(edge, "127.0.0.2").await == 0
    })
    .await;
    assert_eq!(in_flight(edge, "127.0.0.3").await, 3);
}

#[tokio::test]
async fn over_http2_behind_a_trusted_proxy_only_the_clients_own_streams_are_reset() {
    let trust = "client_address: { trusted_proxies: [127.0.0.5], header: X-Forwarded-For }";
    let stage = endless("{}", trust).await;
    let edge = &stage.edge;
    let dial = Dial::tls(edge.https())
        .sni(HOST)
        .alpn(&["h2"])
        .from(from(5));
    let io = dial.open().await.unwrap().into_io();
    let (mut sender, connection) = h2::client::handshake(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut answers = Vec::new();
    for client in ["192.0.2.7", "192.0.2.8", "192.0.2.7"] {
        let request = http::Request::get(format!("https://{HOST}/web/never"));
        let request = request.header("x-forwarded-for", client).body(()).unwrap();
        sender = sender.ready().await.unwrap();
        answers.push(sender.send_request(request, true).unwrap().0);
    }
    until("all are under way", async || {
        in_flight(edge, "192.0.2.7").await == 2 && in_flight(edge, "192.0.2.8").await == 1
    })
    .await;
    ban(edge, "192.0.2.7", CUT).await;
    for at in [2, 0] {
        let answer = tokio::time::timeout(SOON, answers.remove(at)).await;
        assert!(answer.unwrap().unwrap_err().is_reset());
    }
    assert_eq!(in_flight(edge, "192.0.2.8").await, 1);
    assert!(!connection.is_finished());
}

#[tokio::test]
async fn an_address_that_is_cut_while_it_rushes_in_is_out_when_the_call_has_returned() {
    let stage = endless("{ new_connections: { rate: 10000/s } }", "").await;
    let edge = &stage.edge;
    for round in 0..5 {
        let mut rushing = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let dial = Dial::plain(edge.plain()).from(from(2));
            let request = asking("/web/tunnel", UPGRADE);
            rushing.spawn(async move { dial.send(request, SOON).await.map(|got| got.ended) });
        }
        tokio::task::yield_now().await;
        ban(edge, "127.0.0.2", CUT).await;
        while let Some(ended) = rushing.join_next().await {
            // Refused at the door, answered 429, or cut in the middle.
            let open = matches!(ended.unwrap(), Ok(Ended::Open));
            assert!(!open, "round {round}: a tunnel came through");
        }
        let lift = r#"{"address": "127.0.0.2"}"#;
        let lifted = admin(edge, "POST /api/bans/lift", lift).await;
        assert_eq!(lifted.status(), Some(200));
    }
}
