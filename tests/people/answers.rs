//! Answers that no simulated server gives: without the header, unreadable, broken off, too large, or to whoever asks.

use loadtest::edge::Edge;
use loadtest::rude::client::Dial;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::listed::*;
use super::stage::{HOST, SOON};

/// A gateway before a server of kind `icws` that gives each of these answers once and closes, whatever it is asked; then only the last.
async fn edge_before(answers: Vec<Vec<u8>>) -> Edge {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let answer = answers.get(number).or(answers.last()).unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                assert!(stream.read_buf(&mut head).await.unwrap() > 0);
            }
            let _ = stream.write_all(answer).await;
        }
    });
    let yaml = format!(
        "limits: {{ exempt: [127.0.0.0/8] }}\nservers: {{ ic: {{ kind: icws, url: 'http://{server}' }} }}\nhosts: {{ {HOST}: {{ server: ic }} }}\n"
    );
    Edge::start(&yaml, &[HOST]).await.unwrap()
}

fn answer(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n"
    );
    [head.as_bytes(), body].concat()
}

async fn ask(edge: &Edge, request: &str) {
    let request =
        format!("{request}Host: {HOST}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let dial = Dial::plain(edge.plain());
    dial.send(request, SOON).await.unwrap();
}

const SIGN_IN: &str = "POST /icws/connection HTTP/1.1\r\n";
const ID: &str = "ININ-ICWS-Session-ID: 77\r\n";
const BODY: &[u8] = br#"{"sessionId": "77", "userID": "agent1"}"#;

#[tokio::test]
async fn a_session_counts_whether_or_not_its_user_can_be_read() {
    let large = [
        b"{\"userID\": \"agent1\", \"x\": \"",
        &vec![b'x'; 300 * 1024][..],
        b"\"}",
    ]
    .concat();
    let mut broken = answer("201 Created", ID, BODY);
    broken.truncate(broken.len() - 5);
    for (what, given, name) in [
        (
            "the header",
            answer("201 Created", ID, BODY),
            Some("agent1"),
        ),
        (
            "Location",
            answer("201 Created", "Location: /icws/77/connection\r\n", BODY),
            Some("agent1"),
        ),
        (
            "the body alone",
            answer("201 Created", "", BODY),
            Some("agent1"),
        ),
        (
            "an unknown coding",
            answer(
                "201 Created",
                &format!("{ID}Content-Encoding: zstd\r\n"),
                BODY,
            ),
            Some("-"),
        ),
        ("no JSON", answer("201 Created", ID, b"<html>"), Some("-")),
        ("no body", answer("201 Created", ID, b""), Some("-")),
        ("a body that breaks off", broken, Some("-")),
        (
            "a body that is too large",
            answer("201 Created", ID, &large),
            Some("-"),
        ),
        ("nothing", answer("201 Created", "", b"<html>"), None),
        ("another success", answer("200 OK", ID, BODY), None),
        ("a refusal", answer("400 Bad Request", ID, BODY), None),
    ] {
        let edge = edge_before(vec![given]).await;
        ask(&edge, SIGN_IN).await;
        let listed = names(&users(&edge).await);
        assert_eq!(listed, name.into_iter().collect::<Vec<_>>(), "{what}");
    }
}

#[tokio::test]
async fn an_answer_to_whoever_asks_makes_nobody_of_a_request_without_a_cookie() {
    let edge = edge_before(vec![answer("200 OK", "", b"{}")]).await;
    for request in [
        "GET /icws/77/connection HTTP/1.1\r\n",
        "GET /icws/77/messaging/messages HTTP/1.1\r\nCookie: icws_78=x\r\n",
        "DELETE /icws/77/connection HTTP/1.1\r\nCookie: icws_77=x\r\n",
        "OPTIONS /icws/77/connection HTTP/1.1\r\nCookie: icws_77=x\r\n",
        "GET /icws/connection/version HTTP/1.1\r\nCookie: icws_connection=x\r\n",
    ] {
        ask(&edge, request).await;
        assert_eq!(
            names(&users(&edge).await),
            Vec::<String>::new(),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_success_that_names_no_session_of_its_own_ends_and_keeps_nobody_elses() {
    let gone = answer("401 Unauthorized", "", br#"{"errorCode": 2}"#);
    let fine = answer("200 OK", "", b"{}");
    let edge = edge_before(vec![answer("201 Created", ID, BODY), fine, gone]).await;
    ask(&edge, SIGN_IN).await;
    let own = "Cookie: icws_77=x\r\nININ-ICWS-CSRF-Token: y\r\n";
    ask(&edge, &format!("GET /icws/77/connection HTTP/1.1\r\n{own}")).await;
    assert_eq!(only(&edge).await["requests"], 2);
    // The same proofs, but for another session or for none.
    for path in [
        "/icws/78/connection",
        "/icws/connection/version",
        "/icws/077x/connection",
    ] {
        ask(&edge, &format!("GET {path} HTTP/1.1\r\n{own}")).await;
        assert_eq!(names(&users(&edge).await), ["agent1"], "{path}");
    }
    ask(
        &edge,
        &format!("GET /icws/077/connection HTTP/1.1\r\n{own}"),
    )
    .await;
    assert!(
        users(&edge).await.is_empty(),
        "the same number, with a nought before it"
    );
}
