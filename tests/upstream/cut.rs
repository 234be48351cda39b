//! Answers that stop too early look like it to the client and in the log, and the log does not tell what was in them.

use std::time::Duration;

use loadtest::rude::{self, Rude};

use super::http2;
use super::rude::{Cut, Late, Refused, Whole, check, edge_to};
use super::support::*;

#[tokio::test]
async fn an_answer_that_is_cut_looks_cut() {
    check(
        "body short of its length",
        rude::length_body_cut(1000, 10).await,
        "GET",
        Cut,
    )
    .await;
    check(
        "body not begun",
        rude::length_body_cut(1000, 0).await,
        "GET",
        Cut,
    )
    .await;
    check(
        "chunks without an end",
        rude::chunked_body_cut(3).await,
        "GET",
        Cut,
    )
    .await;
    check("not a chunk", rude::chunked_body_cut(0).await, "GET", Cut).await;
    check(
        "reset at once",
        rude::resets_at_once().await,
        "GET",
        Refused,
    )
    .await;
    check("half a head", rude::half_a_head().await, "GET", Late).await;
}

#[tokio::test]
async fn a_cut_answer_is_a_reset_stream_in_http_2_and_a_line_in_the_log() {
    collect_log();
    for (what, server) in [
        ("length", rude::length_body_cut(1000, 10).await.unwrap()),
        ("chunks", rude::chunked_body_cut(3).await.unwrap()),
    ] {
        let edge = edge_to(&server).await;
        let (status, body) = http2::get(&edge, &format!("/one/cut-{what}?token=whisper"))
            .await
            .unwrap();
        assert_eq!(status, 200);
        assert!(body.is_err(), "{what}: {body:?}");
        let line = log_line(&format!("\"/one/cut-{what}\"")).await;
        assert!(line.contains(" 200 upstream_broken "), "{line}");
    }
    assert_eq!(logged("whisper"), [""; 0]);
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_is_whole_only_if_that_was_closed_properly() {
    for (version, reset) in [("1.0", false), ("1.1", false), ("1.0", true), ("1.1", true)] {
        let server = Rude::serve(move |mut connection| async move {
            connection.read_head().await?;
            connection
                .write(format!("HTTP/{version} 200 OK\r\n\r\nhello").as_bytes())
                .await?;
            // What was sent must have been read before the reset takes it back.
            connection.pause(Duration::from_millis(100)).await?;
            if reset {
                connection.reset()
            } else {
                Ok(connection)
            }
        })
        .await;
        let expected = if reset { Cut } else { Whole("hello") };
        check(
            &format!("HTTP/{version}, reset: {reset}"),
            server,
            "GET",
            expected,
        )
        .await;
    }
}

#[tokio::test]
async fn what_a_server_sent_is_not_in_the_log() {
    collect_log();
    for (at, answer) in [
        "HTTP/1.1 200 OK\r\nSet-Cookie: icws_1=whispered\r\nBad Name: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nSet-Cookie: icws_1=whispered\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nSet-Cookie: icws_1=whispered\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let server = rude::says(answer).await.unwrap();
        let edge = edge_to(&server).await;
        assert_eq!(get(&edge, &format!("/one/quiet-{at}")).await.status(), Some(502));
        let line = log_line(&format!("/one/quiet-{at}")).await;
        assert!(line.len() < 1000, "{line}");
    }
    assert_eq!(logged("whispered"), [""; 0]);
}
