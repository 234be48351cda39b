//! A request is sent again only where the server cannot have acted on it, or where a second time does no harm.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::{Rude, Seen, closes_on_next_request};
use tokio::sync::Barrier;

use super::support::*;

/// A gateway with a server of each kind at this address, whose connections are kept for long.
async fn edge_of_all_kinds(server: &Rude) -> Edge {
    let at = format!(
        "url: 'http://{}', timeouts: {{ pooled: 60s }}",
        server.address()
    );
    edge(&format!(
        "servers:
  icserver1: {{ kind: icws, {at} }}
  chat1: {{ kind: webtools, {at} }}
  search1: {{ kind: webhtml, {at} }}
  gadgets: {{ kind: http, {at} }}
hosts:
  {HOST}:
    routes:
      - {{ path: /us/icserver1/, server: icserver1 }}
      - {{ path: /I3Root/Server1/, server: chat1 }}
      - {{ path: /I3Root/WebServices/Server1/, server: search1 }}
      - {{ path: /gadgets/, server: gadgets }}
"
    ))
    .await
}

/// A GET that leaves a connection in the pool.
async fn prime(edge: &Edge, target: &str) {
    assert_eq!(get(edge, target).await.status(), Some(200), "{target}");
    settle().await;
}

/// Lets the gateway finish what follows an answer: nothing outside tells when a connection is back in the pool.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
}

fn heads(seen: &[Seen]) -> usize {
    seen.iter().map(Seen::heads).sum()
}

#[tokio::test]
async fn only_what_may_be_repeated_is_and_only_once() {
    const ICWS: &str = "/us/icserver1/icws/1";
    const CHAT: &str = "/I3Root/Server1/websvcs";
    const HTML: &str = "/I3Root/WebServices/Server1/doHTMLRequest";
    let large = "x".repeat(100_000);
    let table: &[(&str, String, &str, bool)] = &[
        ("GET", "/gadgets/a".into(), "", true),
        ("GET", "/gadgets/messaging/messages".into(), "", true),
        ("PUT", "/gadgets/a".into(), "small", true),
        ("PUT", "/gadgets/a".into(), &large, false),
        ("DELETE", "/gadgets/a".into(), "", true),
        ("POST", "/gadgets/a".into(), "", false),
        ("POST", "/gadgets/a".into(), "small", false),
        ("PATCH", "/gadgets/a".into(), "small", false),
        ("GET", format!("{ICWS}/connection"), "", true),
        (
            "GET",
            format!("{ICWS}/configuration/users?select=a"),
            "",
            true,
        ),
        ("POST", format!("{ICWS}/connection"), "{}", false),
        (
            "PUT",
            format!("{ICWS}/messaging/subscriptions/queues/a"),
            "{}",
            false,
        ),
        ("GET", format!("{ICWS}/messaging/messages"), "", false),
        ("GET", format!("{ICWS}/Messaging/Messages?x=1"), "", false),
        ("GET", format!("{ICWS}/messaging//messages"), "", false),
        ("GET", format!("{ICWS}/messaging;a=b/messages"), "", false),
        ("GET", format!("{ICWS}/messaging/./messages"), "", false),
        // What a server reads as the same word must not be repeated either.
        ("GET", format!("{ICWS}/messaging/%6dessages"), "", false),
        ("GET", format!("{ICWS}/messaging/m%65ssages"), "", false),
        ("GET", format!("{CHAT}/serverConfiguration"), "", true),
        ("GET", format!("{CHAT}/chat/poll/4711"), "", false),
        ("GET", format!("{CHAT}/Chat/Poll/4711"), "", false),
        ("GET", format!("{CHAT}/chat/%70oll/4711"), "", false),
        ("GET", format!("{CHAT}/chat//poll/4711"), "", false),
        ("POST", format!("{CHAT}/chat/start"), "{}", false),
        ("POST", format!("{CHAT}/chat/sendMessage/4711"), "{}", false),
        ("GET", format!("{HTML}?event=CgiTest"), "", false),
    ];
    for reset in [false, true] {
        for (method, target, body, repeated) in table {
            let server = closes_on_next_request(reset).await.unwrap();
            let edge = edge_of_all_kinds(&server).await;
            // The pool belongs to the server of the file, so the first request takes the same way.
            let prefix = target.split_inclusive('/').take(3).collect::<String>();
            let first = match prefix.as_str() {
                "/us/icserver1/" => format!("{ICWS}/first"),
                "/I3Root/Server1/" => format!("{CHAT}/first"),
                "/I3Root/WebServices/" => HTML.to_owned(),
                _ => "/gadgets/first".to_owned(),
            };
            prime(&edge, &first).await;
            let length = body.len();
            let head = if length == 0 && *method != "POST" {
                format!("{method} {target} HTTP/1.1")
            } else {
                format!("{method} {target} HTTP/1.1\r\nContent-Length: {length}")
            };
            let got = ask(&edge, &head, body).await;
            let what = format!("{method} {target} ({length} bytes), reset: {reset}");
            let (status, sent) = if *repeated { (200, 3) } else { (502, 2) };
            assert_eq!(got.status(), Some(status), "{what}");
            let seen = server.seen();
            assert_eq!(heads(&seen), sent, "{what}: first, lost, repeated");
            assert_eq!(
                seen.len(),
                sent - 1,
                "{what}: the repeat goes over a fresh connection"
            );
            let broken = if *repeated { 0.0 } else { 1.0 };
            assert_eq!(refusals(&edge, "upstream_broken").await, broken, "{what}");
        }
    }
}

