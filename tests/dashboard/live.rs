//! The stream of samples, byte by byte.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::icws::{ClientOptions, IcwsClient, IcwsOptions, IcwsServer};
use loadtest::rude::client::{Dial, Ended, Line};
use serde_json::Value;

/// A deadline that only a failure reaches.
pub const SOON: Duration = Duration::from_secs(20);
const HOST: &str = "proxy.example.com";
/// As many as may listen.
const MOST: usize = 16;

async fn stage() -> (Edge, IcwsServer) {
    let icws = IcwsServer::start(IcwsOptions::named("icserver1")).await;
    let icws = icws.unwrap();
    let yaml = format!(
        "servers: {{ icserver1: {{ kind: icws, url: '{}' }} }}
hosts: {{ {HOST}: {{ routes: [{{ path: /us/icserver1/, server: icserver1 }}] }} }}\n",
        icws.wire().base_url()
    );
    (Edge::start(&yaml, &[HOST]).await.unwrap(), icws)
}

struct Listener(Line);

impl Listener {
    async fn to(edge: &Edge) -> Listener {
        let mut line = Dial::plain(edge.admin()).open().await.unwrap();
        line.write(b"GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        let head = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        assert!(
            head.contains("content-type: text/event-stream\r\n"),
            "{head}"
        );
        assert!(head.contains("cache-control: no-store\r\n"), "{head}");
        Listener(line)
    }

    /// The data of the next event of this name.
    async fn next(&mut self, name: &str) -> Value {
        let mark = format!("event: {name}\ndata: ");
        self.0.read_until(mark.as_bytes(), SOON).await.unwrap();
        let data = self.0.read_until(b"\n\n", SOON).await.unwrap();
        serde_json::from_slice(&data[..data.len() - 2]).unwrap()
    }
}

fn at(sample: &Value) -> u64 {
    sample["second"][0].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn a_listener_gets_the_past_and_then_each_second() {
    let (edge, _icws) = stage().await;
    let mut one = Listener::to(&edge).await;
    let history = one.next("history").await;
    assert_eq!(history["kept_seconds"], 600);
    // The first second of the process may not be over yet.
    let mut last = 0;
    while last == 0 {
        last = at(&one.next("sample").await);
    }
    for _ in 0..2 {
        let sample = one.next("sample").await;
        assert!(at(&sample) > last, "{sample}");
        last = at(&sample);
    }
    // Whoever comes later has the past, and the same present.
    let mut two = Listener::to(&edge).await;
    let history = two.next("history").await;
    let seconds = history["seconds"].as_array().unwrap();
    assert!(seconds.len() >= 2, "{history}");
    assert!(at(&two.next("sample").await) >= last);
}

#[tokio::test]
async fn who_is_signed_in_is_told_and_no_credential_is() {
    let (edge, icws) = stage().await;
    let options =
        ClientOptions::new(&format!("http://{HOST}/us/{{host}}")).resolve(HOST, edge.plain());
    let mut client = IcwsClient::new(options);
    client
        .login("icserver1", "agent1", "secret1")
        .await
        .unwrap();
    let session = icws.session(client.session_id().unwrap()).unwrap();
    let mut listener = Listener::to(&edge).await;
    let sample = loop {
        let sample = listener.next("sample").await;
        if sample["users"]["shown"][0]["user"] == "agent1" {
            break sample;
        }
    };
    assert_eq!(sample["users"]["total"], 1);
    assert_eq!(sample["servers"]["shown"][0]["server"], "icserver1");
    assert!(sample["certificates"]["shown"][0]["not_after_timestamp_seconds"].is_u64());
    let told = sample.to_string();
    for secret in [
        &*session.id,
        &*session.cookie_value,
        &*session.csrf_token,
        "secret1",
    ] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test]
async fn one_more_than_may_listen_takes_the_place_of_the_oldest() {
    let (edge, _icws) = stage().await;
    let mut all = Vec::new();
    for _ in 0..MOST {
        let mut listener = Listener::to(&edge).await;
        listener.next("sample").await;
        all.push(listener);
    }
    let mut newest = Listener::to(&edge).await;
    newest.next("sample").await;
    let mut oldest = all.remove(0);
    oldest.next("replaced").await;
    // The stream is over, and the connection good for the next request.
    oldest.0.read_until(b"0\r\n\r\n", SOON).await.unwrap();
    oldest
        .0
        .write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let (answer, ended) = oldest.0.read_to_end(SOON).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{answer:?}");
    assert_eq!(ended, Ended::Closed);
    for listener in &mut all {
        listener.next("sample").await;
    }
}

#[tokio::test]
async fn somebody_is_found_by_a_part_of_the_name_and_a_question_without_one_is_none() {
    let (edge, _icws) = stage().await;
    let options =
        ClientOptions::new(&format!("http://{HOST}/us/{{host}}")).resolve(HOST, edge.plain());
    let mut client = IcwsClient::new(options);
    client
        .login("icserver1", "agent1", "secret1")
        .await
        .unwrap();
    let mut listener = Listener::to(&edge).await;
    while listener.next("sample").await["users"]["shown"][0]["user"] != "agent1" {}
    for (query, total) in [
        ("?find=GENT1", Some(1)),
        ("?find=icserver1", Some(1)),
        ("?find=127.0.0", Some(1)),
        ("?find=agent2", Some(0)),
        ("?find=", Some(1)),
        ("?find=%ff", Some(0)),
        ("", None),
        ("?user=agent1", None),
    ] {
        let request = format!(
            "GET /api/live/users{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        );
        let got = Dial::plain(edge.admin()).send(request, SOON).await.unwrap();
        let told: Value = serde_json::from_slice(got.body()).unwrap();
        assert_eq!(told["total"].as_u64(), total, "{query} {told}");
        assert_eq!(got.status(), Some(if total.is_some() { 200 } else { 400 }));
    }
}

#[tokio::test]
async fn a_reload_that_moves_the_listener_ends_its_streams_and_the_new_one_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = |admin: &str| {
        format!(
            "admin: {{ listen: {admin} }}
listeners: [{{ listen: 127.0.0.1:0 }}]
hosts: {{ {HOST}: {{ files: {} }} }}\n",
            folder.path().display()
        )
    };
    let edge = Edge::start(&yaml("127.0.0.1:0"), &[HOST]).await.unwrap();
    let mut old = Listener::to(&edge).await;
    old.next("sample").await;
    edge.reload(&yaml("127.0.0.2:0")).await.unwrap();
    let (_, ended) = old.0.read_to_end(SOON).await;
    assert_ne!(ended, Ended::Open);
    let mut new = Listener::to(&edge).await;
    // The seconds are those of the process.
    let history = new.next("history").await;
    assert_eq!(history["kept_seconds"], 600);
    new.next("sample").await;
}
