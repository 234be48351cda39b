//! Starts that do not end well: refused by the server, sent to nobody, left by their visitor, or sent in pieces.

use std::time::Duration;

use loadtest::rude::client::Dial;
use loadtest::webtools::{Death, Refusal};
use loadtest::wire::{Fault, Reply, Respond, Server, ServerOptions};

use super::support::*;

/// One place for everybody, and a silence that a test can wait for.
fn one() -> String {
    format!("{{ MaxInteractionsAllowedPerIP: 1, silence: {{ chat: 1s }}, {WIDE} }}")
}

const IN_DOUBT: Counts = Counts {
    chats: 0,
    callbacks: 0,
    in_doubt: 1,
};

fn start() -> String {
    format!("{A}/websvcs/chat/start")
}

#[tokio::test]
async fn a_start_that_the_server_refuses_gives_its_place_back_at_once() {
    let stage = stage(&one()).await;
    let mut client = stage.http1(2);
    stage.pair.set("MaxActiveChatsAllowed", "0").unwrap();
    for _ in 0..30 {
        let answer = client.got("POST", &start(), START).await;
        assert_eq!(answer.reason().as_deref(), Some("error.websvc.unavailable"));
    }
    stage.pair.a.refuse_with(Refusal::NotFound);
    for _ in 0..30 {
        assert_eq!(client.got("POST", &start(), START).await.status, 404);
    }
    // The backup of the pair.
    stage.pair.a.die(Death::Unavailable).await;
    for _ in 0..30 {
        assert_eq!(client.got("POST", &start(), START).await.status, 503);
    }
    // The server heard of each one, so none was refused by the gateway.
    assert_eq!(stage.pair.a.wire().recorder().all().len(), 90);
    assert_eq!(stage.counts().await, sure(0, 0));
}

#[tokio::test]
async fn a_start_that_reaches_no_server_gives_its_place_back_before_its_visitor_knows() {
    let stage = stage(&one()).await;
    stage.pair.a.die(Death::Reset).await;
    let (http1, http2) = (stage.http1(2), stage.http2(2).await);
    for mut client in [http1, http2] {
        for number in 0..60 {
            let answer = client.got("POST", &start(), START).await;
            assert_eq!(answer.status, 502, "{number}: {}", answer.text());
        }
    }
    assert_eq!(stage.counts().await, sure(0, 0));
}

#[tokio::test]
async fn a_refusal_on_a_page_of_any_size_gives_the_place_back() {
    let page = "x".repeat(200 * 1024);
    for status in [404, 403, 429, 503] {
        let page = page.clone();
        let reply = move |_: &_| {
            Reply::new(status)
                .header("Content-Type", "text/html")
                .body(page.clone())
        };
        let server = Server::start(ServerOptions::default(), Respond(reply))
            .await
            .unwrap();
        let url = server.base_url();
        let yaml = format!(
            "limits: {{ interactions: {} }}\nservers: {{ chat: {{ kind: webtools, url: '{url}' }} }}\nhosts: {{ {HOST}: {{ routes: [ {{ path: '{A}/', server: chat }} ] }} }}\n",
            one()
        );
        let edge = loadtest::edge::Edge::start(&yaml, &[HOST]).await.unwrap();
        let mut client = Client::http1(&edge, from(2));
        for _ in 0..3 {
            let answer = client.got("POST", &start(), START).await;
            assert_eq!((answer.status, answer.body.len()), (status, 200 * 1024));
        }
        assert_eq!(counts(&edge, "chat").await, sure(0, 0));
    }
}

#[tokio::test]
async fn a_start_whose_answer_never_comes_stays_in_doubt_until_silence() {
    let stage = stage(&one()).await;
    stage.pair.site().parameters.poll_silence = Duration::from_millis(500);
    for fault in [
        Fault::CloseBeforeHead,
        Fault::ResetAfter(20),
        Fault::CloseInBody(10),
    ] {
        stage.pair.a.wire().faults().next("/chat/start", 1, fault);
        let mut client = stage.http1(2);
        let answer = client.ask("POST", &start(), START).await;
        assert!(
            answer.is_err() || answer.is_ok_and(|answer| answer.status == 502),
            "{fault:?}"
        );
        until("it is in doubt", async || stage.counts().await == IN_DOUBT).await;
        let mut another = stage.http1(2);
        let refused = another.got("POST", &start(), START).await;
        assert_eq!(
            refused.reason().as_deref(),
            Some("error.websvc.unavailable"),
            "{fault:?}"
        );
        stage.until_they_agree(SOON).await;
        assert_eq!(stage.counts().await, sure(0, 0));
    }
}

