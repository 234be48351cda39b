//! What one address may use, and that another one is not harmed by it.

use loadtest::rude::client::{Dial, Line};
use loadtest::wire::{Exchange, Server, ServerOptions, Service};
use serde_json::Value;

use super::support::*;

#[tokio::test]
async fn requests_beyond_the_rate_are_answered_429_with_the_time_to_wait_and_others_are_served() {
    let stage = stage("{ requests: { rate: 2/m, burst: 3 } }").await;
    for _ in 0..3 {
        assert_eq!(status(&stage.edge, from(2), "/web/x").await, 200);
    }
    let refused = got(&stage.edge, from(2), "/web/x").await.unwrap();
    assert_eq!(refused.status(), Some(429));
    // One every 30 s.
    let wait: u64 = field(&refused, "retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(status(&stage.edge, from(3), "/web/x").await, 200);
    let refusals = ["reason=\"request_rate\"", "mode=\"enforce\""];
    assert_eq!(
        metric(&stage.edge, "portcullis_refusals_total", &refusals).await,
        1.0
    );
    assert_eq!(stage.server.recorder().all().len(), 4);
}

#[tokio::test]
async fn paths_that_lead_nowhere_count_like_any_other() {
    let stage = stage("{ requests: { rate: 1/h, burst: 2 } }").await;
    assert_eq!(status(&stage.edge, from(2), "/nowhere").await, 404);
    assert_eq!(status(&stage.edge, from(2), "/nowhere").await, 404);
    assert_eq!(status(&stage.edge, from(2), "/nowhere").await, 429);
    assert_eq!(status(&stage.edge, from(2), "/web/x").await, 429);
}

#[tokio::test]
async fn a_route_and_a_kind_may_be_narrower_but_never_wider_than_the_whole() {
    let limits = "{ requests: { rate: 1/h, burst: 8 }, kinds: { icws: { requests: { rate: 1/h, burst: 1 } } } }";
    let stage = stage(limits).await;
    let edge = &stage.edge;
    assert_eq!(status(edge, from(2), "/narrow/x").await, 200);
    assert_eq!(status(edge, from(2), "/narrow/x").await, 200);
    assert_eq!(status(edge, from(2), "/narrow/x").await, 429);
    assert_eq!(
        status(edge, from(2), "/ic/icws/connection/version").await,
        200
    );
    let refused = got(edge, from(2), "/ic/icws/connection/version")
        .await
        .unwrap();
    assert_eq!(refused.status(), Some(429));
    let body: Value = serde_json::from_slice(refused.body()).unwrap();
    assert_eq!(body["errorId"], "error.gateway.request_rate");
    // A refused request took nothing from the whole: three of eight are gone.
    for _ in 0..5 {
        assert_eq!(status(edge, from(2), "/wide/x").await, 200);
    }
    assert_eq!(status(edge, from(2), "/wide/x").await, 429);
    // The other address has all of it.
    assert_eq!(status(edge, from(3), "/narrow/x").await, 200);
}

#[tokio::test]
async fn connections_beyond_the_number_are_closed_before_a_word_and_one_that_ends_makes_room() {
    let stage = stage("{ connections: 3 }").await;
    let edge = &stage.edge;
    let open = async || Dial::tls(edge.https()).sni(HOST).from(from(2)).open().await;
    let mut lines = Vec::new();
    for _ in 0..3 {
        lines.push(open().await.unwrap());
    }
    // The handshake fails: nothing is read of it.
    assert!(open().await.is_err());
    assert_eq!(status(edge, from(2), "/web/x").await, 0);
    assert_eq!(status(edge, from(3), "/web/x").await, 200);
    lines.pop();
    until("a place is free again", async || {
        status(edge, from(2), "/web/x").await == 200
    })
    .await;
    let refusals = metric(
        edge,
        "portcullis_refusals_total",
        &["reason=\"connections\""],
    )
    .await;
    assert!(refusals >= 2.0, "{refusals}");
}

#[tokio::test]
async fn new_connections_beyond_the_rate_are_closed_before_a_word() {
    let stage = stage("{ new_connections: { rate: 1/h, burst: 3 } }").await;
    for expected in [200, 200, 200, 0, 0] {
        assert_eq!(status(&stage.edge, from(2), "/web/x").await, expected);
    }
    assert_eq!(status(&stage.edge, from(3), "/web/x").await, 200);
}

/// A server that takes requests and never answers.
struct Never;

impl Service for Never {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
        exchange.body().await?;
        std::future::pending().await
    }
}

