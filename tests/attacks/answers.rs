//! Servers that try to make one client see what belongs to another: answers that end elsewhere than they say, answers that come
//! unasked, switches of protocol that nobody asked for. Connections are kept on both sides and shared by two clients.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::Rude;
use loadtest::rude::client::{Dial, Got};

use super::support::{SOON, edge, no_panics};

/// What must never be anybody's answer.
const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: 1\r\n\r\nPOISON";

/// Answers to the request for `/evilN`. `@P` stands for [`POISON`].
const EVIL: &[&[u8]] = &[
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 200\r\n\r\n5\r\nhello\r\n0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 0\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 05\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n@P",
    b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n@P",
    b"HTTP/1.1 200 OK\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello@P",
    b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n@P",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 100 Continue\r\n\r\n@P@P",
    b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@P",
    b"HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n@P",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 099 Odd\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 600 Odd\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 1000 Odd\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/2 200\r\nContent-Length: 5\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: Content-Length\r\n\r\nhello@P",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n\r\n0\r\n\r\n@P",
    b"hello, I speak something else\r\n\r\n@P",
    b"\r\n\r\n\r\n@P",
];

/// A server that answers `/evilN` so, and everything else with its own target. What it sent unasked it sends at once.
async fn evil() -> Rude {
    Rude::serve(|mut connection| async move {
        loop {
            let head = connection.read_head().await?;
            let head = String::from_utf8_lossy(&head).into_owned();
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let number = target
                .split("evil")
                .nth(1)
                .and_then(|number| number.parse::<usize>().ok());
            let answer = match number.and_then(|number| EVIL.get(number)) {
                Some(evil) => filled(evil),
                None => {
                    let body = if head.starts_with("HEAD") {
                        String::new()
                    } else {
                        format!("echo:{target}")
                    };
                    let length = format!("echo:{target}").len();
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
                        .into_bytes()
                }
            };
            connection.write(&answer).await?;
        }
    })
    .await
    .unwrap()
}

fn filled(evil: &[u8]) -> Vec<u8> {
    match evil
        .strip_suffix(b"@P@P")
        .or_else(|| evil.strip_suffix(b"@P"))
    {
        Some(answer) => [answer, POISON.as_bytes(), POISON.as_bytes()].concat(),
        None => evil.to_vec(),
    }
}

fn request(method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: proxy.example.com\r\n{more}\r\n")
}

async fn tls(edge: &Edge, bytes: String, time: Duration) -> Got {
    Dial::plain(edge.plain()).send(bytes, time).await.unwrap()
}

/// An innocent client gets its own answers, whatever happened on the server's connections before.
async fn innocent(edge: &Edge, number: usize) {
    for turn in 0..3 {
        let target = format!("/gadgets/innocent{number}.{turn}");
        let got = tls(edge, request("GET", &target, "Connection: close\r\n"), SOON).await;
        let want = format!("echo:/base/innocent{number}.{turn}");
        assert_eq!(
            String::from_utf8_lossy(got.body()),
            want,
            "after {}",
            EVIL[number].escape_ascii()
        );
        assert_eq!(got.statuses(), [200]);
        assert!(!got.text().contains("oison"), "{}", got.text());
    }
}

#[tokio::test]
async fn no_answer_is_seen_by_a_client_that_did_not_ask_for_it() {
    let server = evil().await;
    let edge = edge(&server.address().to_string(), "").await;
    for number in 0..EVIL.len() {
        for method in ["GET", "HEAD"] {
            // A second request right behind: a strict client takes the next answer for it.
            let evil = request(method, &format!("/gadgets/evil{number}"), "");
            let own = request(
                "GET",
                &format!("/gadgets/own{number}"),
                "Connection: close\r\n",
            );
            let got = tls(&edge, evil + &own, Duration::from_millis(300)).await;
            judge(&got, method == "HEAD", number);
            innocent(&edge, number).await;
        }
    }
    no_panics();
}

