//! How long the gateway waits for a server, and what it says then.

use std::time::{Duration, Instant};

use loadtest::edge::Edge;
use loadtest::wire::{Authority, Fault, Server, ServerTls};

use super::support::*;

const KINDS: [(&str, &str, u16); 4] = [
    ("icws", "/us/one/icws/1/connection", 504),
    (
        "webtools",
        "/I3Root/Server1/websvcs/serverConfiguration",
        503,
    ),
    ("webhtml", "/I3Root/WebServices/Server1/doHTMLRequest", 504),
    ("http", "/one/x", 504),
];

async fn edge_to(server: &Server, kind: &str, timeouts: &str) -> Edge {
    let rest = format!(
        "url: 'http://{}', timeouts: {{ {timeouts} }}",
        server.address()
    );
    edge(&one_server(kind, &rest)).await
}

#[tokio::test]
async fn a_server_that_says_nothing_is_a_504_and_for_web_tools_a_503() {
    collect_log();
    for (kind, target, status) in KINDS {
        let server = answering(None).await;
        server.faults().set(Fault::HangBeforeHead);
        let edge = edge_to(&server, kind, "response: 300ms").await;
        let got = get(&edge, &format!("{target}?silent-{kind}")).await;
        assert_eq!(got.status(), Some(status), "{kind}");
        assert!(
            got.took >= Duration::from_millis(300),
            "{kind}: {:?}",
            got.took
        );
        assert_eq!(refusals(&edge, "upstream_timeout").await, 1.0, "{kind}");
        let line = log_line(&format!(
            " {status} upstream_timeout client=127.0.0.1 route={HOST}{}",
            prefix(kind)
        ))
        .await;
        assert!(line.contains("server=one GET"), "{line}");
        match kind {
            "icws" => {
                assert_eq!(
                    header(&got, "content-type"),
                    ["application/vnd.inin.icws+JSON; charset=utf-8"]
                );
                assert!(
                    got.text()
                        .contains("\"errorId\":\"error.gateway.upstream_timeout\""),
                    "{}",
                    got.text()
                );
            }
            "webtools" => assert!(
                got.text().contains("error.websvc.unavailable"),
                "{}",
                got.text()
            ),
            _ => {}
        }
    }
}

fn prefix(kind: &str) -> &'static str {
    match kind {
        "icws" => "/us/one/",
        "webtools" => "/I3Root/Server1/",
        "webhtml" => "/I3Root/WebServices/Server1/",
        _ => "/one/",
    }
}

#[tokio::test]
async fn a_server_that_does_not_listen_is_a_502_in_the_form_of_its_kind() {
    for (kind, target, _) in KINDS {
        let server = answering(None).await;
        server.refuse_connections(true).await;
        let edge = edge_to(&server, kind, "connect: 5s").await;
        for method in ["GET", "POST"] {
            let got = ask(
                &edge,
                &format!("{method} {target} HTTP/1.1\r\nContent-Length: 0"),
                "",
            )
            .await;
            assert_eq!(got.status(), Some(502), "{kind}");
            assert_eq!(header(&got, "cache-control"), ["no-store"], "{kind}");
        }
        assert_eq!(refusals(&edge, "upstream_connect").await, 2.0, "{kind}");
        // And nothing has to be restarted when it is back.
        server.refuse_connections(false).await;
        assert_eq!(get(&edge, target).await.status(), Some(200), "{kind}");
    }
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_a_timeout_of_connect() {
    let ours = Authority::new("ours").unwrap();
    let server = answering(Some(ServerTls::new(ours.issue(&["localhost"]).unwrap()))).await;
    server.stall_new_connections(true);
    let url = format!("https://localhost:{}", server.address().port());
    let edge = edge(&one_server(
        "http",
        &format!("url: '{url}', timeouts: {{ connect: 300ms, response: 60s }}"),
    ))
    .await;
    let got = get(&edge, "/one/x").await;
    assert_eq!(got.status(), Some(504));
    assert_eq!(refusals(&edge, "upstream_timeout").await, 1.0);
}

#[tokio::test]
async fn silence_in_the_middle_of_an_answer_cuts_it() {
    let server = responding(None, |_| loadtest::wire::Reply::new(200).body("0123456789")).await;
    server.faults().set(Fault::HangInBody(4));
    let edge = edge_to(&server, "http", "response: 300ms").await;
    let got = get(&edge, "/one/x").await;
    assert_eq!(
        (got.status(), got.body().len() < 10),
        (Some(200), true),
        "{}",
        got.text()
    );
    assert_ne!(got.ended, loadtest::rude::client::Ended::Open);
    assert_eq!(refusals(&edge, "upstream_timeout").await, 1.0);
}

#[tokio::test]
async fn a_slow_answer_that_never_falls_silent_is_not_cut() {
    let server = loadtest::rude::drips(b"0123456789", Duration::from_millis(100))
        .await
        .unwrap();
    let rest = format!(
        "url: 'http://{}', timeouts: {{ response: 600ms }}",
        server.address()
    );
    let edge = edge(&one_server("http", &rest)).await;
    let got = get(&edge, "/one/x").await;
    assert_eq!((got.status(), got.body()), (Some(200), &b"0123456789"[..]));
}

#[tokio::test]
async fn a_server_that_does_not_read_an_upload_is_a_timeout() {
    let server = loadtest::rude::never_reads().await.unwrap();
    let rest = format!(
        "url: 'http://{}', timeouts: {{ response: 500ms }}",
        server.address()
    );
    let edge = edge(&one_server("http", &rest)).await;
    let body = vec![b'x'; 8_000_000];
    let began = Instant::now();
    let got = ask(
        &edge,
        "POST /one/x HTTP/1.1\r\nContent-Length: 8000000",
        body,
    )
    .await;
    assert_eq!(got.status(), Some(504), "{}", got.text());
    assert!(began.elapsed() < SOON);
    assert_eq!(refusals(&edge, "upstream_timeout").await, 1.0);
}

#[tokio::test]
async fn a_routes_timeouts_go_before_its_servers() {
    let server = answering(None).await;
    server.faults().set(Fault::HangBeforeHead);
    let address = server.address();
    let edge = edge(&format!(
        "servers: {{ one: {{ kind: http, url: 'http://{address}', timeouts: {{ response: 60s }} }} }}
hosts: {{ {HOST}: {{ routes: [ {{ path: /one/, server: one, timeouts: {{ response: 200ms }} }} ] }} }}
"
    ))
    .await;
    assert_eq!(get(&edge, "/one/x").await.status(), Some(504));
}
