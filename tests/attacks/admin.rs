//! The operator's listener under attack by whoever runs something on the same machine, or has a browser there run it.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Ended, Got};
use serde_json::Value;

use super::support::{SOON, Stage, no_panics, ok, stage};

async fn send(edge: &Edge, bytes: impl Into<Vec<u8>>) -> Got {
    let dial = Dial::plain(edge.admin());
    dial.send(bytes.into(), SOON).await.unwrap()
}

/// The word of an answer in the API's form.
fn error(got: &Got) -> String {
    let value: Value =
        serde_json::from_slice(got.body()).unwrap_or_else(|_| panic!("no JSON: {}", got.text()));
    value["error"].as_str().unwrap().to_owned()
}

async fn bans(edge: &Edge) -> usize {
    let got = send(
        edge,
        "GET /api/bans HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    let value: Value = serde_json::from_slice(got.body()).unwrap();
    value["bans"].as_array().unwrap().len()
}

async fn still_serves(stage: &Stage) {
    let ready = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(send(&stage.edge, ready).await.status(), Some(200));
    no_panics();
}

const BAN: &str = r#"{"address": "192.0.2.7", "seconds": 600}"#;

#[tokio::test]
async fn no_way_of_naming_a_host_leads_around_the_rule_that_it_is_loopback() {
    let stage = stage(ok).await;
    for head in [
        "GET /metrics HTTP/1.1\r\n",
        "GET /metrics HTTP/1.0\r\n",
        "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
        "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\n evil.example\r\n",
        "GET /metrics HTTP/1.1\r\nHost : localhost\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost, evil.example\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost.evil.example\r\n",
        "GET /metrics HTTP/1.1\r\nHost: evil.example@localhost\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost@evil.example\r\n",
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n",
        "GET /metrics HTTP/1.1\r\nHost: 2130706433\r\n",
        "GET /metrics HTTP/1.1\r\nHost: 0.0.0.0\r\n",
        "GET /metrics HTTP/1.1\r\nHost: [::]\r\n",
        "GET /metrics HTTP/1.1\r\nHost: \r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\0\r\n",
        "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n",
        "GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example\r\n",
        "GET http://localhost@evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n",
        "GET //evil.example/metrics HTTP/1.1\r\nHost: evil.example\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n",
    ] {
        let got = send(&stage.edge, format!("{head}Connection: close\r\n\r\n")).await;
        let status = got.status();
        assert!(matches!(status, Some(400 | 421)), "{head:?}: {status:?}");
        assert!(!got.text().contains("portcullis_"), "{head:?}");
    }
    still_serves(&stage).await;
}

#[tokio::test]
async fn a_call_that_is_too_large_is_told_so_however_it_comes() {
    let stage = stage(ok).await;
    let head = "POST /api/bans HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let large = "x".repeat(3 << 20);
    let requests = [
        format!("{head}Content-Length: {}\r\n\r\n{large}", large.len()),
        format!("{head}Content-Length: 99999999999\r\n\r\n{large}"),
        format!(
            "{head}Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            large.len()
        ),
        format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
            large.len()
        ),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nffffffff\r\n{large}"),
    ];
    for request in requests {
        let shown: String = request.chars().take(150).collect();
        let got = send(&stage.edge, request).await;
        assert_eq!(got.status(), Some(413), "{shown}: {}", got.text());
        assert!(error(&got).contains("larger"), "{shown}");
        assert_ne!(got.ended, Ended::Open, "{shown}");
    }
    let just = format!("{BAN}{}", " ".repeat(16 * 1024 - BAN.len()));
    let request = format!(
        "{head}Connection: close\r\nContent-Length: {}\r\n\r\n{just}",
        just.len()
    );
    assert_eq!(send(&stage.edge, request).await.status(), Some(200));
    still_serves(&stage).await;
}

#[tokio::test]
async fn a_call_that_stops_or_breaks_off_in_the_middle_does_nothing() {
    let stage = stage(ok).await;
    let head = "POST /api/bans HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let length = BAN.len();
    let silent = format!("{head}Content-Length: {}\r\n\r\n{BAN}", length + 1);
    let got = send(&stage.edge, silent.clone()).await;
    assert_eq!(got.status(), Some(408), "{}", got.text());
    assert!(error(&got).contains("5s"), "{}", got.text());
    let dial = Dial::plain(stage.edge.admin()).half_close();
    let got = dial.send(silent, SOON).await.unwrap();
    assert_ne!(got.status(), Some(200), "{}", got.text());
    for body in [
        format!("{length:x}\r\n{BAN}\r\n0\r\n"),
        format!("{length:x}\r\n{BAN}"),
        format!("-1\r\n{BAN}\r\n0\r\n\r\n"),
        format!("10000000000000000\r\n{BAN}\r\n0\r\n\r\n"),
    ] {
        let request = format!("{head}Transfer-Encoding: chunked\r\n\r\n{body}");
        let got = send(&stage.edge, request).await;
        assert_ne!(got.status(), Some(200), "{body:?}: {}", got.text());
    }
    assert_eq!(bans(&stage.edge).await, 0);
    still_serves(&stage).await;
}

