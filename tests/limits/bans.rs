//! Bans: what leads to them, what they do, and the operator's hands over the admin listener.

use loadtest::edge::Edge;
use loadtest::rude::client::Dial;

use super::support::*;

const QUICK: &str = "{ ban: { refusals: 5, within: 10s, for: 1h } }";

/// Asks for what is not there until the address is shut out.
async fn earn_a_ban(edge: &Edge, last: u8) {
    for _ in 0..5 {
        assert_eq!(status(edge, from(last), "/nowhere").await, 404);
    }
    until("the ban begins", async || {
        status(edge, from(last), "/web/x").await == 0
    })
    .await;
}

async fn banned(edge: &Edge) -> Vec<String> {
    let answer = json(edge, "GET /api/bans").await;
    let bans = answer["bans"].as_array().unwrap().clone();
    bans.iter()
        .map(|ban| ban["address"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn many_refusals_lead_to_a_ban_that_closes_the_door_before_tls_and_harms_nobody_else() {
    let stage = stage(QUICK).await;
    let edge = &stage.edge;
    earn_a_ban(edge, 2).await;
    let tls = Dial::tls(edge.https()).sni(HOST).from(from(2)).open().await;
    assert!(tls.is_err(), "a handshake was begun");
    assert_eq!(status(edge, from(3), "/web/x").await, 200);
    assert_eq!(banned(edge).await, ["127.0.0.2"]);
    assert_eq!(
        metric(edge, "portcullis_bans", &[]).await,
        2.0,
        "one ban and one begun"
    );
}

#[tokio::test]
async fn a_request_on_a_connection_that_was_open_before_the_ban_is_told_and_the_connection_closed()
{
    let stage = stage(QUICK).await;
    let edge = &stage.edge;
    let mut open = Dial::plain(edge.plain())
        .from(from(2))
        .open()
        .await
        .unwrap();
    let request = format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    open.write(request.as_bytes()).await.unwrap();
    open.read_until(b"\r\n\r\nok", SOON).await.unwrap();
    earn_a_ban(edge, 2).await;
    open.write(request.as_bytes()).await.unwrap();
    let (answer, _) = open.read_to_end(SOON).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    let wait = answer.lines().find_map(|line| {
        line.strip_prefix("Retry-After: ")
            .or(line.strip_prefix("retry-after: "))
    });
    let wait: u64 = wait
        .unwrap_or_else(|| panic!("{answer}"))
        .trim()
        .parse()
        .unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
}

#[tokio::test]
async fn what_servers_answer_and_what_browsers_do_by_themselves_leads_to_no_ban() {
    let stage = stage(QUICK).await;
    let edge = &stage.edge;
    stage.server.refuse_connections(true).await;
    for _ in 0..8 {
        assert_eq!(status(edge, from(2), "/web/x").await, 502);
    }
    stage.server.refuse_connections(false).await;
    // A client that leaves in the middle of a request's head.
    for _ in 0..8 {
        let mut line = Dial::plain(edge.plain())
            .from(from(2))
            .open()
            .await
            .unwrap();
        line.write(b"GET /web").await.unwrap();
        drop(line);
    }
    assert_eq!(status(edge, from(2), "/web/x").await, 200);
    assert!(banned(edge).await.is_empty());
}

#[tokio::test]
async fn malformed_requests_lead_to_a_ban_although_the_gateway_never_sees_a_request() {
    let stage = stage(QUICK).await;
    for _ in 0..5 {
        let got = send(&stage.edge, from(2), "GET /\r\n\r\n".to_owned())
            .await
            .unwrap();
        assert_eq!(got.status(), Some(400));
    }
    until("the ban begins", async || {
        status(&stage.edge, from(2), "/web/x").await == 0
    })
    .await;
}

#[tokio::test]
async fn an_operator_bans_and_lifts_and_both_outlive_a_reload() {
    let stage = stage("{}").await;
    let edge = &stage.edge;
    let body = r#"{"address": "127.0.0.2", "seconds": 600}"#;
    assert_eq!(
        admin(edge, "POST /api/bans", body).await.status(),
        Some(200)
    );
    assert_eq!(status(edge, from(2), "/web/x").await, 0);
    edge.reload(&file(&stage.server, "{ connections: 7 }", ""))
        .await
        .unwrap();
    assert_eq!(status(edge, from(2), "/web/x").await, 0);
    assert_eq!(banned(edge).await, ["127.0.0.2"]);
    let lift = r#"{"address": "127.0.0.2"}"#;
    assert_eq!(
        admin(edge, "POST /api/bans/lift", lift).await.status(),
        Some(200)
    );
    assert_eq!(status(edge, from(2), "/web/x").await, 200);
    assert_eq!(
        admin(edge, "POST /api/bans/lift", lift).await.status(),
        Some(404)
    );
}

#[tokio::test]
async fn a_ban_ends_by_itself() {
    let stage = stage("{ ban: { refusals: 2, within: 10s, for: 500ms } }").await;
    for _ in 0..2 {
        assert_eq!(status(&stage.edge, from(2), "/nowhere").await, 404);
    }
    until("the ban begins", async || {
        status(&stage.edge, from(2), "/web/x").await == 0
    })
    .await;
    until("the ban ends", async || {
        status(&stage.edge, from(2), "/web/x").await == 200
    })
    .await;
    assert!(banned(&stage.edge).await.is_empty());
}

#[tokio::test]
async fn a_page_elsewhere_cannot_make_a_browser_change_anything() {
    let stage = stage("{}").await;
    let edge = &stage.edge;
    let body = r#"{"address": "127.0.0.2", "seconds": 600}"#;
    for (fields, expected) in [
        ("Content-Type: text/plain", 415),
        ("Content-Type: application/x-www-form-urlencoded", 415),
        (
            "Content-Type: application/json\r\nOrigin: https://evil.example",
            403,
        ),
        ("Content-Type: application/json\r\nOrigin: null", 403),
        (
            "Content-Type: application/json\r\nSec-Fetch-Site: cross-site",
            403,
        ),
        (
            "Content-Type: application/json\r\nSec-Fetch-Site: same-site",
            403,
        ),
        (
            "Content-Type: application/json\r\nOrigin: http://localhost",
            200,
        ),
        ("Content-Type: application/json; charset=utf-8", 200),
    ] {
        let length = body.len();
        let request = format!(
            "POST /api/bans HTTP/1.1\r\nHost: localhost\r\n{fields}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let got = Dial::plain(edge.admin()).send(request, SOON).await.unwrap();
        assert_eq!(got.status(), Some(expected), "{fields}");
    }
}

#[tokio::test]
async fn mistakes_in_a_call_are_told() {
    let stage = stage("{}").await;
    for (line, body, expected, word) in [
        ("POST /api/bans", "{", 400, "JSON"),
        (
            "POST /api/bans",
            r#"{"seconds": 5}"#,
            400,
            "`address` is missing",
        ),
        (
            "POST /api/bans",
            r#"{"address": "kiosk", "seconds": 5}"#,
            400,
            "kiosk",
        ),
        (
            "POST /api/bans",
            r#"{"address": "192.0.2.7"}"#,
            400,
            "`seconds`",
        ),
        (
            "POST /api/bans",
            r#"{"address": "192.0.2.7", "seconds": 0}"#,
            400,
            "`seconds`",
        ),
        (
            "POST /api/bans",
            r#"{"address": "192.0.2.7", "seconds": 1e99}"#,
            400,
            "`seconds`",
        ),
        ("GET /api/limits", "", 400, "say which"),
        ("GET /api/limits?address=x", "", 400, "x"),
    ] {
        let got = admin(&stage.edge, line, body).await;
        assert_eq!(got.status(), Some(expected), "{line} {body}");
        let text = got.text();
        assert!(text.contains(word), "{line} {body}: {text}");
    }
}

#[tokio::test]
async fn what_an_address_has_used_is_shown() {
    let stage = stage("{ requests: { rate: 1/h, burst: 10 } }").await;
    let _open = Dial::plain(stage.edge.plain())
        .from(from(2))
        .open()
        .await
        .unwrap();
    for _ in 0..3 {
        assert_eq!(status(&stage.edge, from(2), "/web/x").await, 200);
    }
    assert_eq!(status(&stage.edge, from(2), "/nowhere").await, 404);
    let shown = json(&stage.edge, "GET /api/limits?address=127.0.0.2").await;
    assert_eq!(shown["address"], "127.0.0.2");
    assert_eq!(shown["connections"]["open"], 1, "{shown}");
    assert_eq!(shown["requests"]["left"], 6, "{shown}");
    assert_eq!(shown["refusals"], 1, "{shown}");
    let unknown = json(&stage.edge, "GET /api/limits?address=192.0.2.99").await;
    assert_eq!(unknown["tracked"], false, "{unknown}");
}

#[tokio::test]
async fn a_ban_that_could_not_hold_is_not_told_as_one() {
    let trust = "client_address: { trusted_proxies: [127.0.0.3] }";
    let stage = stage_with("{ exempt: [127.0.0.2] }", trust).await;
    for (address, word) in [("127.0.0.2", "exempt"), ("127.0.0.3", "trusted_proxies")] {
        let body = format!(r#"{{"address": "{address}", "seconds": 600}}"#);
        let got = admin(&stage.edge, "POST /api/bans", &body).await;
        assert_eq!(got.status(), Some(409), "{}", got.text());
        assert!(got.text().contains(word), "{}", got.text());
    }
    assert!(banned(&stage.edge).await.is_empty());
}

#[test]
fn a_browser_that_reuses_a_connection_for_another_host_is_on_no_way_to_a_ban() {
    // It repeats the request by itself on a new connection (RFC 9110, 15.5.20).
    assert!(!portcullis::reason::Reason::Misdirected.leads_to_ban());
}
