//! The listener when the file, or a file that it names, is another one.

use std::net::TcpListener;

use loadtest::rude::client::{Ended, Line};
use loadtest::wire::Io;
use openssl::x509::X509;

use super::stage::*;

/// Asks over a connection that stays open.
async fn on(line: &mut Line, what: &str, fields: &str) -> u16 {
    line.write(request(what, fields, "").as_bytes())
        .await
        .unwrap();
    let head = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    line.read_exactly(length.parse().unwrap(), SOON)
        .await
        .unwrap();
    head.get(9..12).unwrap().parse().unwrap()
}

async fn shown(stage: &Stage) -> X509 {
    let Io::Tls(tls) = stage.tls().open().await.unwrap().into_io() else {
        panic!("no TLS");
    };
    tls.ssl().peer_certificate().unwrap()
}

#[tokio::test]
async fn a_new_token_in_the_same_file_holds_at_once_also_on_open_connections_and_ends_sessions() {
    let stage = Stage::with(WITH_TLS).await;
    let cookie = sign_in(&stage.tls(), TOKEN).await.unwrap();
    let mut living = stage.tls().open().await.unwrap();
    assert_eq!(on(&mut living, "GET /metrics", &bearer(TOKEN)).await, 200);
    assert_eq!(on(&mut living, "GET /metrics", &cookie).await, 200);
    // Nothing has changed: nothing happens.
    stage.reload(WITH_TLS).await;
    assert_eq!(on(&mut living, "GET /metrics", &cookie).await, 200);
    stage.write("token", OTHER_TOKEN);
    assert_eq!(on(&mut living, "GET /metrics", &bearer(TOKEN)).await, 200);
    stage.reload(WITH_TLS).await;
    assert_eq!(on(&mut living, "GET /metrics", &bearer(TOKEN)).await, 401);
    assert_eq!(on(&mut living, "GET /metrics", &cookie).await, 401);
    assert_eq!(
        on(&mut living, "GET /metrics", &bearer(OTHER_TOKEN)).await,
        200
    );
    // The old token again does not bring the old sessions back, once somebody has signed in meanwhile.
    sign_in(&stage.tls(), OTHER_TOKEN).await.unwrap();
    stage.write("token", TOKEN);
    stage.reload(WITH_TLS).await;
    assert_eq!(on(&mut living, "GET /metrics", &cookie).await, 401);
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_open_ones_live_on() {
    let stage = Stage::with(WITH_TLS).await;
    let before = shown(&stage).await;
    let mut living = stage.tls().open().await.unwrap();
    assert_eq!(on(&mut living, "GET /healthz", "").await, 200);
    for end in ["pem", "key"] {
        stage.write(&format!("admin.{end}"), &stage.read(&format!("next.{end}")));
    }
    stage.reload(WITH_TLS).await;
    assert_ne!(shown(&stage).await, before);
    let next = X509::from_pem(stage.read("next.pem").as_bytes()).unwrap();
    assert_eq!(shown(&stage).await, next);
    assert_eq!(on(&mut living, "GET /metrics", &bearer(TOKEN)).await, 200);
}

#[tokio::test]
async fn names_come_and_go_on_open_connections_too() {
    let stage = Stage::with(WITH_TLS).await;
    let mut living = stage.tls().open().await.unwrap();
    let called = format!("Host: {NAME}\r\n{}", bearer(TOKEN));
    assert_eq!(on(&mut living, "GET /metrics", &called).await, 200);
    stage.reload(&WITH_TLS.replace(NAME, "")).await;
    assert_eq!(on(&mut living, "GET /metrics", &called).await, 421);
    stage.reload(WITH_TLS).await;
    assert_eq!(on(&mut living, "GET /metrics", &called).await, 200);
}

#[tokio::test]
async fn an_authority_that_is_taken_out_lets_nobody_in_any_more_not_even_who_is_there() {
    let stage = Stage::with(WITH_ALL).await;
    let known = stage.tls().identity(&stage.operator(&stage.operators));
    let mut living = known.open().await.unwrap();
    assert_eq!(on(&mut living, "GET /metrics", "").await, 200);
    stage.write("operators.pem", &stage.strangers.pem());
    stage.reload(WITH_ALL).await;
    assert_eq!(on(&mut living, "GET /metrics", "").await, 401);
    let other = stage.tls().identity(&stage.operator(&stage.strangers));
    assert_eq!(status(&other, "GET /metrics", "").await, 200);
    let got = known.send(request("GET /healthz", "", ""), SOON).await;
    assert!(got.is_err() || got.is_ok_and(|got| got.bytes.is_empty()));
}

#[tokio::test]
async fn tls_and_token_come_and_go_without_a_new_socket() {
    let stage = Stage::with(PLAIN).await;
    let address = stage.edge.admin();
    let mut living = stage.plain().open().await.unwrap();
    assert_eq!(on(&mut living, "GET /metrics", "").await, 200);
    stage.reload(WITH_TLS).await;
    assert_eq!(stage.edge.admin(), address);
    assert_eq!(
        status(&stage.tls(), "GET /metrics", &bearer(TOKEN)).await,
        200
    );
    // It began without TLS and goes on without it; the token is asked for all the same.
    assert_eq!(on(&mut living, "GET /metrics", "").await, 401);
    assert_eq!(on(&mut living, "GET /metrics", &bearer(TOKEN)).await, 200);
    stage.reload(PLAIN).await;
    assert_eq!(stage.edge.admin(), address);
    assert_eq!(status(&stage.plain(), "GET /metrics", "").await, 200);
}

#[tokio::test]
async fn a_listener_that_moves_answers_what_is_under_way_and_takes_the_same_port_elsewhere() {
    // In a network that nobody else uses here.
    let port = TcpListener::bind("127.73.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let place = |address: &str| WITH_TLS.replace("127.0.0.1:0", &format!("{address}:{port}"));
    let stage = Stage::with(&place("127.73.0.1")).await;
    let mut idle = stage.tls().open().await.unwrap();
    assert_eq!(
        on(&mut idle, "GET /healthz", "Host: 127.73.0.1\r\n").await,
        200
    );
    let mut under_way = stage.tls().open().await.unwrap();
    let body = r#"{"address": "192.0.2.7", "seconds": 600}"#;
    let json = format!("Content-Type: application/json\r\n{}", bearer(TOKEN));
    let whole = request("POST /api/bans", &json, body);
    let (first, second) = whole.as_bytes().split_at(whole.len() - 5);
    under_way.write(first).await.unwrap();
    // Behind it in time, so it is being answered.
    assert_eq!(on(&mut idle, "GET /metrics", &bearer(TOKEN)).await, 200);
    stage.reload(&place("0.0.0.0")).await;
    assert_eq!(stage.edge.admin().to_string(), format!("0.0.0.0:{port}"));
    under_way.write(second).await.unwrap();
    let (answer, ended) = under_way.read_to_end(SOON).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{answer:?}");
    assert_ne!(ended, Ended::Open);
    assert_ne!(idle.read_to_end(SOON).await.1, Ended::Open);
    let dial = loadtest::rude::client::Dial::tls(([127, 73, 0, 1], port).into());
    assert_eq!(status(&dial, "GET /metrics", &bearer(TOKEN)).await, 200);
    assert_eq!(status(&dial, "GET /metrics", "").await, 401);
}

#[tokio::test]
async fn an_address_that_somebody_else_has_changes_nothing() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let stage = Stage::with(WITH_TOKEN).await;
    let address = stage.edge.admin();
    let other = WITH_TLS.replace("127.0.0.1:0", &taken.local_addr().unwrap().to_string());
    let report = stage
        .edge
        .reload(&file(&other))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        report.contains("the admin listener cannot listen on"),
        "{report}"
    );
    assert_eq!(stage.edge.admin(), address);
    assert_eq!(
        status(&stage.plain(), "GET /metrics", &bearer(TOKEN)).await,
        200
    );
}
