//! Chats and callbacks: other spellings of a start, chats that hide from the count, and counts that are driven up for everybody.

use std::sync::atomic::{AtomicUsize, Ordering};

use loadtest::rude::client::Dial;
use loadtest::wire::{Record, Reply};

use super::super::http2;
use super::super::support::{logged, no_panics};
use super::{from, get, post, stage, stage_of, until};

const FIVE: &str = "{ interactions: { MaxInteractionsAllowedPerIP: 5, MaxInteractionsAllowedPerUnitTime: 1000, MaxChatsAllowedPerUnitTime: 1000, MaxCallbacksAllowedPerUnitTime: 1000 } }";
const WALLY: &str = r#"{"participant":{"name":"Wally"}}"#;

#[tokio::test]
async fn every_spelling_of_a_start_counts_or_reaches_no_server() {
    let stage = stage(FIVE, "").await;
    let targets = [
        "/chat/websvcs/chat/start",
        "/chat/WEBSVCS/Chat/START",
        "/chat/websvcs/chat/start?x=/websvcs/chat/poll/p1",
        "/chat/websvcs/chat/start/",
        "/chat/websvcs/chat/start/poll/p1",
        "/chat/websvcs/chat/%73tart",
        "/chat/websvcs/chat/st%61rt",
        "/chat/websvcs/%63hat/start",
        "/chat/%77ebsvcs/chat/start",
        "/chat/websvcs/chat/start;v=1",
        "/chat/websvcs;v=1/chat/start",
        "/chat/websvcs//chat/start",
        "/chat/websvcs/./chat/start",
        "/chat/websvcs/x/../chat/start",
        "/chat/websvcs/chat%2fstart",
        "/chat/websvcs/chat\\start",
        "/chat/websvcs/chat%5cstart",
        "/chat/websvcs/chat/start%00",
        "/chat/websvcs/chat/start%20",
        "/chat/websvcs/chat/start.",
        "/chat/websvcs/chat/start%2e",
        "/chat/websvcs/chat/%2573tart",
        "/chat/websvcs/chat/%c5%bftart",
        "/chat/websvcs/callback/create",
        "/chat/websvcs/Callback/Create",
        "/chat/websvcs/callback/create?chat",
        "/ic/icws/web-chat/start",
        "/ic/ICWS/Web-Chat/Start",
    ];
    for method in ["POST", "PUT", "GET", "PATCH", "DELETE"] {
        for target in targets {
            let request = post(target, "Content-Type: application/json\r\n", WALLY);
            let got = stage.send(2, request.replacen("POST", method, 1)).await;
            let got = got.unwrap();
            let known = matches!(got.status(), Some(200 | 204 | 400 | 404 | 405));
            assert!(known, "{method} {target}: {}", got.head());
        }
    }
    // Whatever the server takes for a start: of one address no more than five of each pair.
    let starts = |prefix: &str| {
        let seen = stage.server.recorder().all();
        let text = |record: &Record| record.target().replace('%', "").to_ascii_lowercase();
        let all = seen.iter().map(text);
        all.filter(|target| target.starts_with(prefix)).count()
    };
    assert_eq!(starts("/websvcs"), 5);
    assert_eq!(starts("/icws"), 5);
    stage.until_counts("chat", [5, 0, 0], "five").await;
    stage.until_counts("ic", [5, 0, 0], "five").await;
    no_panics();
}

/// What is done to an answer that a visitor does not want to be read.
fn coded(record: &Record, answer: &str) -> Reply {
    let accepts = record.header("accept-encoding").unwrap_or_default();
    let reply = Reply::new(200).header("Content-Type", "application/json");
    for coding in ["zstd", "compress", "xpress"] {
        if accepts.contains(coding) {
            return reply.header("Content-Encoding", coding).body("?");
        }
    }
    if accepts.contains('*') {
        return reply.header("Content-Encoding", "x-own").body("?");
    }
    reply.body(answer.to_owned())
}

