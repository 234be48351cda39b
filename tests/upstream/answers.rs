//! What a server says reaches the client as it is, and what a client sends the server.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::Dial;
use loadtest::wire::{Exchange, Reply, Server, ServerOptions, Service};
use openssl::sha::sha256;

use super::http2;
use super::support::*;

const ICWS: &str = "application/vnd.inin.icws+JSON; charset=utf-8";

async fn edge_to(server: &Server, kind: &str) -> Edge {
    edge(&one_server(
        kind,
        &format!("url: 'http://{}'", server.address()),
    ))
    .await
}

/// Bytes that look like nothing: compressed, say.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    next.take(size).collect()
}

#[tokio::test]
async fn every_status_of_icws_passes_with_its_body_and_fields() {
    for status in [
        200, 201, 202, 400, 401, 403, 404, 405, 409, 410, 415, 416, 429, 500, 501, 502, 503, 504,
        299, 599,
    ] {
        let server = responding(None, move |_| {
            Reply::new(status)
                .header("Content-Type", ICWS)
                .header("X-Own", "kept  as it is")
                .header("Retry-After", "7")
                .header("Server", "ININ-HttpServer/1.0")
                .body(r#"{"alternateHostList":["a"],"errorId":"error.x"}"#)
        })
        .await;
        let edge = edge_to(&server, "icws").await;
        let got = get(&edge, "/us/one/icws/1/connection").await;
        assert_eq!(got.status(), Some(status));
        assert_eq!(
            got.body(),
            br#"{"alternateHostList":["a"],"errorId":"error.x"}"#,
            "{status}"
        );
        for (name, value) in [
            ("content-type", ICWS),
            ("x-own", "kept  as it is"),
            ("retry-after", "7"),
            ("server", "ININ-HttpServer/1.0"),
        ] {
            assert_eq!(header(&got, name), [value], "{status}");
        }
        assert_eq!(refusals(&edge, "upstream_broken").await, 0.0);
    }
}

#[tokio::test]
async fn an_empty_answer_keeps_its_media_type_and_a_204_has_no_body() {
    let server = responding(None, |record| match record.target() {
        "/icws/1/empty" => Reply::new(200).header("Content-Type", ICWS),
        _ => Reply::new(204),
    })
    .await;
    let edge = edge_to(&server, "icws").await;
    let got = get(&edge, "/us/one/icws/1/empty").await;
    assert_eq!((got.status(), got.body()), (Some(200), &b""[..]));
    assert_eq!(header(&got, "content-type"), [ICWS]);
    assert_eq!(header(&got, "content-length"), ["0"]);
    let got = get(&edge, "/us/one/icws/1/none").await;
    assert_eq!((got.status(), got.body()), (Some(204), &b""[..]));
}

#[tokio::test]
async fn the_range_of_icws_passes_both_ways_whatever_the_status() {
    for (status, answered) in [
        (200, "items 0-199/4711"),
        (206, "items 0-199/4711"),
        (416, "items */4711"),
    ] {
        let server = responding(None, move |_| {
            Reply::new(status)
                .header("Content-Type", ICWS)
                .header("Content-Range", answered)
                .body("{}")
        })
        .await;
        let edge = edge_to(&server, "icws").await;
        let head = "GET /us/one/icws/1/configuration/users HTTP/1.1\r\nRange: items=0-199";
        let got = ask(&edge, head, "").await;
        assert_eq!(got.status(), Some(status));
        assert_eq!(header(&got, "content-range"), [answered]);
        assert_eq!(got.body(), b"{}");
        let seen = server.recorder().all().remove(0);
        assert_eq!(seen.header("range").as_deref(), Some("items=0-199"));
    }
}

#[tokio::test]
async fn coded_bodies_are_not_touched() {
    for coding in ["gzip", "deflate", "br", "x-own"] {
        for chunked in [false, true] {
            let body = noise(50_000);
            let sent = body.clone();
            let server = responding(None, move |_| {
                let reply = Reply::new(200)
                    .header("Content-Type", ICWS)
                    .header("Content-Encoding", coding)
                    .header("ETag", "\"strong\"")
                    .body(sent.clone());
                if chunked { reply.chunked(700) } else { reply }
            })
            .await;
            let edge = edge_to(&server, "icws").await;
            let head = format!("GET /us/one/icws/1/x HTTP/1.0\r\nAccept-Encoding: {coding}");
            let got = ask(&edge, &head, "").await;
            assert!(got.body() == body, "{coding}, chunked: {chunked}");
            assert_eq!(header(&got, "content-encoding"), [coding]);
            assert_eq!(header(&got, "etag"), ["\"strong\""]);
            assert_eq!(header(&got, "vary"), [""; 0]);
            let seen = server.recorder().all().remove(0);
            assert_eq!(seen.header("accept-encoding").as_deref(), Some(coding));
        }
    }
}

#[tokio::test]
async fn head_has_the_fields_of_get_and_no_body() {
    let server = responding(None, |_| {
        Reply::new(200).header("ETag", "\"1\"").body("hello")
    })
    .await;
    let edge = edge_to(&server, "http").await;
    let got = ask(&edge, "HEAD /one/x HTTP/1.1", "").await;
    assert_eq!((got.status(), got.body()), (Some(200), &b""[..]));
    assert_eq!(header(&got, "content-length"), ["5"]);
    assert_eq!(header(&got, "etag"), ["\"1\""]);
    assert_eq!(server.recorder().all()[0].method(), "HEAD");
}

#[tokio::test]
async fn a_download_of_20_megabytes_is_whole_over_http_1_and_2() {
    let body: bytes::Bytes = noise(20_000_000).into();
    let hash = sha256(&body);
    for chunked in [false, true] {
        let sent = body.clone();
        let server = responding(None, move |_| {
            let reply = Reply::new(200).body(sent.clone());
            if chunked {
                reply.chunked(60_000)
            } else {
                reply
            }
        })
        .await;
        let edge = edge_to(&server, "http").await;
        let got = ask_within(&edge, "GET /one/x HTTP/1.0", "", SOON * 3).await;
        assert!(
            sha256(got.body()) == hash,
            "chunked: {chunked}: {} bytes",
            got.body().len()
        );
        let (status, got) = http2::get_bytes(&edge, "/one/x").await.unwrap();
        let got = got.unwrap();
        assert!(
            status == 200 && sha256(&got) == hash,
            "chunked: {chunked}: {} bytes",
            got.len()
        );
    }
}

/// Takes an upload and answers with its hash.
struct Hashes;

impl Service for Hashes {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
        let body = exchange.body().await?;
        let hash: String = sha256(&body)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        exchange.reply(Reply::new(200).body(hash)).await
    }
}

