//! The body of a start, which is read before a server hears of it: the ways to hang that reading, to hide from it, and to make it
//! cost a place that no chat needs.

use std::time::Duration;

use loadtest::rude::client::{Dial, Ended};

use super::super::http2;
use super::super::support::{SOON, no_panics};
use super::{HOST, Stage, from, post, stage, until};

const START: &str = "/chat/websvcs/chat/start";
const LIMITS: &str = "{ request_body: { idle: 1s }, interactions: { MaxInteractionsAllowedPerIP: 100, MaxInteractionsAllowedPerUnitTime: 1000, MaxChatsAllowedPerUnitTime: 1000 } }";

/// A body of exactly this size.
fn body(size: usize) -> String {
    let empty = r#"{"participant":{"name":"Wally"},"x":""}"#;
    let (front, end) = empty.split_at(empty.len() - 2);
    format!("{front}{}{end}", "x".repeat(size - empty.len()))
}

fn chunked(body: &str, size: usize) -> Vec<u8> {
    let mut bytes = format!(
        "POST {START} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for piece in body.as_bytes().chunks(size.max(1)) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

async fn over_http2(stage: &Stage, body: &[u8], length: Option<usize>) -> Vec<u8> {
    let mut fields = http2::get(START.as_bytes());
    fields[0].1 = b"POST";
    let length = length.map(|length| length.to_string());
    if let Some(length) = &length {
        fields.push((b"content-length", length.as_bytes()));
    }
    let mut line = http2::open_from(&stage.edge, &[], from(2)).await;
    // The windows of the gateway hold once its settings are acknowledged.
    let ours = http2::frame(4, 1, 0, b"");
    line.read_until(&ours, SOON).await.unwrap();
    line.write(&ours).await.unwrap();
    let list = http2::hpack(&fields);
    let last = if body.is_empty() { 1 } else { 0 };
    let head = http2::frame(http2::HEADERS, http2::END_HEADERS | last, 1, &list);
    line.write(&head).await.unwrap();
    let pieces = body.chunks(16_000).count();
    for (number, piece) in body.chunks(16_000).enumerate() {
        let end = u8::from(number + 1 == pieces);
        // A gateway that refuses stops reading.
        let _ = line.write(&http2::frame(0, end, 1, piece)).await;
    }
    line.read_to_end(Duration::from_millis(700))
        .await
        .0
        .to_vec()
}

#[tokio::test]
async fn bodies_of_every_size_and_framing_around_what_is_read_ahead_arrive_whole_or_are_refused() {
    const MOST: usize = 64 * 1024;
    for (size, passes) in [
        (40, true),
        (MOST - 1, true),
        (MOST, true),
        (MOST + 1, false),
        (2 * MOST, false),
        (1 << 20, false),
    ] {
        let stage = stage(LIMITS, "").await;
        let body = body(size);
        let mut seen = 0;
        for bytes in [
            post(START, "", &body).into_bytes(),
            chunked(&body, 1 << 20),
            chunked(&body, 1000),
            chunked(&body, 65_536),
        ] {
            let got = stage.send(2, bytes).await.unwrap();
            let expected = if passes { 200 } else { 413 };
            assert_eq!(got.status(), Some(expected), "{size}: {}", got.head());
            assert_ne!(got.ended, Ended::Open, "{size}");
            seen += usize::from(passes);
        }
        for length in [None, Some(size)] {
            over_http2(&stage, body.as_bytes(), length).await;
            seen += usize::from(passes);
        }
        let all = stage.server.recorder().all();
        assert_eq!(all.len(), seen, "{size}");
        assert!(
            all.iter().all(|record| record.body == body.as_bytes()),
            "{size}"
        );
        stage
            .until_counts(
                "chat",
                [seen as u64, 0, 0],
                "what was refused holds nothing",
            )
            .await;
    }
    no_panics();
}

#[tokio::test]
async fn an_empty_start_hangs_nobody() {
    let stage = stage(LIMITS, "").await;
    for bytes in [
        post(START, "", "").into_bytes(),
        chunked("", 1),
        format!("POST {START} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n").into_bytes(),
        format!("GET {START} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n").into_bytes(),
        format!("HEAD {START} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n").into_bytes(),
        format!("POST {START} HTTP/1.0\r\nHost: {HOST}\r\n\r\n").into_bytes(),
    ] {
        let what = bytes.escape_ascii().to_string();
        let got = stage.send(2, bytes).await.unwrap();
        assert_eq!(got.status(), Some(200), "{what}");
        assert_ne!(got.ended, Ended::Open, "{what}");
    }
    let answer = over_http2(&stage, b"", None).await;
    assert!(
        answer.windows(3).any(|three| three == b"p6\""),
        "{}",
        answer.escape_ascii()
    );
    // What a HEAD is answered has no body to read an id from: its place is kept.
    stage
        .until_counts("chat", [6, 0, 1], "each start is counted")
        .await;
}

#[tokio::test]
async fn a_start_whose_body_never_comes_holds_no_place_and_reaches_no_server() {
    let head = |fields: &str, body: &str| {
        format!("POST {START} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n{body}")
    };
    let stage = stage(LIMITS, "").await;
    let mut running = tokio::task::JoinSet::new();
    for (bytes, half_close) in [
        (head("Content-Length: 100\r\n", ""), false),
        (head("Content-Length: 100\r\n", "abc"), false),
        (head("Content-Length: 100\r\n", "abc"), true),
        (head("Transfer-Encoding: chunked\r\n", ""), false),
        (head("Transfer-Encoding: chunked\r\n", "5\r\nab"), true),
        (
            head("Transfer-Encoding: chunked\r\n", "5\r\nabcde\r\n"),
            false,
        ),
        (head("Transfer-Encoding: chunked\r\n", "zz\r\n"), false),
        (
            head("Content-Length: 100\r\nExpect: 100-continue\r\n", ""),
            false,
        ),
        (
            head("Content-Length: 100\r\nExpect: 100-continue\r\n", "abc"),
            true,
        ),
        (
            head("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", ""),
            false,
        ),
        (
            head(
                "Content-Length: 100\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
                "abc",
            ),
            false,
        ),
        (
            head(
                "Transfer-Encoding: chunked\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n",
                "",
            ),
            false,
        ),
    ] {
        let mut dial = Dial::plain(stage.edge.plain()).from(from(2));
        if half_close {
            dial = dial.half_close();
        }
        running.spawn(async move { (dial.send(bytes.clone(), SOON).await.unwrap(), bytes) });
    }
    while let Some(done) = running.join_next().await {
        let (got, bytes) = done.unwrap();
        assert_ne!(got.ended, Ended::Open, "{bytes}");
        let last = got.statuses().into_iter().rfind(|status| *status >= 200);
        assert!(
            matches!(last, None | Some(400 | 408)),
            "{bytes}: {}",
            got.text()
        );
    }
    let seen = stage.server.recorder().all();
    assert!(
        seen.is_empty(),
        "{:?}",
        seen.first().map(|record| record.request.line())
    );
    stage
        .until_counts("chat", [0, 0, 0], "nothing is held")
        .await;
    assert_eq!(stage.used(2).await["requests_in_flight"]["now"], 0);
    no_panics();
}

#[tokio::test]
async fn a_visitor_who_waits_for_a_100_is_told_to_go_on_and_is_read_like_any_other() {
    let limits = "{ interactions: { MaxInteractionsAllowedPerUser: 2, MaxInteractionsAllowedPerUnitTime: 1000, MaxChatsAllowedPerUnitTime: 1000 } }";
    let stage = stage(limits, "").await;
    let body = r#"{"participant":{"name":"Wally","credentials":"x"}}"#;
    for (number, waits) in [true, true, true, false].into_iter().enumerate() {
        let mut line = Dial::plain(stage.edge.plain())
            .from(from(2))
            .open()
            .await
            .unwrap();
        let expect = if waits {
            "Expect: 100-continue\r\n"
        } else {
            ""
        };
        let whole = post(START, expect, body);
        let (head, body) = whole.split_at(whole.len() - body.len());
        line.write(head.as_bytes()).await.unwrap();
        if waits {
            line.read_until(b"HTTP/1.1 100 Continue\r\n\r\n", SOON)
                .await
                .unwrap();
        }
        line.write(body.as_bytes()).await.unwrap();
        let (answer, ended) = line.read_to_end(SOON).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(ended, Ended::Closed);
        assert!(answer.contains("HTTP/1.1 200 OK\r\n"), "{answer}");
        let refused = answer.contains("error.websvc.unavailable");
        assert_eq!(refused, number >= 2, "{number}: {answer}");
    }
    let seen = stage.server.recorder().all();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|record| record.body == body.as_bytes()));
    stage
        .until_counts("chat", [2, 0, 0], "a user has two chats")
        .await;
}

#[tokio::test]
async fn starts_that_are_pipelined_are_as_many_as_they_are() {
    let limits = "{ interactions: { MaxInteractionsAllowedPerIP: 3, MaxInteractionsAllowedPerUnitTime: 1000, MaxChatsAllowedPerUnitTime: 1000 } }";
    let stage = stage(limits, "").await;
    let one = post(START, "", &body(60)).replace("Connection: close\r\n", "");
    let all = format!("{}{}", one.repeat(7), super::get("/nowhere", ""));
    let got = stage.send(2, all).await.unwrap();
    assert_eq!(got.statuses(), [200, 200, 200, 200, 200, 200, 200, 404]);
    assert_eq!(got.text().matches("error.websvc.unavailable").count(), 4);
    assert_eq!(stage.server.recorder().all().len(), 3);
    stage.until_counts("chat", [3, 0, 0], "three run").await;
    until("the reason is counted", async || {
        stage.refusals("interactions", "enforce").await == 4.0
    })
    .await;
}