#[tokio::test]
async fn a_visitor_cannot_choose_an_answer_that_the_gateway_cannot_read() {
    let number = AtomicUsize::new(0);
    let stage = stage_of(FIVE, "", move |record| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        let answer = format!(
            r#"{{"chat":{{"participantID":"p{number}","chatID":"c{number}","status":{{"type":"success"}}}}}}"#
        );
        coded(record, &answer)
    })
    .await;
    for accept in [
        "zstd",
        "gzip;q=0.1, zstd",
        "compress\r\nAccept-Encoding: xpress",
        "*",
        "identity;q=0, *;q=1",
    ] {
        let fields = format!("Accept-Encoding: {accept}\r\n");
        let start = post("/chat/websvcs/chat/start", &fields, WALLY);
        let got = stage.send(2, start).await.unwrap();
        assert_eq!(got.status(), Some(200), "{accept}");
    }
    stage
        .until_counts("chat", [5, 0, 0], "each is followed by its id")
        .await;
    // Of all else it stays as the client said.
    stage
        .send(2, get("/web/x", "Accept-Encoding: zstd, br;q=0.5\r\n"))
        .await;
    let last = stage.server.recorder().all().pop().unwrap();
    assert_eq!(
        last.header("accept-encoding").as_deref(),
        Some("zstd, br;q=0.5")
    );
}