/// Reads the answers as a strict client does: the second, if there is one, is the one to the second request.
fn judge(got: &Got, head: bool, number: usize) {
    let context = format!(
        "{} gave {}",
        EVIL[number].escape_ascii(),
        got.bytes.escape_ascii()
    );
    assert!(!got.text().contains("Pingora"), "{context}");
    let mut rest = got.bytes.as_slice();
    let mut answers = Vec::new();
    while !rest.is_empty() {
        let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") else {
            break;
        };
        let text = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 4..];
        let status: u16 = text
            .get(9..12)
            .and_then(|code| code.parse().ok())
            .unwrap_or_else(|| panic!("{context}"));
        assert_ne!(status, 101, "nobody asked for it: {context}");
        if status < 200 {
            continue;
        }
        let field = |name: &str| {
            let lines = text.lines().skip(1).filter_map(|line| line.split_once(':'));
            let values: Vec<_> = lines
                .filter(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| v.trim().to_owned())
                .collect();
            assert!(values.len() <= 1, "{name} {values:?}: {context}");
            values.first().cloned()
        };
        let (length, coding) = (field("content-length"), field("transfer-encoding"));
        assert!(
            length.is_none() || coding.is_none(),
            "two lengths: {context}"
        );
        assert!(
            coding.as_deref().is_none_or(|coding| coding == "chunked"),
            "{context}"
        );
        let bodiless = (head && answers.is_empty()) || status == 204 || status == 304;
        let body = match (bodiless, length) {
            (true, _) => &rest[..0],
            (false, Some(length)) => {
                let length: usize = length.parse().unwrap_or_else(|_| panic!("{context}"));
                &rest[..length.min(rest.len())]
            }
            (false, None) => match coding {
                Some(_) => {
                    let end = rest
                        .windows(5)
                        .position(|five| five == b"0\r\n\r\n")
                        .map_or(rest.len(), |at| at + 5);
                    &rest[..end]
                }
                None => rest,
            },
        };
        rest = &rest[body.len()..];
        answers.push((status, String::from_utf8_lossy(body).into_owned()));
    }
    assert!(answers.len() <= 2, "{answers:?}: {context}");
    if let Some((_, body)) = answers.get(1) {
        assert_eq!(body, &format!("echo:/base/own{number}"), "{context}");
    }
}

#[tokio::test]
async fn an_endless_head_and_a_flood_of_1xx_end() {
    for server in [
        loadtest::rude::endless_header().await.unwrap(),
        loadtest::rude::huge_header(4 << 20).await.unwrap(),
        loadtest::rude::flood_of_informational(None).await.unwrap(),
    ] {
        let edge = edge(&server.address().to_string(), "").await;
        let bytes = request("GET", "/gadgets/x", "Connection: close\r\n");
        let got = tls(&edge, bytes, Duration::from_secs(2)).await;
        // A client that reads gets the flood for as long as it stays; then the server's connection goes too.
        assert!(!got.statuses().contains(&200), "{:?}", got.ended);
        server.wait_for_leavers(1, SOON).await.unwrap();
    }
    no_panics();
}

#[tokio::test]
async fn an_answer_before_the_body_ends_the_upload_and_not_more() {
    let server = loadtest::rude::answers_early().await.unwrap();
    let edge = edge(&server.address().to_string(), "").await;
    let head = request("POST", "/gadgets/x", "Content-Length: 60000\r\n");
    let got = tls(
        &edge,
        format!("{head}abc{}", request("GET", "/gadgets/smuggled", "")),
        Duration::from_secs(1),
    )
    .await;
    assert!(got.statuses().len() <= 1, "{}", got.text());
    let texts: Vec<_> = server
        .seen()
        .iter()
        .map(loadtest::rude::Seen::text)
        .collect();
    assert!(
        texts
            .iter()
            .all(|text| !text.starts_with("GET /base/smuggled")),
        "{texts:?}"
    );
    no_panics();
}
