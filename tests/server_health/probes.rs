//! What a probe looks like to the server, and that nobody mistakes it for a client.

use loadtest::wire::Reply;

use super::inside::*;
use super::stage::*;

#[tokio::test]
async fn a_probe_says_who_asks_and_brings_nothing_of_any_client() {
    let sets_cookies = |_: &_| Reply::new(200).header("Set-Cookie", "a=b; Path=/");
    let chat = responding(None, sets_cookies).await;
    let rest = format!(
        "kind: webtools, url: '{}', host: chat1.corp.example, health: {{ {STEADY} }}",
        chat.base_url()
    );
    let edge = edge(&file(&[("chat", &rest)])).await;
    until("three probes", async || chat.recorder().all().len() >= 3).await;
    for seen in chat.recorder().all() {
        assert_eq!(
            (seen.method(), seen.target()),
            ("GET", "/websvcs/serverConfiguration")
        );
        assert_eq!(seen.header("Host").as_deref(), Some("chat1.corp.example"));
        let agent = format!("Portcullis/{} health", env!("CARGO_PKG_VERSION"));
        assert_eq!(seen.header("User-Agent"), Some(agent));
        for name in ["Cookie", "X-Forwarded-For", "X-Request-ID", "Authorization"] {
            assert_eq!(seen.header(name), None, "{name}");
        }
    }
    // Each has a connection of its own, and none is traffic.
    assert!(chat.accepted() >= 3);
    for line in [
        "portcullis_upstream_requests_total{connection=\"new\",server=\"chat\"}",
        "portcullis_upstream_requests_total{connection=\"reused\",server=\"chat\"}",
    ] {
        assert_eq!(metric(&edge, line).await, Some(0.0));
    }
    let duration = gauge(&edge, "upstream_probe_duration_seconds", "chat").await;
    assert!(duration.unwrap() > 0.0);
    assert!(edge.stop(SOON).await == 0);
}

#[tokio::test]
async fn nobody_is_probed_any_more_when_the_gateway_drains() {
    let (clock, web) = (Clock::start().await, answering(None).await);
    let rest = format!(
        "kind: http, url: '{}', health: {{ path: /, {STEADY} }}",
        web.base_url()
    );
    let edge = edge(&file(&[("web", &rest)])).await;
    wait_for(&edge, "web", "up").await;
    edge.server().announce_end();
    assert_eq!(admin(&edge, "/readyz").await, "not ready: draining\n");
    until("the last probe is over", async || web.open() == 0).await;
    let last = web.accepted();
    clock.passes(5).await;
    assert_eq!(web.accepted(), last);
}

#[tokio::test]
async fn a_name_with_several_addresses_is_up_while_one_of_them_answers() {
    // `localhost` is 127.0.0.1 and perhaps ::1, where nobody listens.
    let web = answering(None).await;
    let port = web.address().port();
    let rest = format!(
        "kind: http, url: 'http://localhost:{port}', health: {{ path: /, interval: 200ms }}"
    );
    let edge = edge(&file(&[("web", &rest)])).await;
    wait_for(&edge, "web", "up").await;
    until("several probes", async || {
        probes(&edge, "web", "up").await >= 3.0
    })
    .await;
    assert_eq!(probes(&edge, "web", "connect").await, 0.0);
}