#[tokio::test]
async fn a_name_that_the_server_repeats_sixfold_does_not_hide_a_chat() {
    let stage = stage_of(FIVE, "", |record| {
        let body = String::from_utf8_lossy(&record.body).into_owned();
        let name = body.replace('<', "\\u003c");
        let answer = format!(
            r#"{{"chat":{{"participantID":"p1","chatID":"c1","status":{{"type":"success"}},"events":[{{"x":"{}"}}]}}}}"#,
            name.replace('"', "'")
        );
        Reply::new(200)
            .header("Content-Type", "application/json")
            .body(answer)
    })
    .await;
    let body = format!(r#"{{"participant":{{"name":"{}"}}}}"#, "<".repeat(40_000));
    let got = stage
        .send(2, post("/chat/websvcs/chat/start", "", &body))
        .await
        .unwrap();
    assert!(got.bytes.len() > 200_000);
    stage
        .until_counts("chat", [1, 0, 0], "it is followed")
        .await;
}

#[tokio::test]
async fn one_chat_cannot_be_rejoined_as_many_nor_under_a_name_that_is_not_its_own() {
    let stage = stage(FIVE, "").await;
    let start = post("/ic/icws/web-chat/start", "", r#"{"participantName":"x"}"#);
    stage.send(2, start).await.unwrap();
    stage.until_counts("ic", [1, 0, 0], "one chat runs").await;
    // The server takes the one for its own, the gateway must not take the other.
    for number in 0..20 {
        for body in [
            format!(r#"{{"chatID":"fake{number}","chatId":"c0"}}"#),
            format!(r#"{{"chatId":"c0","chatId":"fake{number}"}}"#),
            format!(r#"{{"chatId":"fake{number}","chatId":"c0"}}"#),
            format!(
                r#"{{"callbackId":"fake{number}","chatId":"c0","participantId":"p","participantID":"q"}}"#
            ),
            format!(r#"{{"callbackId":"fake{number}","participantId":"p"}}"#),
            format!(r#"{{"CHATID":"fake{number}","chatId":"c0","participantId":"p0"}}"#),
        ] {
            let request = post("/ic/icws/web-chat/reconnect", "", &body);
            let got = stage.send(2, request).await.unwrap();
            assert_eq!(got.status(), Some(204), "{body}");
        }
        let body = format!(r#"{{"chatId":"fake{number}","callbackId":"c0","participantId":"p"}}"#);
        let request = post("/ic/icws/web-callback/reconnect", "", &body);
        stage.send(2, request).await.unwrap();
    }
    let [active, ..] = stage.counts("ic").await;
    // The last row names a callback that the gateway has not seen begin: one more, as after a restart.
    assert_eq!(active, 2);
    let rejoin = post(
        "/ic/icws/web-chat/reconnect",
        "",
        r#"{"chatId":"c0","participantId":"of-another"}"#,
    );
    stage.send(2, rejoin).await.unwrap();
    stage
        .send(2, post("/ic/icws/web-chat/exit/p0", "", ""))
        .await
        .unwrap();
    stage
        .until_counts("ic", [1, 0, 0], "the chat has kept its participant")
        .await;
}

#[tokio::test]
async fn starts_that_are_broken_off_cost_their_own_address_and_nobody_else() {
    let limits = FIVE.replace("{ interactions", "{ requests_in_flight: 50, interactions");
    let stage = stage(&limits, "").await;
    for _ in 0..12 {
        let mut line = Dial::plain(stage.edge.plain())
            .from(from(2))
            .open()
            .await
            .unwrap();
        let whole = post("/chat/websvcs/chat/start", "", WALLY);
        line.write(whole.as_bytes()).await.unwrap();
        line.reset();
    }
    until("each is over", async || {
        let used = stage.used(2).await;
        used["requests_in_flight"]["now"] == 0 && used["connections"]["open"] == 0
    })
    .await;
    let [active, starting, doubt] = stage.counts("chat").await;
    assert!(active + starting + doubt <= 5);
    assert_eq!(starting, 0);
    let other = stage
        .send(3, post("/chat/websvcs/chat/start", "", WALLY))
        .await
        .unwrap();
    assert!(other.text().contains("success"), "{}", other.text());
    no_panics();
}

#[tokio::test]
async fn a_stream_that_is_reset_at_any_point_leaves_no_place_behind_that_no_server_knows() {
    let stage = stage(FIVE, "").await;
    let mut fields = http2::get(b"/chat/websvcs/chat/start");
    fields[0].1 = b"POST";
    let list = http2::hpack(&fields);
    let mut line = http2::open_from(&stage.edge, &[], from(2)).await;
    for number in 0..12 {
        let stream = number * 2 + 1;
        let mut bytes = http2::frame(http2::HEADERS, http2::END_HEADERS, stream, &list);
        if number % 3 > 0 {
            bytes.extend(http2::frame(0, 0, stream, br#"{"participant":"#));
        }
        if number % 3 > 1 {
            bytes.extend(http2::frame(0, 0, stream, br#"{"name":"W"}}"#));
        }
        bytes.extend(http2::frame(3, 0, stream, &[0, 0, 0, 8]));
        line.write(&bytes).await.unwrap();
    }
    until("all are over", async || {
        stage.used(2).await["requests_in_flight"]["now"] == 0
    })
    .await;
    stage
        .until_counts("chat", [0, 0, 0], "no start was complete")
        .await;
    assert!(stage.server.recorder().all().is_empty());
    no_panics();
}

#[tokio::test]
async fn names_and_credentials_of_visitors_are_in_no_log_and_no_answer() {
    let stage = stage(FIVE, "").await;
    let secrets = ["Wally-the-Visitor", "s3cr3t-of-wally"];
    let body = format!(
        r#"{{"participant":{{"name":"{}","credentials":"{}"}}}}"#,
        secrets[0], secrets[1]
    );
    for _ in 0..8 {
        for target in ["/chat/websvcs/chat/start", "/chat/websvcs/callback/create"] {
            stage.send(2, post(target, "", &body)).await.unwrap();
        }
        let broken = post(
            "/chat/websvcs/chat/start",
            "Content-Encoding: gzip\r\n",
            &body,
        );
        stage.send(2, broken).await.unwrap();
    }
    for target in [
        "GET /api/interactions",
        "GET /api/limits?address=127.0.0.2",
        "GET /api/bans",
        "GET /metrics",
    ] {
        let text = stage.admin(target, "").await.text();
        for secret in secrets {
            assert!(!text.contains(secret), "{target}: {text}");
        }
    }
    let told = stage.admin("GET /api/interactions", "").await.text();
    assert!(
        !told.contains("\"p0\"") && !told.contains("\"c0\""),
        "{told}"
    );
    until("refusals are logged", async || {
        !logged("interactions").is_empty()
    })
    .await;
    for secret in secrets {
        assert_eq!(logged(secret), [""; 0]);
    }
}

#[tokio::test]
async fn under_observe_no_start_is_refused_and_all_that_would_be_are_counted() {
    for limits in [
        FIVE.replace("{ interactions: {", "{ interactions: { mode: observe,"),
        FIVE.replace("{ interactions", "{ mode: observe, interactions"),
        "{}".to_owned(),
    ] {
        let stage = stage(&limits, "").await;
        let large = format!(
            r#"{{"participant":{{"name":"W"}},"x":"{}"}}"#,
            "x".repeat(100_000)
        );
        let mut passed = 0;
        for number in 0..9 {
            let body = if number == 4 { large.as_str() } else { WALLY };
            let start = post("/chat/websvcs/chat/start", "", body);
            let got = stage.send(2, start).await.unwrap();
            assert_eq!(got.status(), Some(200), "{limits} {number}: {}", got.text());
            assert!(!got.text().contains("failure"), "{limits} {number}");
            passed += 1;
        }
        stage
            .until_counts("chat", [passed, 0, 0], "all of them")
            .await;
        let would = if limits == "{}" { 0.0 } else { 4.0 };
        assert_eq!(
            stage.refusals("interactions", "observe").await,
            would,
            "{limits}"
        );
        assert_eq!(stage.refusals("interactions", "enforce").await, 0.0);
    }
}
