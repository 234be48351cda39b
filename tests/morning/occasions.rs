//! What a morning has beside people at work: strangers who are refused, a ban, clients that leave, a WebSocket, files, reloads. Each is in
//! the ledger by what this side has seen of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use loadtest::rude::client::{Dial, Got, Line};
use loadtest::wire::Fault;
use serde_json::Value;

use super::caller::{Door, FROM};
use super::center::{Center, SOON};
use super::client::HOST;
use super::gateway;
use super::ledger::{NOWHERE, Place, count};

/// Whom limits hold for, and who is banned in the end.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
/// Who has more requests at a time than a limit that observes would allow.
const BUSY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 8);
/// Limits for them.
pub const LIMITS: &str = "\
limits:
  exempt: [127.0.0.1]
  requests_in_flight: { most: 1, mode: observe }
  ban: { refusals: 5, within: 1h, for: 1h }
  interactions:
    MaxInteractionsAllowedPerIP: 1000
    MaxInteractionsAllowedPerUnitTime: 10000
    MaxChatsAllowedPerUnitTime: 10000
    MaxCallbacksAllowedPerUnitTime: 10000
    MaxActiveInteractionsAllowed: 1000
    MaxAnonymousInteractionsAllowed: 1000
    silence: { chat: 6s, callback: 6s }
";

const FILES: Place = Place {
    route: "/I3Root/",
    server: "-",
};
const SEARCH: Place = Place {
    route: "/I3Root/WebServices/Server1/",
    server: "search1",
};
const GONE: Place = Place {
    route: "/gone/",
    server: "gone",
};
const ECHO: Place = Place {
    route: "/echo/",
    server: "echo",
};
const REPORT: &str = "/I3Root/WebServices/Server1/doHTMLRequest?event=CgiTest";

/// One request over a connection of its own, its line and fields written out.
async fn send(to: SocketAddr, from: Ipv4Addr, head: &str) -> Got {
    let request = format!("{head}\r\nConnection: close\r\n\r\n");
    let dial = Dial::plain(to).from(IpAddr::V4(from));
    dial.send(request, SOON).await.unwrap()
}

/// Waits until the gateway too takes every request of the stranger for over: only then the next one is alone.
fn alone(center: &Center) {
    let path = format!("/api/limits?address={STRANGER}");
    let alone = gateway::until("the stranger's request to be over", || {
        let answer = gateway::get(center.admin, "localhost", &path).ok()?;
        let told: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        (told["requests_in_flight"]["now"] == 0).then_some(())
    });
    alone.unwrap();
}

async fn get(center: &Center, from: Ipv4Addr, host: &str, path: &str) -> (u16, (usize, usize)) {
    let got = send(
        center.plain,
        from,
        &format!("GET {path} HTTP/1.1\r\nHost: {host}"),
    )
    .await;
    (got.status().unwrap_or_default(), (0, got.body().len()))
}

/// Requests that the gateway answers by itself.
pub async fn answers(center: &Center, door: &Door) {
    let ledger = &door.ledger;
    let (status, sizes) = get(center, FROM, HOST, "/I3Root/").await;
    assert_eq!(status, 200);
    ledger.refused(FILES, "GET", "200", None, sizes);
    for (host, path, expected, place, reason) in [
        (HOST, "/I3Root/none.html", 404, FILES, Some("file_missing")),
        (HOST, "/I3Root/.git/config", 404, FILES, Some("file_hidden")),
        (HOST, "/nowhere", 404, NOWHERE, Some("unknown_path")),
        ("other.example.com", "/", 404, NOWHERE, Some("unknown_host")),
        (
            HOST,
            "/I3Root/%2e%2e/secret",
            400,
            NOWHERE,
            Some("ambiguous_path"),
        ),
        (
            HOST,
            "/apps/client/api/icserver1/other",
            404,
            Place {
                route: "/apps/client/api/{server}/",
                server: "-",
            },
            Some("not_exposed"),
        ),
    ] {
        let (status, sizes) = get(center, FROM, host, path).await;
        assert_eq!(status, expected, "{path}");
        ledger.refused(place, "GET", &expected.to_string(), reason, sizes);
    }
    let got = send(
        center.redirect,
        FROM,
        &format!("GET / HTTP/1.1\r\nHost: {HOST}"),
    )
    .await;
    assert_eq!(got.status(), Some(308));
    ledger.refused(
        NOWHERE,
        "GET",
        "308",
        Some("redirect_to_https"),
        (0, got.body().len()),
    );
    let (status, sizes) = get(center, FROM, HOST, "/gone/").await;
    assert_eq!(status, 502);
    ledger.unreachable(GONE, "GET", sizes);
    let (status, sizes) = get(center, FROM, HOST, REPORT).await;
    assert_eq!(status, 200);
    ledger.answered(SEARCH, "GET", 200, 0, sizes.1);
}

