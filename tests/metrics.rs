//! What Prometheus is told, through real sockets, and judged by its own tool where that is installed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "upstream/support.rs"]
mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Line};
use loadtest::rude::{Upgrade, websocket_echo};
use loadtest::wire::{Reply, Server};

use support::*;

async fn text(edge: &Edge) -> String {
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let got = Dial::plain(edge.admin()).send(request, SOON).await.unwrap();
    String::from_utf8(got.body().to_vec()).unwrap()
}

/// Waits until this line has this value.
async fn counts(edge: &Edge, line: &str, value: f64) {
    until(&format!("{line} {value}"), async || {
        metric(edge, line).await == Some(value)
    })
    .await;
}

async fn stage() -> (Server, Edge) {
    let server = responding(None, |_| Reply::new(200).body("four")).await;
    let rest = format!("url: 'http://{}'", server.address());
    let edge = edge(&one_server("http", &rest)).await;
    (server, edge)
}

#[tokio::test]
async fn a_request_is_counted_by_route_server_method_and_code_and_measured() {
    let (_server, edge) = stage().await;
    let head = "POST /one/x HTTP/1.1\r\nContent-Length: 5";
    assert_eq!(ask(&edge, head, "hello").await.status(), Some(200));
    let route = "route=\"proxy.example.com/one/\"";
    counts(
        &edge,
        &format!(
            "portcullis_requests_total{{code=\"200\",method=\"POST\",{route},server=\"one\"}}"
        ),
        1.0,
    )
    .await;
    for (line, value) in [
        (
            format!("portcullis_request_duration_seconds_count{{{route}}}"),
            1.0,
        ),
        (
            format!("portcullis_request_duration_seconds_bucket{{{route},le=\"60\"}}"),
            1.0,
        ),
        (
            format!("portcullis_upstream_duration_seconds_count{{{route},server=\"one\"}}"),
            1.0,
        ),
        (format!("portcullis_request_bytes_total{{{route}}}"), 5.0),
        (format!("portcullis_response_bytes_total{{{route}}}"), 4.0),
        (
            "portcullis_upstream_requests_total{connection=\"new\",server=\"one\"}".into(),
            1.0,
        ),
        (
            "portcullis_upstream_requests_total{connection=\"reused\",server=\"one\"}".into(),
            0.0,
        ),
    ] {
        assert_eq!(metric(&edge, &line).await, Some(value), "{line}");
    }
    assert_eq!(get(&edge, "/one/x").await.status(), Some(200));
    counts(
        &edge,
        "portcullis_upstream_requests_total{connection=\"reused\",server=\"one\"}",
        1.0,
    )
    .await;
    let connects = "portcullis_upstream_connect_duration_seconds_count{server=\"one\"}";
    assert_eq!(metric(&edge, connects).await, Some(1.0));
    // A request that leads nowhere, and a method that only a client could have thought of.
    assert_eq!(get(&edge, "/no").await.status(), Some(404));
    let nowhere = "portcullis_requests_total{code=\"404\",method=\"GET\",route=\"-\",server=\"-\"}";
    counts(&edge, nowhere, 1.0).await;
}

#[tokio::test]
async fn a_server_that_fails_is_counted_by_the_reason_from_zero_on() {
    let edge = edge(&one_server("http", "url: 'http://127.0.0.77:9'")).await;
    let line = "portcullis_upstream_errors_total{reason=\"upstream_connect\",server=\"one\"}";
    assert_eq!(metric(&edge, line).await, Some(0.0));
    assert_eq!(get(&edge, "/one/").await.status(), Some(502));
    counts(&edge, line, 1.0).await;
}

