//! Each kind of server, well, on standby and in every way ill: what is said of it, and that nothing takes long.

use loadtest::demo::{Demo, Ports};
use loadtest::edge::Edge;
use loadtest::icws::{IcwsOptions, IcwsServer, Role};
use loadtest::rude;
use loadtest::wire::{Authority, Fault, Reply, ServerTls};

use super::inside::*;
use super::stage::*;

#[tokio::test]
async fn servers_of_every_kind_are_up_and_a_backup_of_web_tools_stands_by() {
    let icws = IcwsServer::start(IcwsOptions::named("ic1")).await.unwrap();
    let backup = IcwsServer::start(IcwsOptions::named("ic2")).await.unwrap();
    // A Session Manager that sends everybody to another answers for itself all the same.
    backup.change(|behaviour| behaviour.role = Role::Backup);
    let pair = loadtest::webtools::Pair::start().await.unwrap();
    let html = loadtest::webhtml::WebHtml::start().await.unwrap();
    let web = answering(None).await;
    let edge = edge(&file(&[
        (
            "ic1",
            &format!(
                "kind: icws, url: '{}', health: {{ {STEADY} }}",
                icws.wire().base_url()
            ),
        ),
        (
            "ic2",
            &format!(
                "kind: icws, url: '{}', health: {{ {STEADY} }}",
                backup.wire().base_url()
            ),
        ),
        (
            "chat1",
            &format!(
                "kind: webtools, url: '{}', pair: chat, health: {{ {STEADY} }}",
                pair.a.wire().base_url()
            ),
        ),
        (
            "chat2",
            &format!(
                "kind: webtools, url: '{}', pair: chat, health: {{ {STEADY} }}",
                pair.b.wire().base_url()
            ),
        ),
        (
            "html",
            &format!(
                "kind: webhtml, url: '{}', health: {{ {STEADY} }}",
                html.wire().base_url()
            ),
        ),
        (
            "web",
            &format!(
                "kind: http, url: '{}', health: {{ {STEADY} }}",
                web.base_url()
            ),
        ),
        (
            "page",
            &format!(
                "kind: http, url: '{}', health: {{ path: '/up?a=b', {STEADY} }}",
                web.base_url()
            ),
        ),
        (
            "off",
            &format!("kind: http, url: '{}', health: off", web.base_url()),
        ),
    ]))
    .await;
    for name in ["ic1", "ic2", "chat1", "html", "web", "page"] {
        let told = wait_for(&edge, name, "up").await;
        assert!(told["why"].is_null(), "{told}");
        assert_eq!(gauge(&edge, "upstream_up", name).await, Some(1.0));
        assert_eq!(gauge(&edge, "upstream_standby", name).await, Some(0.0));
    }
    let told = wait_for(&edge, "chat2", "standby").await;
    assert_eq!(told["probe"]["path"], "/websvcs/serverConfiguration");
    assert_eq!(told["probe"]["last_outcome"], "standby");
    assert_eq!(gauge(&edge, "upstream_up", "chat2").await, Some(1.0));
    assert_eq!(gauge(&edge, "upstream_standby", "chat2").await, Some(1.0));
    let off = server(&edge, "off").await;
    assert_eq!(
        (&off["health"], &off["probe"]),
        (&"unchecked".into(), &serde_json::Value::Null)
    );
    assert_eq!(gauge(&edge, "upstream_up", "off").await, None);
    assert_eq!(admin(&edge, "/readyz").await, "ready\n");
}

#[tokio::test]
async fn every_server_of_the_demo_is_up_but_the_backup_that_stands_by() {
    let demo = Demo::start(Ports::System).await.unwrap();
    until("all of them are known", async || {
        let told = admin_at(demo.admin(), "/api/servers").await;
        let is = |condition: &str| told.matches(&format!("\"health\":\"{condition}\"")).count();
        (is("up"), is("standby")) == (4, 1)
    })
    .await;
}

/// A gateway whose one server `s` is described so, once it is down for this reason.
async fn down(rest: &str, authority: Option<&Authority>, outcome: &str, why: &str) -> Edge {
    let yaml = file(&[("s", rest)]);
    let edge = Edge::with(&yaml, &[HOST], |folder| {
        authority.map_or(Ok(()), |ca| std::fs::write(folder.join("ca.pem"), ca.pem()))
    });
    let edge = edge.await.unwrap_or_else(|error| panic!("{error}"));
    let told = wait_for(&edge, "s", "down").await;
    assert_eq!(told["probe"]["last_outcome"], outcome, "{told}");
    assert!(told["why"].as_str().unwrap().contains(why), "{told}");
    assert!(
        told["probe"]["last_seconds"].as_f64().unwrap() < 5.0,
        "{told}"
    );
    assert_eq!(gauge(&edge, "upstream_up", "s").await, Some(0.0));
    assert!(probes(&edge, "s", outcome).await >= 1.0);
    // What is down is told, and does not make the gateway unready.
    assert_eq!(admin(&edge, "/readyz").await, "ready\ndown: s\n");
    edge
}

