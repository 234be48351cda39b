//! The rude client against the rude servers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::net::IpAddr;
use std::time::Duration;

use loadtest::rude::client::{Dial, Ended, Got};
use loadtest::rude::{self, End, Rude, Upgrade};
use loadtest::wire::{Authority, Reply, Respond, Server, ServerOptions, ServerTls};

const DEADLINE: Duration = Duration::from_secs(10);
/// How long something that must not happen is watched for.
const WATCH: Duration = Duration::from_millis(200);
const GET: &str = "GET /one HTTP/1.1\r\nHost: a\r\n\r\n";

async fn get(server: &Rude, deadline: Duration) -> Got {
    Dial::plain(server.address())
        .send(GET, deadline)
        .await
        .unwrap()
}

/// What the server sends up to and with this mark, on a connection that stays open.
async fn through(server: &Rude, request: &str, mark: &str) -> String {
    let mut line = Dial::plain(server.address()).open().await.unwrap();
    line.write(request.as_bytes()).await.unwrap();
    let got = line.read_until(mark.as_bytes(), DEADLINE).await.unwrap();
    String::from_utf8_lossy(&got).into_owned()
}

/// A text frame as a client sends it, masked.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 11, 13, 17];
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        size @ 0..=125 => frame.push(0x80 | size as u8),
        size => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(size as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

const UPGRADE: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn a_websocket_is_accepted_at_once_and_frames_come_back() {
    let server = rude::websocket_echo(Upgrade::WithFrame("welcome".into()))
        .await
        .unwrap();
    let mut line = Dial::plain(server.address()).open().await.unwrap();
    // The first frame of the client is on its way with the upgrade, too.
    line.write(&[UPGRADE, &masked(1, b"early")].concat())
        .await
        .unwrap();
    let head = line.read_until(b"\r\n\r\n", DEADLINE).await.unwrap();
    let head = String::from_utf8(head.to_vec()).unwrap();
    assert!(
        head.starts_with("HTTP/1.1 101 ")
            && head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(
        &line.read_exactly(9, DEADLINE).await.unwrap()[..],
        b"\x81\x07welcome"
    );
    assert_eq!(
        &line.read_exactly(7, DEADLINE).await.unwrap()[..],
        b"\x81\x05early"
    );
    line.write(&masked(9, b"p")).await.unwrap();
    assert_eq!(
        &line.read_exactly(3, DEADLINE).await.unwrap()[..],
        b"\x8a\x01p"
    );
    let long = vec![b'l'; 1_000];
    line.write(&masked(2, &long)).await.unwrap();
    assert_eq!(
        &line.read_exactly(4, DEADLINE).await.unwrap()[..],
        b"\x82\x7e\x03\xe8"
    );
    assert_eq!(line.read_exactly(1_000, DEADLINE).await.unwrap(), long);
    line.write(&masked(8, &[3, 232])).await.unwrap();
    assert_eq!(
        line.read_to_end(DEADLINE).await,
        ((&b"\x88\x02\x03\xe8"[..]).into(), Ended::Closed)
    );
}

#[tokio::test]
async fn the_first_frame_comes_in_the_segment_of_the_101() {
    let server = rude::websocket_echo(Upgrade::WithFrame("welcome".into()))
        .await
        .unwrap();
    let mut tcp = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut tcp, UPGRADE)
        .await
        .unwrap();
    let mut one_read = vec![0; 4096];
    let size = tokio::io::AsyncReadExt::read(&mut tcp, &mut one_read)
        .await
        .unwrap();
    assert!(one_read[..size].ends_with(b"\r\n\r\n\x81\x07welcome"));
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_gets_400_from_the_websocket() {
    let server = rude::websocket_echo(Upgrade::Plain).await.unwrap();
    let got = get(&server, DEADLINE).await;
    assert_eq!((got.status(), got.ended), (Some(400), Ended::Closed));
}

#[tokio::test]
async fn answers_that_stop_too_early_stop_where_they_say() {
    let half = rude::half_a_head().await.unwrap();
    let got = get(&half, WATCH).await;
    assert_eq!(
        (got.text().as_str(), got.ended),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/pl", Ended::Open)
    );
    half.wait_for_leavers(1, DEADLINE).await.unwrap();

    let got = get(&rude::length_body_cut(1_000, 10).await.unwrap(), DEADLINE).await;
    assert!(got.head().ends_with("Content-Length: 1000"));
    assert_eq!((got.body(), got.ended), (&b"xxxxxxxxxx"[..], Ended::Closed));

    let got = get(&rude::chunked_body_cut(2).await.unwrap(), DEADLINE).await;
    assert_eq!((got.body().len(), got.ended), (2 * 15 + 8, Ended::Closed));

    let got = get(&rude::resets_at_once().await.unwrap(), DEADLINE).await;
    assert_eq!((got.bytes.len(), got.ended), (0, Ended::Reset));
}

#[tokio::test]
async fn a_kept_connection_is_closed_when_the_next_request_arrives() {
    for (reset, ended) in [(false, Ended::Closed), (true, Ended::Reset)] {
        let server = rude::closes_on_next_request(reset).await.unwrap();
        let mut line = Dial::plain(server.address()).open().await.unwrap();
        line.write(GET.as_bytes()).await.unwrap();
        line.read_until(b"first", DEADLINE).await.unwrap();
        assert!(server.seen()[0].end.is_none(), "kept until then");
        line.write(GET.as_bytes()).await.unwrap();
        let (rest, how) = line.read_to_end(DEADLINE).await;
        assert_eq!((rest.len(), how), (0, ended));
        let seen = server
            .wait_for("the end", DEADLINE, |seen| seen[0].end == Some(End::Script))
            .await
            .unwrap();
        assert_eq!(seen[0].heads(), 2);
    }
}

#[tokio::test]
async fn broken_framing_is_sent_as_it_is_named() {
    for (server, part) in [
        (
            rude::two_lengths().await,
            "Content-Length: 5\r\nContent-Length: 11\r\n",
        ),
        (
            rude::length_and_chunked().await,
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
        (rude::bare_line_feed().await, "X-One: 1\nX-Two: 2\r\n"),
        (rude::obsolete_fold().await, "X-Folded: one\r\n two\r\n"),
        (
            rude::body_after_head().await,
            "Content-Length: 5\r\n\r\nhello",
        ),
        (
            rude::body_in_no_content().await,
            "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
        ),
        (
            rude::body_in_not_modified().await,
            "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 5\r\n\r\nhello",
        ),
        (
            rude::invalid_location().await,
            "Location: http://[::bad]:port%zz/ icws\r\n",
        ),
    ] {
        through(&server.unwrap(), &GET.replace("GET", "HEAD"), part).await;
    }
    let server = rude::wrong_reason().await.unwrap();
    let mut line = Dial::plain(server.address()).open().await.unwrap();
    line.write(GET.as_bytes()).await.unwrap();
    let got = line.read_until(b"\r\n", DEADLINE).await.unwrap();
    assert_eq!(&got[..], b"HTTP/1.1 200 \xff\xfe\x01\r\n");
}

#[tokio::test]
async fn large_and_endless_heads_are_large_and_endless() {
    let got = through(&rude::huge_header(2_000_000).await.unwrap(), GET, "hello").await;
    assert!(got.len() > 2_000_000 && got.ends_with("\r\n\r\nhello"));

    let got = through(&rude::many_cookies(200).await.unwrap(), GET, "hello").await;
    assert_eq!(got.matches("Set-Cookie: icws_1=v").count(), 200);

    let flood = rude::flood_of_informational(Some(50)).await.unwrap();
    let got = through(&flood, GET, "hello").await;
    assert_eq!(got.matches("HTTP/1.1 100 Continue").count(), 50);

    for server in [
        rude::endless_header().await.unwrap(),
        rude::flood_of_informational(None).await.unwrap(),
    ] {
        let mut line = Dial::plain(server.address()).open().await.unwrap();
        line.write(GET.as_bytes()).await.unwrap();
        line.read_exactly(1_000_000, DEADLINE).await.unwrap();
        line.reset();
        server.wait_for_leavers(1, DEADLINE).await.unwrap();
    }
}

#[tokio::test]
async fn endless_events_come_one_by_one_and_the_leaving_of_the_reader_is_noticed() {
    let server = rude::endless_events(Duration::from_millis(5))
        .await
        .unwrap();
    let mut line = Dial::plain(server.address()).open().await.unwrap();
    line.write(GET.as_bytes()).await.unwrap();
    line.read_until(b"id: 3\n", DEADLINE).await.unwrap();
    assert!(server.seen()[0].end.is_none());
    drop(line);
    let seen = server.wait_for_leavers(1, DEADLINE).await.unwrap();
    assert!(seen[0].ended.is_some());
}

#[tokio::test]
async fn a_leaving_reader_is_noticed_between_two_events_too() {
    let server = rude::endless_events(Duration::from_secs(3600))
        .await
        .unwrap();
    let mut line = Dial::plain(server.address()).open().await.unwrap();
    line.write(GET.as_bytes()).await.unwrap();
    line.read_until(b"id: 0\n", DEADLINE).await.unwrap();
    drop(line);
    server.wait_for_leavers(1, DEADLINE).await.unwrap();
}

#[tokio::test]
async fn a_server_that_never_reads_makes_the_sender_wait() {
    let server = rude::never_reads().await.unwrap();
    let got = Dial::plain(server.address())
        .send(vec![b'x'; 32_000_000], WATCH)
        .await
        .unwrap();
    assert_eq!(
        (got.bytes.len(), got.sent_all, got.ended),
        (0, false, Ended::Open)
    );
}

#[tokio::test]
async fn an_answer_before_the_body_is_read_comes_through() {
    let server = rude::answers_early().await.unwrap();
    let mut line = Dial::plain(server.address()).open().await.unwrap();
    line.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        .await
        .unwrap();
    let head = line
        .read_until(b"\r\n\r\ntoo much", DEADLINE)
        .await
        .unwrap();
    assert!(head.starts_with(b"HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_request_is_echoed_byte_for_byte() {
    let server = rude::echoes_request().await.unwrap();
    let mut line = Dial::plain(server.address()).open().await.unwrap();
    for request in [
        "GET /a%2Fb?x=%zz HTTP/1.1\r\nhOST: a\r\nX:   spaced  \r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\nTrailer: t\r\n\r\n".to_owned(),
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n{}", "y".repeat(300_000)),
    ] {
        line.write(request.as_bytes()).await.unwrap();
        let head = line.read_until(b"\r\n\r\n", DEADLINE).await.unwrap();
        let head = String::from_utf8(head.to_vec()).unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", request.len())), "{head}");
        assert_eq!(line.read_exactly(request.len(), DEADLINE).await.unwrap(), request);
    }
    let odd = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello";
    let got = Dial::plain(server.address())
        .send(odd, DEADLINE)
        .await
        .unwrap();
    assert!(
        got.body().ends_with(b"Content-Length: 6\r\n\r\n"),
        "its end cannot be told, so the head it is"
    );
}

#[tokio::test]
async fn a_dripping_body_arrives_whole_in_many_pieces() {
    let server = rude::drips(b"drip drop", Duration::from_millis(2))
        .await
        .unwrap();
    let mut line = Dial::plain(server.address()).open().await.unwrap();
    for _ in 0..2 {
        line.write(GET.as_bytes()).await.unwrap();
        line.read_until(b"\r\n\r\ndrip drop", DEADLINE)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_client_drips_half_closes_and_binds_where_it_is_told() {
    let server = Rude::serve(|mut connection| async move {
        connection.read_head().await?;
        connection.write(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
        connection.until_gone().await?;
        Ok(connection)
    })
    .await
    .unwrap();
    let from: IpAddr = "127.0.0.9".parse().unwrap();
    let dial = Dial::plain(server.address())
        .from(from)
        .drip(3, Duration::from_millis(1))
        .half_close();
    let got = dial.send(GET, DEADLINE).await.unwrap();
    assert_eq!(
        (got.status(), got.sent_all, got.ended),
        (Some(204), true, Ended::Closed)
    );
    let seen = server.wait_for_leavers(1, DEADLINE).await.unwrap();
    assert_eq!((seen[0].peer.ip(), seen[0].text().as_str()), (from, GET));
}

#[tokio::test]
async fn the_client_chooses_server_name_protocol_and_trust() {
    let authority = Authority::new("Simulated authority").unwrap();
    let identity = authority.issue(&["one.example"]).unwrap();
    let options = ServerOptions {
        tls: Some(ServerTls::new(identity)),
        ..ServerOptions::default()
    };
    let server = Server::start(
        options,
        Respond(|_| Reply::new(200).body("hello").closing()),
    )
    .await
    .unwrap();
    let dial = Dial::tls(server.address());
    let got = dial
        .clone()
        .sni("two.example")
        .alpn(&["h2", "http/1.1"])
        .send(GET, DEADLINE)
        .await
        .unwrap();
    assert_eq!(
        (got.status(), got.alpn.as_deref(), got.body()),
        (Some(200), Some("http/1.1"), &b"hello"[..])
    );
    let seen = server
        .recorder()
        .last(|record| record.target() == "/one")
        .unwrap();
    assert_eq!(seen.connected.sni.as_deref(), Some("two.example"));
    let bare = dial.clone().send(GET, DEADLINE).await.unwrap();
    assert_eq!((bare.status(), bare.alpn), (Some(200), None));
    assert_eq!(server.recorder().all().last().unwrap().connected.sni, None);
    let trusting = dial.trusting(&authority.pem());
    assert!(
        trusting
            .clone()
            .sni("one.example")
            .send(GET, DEADLINE)
            .await
            .is_ok()
    );
    assert!(
        trusting
            .sni("two.example")
            .send(GET, DEADLINE)
            .await
            .is_err(),
        "the name is verified"
    );
    let plain = rude::half_a_head().await.unwrap();
    let dial = Dial::tls(plain.address()).prelude(GET);
    assert!(
        dial.open().await.is_err(),
        "an answer in plain text is no TLS"
    );
    assert!(plain.seen()[0].text().starts_with(GET));
}
