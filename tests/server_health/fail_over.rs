//! Servers of kind `http` that stand in for one another: no request is lost when the first dies and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use loadtest::edge::Edge;
use loadtest::rude;
use loadtest::wire::{Reply, Server};

use super::inside::*;
use super::stage::*;

/// A server that says its name.
async fn named(name: &'static str) -> Server {
    responding(None, move |_| Reply::new(200).body(name)).await
}

/// `/web/` behind these, the first one first.
fn in_turn(servers: &[(&str, std::net::SocketAddr)], health: &str) -> String {
    let mut text = "servers:\n".to_owned();
    for (name, address) in servers {
        text.push_str(&format!(
            "  {name}: {{ kind: http, url: 'http://{address}', timeouts: {{ connect: 1s }}, health: {health} }}\n"
        ));
    }
    let names: Vec<&str> = servers.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    // Whoever asks again and again here is not to be taken for an attacker.
    format!(
        "{text}limits: {{ mode: off }}\nhosts: {{ {HOST}: {{ routes: [ {{ path: /web/, servers: [{names}] }} ] }} }}\n"
    )
}

async fn who(edge: &Edge) -> String {
    let got = get(edge, "/web/x").await;
    assert_eq!(got.status(), Some(200), "{}", got.text());
    String::from_utf8_lossy(got.body()).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_the_first_server_dies_and_comes_back_again_and_again() {
    collect_log();
    let (a, b) = (Arc::new(named("a").await), named("b").await);
    let yaml = in_turn(
        &[("a", a.address()), ("b", b.address())],
        "{ path: /, interval: 300ms, rise: 2, fall: 2 }",
    );
    let edge = Arc::new(edge(&yaml).await);
    wait_for(&edge, "a", "up").await;
    wait_for(&edge, "b", "up").await;
    let over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (edge, over, answered) = (edge.clone(), over.clone(), answered.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let method = if client == 0 { "PUT" } else { "GET" };
                    let got = ask(
                        &edge,
                        &format!("{method} /web/x HTTP/1.1\r\nContent-Length: 0"),
                        "",
                    )
                    .await;
                    assert_eq!(
                        got.status(),
                        Some(200),
                        "{method}: {got:?} {:#?}",
                        logged("/web/x")
                    );
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..5 {
        // It dies whole: who is connected is cut off, in whatever it was doing.
        a.refuse_connections(true).await;
        a.reset_connections();
        wait_for(&edge, "a", "down").await;
        assert_eq!(who(&edge).await, "b");
        a.refuse_connections(false).await;
        wait_for(&edge, "a", "up").await;
        assert_eq!(who(&edge).await, "a");
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert!(answered.load(Ordering::Relaxed) > 50);
}

#[tokio::test]
async fn within_one_request_the_next_server_is_asked_when_nothing_was_sent_to_the_first() {
    let (a, b) = (named("a").await, named("b").await);
    a.refuse_connections(true).await;
    // Nobody knows yet that the first is down, and nobody will.
    let yaml = in_turn(&[("a", a.address()), ("b", b.address())], "off");
    let edge = edge(&yaml).await;
    for method in ["GET", "POST", "DELETE", "PATCH"] {
        let got = ask(
            &edge,
            &format!("{method} /web/x HTTP/1.1\r\nContent-Length: 4"),
            "body",
        )
        .await;
        assert_eq!(got.status(), Some(200), "{method}");
        assert_eq!(got.body(), b"b", "{method}");
    }
    let seen = b.recorder().all();
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[0].header("Host"), Some(b.address().to_string()));
    // With none left it is the failure of the last.
    b.refuse_connections(true).await;
    b.reset_connections();
    assert_eq!(get(&edge, "/web/x").await.status(), Some(502));
}

#[tokio::test]
async fn a_request_that_a_server_has_seen_goes_on_only_if_it_may_be_repeated() {
    let (a, b) = (rude::resets_at_once().await.unwrap(), named("b").await);
    let yaml = in_turn(&[("a", a.address()), ("b", b.address())], "off");
    let edge = edge(&yaml).await;
    for (method, status) in [("GET", 200), ("PUT", 200), ("POST", 502), ("PATCH", 502)] {
        let got = ask(
            &edge,
            &format!("{method} /web/x HTTP/1.1\r\nContent-Length: 1"),
            "x",
        )
        .await;
        assert_eq!(got.status(), Some(status), "{method}");
    }
    let seen: Vec<String> = b
        .recorder()
        .all()
        .iter()
        .map(|seen| seen.method().to_owned())
        .collect();
    assert_eq!(seen, ["GET", "PUT"]);
}

#[tokio::test]
async fn a_server_that_is_only_slow_is_not_left() {
    let (a, b) = (answering(None).await, named("b").await);
    a.faults().set(loadtest::wire::Fault::HangBeforeHead);
    let yaml = in_turn(&[("a", a.address()), ("b", b.address())], "off")
        .replace("connect: 1s", "connect: 1s, response: 200ms");
    let edge = edge(&yaml).await;
    assert_eq!(get(&edge, "/web/x").await.status(), Some(504));
    assert!(b.recorder().all().is_empty());
}

#[tokio::test]
async fn the_first_is_asked_when_all_are_down_and_comes_back_after_enough_good_probes() {
    let (a, b) = (named("a").await, named("b").await);
    a.refuse_connections(true).await;
    b.refuse_connections(true).await;
    let yaml = in_turn(
        &[("a", a.address()), ("b", b.address())],
        "{ path: /, interval: 300ms, rise: 3 }",
    );
    let edge = edge(&yaml).await;
    wait_for(&edge, "a", "down").await;
    wait_for(&edge, "b", "down").await;
    assert_eq!(get(&edge, "/web/x").await.status(), Some(502));
    assert_eq!(admin(&edge, "/readyz").await, "ready\ndown: a, b\n");
    a.refuse_connections(false).await;
    // Whatever the probes say by now, nobody is refused who could be served.
    assert_eq!(who(&edge).await, "a");
    b.refuse_connections(false).await;
    wait_for(&edge, "a", "up").await;
    assert!(probes(&edge, "a", "up").await >= 3.0);
    assert_eq!(who(&edge).await, "a");
}

#[tokio::test]
async fn a_reload_does_not_send_anybody_back_to_a_server_that_is_down() {
    let (a, b) = (named("a").await, named("b").await);
    a.refuse_connections(true).await;
    let servers = [("a", a.address()), ("b", b.address())];
    let edge = edge(&in_turn(&servers, "{ interval: 1h, fall: 1 }")).await;
    wait_for(&edge, "a", "down").await;
    a.refuse_connections(false).await;
    edge.reload(&in_turn(&servers, "{ interval: 50m, fall: 1, rise: 100 }"))
        .await
        .unwrap();
    assert_eq!(who(&edge).await, "b");
}

/// Takes the head and so much of the body, and resets.
async fn killed_by(body: usize) -> rude::Rude {
    let killed = rude::Rude::serve(move |mut connection| async move {
        connection.read_head().await?;
        while connection.ahead().len() < body {
            connection.fill().await?;
        }
        connection.reset()
    });
    killed.await.unwrap()
}

#[tokio::test]
async fn a_request_that_kills_whoever_looks_at_it_reaches_one_server_more_and_not_all() {
    let (a, b, c) = (killed_by(0).await, killed_by(0).await, named("c").await);
    let servers = [("a", a.address()), ("b", b.address()), ("c", c.address())];
    let edge = edge(&in_turn(&servers, "off")).await;
    assert_eq!(get(&edge, "/web/x").await.status(), Some(502));
    assert_eq!((a.seen().len(), b.seen().len()), (1, 1));
    assert!(c.recorder().all().is_empty());
}

#[tokio::test]
async fn a_body_that_is_sent_again_counts_once_towards_its_limit() {
    const BODY: usize = 40_000;
    let (a, b) = (killed_by(BODY).await, named("b").await);
    let yaml = in_turn(&[("a", a.address()), ("b", b.address())], "off").replace(
        "limits: { mode: off }",
        "limits: { request_body: { size: 64KiB } }",
    );
    let edge = edge(&yaml).await;
    let head = format!("PUT /web/x HTTP/1.1\r\nContent-Length: {BODY}");
    let got = ask(&edge, &head, &"x".repeat(BODY)).await;
    assert_eq!(got.status(), Some(200), "{}", got.text());
    assert_eq!(b.recorder().all()[0].body.len(), BODY);
}

#[tokio::test]
async fn a_flood_of_requests_that_go_on_to_the_next_server_is_told_in_few_lines() {
    collect_log();
    let (a, b) = (named("a").await, named("b").await);
    a.refuse_connections(true).await;
    let text = in_turn(&[("first", a.address()), ("second", b.address())], "off");
    let edge = edge(&text).await;
    for _ in 0..100 {
        assert_eq!(who(&edge).await, "b");
    }
    let told = logged("goes on from first to second").len();
    // Twenty at once, two a second after them.
    assert!((20..80).contains(&told), "{told} lines");
}