#[tokio::test]
async fn what_follows_a_refused_request_is_no_request() {
    let stage = stage(ok).await;
    // The second one hides in the first one's body, and asks as a program of this machine would.
    let hidden = format!(
        "POST /api/bans HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{BAN}",
        BAN.len()
    );
    let length = hidden.len();
    let fields = [
        format!("Content-Length: {length}\r\n"),
        format!("Content-Length: {length}\r\nContent-Length: 0\r\n"),
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: +{length}\r\n"),
        format!("Transfer-Encoding: identity\r\nContent-Length: {length}\r\n"),
        format!("Transfer-Encoding: xchunked\r\nContent-Length: {length}\r\n"),
        format!("Transfer-Encoding : chunked\r\nContent-Length: {length}\r\n"),
        format!("Transfer-Encoding:\x0bchunked\r\nContent-Length: {length}\r\n"),
    ];
    for fields in &fields {
        for line in [
            "GET /healthz",
            "POST /healthz",
            "POST /api/bans",
            "POST /nowhere",
        ] {
            let request = format!(
                "{line} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Type: text/plain\r\n{fields}\r\n{hidden}"
            );
            send_briefly(&stage.edge, request).await;
            assert_eq!(bans(&stage.edge).await, 0, "{line} {fields:?}");
        }
    }
    still_serves(&stage).await;
}

/// The same for what may be kept open after its answer.
async fn send_briefly(edge: &Edge, bytes: String) {
    let dial = Dial::plain(edge.admin());
    let _ = dial.send(bytes, Duration::from_millis(100)).await;
}

#[tokio::test]
async fn thousands_of_callers_that_say_nothing_or_half_of_it_blind_nobody() {
    let stage = stage(ok).await;
    let mut held = Vec::new();
    for number in 0..1000 {
        let mut line = Dial::plain(stage.edge.admin()).open().await.unwrap();
        let said: &[u8] = match number % 4 {
            0 => b"",
            1 => b"GET /metrics HTTP/1.1\r\nHost: local",
            2 => b"POST /api/bans HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n",
            _ => b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        };
        // Those that came before may be gone already.
        let _ = line.write(said).await;
        held.push(line);
        if number % 100 == 99 {
            still_serves(&stage).await;
        }
    }
}

#[tokio::test]
async fn an_endless_head_is_refused() {
    let stage = stage(ok).await;
    for filler in ["x: y\r\n", "x: ", "y"] {
        let head = format!(
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\n{}",
            filler.repeat((1 << 20) / filler.len())
        );
        let got = send(&stage.edge, head).await;
        assert_ne!(got.ended, Ended::Open, "{filler:?}");
        assert_ne!(got.status(), Some(200), "{filler:?}");
    }
    still_serves(&stage).await;
}

#[tokio::test]
async fn deep_and_doubled_json_bans_nobody_by_mistake() {
    let stage = stage(ok).await;
    for body in [
        "[".repeat(16_000),
        format!("{}1{}", r#"{"address":"#.repeat(1_000), "}".repeat(1_000)),
        r#"{"address": ["192.0.2.7"], "seconds": 600}"#.to_owned(),
        r#"{"address": "192.0.2.0/24", "seconds": 600}"#.to_owned(),
        r#"{"address": "192.0.2.7\u0000", "seconds": 600}"#.to_owned(),
        r#"{"address": "192.0.2.7", "seconds": "600"}"#.to_owned(),
        r#"{"address": "192.0.2.7", "seconds": -1}"#.to_owned(),
        r#"{"address": "192.0.2.7", "seconds": 18446744073709551616}"#.to_owned(),
        format!("{BAN}{BAN}"),
        "\u{feff}".to_owned() + BAN,
    ] {
        let request = format!(
            "POST /api/bans HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let got = send(&stage.edge, request).await;
        assert_eq!(got.status(), Some(400), "{}", got.text());
        assert!(got.bytes.len() < 2000, "{}", got.text());
    }
    assert_eq!(bans(&stage.edge).await, 0);
}