#[tokio::test]
async fn an_upload_that_waits_to_be_asked_for_arrives_whole() {
    let server = Server::start(ServerOptions::default(), Hashes)
        .await
        .unwrap();
    let edge = edge_to(&server, "icws").await;
    let body = noise(5_000_000);
    let hash: String = sha256(&body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut chunks = Vec::with_capacity(body.len() + 10_000);
    for piece in body.chunks(9_973) {
        chunks.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunks.extend_from_slice(piece);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    for (framing, sent) in [
        (format!("Content-Length: {}", body.len()), &body),
        ("Transfer-Encoding: chunked".to_owned(), &chunks),
    ] {
        for expect in ["", "Expect: 100-continue\r\n"] {
            let head = format!(
                "POST /us/one/icws/1/upload HTTP/1.1\r\nHost: {HOST}\r\n{expect}{framing}\r\nConnection: close\r\n\r\n"
            );
            let mut line = Dial::plain(edge.plain()).open().await.unwrap();
            line.write(head.as_bytes()).await.unwrap();
            if !expect.is_empty() {
                let interim = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
                assert!(interim.starts_with(b"HTTP/1.1 100"), "{framing}");
            }
            line.write(sent).await.unwrap();
            let (answer, _) = line.read_to_end(SOON * 2).await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 200"), "{framing}: {answer}");
            assert!(answer.ends_with(&hash), "{framing}: {answer}");
        }
    }
}

/// Asks for the upload and then says nothing more.
struct AsksAndHangs;

impl Service for AsksAndHangs {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
        exchange.body().await?;
        exchange.client_gone().await;
        Ok(())
    }
}

#[tokio::test]
async fn after_a_100_the_gateway_still_says_what_went_wrong() {
    let server = Server::start(ServerOptions::default(), AsksAndHangs)
        .await
        .unwrap();
    let rest = format!(
        "url: 'http://{}', timeouts: {{ response: 300ms }}",
        server.address()
    );
    let edge = edge(&one_server("icws", &rest)).await;
    let head = "POST /us/one/icws/1/x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5";
    let got = ask(&edge, head, "hello").await;
    assert_eq!(got.statuses(), [100, 504], "{}", got.text());
    let until = Duration::from_secs(2);
    assert!(got.took < until, "{:?}", got.took);
    let counted = "portcullis_requests_total{code=\"504\",method=\"POST\",route=\"proxy.example.com/us/one/\",server=\"one\"}";
    super::support::until("the request to be counted", async || {
        metric(&edge, counted).await == Some(1.0)
    })
    .await;
}

#[tokio::test]
async fn a_refused_upload_gets_its_answer_although_nobody_read_the_body() {
    let server = loadtest::rude::answers_early().await.unwrap();
    let edge = edge(&one_server(
        "http",
        &format!("url: 'http://{}'", server.address()),
    ))
    .await;
    let body = vec![b'x'; 3_000_000];
    let got = ask(
        &edge,
        "POST /one/x HTTP/1.1\r\nContent-Length: 3000000",
        body,
    )
    .await;
    // The server's reset may take its answer along; what the client gets is an answer in any case.
    assert!(
        matches!(got.status(), Some(413 | 502)),
        "{:?} {}",
        got.ended,
        got.text()
    );
}