/// The first request of each connection waits for `together` of them and is answered; the rest is `then`'s.
async fn together_first(together: usize, then: impl AsyncScript) -> Rude {
    let barrier = Arc::new(Barrier::new(together));
    let (count, then) = (Arc::new(AtomicUsize::new(0)), Arc::new(then));
    Rude::serve(move |mut connection| {
        let (barrier, count, then) = (barrier.clone(), count.clone(), then.clone());
        async move {
            connection.read_head().await?;
            if count.fetch_add(1, Ordering::Relaxed) < together {
                barrier.wait().await;
            }
            connection
                .write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
                .await?;
            connection.read_head().await?;
            then.play(&mut connection).await?;
            Ok(connection)
        }
    })
    .await
    .unwrap()
}

/// What a server does with the second request of a connection.
trait AsyncScript: Send + Sync + 'static {
    fn play(
        &self,
        connection: &mut loadtest::rude::Connection,
    ) -> impl Future<Output = std::io::Result<()>> + Send;
}

struct Closes;
impl AsyncScript for Closes {
    async fn play(&self, _: &mut loadtest::rude::Connection) -> std::io::Result<()> {
        Ok(())
    }
}

struct Says(&'static [u8]);
impl AsyncScript for Says {
    async fn play(&self, connection: &mut loadtest::rude::Connection) -> std::io::Result<()> {
        connection.write(self.0).await
    }
}

struct ClosesAfter(Duration);
impl AsyncScript for ClosesAfter {
    async fn play(&self, connection: &mut loadtest::rude::Connection) -> std::io::Result<()> {
        connection.pause(self.0).await
    }
}

#[tokio::test]
async fn a_pool_full_of_closing_connections_costs_one_repeat_and_no_502() {
    let server = together_first(6, Closes).await;
    let edge = Arc::new(edge_of_all_kinds(&server).await);
    let firsts = (0..6).map(|_| {
        let edge = edge.clone();
        tokio::spawn(async move { get(&edge, "/gadgets/first").await.status() })
    });
    for first in firsts.collect::<Vec<_>>() {
        assert_eq!(first.await.unwrap(), Some(200));
    }
    settle().await;
    assert_eq!(server.seen().len(), 6);
    assert_eq!(get(&edge, "/gadgets/second").await.status(), Some(200));
    assert_eq!(heads(&server.seen()), 6 + 2);
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_never_asked_for_again() {
    for begun in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let server = together_first(1, Says(begun)).await;
        let edge = edge_of_all_kinds(&server).await;
        prime(&edge, "/gadgets/first").await;
        let got = get(&edge, "/gadgets/second").await;
        let begun = String::from_utf8_lossy(begun);
        assert_eq!(heads(&server.seen()), 2, "{begun:?} gave {:?}", got.text());
        assert_eq!(refusals(&edge, "upstream_broken").await, 1.0, "{begun:?}");
        if begun.contains("HTTP/1.1 10") {
            assert_eq!(
                got.statuses().last(),
                Some(&502),
                "{begun:?} gave {:?}",
                got.text()
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_had_time_to_work_on_a_request_does_not_get_it_twice() {
    let server = together_first(1, ClosesAfter(Duration::from_millis(700))).await;
    let edge = edge_of_all_kinds(&server).await;
    prime(&edge, "/gadgets/first").await;
    assert_eq!(get(&edge, "/gadgets/second").await.status(), Some(502));
    assert_eq!(heads(&server.seen()), 2);
}

#[tokio::test]
async fn a_fresh_connection_that_is_closed_is_not_tried_again() {
    let server = Rude::serve(|mut connection| async move {
        connection.read_head().await?;
        Ok(connection)
    })
    .await
    .unwrap();
    let edge = edge_of_all_kinds(&server).await;
    assert_eq!(get(&edge, "/gadgets/a").await.status(), Some(502));
    assert_eq!((server.seen().len(), heads(&server.seen())), (1, 1));
}

#[tokio::test]
async fn the_line_about_a_repeat_says_nothing_of_the_query() {
    collect_log();
    let server = closes_on_next_request(true).await.unwrap();
    let edge = edge_of_all_kinds(&server).await;
    prime(&edge, "/gadgets/first").await;
    assert_eq!(
        get(&edge, "/gadgets/a?token=whisper").await.status(),
        Some(200)
    );
    log_line("once more, on a fresh connection").await;
    assert_eq!(logged("whisper"), [""; 0]);
}
