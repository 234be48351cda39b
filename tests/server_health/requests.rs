//! What requests see of a server: no connection counts, a status never does, and a client cannot talk a server down.

use loadtest::icws::{IcwsOptions, IcwsServer, Role};
use loadtest::rude;
use loadtest::wire::Reply;

use super::inside::*;
use super::stage::*;

/// The first probe comes at once; then there is none for an hour.
const RARE: &str = "interval: 1h, timeout: 1s";

#[tokio::test]
async fn requests_without_a_connection_bring_a_server_down_before_the_next_probe() {
    let web = answering(None).await;
    let rest = format!(
        "kind: http, url: '{}', health: {{ {RARE} }}",
        web.base_url()
    );
    let edge = edge(&file(&[("web", &rest)])).await;
    wait_for(&edge, "web", "up").await;
    web.refuse_connections(true).await;
    for failed in 1..=3 {
        assert_eq!(get(&edge, "/web/x").await.status(), Some(502));
        let told = server(&edge, "web").await;
        assert_eq!(told["passive"]["failures_in_a_row"], failed);
        let expected = if failed < 3 { "up" } else { "down" };
        assert_eq!(told["health"], expected);
    }
    assert_eq!(server(&edge, "web").await["why"], "connection refused");
    // It has one way only, and goes on being asked. Its answers bring the probes back that say it is up.
    web.refuse_connections(false).await;
    until("it is up again", async || {
        assert_eq!(get(&edge, "/web/x").await.status(), Some(200));
        health(&edge, "web").await == "up"
    })
    .await;
    assert_eq!(
        server(&edge, "web").await["passive"]["failures_in_a_row"],
        0
    );
}

#[tokio::test]
async fn no_status_of_a_request_says_anything_of_health() {
    for status in [500, 502, 503, 504] {
        let ic = responding(None, move |seen| match seen.target() {
            "/icws/connection/version" => Reply::new(200),
            _ => Reply::new(status),
        })
        .await;
        let rest = format!("kind: icws, url: '{}', health: {{ {RARE} }}", ic.base_url());
        let edge = edge(&file(&[("ic", &rest)])).await;
        wait_for(&edge, "ic", "up").await;
        for _ in 0..10 {
            let got = get(&edge, "/ic/icws/1234/status").await;
            assert_eq!(got.status(), Some(status));
        }
        let told = server(&edge, "ic").await;
        assert_eq!(
            (&told["health"], &told["passive"]["failures_in_a_row"]),
            (&"up".into(), &0.into())
        );
    }
}

#[tokio::test]
async fn a_request_that_a_server_drops_has_a_probe_ask_and_moves_nobody() {
    // A connection is all that its probe asks for, and that is all it gives.
    let dead = rude::resets_at_once().await.unwrap();
    let rest = format!(
        "kind: http, url: 'http://{}', health: {{ {RARE} }}",
        dead.address()
    );
    let edge = edge(&file(&[("web", &rest)])).await;
    wait_for(&edge, "web", "up").await;
    let first = probes(&edge, "web", "up").await;
    for _ in 0..10 {
        assert_eq!(get(&edge, "/web/x").await.status(), Some(502));
    }
    let told = server(&edge, "web").await;
    assert!(
        told["passive"]["failures_in_a_row"].as_u64().unwrap() >= 10,
        "{told}"
    );
    assert_eq!(told["health"], "up");
    until("a probe out of turn", async || {
        probes(&edge, "web", "up").await > first
    })
    .await;
    assert_eq!(health(&edge, "web").await, "up");
}

#[tokio::test]
async fn a_session_manager_that_is_down_still_gets_its_own_requests_and_no_other_does() {
    let (one, two) = (
        IcwsServer::start(IcwsOptions::named("ic1")).await.unwrap(),
        IcwsServer::start(IcwsOptions::named("ic2")).await.unwrap(),
    );
    two.change(|behaviour| behaviour.role = Role::Backup);
    let server = |ic: &IcwsServer| {
        format!(
            "kind: icws, url: '{}', pair: ic, health: {{ {QUICK} }}",
            ic.wire().base_url()
        )
    };
    let (a, b) = (server(&one), server(&two));
    let yaml = format!(
        "servers:\n  ic1: {{ {a} }}\n  ic2: {{ {b} }}\nhosts: {{ {HOST}: {{ routes: [ {{ path: '/us/{{server}}/', servers: [ic1, ic2] }} ] }} }}\n"
    );
    let edge = edge(&yaml).await;
    wait_for(&edge, "ic1", "up").await;
    one.wire().refuse_connections(true).await;
    wait_for(&edge, "ic1", "down").await;
    let before = two
        .wire()
        .recorder()
        .count(|seen| seen.target() != "/icws/connection/version");
    for _ in 0..5 {
        let got = get(&edge, "/us/ic1/icws/connection/features").await;
        assert_eq!(
            got.status(),
            Some(502),
            "the client is to look for another server by itself"
        );
    }
    let after = two
        .wire()
        .recorder()
        .count(|seen| seen.target() != "/icws/connection/version");
    assert_eq!(before, after);
    one.wire().refuse_connections(false).await;
    wait_for(&edge, "ic1", "up").await;
    let got = get(&edge, "/us/ic1/icws/connection/version").await;
    assert_eq!(got.status(), Some(200));
}
