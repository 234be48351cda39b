//! Servers that break the rules: the client gets a right answer or a clean refusal, in time, and never a second answer.

use std::io;
use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::{Ended, Got};
use loadtest::rude::{self, Rude};

use super::http2;
use super::support::*;

/// A gateway with this server as kind `http` at `/one/`, that waits a second for it.
pub async fn edge_to(server: &Rude) -> Edge {
    let rest = format!(
        "url: 'http://{}', timeouts: {{ response: 1s, pooled: 60s }}",
        server.address()
    );
    edge(&one_server("http", &rest)).await
}

/// What an answer has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// 200 with this body, whole.
    Whole(&'static str),
    /// This status with an empty body.
    Empty(u16),
    /// 502 of our own.
    Refused,
    /// 504 of our own.
    Late,
    /// 200, cut before its end.
    Cut,
}
pub use Expected::*;

/// Every ending but the deadline's is fine for a connection; what came must be one answer, framed right.
fn judge(what: &str, got: &Got, method: &str, expected: Expected) {
    let text = got.text();
    let shown: String = text.chars().take(300).collect();
    assert_ne!(got.ended, Ended::Open, "{what}: hangs after {shown:?}");
    assert_eq!(got.statuses().len(), 1, "{what}: {shown:?}");
    let status = got.status().unwrap();
    let length = header(got, "content-length").first().map(|length| {
        length
            .parse::<usize>()
            .unwrap_or_else(|_| panic!("{what}: {shown:?}"))
    });
    let chunked = header(got, "transfer-encoding")
        .iter()
        .any(|coding| coding.eq_ignore_ascii_case("chunked"));
    let whole = match length {
        _ if method == "HEAD" || matches!(status, 204 | 304) => got.body().is_empty(),
        Some(length) => got.body().len() == length,
        None if chunked => got.body().ends_with(b"0\r\n\r\n"),
        // Until the connection ends: for HTTP/1.0 there is nothing else.
        None => got.ended == Ended::Closed,
    };
    match expected {
        Whole(body) => {
            assert!(status == 200 && whole, "{what}: {shown:?}");
            assert!(text.contains(body), "{what}: {shown:?}");
        }
        Empty(expected) => {
            assert!(status == expected && whole, "{what}: {shown:?}");
            assert!(
                matches!(got.body(), b"" | b"0\r\n\r\n"),
                "{what}: {shown:?}"
            );
        }
        Refused | Late => {
            let expected = if expected == Late { 504 } else { 502 };
            assert!(status == expected && whole, "{what}: {shown:?}");
        }
        Cut => assert!(status == 200 && !whole, "{what}: {shown:?}"),
    }
}

/// Asks with HTTP/1.1, and then once more: what the first answer left behind must not be the second's.
pub async fn check(what: &str, server: io::Result<Rude>, method: &str, expected: Expected) {
    let server = server.unwrap();
    let edge = edge_to(&server).await;
    for turn in 1..=2 {
        let got = ask(&edge, &format!("{method} /one/{turn} HTTP/1.1"), "").await;
        judge(
            &format!("{what}, {method}, request {turn}"),
            &got,
            method,
            expected,
        );
    }
    let reason = match expected {
        Refused | Cut => Some("upstream_broken"),
        Late => Some("upstream_timeout"),
        _ => None,
    };
    if let Some(reason) = reason {
        assert_eq!(refusals(&edge, reason).await, 2.0, "{what}");
    }
}

#[tokio::test]
async fn wrong_framing_is_put_right_or_refused() {
    let hello = Whole("hello");
    check("two lengths", rude::two_lengths().await, "GET", Refused).await;
    check(
        "length and chunked",
        rude::length_and_chunked().await,
        "GET",
        hello,
    )
    .await;
    check("bare line feed", rude::bare_line_feed().await, "GET", hello).await;
    check("obsolete fold", rude::obsolete_fold().await, "GET", hello).await;
    check(
        "small header",
        rude::huge_header(60_000).await,
        "GET",
        hello,
    )
    .await;
    check(
        "huge header",
        rude::huge_header(2_000_000).await,
        "GET",
        Refused,
    )
    .await;
    check(
        "some 1xx",
        rude::flood_of_informational(Some(0)).await,
        "GET",
        hello,
    )
    .await;
    check(
        "body after HEAD",
        rude::body_after_head().await,
        "HEAD",
        Empty(200),
    )
    .await;
    check(
        "body in 204",
        rude::body_in_no_content().await,
        "GET",
        Empty(204),
    )
    .await;
    check(
        "body in 304",
        rude::body_in_not_modified().await,
        "GET",
        Empty(304),
    )
    .await;
    check(
        "invalid location",
        rude::invalid_location().await,
        "GET",
        Empty(302),
    )
    .await;
    check("200 cookies", rude::many_cookies(200).await, "GET", hello).await;
    check("300 cookies", rude::many_cookies(300).await, "GET", Refused).await;
    check("odd reason", rude::wrong_reason().await, "GET", Refused).await;
    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello",
            Refused,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
            Refused,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
            Refused,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
            hello,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
            Refused,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
            Cut,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n",
            Cut,
        ),
        (
            "HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 5\r\n\r\nhello",
            Refused,
        ),
        (
            "HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 5\r\n\r\nhello",
            Refused,
        ),
        (
            "HTTP/1.1 200 OK\r\n: empty\r\nContent-Length: 5\r\n\r\nhello",
            Refused,
        ),
        ("HTTP/2 200 OK\r\nContent-Length: 5\r\n\r\nhello", Refused),
        ("HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello", Refused),
        (
            "HTTP/1.1 099 Low\r\nContent-Length: 5\r\n\r\nhello",
            Refused,
        ),
        ("ICY 200 OK\r\n\r\nhello", Refused),
        ("\0\0\0\0\r\n\r\n", Refused),
    ] {
        check(
            &format!("{answer:?}"),
            rude::says(answer).await,
            "GET",
            expected,
        )
        .await;
    }
}