/// Connections that never become a request.
pub async fn handshakes(center: &Center, door: &Door) {
    let ledger = &door.ledger;
    assert!(
        Dial::tls(center.tls)
            .sni("other.example.com")
            .open()
            .await
            .is_err()
    );
    ledger.handshake("-", "unknown_sni");
    send(center.tls, FROM, "GET / HTTP/1.1\r\nHost: x").await;
    ledger.handshake("-", "tls_handshake");
    let got = send(center.plain, FROM, " GET / HTTP/1.1\r\nHost: x").await;
    assert_eq!(got.status(), Some(400));
    ledger.write(|all| {
        for reason in ["unknown_sni", "tls_handshake", "malformed_head"] {
            count(&mut all.refusals, &[reason], 1);
        }
    });
}

/// A client that does not wait for its answer.
pub async fn gone(center: &Center, door: &Door) {
    let wire = center.search1.wire();
    wire.faults().set(Fault::HangBeforeHead);
    let seen = wire.recorder().count(|_| true);
    let mut line = Dial::plain(center.plain).open().await.unwrap();
    let head = format!("GET {REPORT} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    line.write(head.as_bytes()).await.unwrap();
    wire.recorder()
        .wait_for_count(seen + 1, |_| true, SOON)
        .await
        .unwrap();
    drop(line);
    wire.faults().clear();
    let ledger = &door.ledger;
    ledger.refused(SEARCH, "GET", "none", Some("client_gone"), (0, 0));
    ledger.reached(SEARCH);
}

/// A WebSocket with one word each way, of somebody who asks for a file beside it. It stays open.
pub async fn websocket(center: &Center, door: &Door) -> Line {
    let mut line = Dial::plain(center.plain)
        .from(IpAddr::V4(BUSY))
        .open()
        .await
        .unwrap();
    let head = format!(
        "GET /echo/ HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    line.write(head.as_bytes()).await.unwrap();
    line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    door.ledger.reached(ECHO);
    // A masked text frame of two letters, and its echo, which has no mask.
    line.write(b"\x81\x82\0\0\0\0hi").await.unwrap();
    assert_eq!(
        &line.read_exactly(4, SOON).await.unwrap()[..],
        b"\x81\x02hi"
    );
    let (status, sizes) = get(center, BUSY, HOST, "/I3Root/").await;
    assert_eq!(status, 200);
    door.ledger.refused(FILES, "GET", "200", None, sizes);
    door.ledger
        .write(|all| count(&mut all.observed, &["requests_in_flight"], 1));
    line
}

/// It is over: 8 bytes have come and 4 have gone.
pub fn websocket_ends(line: Line, door: &Door) {
    drop(line);
    door.ledger.streamed(ECHO, 101, 8, 4);
}

/// Five refusals, and the sixth connection is closed.
pub async fn ban(center: &Center, door: &Door) {
    for _ in 0..5 {
        alone(center);
        let (status, sizes) = get(center, STRANGER, HOST, "/nowhere").await;
        assert_eq!(status, 404);
        door.ledger
            .refused(NOWHERE, "GET", "404", Some("unknown_path"), sizes);
    }
    let dial = Dial::plain(center.plain).from(IpAddr::V4(STRANGER));
    let closed = dial.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n", SOON).await;
    assert!(closed.is_err() || closed.is_ok_and(|got| got.bytes.is_empty()));
    door.ledger
        .write(|all| count(&mut all.refusals, &["banned"], 1));
}
