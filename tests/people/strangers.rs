//! What others can do to the list: nothing.

use std::net::IpAddr;

use loadtest::icws::Session;
use loadtest::rude::client::{Dial, Got};

use super::listed::*;
use super::stage::{HOST, SOON, Stage, Way};

/// A request for `path` of a session, with these header lines, from 127.0.0.`last`.
async fn ask(stage: &Stage, last: u8, method: &str, path: &str, lines: &[String]) -> Got {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!(
        "{method} /us/icserver1/icws/{path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\nConnection: close\r\n{lines}\r\n"
    );
    let dial = Dial::plain(stage.edge.plain()).from(IpAddr::from([127, 0, 0, last]));
    dial.send(request, SOON).await.unwrap()
}

fn cookie(session: &Session, value: &str) -> String {
    format!("Cookie: {}={value}", session.cookie_name())
}

fn token(value: &str) -> String {
    format!("ININ-ICWS-CSRF-Token: {value}")
}

/// Every way to ask within a session that is not its own client's.
fn strangers(session: &Session, other: &Session) -> Vec<(u8, Vec<String>)> {
    let (own_cookie, own_token) = (
        cookie(session, &session.cookie_value),
        token(&session.csrf_token),
    );
    let (other_cookie, other_token) = (
        cookie(session, &other.cookie_value),
        token(&other.csrf_token),
    );
    vec![
        (9, vec![]),
        (9, vec![other_cookie.clone(), other_token.clone()]),
        (9, vec![own_cookie.clone()]),
        // What a page of somebody else can make the user's own browser send.
        (1, vec![own_cookie.clone()]),
        (1, vec![own_cookie, other_token]),
        (1, vec![own_token.clone()]),
        (1, vec![other_cookie, own_token.clone()]),
        (1, vec![token("nonsense")]),
        (1, vec![]),
    ]
}

#[tokio::test]
async fn what_a_server_says_to_somebody_else_ends_nobody() {
    let stage = Stage::start().await;
    let (mut client, session) = stage.logged_in(Way::Plain).await;
    let mut second = stage.client(Way::Plain, HOST, "/us/{host}");
    second
        .login("icserver1", "agent2", "secret2")
        .await
        .unwrap();
    let other = stage
        .icserver1()
        .session(second.session_id().unwrap())
        .unwrap();
    client.call("GET", "connection", None).await.unwrap();
    second.call("GET", "connection", None).await.unwrap();
    let both = |users: &[serde_json::Value]| names(users) == ["agent1", "agent2"];
    until_listed(&stage.edge, "both", both).await;
    let id = &session.id;
    let all = |path: &str| format!("{id}/{path}");
    // While it lives, and once it does not: only its own client's word counts.
    for lives in [true, false] {
        if !lives {
            assert!(stage.icserver1().end_session(id));
        }
        for (last, lines) in strangers(&session, &other) {
            for (method, path) in [
                ("GET", all("connection")),
                ("DELETE", all("connection")),
                ("POST", all("messaging/heartbeat")),
            ] {
                let got = ask(&stage, last, method, &path, &lines).await;
                assert_eq!(got.status(), Some(401), "{method} {lines:?}");
            }
        }
        assert_eq!(
            names(&users(&stage.edge).await),
            ["agent1", "agent2"],
            "lives: {lives}"
        );
    }
    // The right cookie and token, but from elsewhere.
    let proofs = vec![
        cookie(&session, &session.cookie_value),
        token(&session.csrf_token),
    ];
    ask(&stage, 9, "GET", &all("connection"), &proofs).await;
    ask(&stage, 9, "GET", &all("messaging/messages"), &proofs).await;
    assert_eq!(users(&stage.edge).await.len(), 2);
    ask(&stage, 1, "GET", &all("connection"), &proofs).await;
    until_listed(&stage.edge, "its own client has heard it", |users| {
        names(users) == ["agent2"]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_invented_sessions_are_nobody() {
    let stage = Stage::start().await;
    let (_client, session) = stage.logged_in(Way::Plain).await;
    until_listed(&stage.edge, "the name", |users| names(users) == ["agent1"]).await;
    for number in 0..1000_u32 {
        let id = 1_000_000_000 + number;
        let (method, path) = match number % 5 {
            0 => ("GET", format!("{id}/connection")),
            1 => ("DELETE", format!("{id}/connection")),
            2 => ("GET", format!("{id}/messaging/messages")),
            3 => ("OPTIONS", format!("{id}/connection")),
            _ => ("PUT", format!("{}/x", "9".repeat(60))),
        };
        let cookie = format!("Cookie: icws_{id}={}", session.cookie_value);
        let got = ask(
            &stage,
            2,
            method,
            &path,
            &[cookie, token(&session.csrf_token)],
        )
        .await;
        assert_eq!(got.status(), Some(401), "{method} {path}");
    }
    assert_eq!(names(&users(&stage.edge).await), ["agent1"]);
}

#[tokio::test]
async fn a_session_under_two_readings_of_its_path_is_nobody_elses_and_no_second_one() {
    let stage = Stage::start().await;
    let (mut client, session) = stage.logged_in(Way::Plain).await;
    client.call("GET", "connection", None).await.unwrap();
    until_listed(&stage.edge, "the name", |users| names(users) == ["agent1"]).await;
    let proofs = vec![
        cookie(&session, &session.cookie_value),
        token(&session.csrf_token),
    ];
    let encoded: String = session
        .id
        .bytes()
        .map(|digit| format!("%{digit:02x}"))
        .collect();
    let got = ask(&stage, 1, "GET", &format!("{encoded}/connection"), &proofs).await;
    assert_eq!(got.status(), Some(200), "the server reads it so");
    assert_eq!(only(&stage.edge).await["requests"], 2, "it says nothing");
}