async fn websocket(edge: &Edge) -> Line {
    let mut line = Dial::plain(edge.plain()).open().await.unwrap();
    let handshake = format!(
        "GET /one/ws HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    line.write(handshake.as_bytes()).await.unwrap();
    line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    line
}

#[tokio::test]
async fn open_websockets_are_a_gauge_that_comes_back_to_zero_however_they_end() {
    let server = websocket_echo(Upgrade::Plain).await.unwrap();
    let rest = format!("url: 'http://{}', websocket: true", server.address());
    let edge = edge(&one_server("http", &rest)).await;
    let gauge = "portcullis_streams_open{server=\"one\",type=\"websocket\"}";
    let (first, second) = (websocket(&edge).await, websocket(&edge).await);
    counts(&edge, gauge, 2.0).await;
    drop(first);
    counts(&edge, gauge, 1.0).await;
    drop(second);
    counts(&edge, gauge, 0.0).await;
    // Their hours are in no histogram of durations.
    let duration = "portcullis_request_duration_seconds_count{route=\"proxy.example.com/one/\"}";
    assert_eq!(metric(&edge, duration).await, Some(0.0));
    let counted = "portcullis_requests_total{code=\"101\",method=\"GET\",route=\"proxy.example.com/one/\",server=\"one\"}";
    counts(&edge, counted, 2.0).await;
}

#[tokio::test]
async fn handshakes_and_connections_are_counted_by_version_listener_and_protocol() {
    let (_server, edge) = stage().await;
    let line = Dial::tls(edge.https())
        .sni(HOST)
        .alpn(&["h2"])
        .open()
        .await
        .unwrap();
    let plain = Dial::plain(edge.plain()).open().await.unwrap();
    let open = |protocol: &str| {
        format!(
            "portcullis_listener_connections_open{{listener=\"127.0.0.1:0\",protocol=\"{protocol}\"}}"
        )
    };
    counts(&edge, &open("http2"), 1.0).await;
    counts(&edge, &open("http1"), 1.0).await;
    let done = "portcullis_tls_handshakes_total{outcome=\"done\",version=\"TLSv1.3\"}";
    assert_eq!(metric(&edge, done).await, Some(1.0));
    assert_eq!(
        metric(&edge, "portcullis_tls_handshake_duration_seconds_count").await,
        Some(1.0)
    );
    drop((line, plain));
    counts(&edge, &open("http2"), 0.0).await;
    counts(&edge, &open("http1"), 0.0).await;
    let refused = Dial::tls(edge.https())
        .sni("other.example.com")
        .open()
        .await;
    assert!(refused.is_err());
    let unknown = "portcullis_tls_handshakes_total{outcome=\"unknown_sni\",version=\"-\"}";
    counts(&edge, unknown, 1.0).await;
}

#[tokio::test]
async fn counters_survive_reloads_and_what_is_gone_goes_with_the_second_one() {
    let server = answering(None).await;
    let rest = format!("url: 'http://{}'", server.address());
    let file = one_server("http", &rest);
    let other = |path: &str| file.replace("path: /one/", &format!("path: {path}"));
    let edge = edge(&file).await;
    let counted = "portcullis_requests_total{code=\"200\",method=\"GET\",route=\"proxy.example.com/one/\",server=\"one\"}";
    get(&edge, "/one/").await;
    counts(&edge, counted, 1.0).await;
    edge.reload(&(file.clone() + "limits: { write_idle: 29s }\n"))
        .await
        .unwrap();
    get(&edge, "/one/").await;
    counts(&edge, counted, 2.0).await;
    edge.reload(&other("/two/")).await.unwrap();
    assert_eq!(
        metric(&edge, counted).await,
        Some(2.0),
        "one more scrape can see it"
    );
    edge.reload(&other("/three/")).await.unwrap();
    until("it is forgotten", async || {
        metric(&edge, counted).await.is_none()
    })
    .await;
    edge.reload(&file).await.unwrap();
    get(&edge, "/one/").await;
    counts(&edge, counted, 1.0).await;
}

#[tokio::test]
async fn a_certificates_end_is_told_and_so_is_the_process() {
    let (_server, edge) = stage().await;
    let text = text(&edge).await;
    let file = edge.folder().join("edge.pem");
    let line = format!(
        "portcullis_certificate_expiry_timestamp_seconds{{file=\"{}\"}} ",
        file.display()
    );
    let until: f64 = text
        .lines()
        .find_map(|found| found.strip_prefix(&line))
        .unwrap_or_else(|| panic!("{text}"))
        .parse()
        .unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    assert!(until > now.unwrap().as_secs_f64(), "{until}");
    for name in [
        "resident_memory_bytes",
        "open_fds",
        "start_time_seconds",
        "cpu_seconds_total",
    ] {
        let line = format!("\nprocess_{name} ");
        assert!(text.contains(&line), "{line}");
    }
    assert!(!text.contains(".key"), "keys do not expire");
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_any_metric() {
    let (_server, edge) = stage().await;
    for path in ["/one/", "/no"] {
        get(&edge, path).await;
    }
    let _open = Dial::tls(edge.https()).sni(HOST).open().await.unwrap();
    until("the requests are counted", async || {
        text(&edge).await.contains("code=\"404\"")
    })
    .await;
    let text = text(&edge).await;
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else {
        // It comes with Prometheus and is not everywhere.
        return;
    };
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let said = promtool.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
    assert_eq!((said.status.success(), words.as_str()), (true, ""));
}