#[tokio::test]
async fn a_start_that_its_visitor_does_not_wait_for_stays_in_doubt_and_the_server_may_run_it() {
    let stage = stage(&one()).await;
    stage.pair.site().parameters.poll_silence = Duration::from_millis(500);
    for mut client in [stage.http1(2), stage.http2(2).await] {
        let heard = stage.pair.a.wire().recorder().all().len();
        stage.pair.a.wire().faults().next(
            "/chat/start",
            1,
            Fault::Delay(Duration::from_millis(300)),
        );
        {
            let path = start();
            let asked = client.ask("POST", &path, START);
            tokio::pin!(asked);
            tokio::select! {
                answer = &mut asked => panic!("it was answered: {answer:?}"),
                () = until("the server has it", async || stage.pair.a.wire().recorder().all().len() > heard) => {}
            }
        }
        // The page is gone, the server does not know that yet.
        until("it runs", async || stage.pair.truth().of("127.0.0.2") == 1).await;
        assert_eq!(stage.counts().await, IN_DOUBT);
        let refused = stage.http1(2).got("POST", &start(), START).await;
        assert_eq!(
            refused.reason().as_deref(),
            Some("error.websvc.unavailable")
        );
        stage.until_they_agree(SOON).await;
        assert_eq!(stage.counts().await, sure(0, 0));
    }
}

#[tokio::test]
async fn a_start_that_is_never_whole_takes_no_place() {
    let stage = stage(&one()).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n",
        start()
    );
    let mut lines = Vec::new();
    for _ in 0..5 {
        let mut line = Dial::plain(stage.edge.plain())
            .from(from(2).into())
            .open()
            .await
            .unwrap();
        line.write(format!("{head}Content-Length: {}\r\n\r\n{{", START.len()).as_bytes())
            .await
            .unwrap();
        lines.push(line);
    }
    // While they dawdle somebody else at the same address chats.
    assert!(
        stage
            .http1(2)
            .got("POST", &start(), START)
            .await
            .success()
            .is_some()
    );
    drop(lines);
    stage.agree().await.unwrap();
    assert_eq!(stage.pair.a.wire().recorder().all().len(), 1);
}

#[tokio::test]
async fn a_start_arrives_as_it_was_sent_in_whatever_framing() {
    let stage = stage(&format!("{{ {WIDE} }}")).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nConnection: close\r\n",
        start()
    );
    let (first, second) = START.split_at(40);
    let chunks = format!(
        "{:x}\r\n{first}\r\n{:x};x=y\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}");
    let plain = format!("{head}Content-Length: {}\r\n\r\n{START}", START.len());
    for (request, drip) in [(chunked.clone(), 4096), (chunked, 7), (plain, 50)] {
        let dial = Dial::plain(stage.edge.plain())
            .from(from(2).into())
            .drip(drip, Duration::from_millis(1));
        let got = dial.send(request, SOON).await.unwrap();
        assert!(got.text().contains("\"success\""), "{}", got.text());
        let seen = stage.pair.a.wire().recorder().all().pop().unwrap();
        assert_eq!(seen.body, START.as_bytes());
    }
    // An empty body is the server's to refuse.
    let got = stage.http1(2).got("POST", &start(), "").await;
    assert_eq!(
        got.reason().as_deref(),
        Some("error.websvc.content.invalid.missingData")
    );
    // A large one reaches it whole, one beyond all reason does not, and neither leaves anything behind.
    let large = START.replace("deprecated", &"x".repeat(60_000));
    assert!(
        stage
            .http1(2)
            .got("POST", &start(), &large)
            .await
            .success()
            .is_some()
    );
    let seen = stage.pair.a.wire().recorder().all().pop().unwrap();
    assert_eq!(seen.body, large.as_bytes());
    let huge = START.replace("deprecated", &"x".repeat(70_000));
    let answer = stage.http1(2).got("POST", &start(), &huge).await;
    assert_eq!(answer.status, 413);
    stage.agree().await.unwrap();
    assert_eq!(stage.counts().await, sure(4, 0));
}

/// Sends this head, waits for the 100, sends this body, and gives what came after the 100.
async fn expecting(stage: &Stage, path: &str, body: &str) -> String {
    let dial = Dial::plain(stage.edge.plain()).from(from(2).into());
    let mut line = dial.open().await.unwrap();
    let length = body.len();
    let head = format!(
        "POST {A}{path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    );
    line.write(head.as_bytes()).await.unwrap();
    let go_on = line.read_until(b"\r\n\r\n", Duration::from_secs(5)).await;
    assert_eq!(&go_on.unwrap()[..], b"HTTP/1.1 100 Continue\r\n\r\n");
    // The answer may come, and the connection end, before all is sent.
    let _ = line.write(body.as_bytes()).await;
    let (answer, _) = line.read_to_end(SOON).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn whoever_waits_for_100_before_the_body_is_not_kept_waiting() {
    let stage = stage(&one()).await;
    // Once is enough: the server is not asked for another 100.
    for (path, expected) in [
        ("/websvcs/chat/start", "\"success\""),
        ("/websvcs/chat/reconnect", "missingData"),
    ] {
        let answer = expecting(&stage, path, START).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains(expected), "{answer}");
        let seen = stage.pair.a.wire().recorder().all().pop().unwrap();
        assert_eq!(seen.header("expect"), None);
    }
    // After a 100 there is still a proper answer to what is refused.
    let answer = expecting(&stage, "/websvcs/chat/start", START).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("error.websvc.unavailable"), "{answer}");
    let huge = START.replace("deprecated", &"x".repeat(70_000));
    let answer = expecting(&stage, "/websvcs/chat/start", &huge).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(stage.pair.a.wire().recorder().all().len(), 2);
    stage.agree().await.unwrap();
}