#[tokio::test]
async fn a_server_that_does_not_answer_as_it_should_is_down_and_it_is_said_why() {
    let silent = answering(None).await;
    silent.faults().set(Fault::HangBeforeHead);
    let rest = format!(
        "kind: icws, url: '{}', health: {{ {QUICK} }}",
        silent.base_url()
    );
    down(&rest, None, "timeout", "no answer within 100ms").await;

    let refused = answering(None).await;
    refused.refuse_connections(true).await;
    let rest = format!(
        "kind: http, url: '{}', health: {{ {QUICK} }}",
        refused.base_url()
    );
    down(&rest, None, "connect", "connection refused").await;

    let resets = rude::resets_at_once().await.unwrap();
    let rest = format!(
        "kind: icws, url: 'http://{}', health: {{ {QUICK} }}",
        resets.address()
    );
    down(&rest, None, "broken", "closed before an answer").await;

    let half = rude::half_a_head().await.unwrap();
    let rest = format!(
        "kind: webhtml, url: 'http://{}', health: {{ {QUICK} }}",
        half.address()
    );
    down(&rest, None, "timeout", "no answer within 100ms").await;

    let endless = rude::endless_header().await.unwrap();
    let rest = format!(
        "kind: icws, url: 'http://{}', health: {{ {QUICK} }}",
        endless.address()
    );
    let yaml = file(&[("s", &rest)]);
    wait_for(&edge(&yaml).await, "s", "down").await;

    for status in [500, 404, 302] {
        let wrong = responding(None, move |_| Reply::new(status)).await;
        let rest = format!(
            "kind: webhtml, url: '{}', health: {{ {QUICK} }}",
            wrong.base_url()
        );
        down(&rest, None, "status", &format!("it answers {status}")).await;
    }
    // 503 says "standby" only where the protocol has one.
    let busy = responding(None, |_| Reply::new(503)).await;
    let rest = format!(
        "kind: http, url: '{}', health: {{ path: /, {QUICK} }}",
        busy.base_url()
    );
    down(&rest, None, "status", "it answers 503").await;
    let rest = format!(
        "kind: http, url: '{}', health: {{ path: /, expect: 204, {QUICK} }}",
        silent.base_url()
    );
    silent.faults().clear();
    down(&rest, None, "status", "it answers 200").await;
}

#[tokio::test]
async fn a_certificate_of_somebody_else_makes_a_server_down_as_it_does_for_requests() {
    let (ours, theirs) = (
        Authority::new("ours").unwrap(),
        Authority::new("theirs").unwrap(),
    );
    let name = "server_name: s.corp.example, ca: ca.pem";
    for (issuer, names, up) in [
        (&ours, ["s.corp.example"], true),
        (&theirs, ["s.corp.example"], false),
        (&ours, ["other.corp.example"], false),
    ] {
        let tls = ServerTls::new(issuer.issue(&names).unwrap());
        let server = answering(Some(tls)).await;
        for kind in ["icws", "http"] {
            let url = server.base_url();
            let rest = format!(
                "kind: {kind}, url: '{url}', {name}, health: {{ interval: 200ms, timeout: 200ms }}"
            );
            if up {
                let yaml = file(&[("s", &rest)]);
                let edge = Edge::with(&yaml, &[HOST], |folder| {
                    std::fs::write(folder.join("ca.pem"), ours.pem())
                });
                wait_for(&edge.await.unwrap(), "s", "up").await;
            } else {
                down(&rest, Some(&ours), "tls", "TLS: ").await;
            }
        }
        let asked = server.recorder().all().len();
        assert_eq!(asked > 0, up, "whoever is not believed hears nothing");
    }
}

#[tokio::test]
async fn a_large_or_dripping_answer_costs_no_more_than_the_time_of_a_probe() {
    let large = responding(None, |_| Reply::new(200).body(vec![b'x'; 1 << 20])).await;
    let drips = rude::drips(
        b"never whole within the time of a probe",
        std::time::Duration::from_millis(20),
    )
    .await
    .unwrap();
    let edge = edge(&file(&[
        (
            "large",
            &format!(
                "kind: icws, url: '{}', health: {{ {STEADY} }}",
                large.base_url()
            ),
        ),
        (
            "drips",
            &format!(
                "kind: icws, url: 'http://{}', health: {{ {STEADY} }}",
                drips.address()
            ),
        ),
    ]))
    .await;
    for name in ["large", "drips"] {
        wait_for(&edge, name, "up").await;
    }
    // The body has no say, and neither holds up the next probe.
    until("five probes of both", async || {
        probes(&edge, "large", "up").await >= 5.0 && probes(&edge, "drips", "up").await >= 5.0
    })
    .await;
    for name in ["large", "drips"] {
        assert_eq!(health(&edge, name).await, "up");
    }
}

#[tokio::test]
async fn a_server_that_changes_over_and_back_does_not_flap() {
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let status = move |_: &_| match turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => Reply::new(200),
        odd if odd % 2 == 1 => Reply::new(503),
        _ => Reply::new(200),
    };
    let chat = responding(None, status).await;
    let edge = edge(&file(&[(
        "chat",
        &format!(
            "kind: webtools, url: '{}', health: {{ {STEADY} }}",
            chat.base_url()
        ),
    )]))
    .await;
    wait_for(&edge, "chat", "up").await;
    until("both answers several times", async || {
        probes(&edge, "chat", "standby").await >= 4.0 && probes(&edge, "chat", "up").await >= 4.0
    })
    .await;
    assert_eq!(health(&edge, "chat").await, "up");
    let changes = gauge(&edge, "upstream_health_changes_total", "chat").await;
    assert_eq!(changes, Some(1.0), "only from unknown to up");
}