#[tokio::test]
async fn requests_at_the_same_time_have_an_end_and_every_way_of_ending_gives_the_place_back() {
    let slow = Server::start(ServerOptions::default(), Never)
        .await
        .unwrap();
    let yaml = file(&slow, "{ requests_in_flight: 2 }", "");
    let edge = loadtest::edge::Edge::start(&yaml, &[HOST]).await.unwrap();
    let ask = async || {
        let mut line: Line = Dial::plain(edge.plain())
            .from(from(2))
            .open()
            .await
            .unwrap();
        let request = format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        line.write(request.as_bytes()).await.unwrap();
        line
    };
    let first = ask().await;
    let _second = ask().await;
    until("both are at the server", async || {
        slow.recorder().all().len() == 2
    })
    .await;
    let refused = got(&edge, from(2), "/web/x").await.unwrap();
    assert_eq!(refused.status(), Some(429));
    assert_eq!(status(&edge, from(2), "/nowhere").await, 429);
    drop(first);
    until("the place is free", async || {
        status(&edge, from(2), "/nowhere").await == 404
    })
    .await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_limited_and_not_the_proxy() {
    let limits = "{ requests: { rate: 1/h, burst: 2 }, connections: 1, new_connections: { rate: 1/h, burst: 1 } }";
    let trust = "client_address: { trusted_proxies: [127.0.0.1] }";
    let stage = stage_with(limits, trust).await;
    let ask = async |client: &str| {
        let request = format!(
            "GET /web/x HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: {client}\r\nConnection: close\r\n\r\n"
        );
        send(&stage.edge, from(1), request).await.unwrap().status()
    };
    for _ in 0..2 {
        assert_eq!(ask("192.0.2.7").await, Some(200));
    }
    assert_eq!(ask("192.0.2.7").await, Some(429));
    assert_eq!(ask("192.0.2.8").await, Some(200));
    // What a client says of itself left of the truth changes nothing.
    assert_eq!(ask("203.0.113.9, 192.0.2.7").await, Some(429));
    // IPv6 counts by /64.
    assert_eq!(ask("2001:db8:1:2::1").await, Some(200));
    assert_eq!(ask("2001:db8:1:2:ffff::2").await, Some(200));
    assert_eq!(ask("2001:db8:1:2:3::4").await, Some(429));
    assert_eq!(ask("2001:db8:1:3::1").await, Some(200));
}

#[tokio::test]
async fn a_stranger_who_forges_the_header_is_counted_as_himself() {
    let stage = stage("{ requests: { rate: 1/h, burst: 2 } }").await;
    for (number, expected) in [(1, 200), (2, 200), (3, 429)] {
        let request = format!(
            "GET /web/x HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: 192.0.2.{number}\r\nConnection: close\r\n\r\n"
        );
        let got = send(&stage.edge, from(2), request).await.unwrap();
        assert_eq!(got.status(), Some(expected));
    }
}

#[tokio::test]
async fn the_client_that_a_proxy_header_names_is_limited() {
    let limits = "{ connections: 1 }";
    let trust = "client_address: { trusted_proxies: [127.0.0.1], proxy_protocol: require }";
    let stage = stage_with(limits, trust).await;
    let dial = |client: &str| {
        Dial::plain(stage.edge.plain())
            .from(from(1))
            .prelude(format!("PROXY TCP4 {client} 192.0.2.1 40000 80\r\n"))
    };
    let mut held = dial("198.51.100.7").open().await.unwrap();
    let request = format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    held.write(request.as_bytes()).await.unwrap();
    until("the first is served", async || {
        stage.server.recorder().all().len() == 1
    })
    .await;
    let close = format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    let refused = dial("198.51.100.7")
        .send(close.clone(), SOON)
        .await
        .unwrap();
    assert_eq!(refused.status(), None);
    let other = dial("198.51.100.8").send(close, SOON).await.unwrap();
    assert_eq!(other.status(), Some(200));
}

#[tokio::test]
async fn exempt_networks_are_never_limited() {
    let stage = stage("{ exempt: [127.0.0.4/31], requests: { rate: 1/h, burst: 1 }, new_connections: { rate: 1/h, burst: 1 } }").await;
    for _ in 0..5 {
        assert_eq!(status(&stage.edge, from(5), "/web/x").await, 200);
    }
    assert_eq!(status(&stage.edge, from(6), "/web/x").await, 200);
    assert_eq!(status(&stage.edge, from(6), "/web/x").await, 0);
}

#[tokio::test]
async fn a_reload_forgets_nothing_and_changes_the_limits_at_once() {
    let stage = stage("{ requests: { rate: 1/h, burst: 2 } }").await;
    for expected in [200, 200, 429] {
        assert_eq!(status(&stage.edge, from(2), "/web/x").await, expected);
    }
    let same = file(
        &stage.server,
        "{ requests: { rate: 1/h, burst: 2 }, connections: 500 }",
        "",
    );
    stage.edge.reload(&same).await.unwrap();
    assert_eq!(status(&stage.edge, from(2), "/web/x").await, 429);
    let wider = file(&stage.server, "{ requests: { rate: 1/h, burst: 4 } }", "");
    stage.edge.reload(&wider).await.unwrap();
    assert_eq!(status(&stage.edge, from(2), "/web/x").await, 200);
}

#[tokio::test]
async fn a_poll_of_web_tools_is_never_refused_by_its_status_and_reaches_no_server() {
    let stage = stage("{ requests: { rate: 1/h, burst: 1 } }").await;
    assert_eq!(
        status(&stage.edge, from(2), "/chat/websvcs/chat/poll/p1").await,
        200
    );
    let refused = got(&stage.edge, from(2), "/chat/websvcs/chat/poll/p1")
        .await
        .unwrap();
    assert_eq!(refused.status(), Some(200));
    let body: Value = serde_json::from_slice(refused.body()).unwrap();
    assert_eq!(body["chat"]["status"]["type"], "failure");
    assert_ne!(
        body["chat"]["status"]["reason"],
        "error.websvc.unknownEntity.session"
    );
    assert_eq!(stage.server.recorder().all().len(), 1);
}