#[tokio::test]
async fn rude_answers_are_right_or_refused_over_http_2_too() {
    for (what, server, expected) in [
        ("two lengths", rude::two_lengths().await, 502),
        ("fold", rude::obsolete_fold().await, 200),
        ("fields of one connection", rude::says("HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello").await, 200),
        ("cookies", rude::many_cookies(200).await, 200),
        (
            "one length twice",
            rude::says("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello").await,
            200,
        ),
        ("huge", rude::huge_header(2_000_000).await, 502),
        ("half a head", rude::half_a_head().await, 504),
        ("endless header", rude::endless_header().await, 502),
        ("1xx", rude::flood_of_informational(Some(50)).await, 200),
        ("1xx for ever", rude::flood_of_informational(None).await, 502),
    ] {
        let server = server.unwrap();
        let edge = edge_to(&server).await;
        let (status, body) = http2::get(&edge, "/one/x").await.unwrap();
        assert_eq!(status, expected, "{what}");
        let body = body.unwrap();
        assert!(status != 200 || body == "hello", "{what}: {body:?}");
    }
}

/// The second answer of each is poison: it belongs to nobody.
#[tokio::test]
async fn bytes_behind_an_answer_are_nobodys_answer() {
    const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON";
    for (method, answer) in [
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
    ] {
        for pause in [None, Some(Duration::from_millis(50))] {
            let server = Rude::serve(move |mut connection| async move {
                connection.read_head().await?;
                match pause {
                    None => {
                        connection
                            .write(format!("{answer}{POISON}").as_bytes())
                            .await?;
                    }
                    Some(pause) => {
                        connection.write(answer.as_bytes()).await?;
                        connection.pause(pause).await?;
                        connection.write(POISON.as_bytes()).await?;
                    }
                }
                loop {
                    connection.read_head().await?;
                    connection
                        .write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
                        .await?;
                }
            })
            .await
            .unwrap();
            let edge = edge_to(&server).await;
            let what = format!("{method} {answer:?}, {pause:?}");
            let first = ask(&edge, &format!("{method} /one/first HTTP/1.1"), "").await;
            assert_eq!(first.statuses().len(), 1, "{what}: {}", first.text());
            assert!(!first.text().contains("POISON"), "{what}: {}", first.text());
            if pause.is_some() {
                let wrote = |seen: &[rude::Seen]| {
                    seen[0].written_total > answer.len() as u64 || seen[0].end.is_some()
                };
                server
                    .wait_for("the poison to be out", SOON, wrote)
                    .await
                    .unwrap();
            }
            // One more only: after a pause the next connection's poison would be a proper, if odd, answer to what comes then.
            let next = get(&edge, "/one/next").await;
            assert!(!next.text().contains("POISON"), "{what}: {}", next.text());
        }
    }
}

#[tokio::test]
async fn odd_codings_and_trailers_leave_one_answer() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    for (rest, expected) in [
        ("0\r\n\r\n", Whole("hello")),
        (
            "0\r\nX-Trailer: 1\r\nContent-Length: 9\r\n\r\n",
            Whole("hello"),
        ),
        ("00000\r\n\r\n", Whole("hello")),
        ("0;ext=1\r\n\r\n", Whole("hello")),
        ("-1\r\n\r\n", Cut),
        ("+1\r\nx\r\n0\r\n\r\n", Cut),
        ("0x1\r\nx\r\n0\r\n\r\n", Cut),
        ("1\r\nxy\r\n0\r\n\r\n", Cut),
        ("1\nx\n0\n\n", Cut),
    ] {
        let what = format!("{rest:?}");
        check(
            &what,
            rude::says(format!("{chunked}{rest}")).await,
            "GET",
            expected,
        )
        .await;
    }
    // What the gateway does not undo it does not pass on: the client would have to guess where the body ends.
    for coding in [
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "xchunked",
        "chunked, chunked",
        "chunked;q=1",
        "",
    ] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: {coding}\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        );
        check(
            &format!("coding {coding:?}"),
            rude::says(answer).await,
            "GET",
            Refused,
        )
        .await;
    }
    let twice = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    check("chunked twice", rude::says(twice).await, "GET", Refused).await;
    let loud = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    check("Chunked", rude::says(loud).await, "GET", Whole("hello")).await;
}
