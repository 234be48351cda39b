//! A reload and health: what has not changed is as it was and is probed as often as before; what has gone is asked no more.

use super::inside::*;
use super::stage::*;

#[tokio::test]
async fn a_reload_keeps_what_is_known_and_probes_no_server_twice() {
    let clock = Clock::start().await;
    let (web, dead) = (answering(None).await, answering(None).await);
    dead.refuse_connections(true).await;
    let servers = |timeout: &str, more: &str| {
        let web = format!(
            "kind: http, url: '{}', {more} health: {{ path: /, interval: 100ms, fall: 100, timeout: {timeout} }}",
            web.base_url()
        );
        let dead = format!(
            "kind: http, url: '{}', health: {{ {STEADY} }}",
            dead.base_url()
        );
        file(&[("web", &web), ("dead", &dead)])
    };
    let edge = edge(&servers("100ms", "")).await;
    wait_for(&edge, "web", "up").await;
    wait_for(&edge, "dead", "down").await;
    for round in 0..20 {
        let (timeout, more) = match round % 3 {
            0 => ("90ms", ""),
            1 => ("90ms", "timeouts: { response: 9s },"),
            _ => ("100ms", "host: web.corp.example,"),
        };
        edge.reload(&servers(timeout, more)).await.unwrap();
        // Known at once, not after the next probe.
        assert_eq!(health(&edge, "web").await, "up");
        assert_eq!(health(&edge, "dead").await, "down");
    }
    assert_eq!(
        gauge(&edge, "upstream_health_changes_total", "web").await,
        Some(1.0)
    );
    assert_eq!(
        gauge(&edge, "upstream_health_changes_total", "dead").await,
        Some(1.0)
    );
    // One task for each, whatever was reloaded.
    web.recorder().clear();
    clock.passes(20).await;
    let seen = web.recorder().all().len();
    assert!((1..=30).contains(&seen), "{seen} probes where 20 are due");
}

#[tokio::test]
async fn a_server_under_another_url_is_another_and_begins_as_unknown() {
    let (one, two) = (answering(None).await, answering(None).await);
    one.refuse_connections(true).await;
    let at = |server: &loadtest::wire::Server| {
        file(&[(
            "web",
            &format!(
                "kind: http, url: '{}', health: {{ interval: 1h, fall: 1 }}",
                server.base_url()
            ),
        )])
    };
    let edge = edge(&at(&one)).await;
    wait_for(&edge, "web", "down").await;
    edge.reload(&at(&two)).await.unwrap();
    let told = server(&edge, "web").await;
    assert!(
        told["health"] == "unknown" || told["health"] == "up",
        "{told}"
    );
    assert!(told["why"].is_null(), "{told}");
    wait_for(&edge, "web", "up").await;
}

#[tokio::test]
async fn a_server_that_is_removed_or_switched_off_is_probed_no_more() {
    let clock = Clock::start().await;
    let (one, two) = (answering(None).await, answering(None).await);
    let probed = |server: &loadtest::wire::Server, health: &str| {
        format!("kind: http, url: '{}', health: {health}", server.base_url())
    };
    let quick = format!("{{ path: /, {STEADY} }}");
    let (a, b) = (probed(&one, &quick), probed(&two, &quick));
    let edge = edge(&file(&[("one", &a), ("two", &b)])).await;
    wait_for(&edge, "one", "up").await;
    wait_for(&edge, "two", "up").await;
    let off = probed(&two, "off");
    edge.reload(&file(&[("two", &off)])).await.unwrap();
    assert!(server(&edge, "one").await.is_null());
    assert_eq!(health(&edge, "two").await, "unchecked");
    assert_eq!(gauge(&edge, "upstream_up", "two").await, None);
    until("no probe is under way", async || {
        one.open() + two.open() == 0
    })
    .await;
    let before = one.accepted() + two.accepted();
    clock.passes(5).await;
    assert_eq!(one.accepted() + two.accepted(), before);
    // And on again.
    edge.reload(&file(&[("one", &a), ("two", &b)]))
        .await
        .unwrap();
    wait_for(&edge, "one", "up").await;
    wait_for(&edge, "two", "up").await;
}
