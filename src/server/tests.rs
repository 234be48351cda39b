//! A server's name and its addresses, in a running gateway: from outside no name with several addresses can be had everywhere.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use loadtest::rude::client::{Dial, Got};
use loadtest::rude::{Rude, Upgrade, says, websocket_echo};

use super::*;
use crate::config;
use crate::diagnostic::Source;

const SOON: Duration = Duration::from_secs(10);
/// A name that never resolves (RFC 6761, 6.4).
const NAME: &str = "cic1.invalid";

async fn gateway(port: u16, kind: &str, rest: &str) -> Server {
    let text = format!(
        "admin: {{ listen: 127.0.0.1:0 }}\nlisteners: [ {{ listen: 127.0.0.1:0 }} ]\n\
         servers: {{ one: {{ kind: {kind}, url: 'http://{NAME}:{port}', {rest} }} }}\n\
         hosts: {{ proxy.example.com: {{ routes: [ {{ path: /one/, server: one }} ] }} }}\n"
    );
    let source = Source::new("gateway.yaml", Path::new("."), text.as_str());
    let config = config::parse(&source).unwrap_or_else(|report| panic!("{report}"));
    Server::start(&config)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// What the name server will say from now on.
fn resolves_to(server: &Server, port: u16, addresses: &[SocketAddr]) {
    server
        .runtime
        .resolver
        .follow(NAME, port)
        .replace(addresses.to_vec());
}

async fn ask(server: &Server, method: &str) -> Got {
    let (_, to) = server.bound()[0];
    let request = format!(
        "{method} /one/x HTTP/1.1\r\nHost: proxy.example.com\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    Dial::plain(to).send(request, SOON).await.unwrap()
}

async fn answering() -> Rude {
    says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await
        .unwrap()
}

/// An address where nobody listens; the socket keeps it so.
async fn nobody() -> (tokio::net::TcpSocket, SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// An address that never answers a connection attempt: a listener whose queue is full.
async fn black_hole() -> Option<(
    tokio::net::TcpListener,
    Vec<tokio::net::TcpStream>,
    SocketAddr,
)> {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    for _ in 0..64 {
        let attempt = tokio::net::TcpStream::connect(address);
        match tokio::time::timeout(Duration::from_millis(200), attempt).await {
            Ok(connected) => queued.push(connected.unwrap()),
            Err(_) => return Some((listener, queued, address)),
        }
    }
    // This system's queues have no end.
    None
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_502_until_it_does() {
    let inside = answering().await;
    let port = inside.address().port();
    let server = gateway(port, "http", "").await;
    let got = ask(&server, "GET").await;
    assert_eq!(got.status(), Some(502));
    let counted = "portcullis_refusals_total{mode=\"enforce\",reason=\"upstream_unresolved\"} 1";
    assert!(server.runtime.metrics.text().contains(counted));
    resolves_to(&server, port, &[inside.address()]);
    assert_eq!(ask(&server, "GET").await.status(), Some(200));
}

#[tokio::test]
async fn an_address_that_refuses_is_followed_by_the_next_of_the_same_name_for_any_method() {
    let inside = answering().await;
    let (_reserved, refusing) = nobody().await;
    for (kind, method) in [("http", "GET"), ("http", "POST"), ("http", "PATCH")] {
        let server = gateway(inside.address().port(), kind, "").await;
        let mut both = [refusing, inside.address()];
        for _ in 0..2 {
            resolves_to(&server, inside.address().port(), &both);
            assert_eq!(
                ask(&server, method).await.status(),
                Some(200),
                "{method} {both:?}"
            );
            both.reverse();
        }
    }
    let heads: usize = inside.seen().iter().map(loadtest::rude::Seen::heads).sum();
    assert_eq!(heads, 6, "each request arrived once");
}

#[tokio::test]
async fn a_websocket_goes_on_to_the_next_address_too() {
    let inside = websocket_echo(Upgrade::Plain).await.unwrap();
    let (_reserved, refusing) = nobody().await;
    let port = inside.address().port();
    let server = gateway(port, "http", "websocket: true").await;
    resolves_to(&server, port, &[refusing]);
    let asks = "GET /one/x HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for (addresses, status) in [
        (vec![refusing], "HTTP/1.1 502"),
        (vec![refusing, inside.address()], "HTTP/1.1 101"),
        (vec![inside.address(), refusing], "HTTP/1.1 101"),
    ] {
        resolves_to(&server, port, &addresses);
        let mut line = Dial::plain(server.bound()[0].1).open().await.unwrap();
        line.write(asks.as_bytes()).await.unwrap();
        let head = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
        assert!(
            head.starts_with(status.as_bytes()),
            "{addresses:?}: {head:?}"
        );
    }
}

#[tokio::test]
async fn addresses_that_all_refuse_are_a_502_at_once() {
    let ((_a, first), (_b, second)) = (nobody().await, nobody().await);
    let server = gateway(first.port(), "http", "").await;
    resolves_to(&server, first.port(), &[first, second]);
    let got = ask(&server, "POST").await;
    assert_eq!(got.status(), Some(502));
    assert!(got.took < Duration::from_secs(2), "{:?}", got.took);
}

#[tokio::test]
async fn an_address_that_does_not_answer_leaves_time_for_the_next() {
    let Some((_listener, _queued, silent)) = black_hole().await else {
        eprintln!("skipped: no listener can be made to ignore connection attempts here");
        return;
    };
    let inside = answering().await;
    let server = gateway(silent.port(), "http", "timeouts: { connect: 2s }").await;
    resolves_to(&server, silent.port(), &[silent]);
    let began = Instant::now();
    let got = ask(&server, "GET").await;
    assert_eq!(got.status(), Some(504));
    assert!(began.elapsed() >= Duration::from_secs(2));
    let counted = "portcullis_refusals_total{mode=\"enforce\",reason=\"upstream_timeout\"} 1";
    assert!(server.runtime.metrics.text().contains(counted));

    resolves_to(&server, silent.port(), &[silent, inside.address()]);
    for _ in 0..2 {
        assert_eq!(ask(&server, "POST").await.status(), Some(200));
    }
    assert_eq!(server.snapshot().upstreams.len(), 1);
}
