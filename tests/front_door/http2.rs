use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Request, Response};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use portcullis::front_door::ListenerSettings;
use portcullis::reason::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::support::*;
use crate::tls::{certificate, ec_key, handshake, tls_listener};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

fn listener() -> ListenerSettings {
    tls_listener(&[certificate(ec_key(), "a", &["a.example"])], |_| {})
}

/// A TLS connection that has agreed on HTTP/2.
pub async fn connect(address: SocketAddr) -> SslStream<TcpStream> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    connector.set_alpn_protos(b"\x02h2").unwrap();
    handshake(address, connector, Some("a.example"))
        .await
        .unwrap()
}

async fn raw(house: &House) -> SslStream<TcpStream> {
    connect(house.address()).await
}

async fn client(house: &House) -> SendRequest<Bytes> {
    let (client, connection) = h2::client::handshake(raw(house).await).await.unwrap();
    tokio::spawn(connection);
    client.ready().await.unwrap()
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("https://a.example{path}"))
        .body(())
        .unwrap()
}

async fn finish(response: h2::client::ResponseFuture) -> (Response<()>, Vec<u8>) {
    let read = tokio::time::timeout(PATIENCE, async {
        let (head, mut body) = response.await.expect("an answer").into_parts();
        let mut all = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk.expect("the whole body");
            let _ = body.flow_control().release_capacity(chunk.len());
            all.extend_from_slice(&chunk);
        }
        (Response::from_parts(head, ()), all)
    });
    read.await.expect("an answer in time")
}

/// Bytes until the other side closes, as far as they come.
async fn closed(stream: &mut SslStream<TcpStream>) {
    let mut all = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all)).await;
    let _ = read.expect("the front door closes in time");
}

fn value<'a>(response: &'a Response<()>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn streams_see_their_connection_and_bodies_are_whole() {
    let house = House::open(vec![listener()]).await;
    let mut client = client(&house).await;
    let mut pending = Vec::new();
    for n in 0..20usize {
        let request = Request::post("https://a.example/x").body(()).unwrap();
        let (response, mut send) = client.send_request(request, false).unwrap();
        send.send_data(Bytes::from(vec![b'a'; n * 100]), true)
            .unwrap();
        pending.push((n, response));
    }
    let mut ids = Vec::new();
    for (n, response) in pending {
        let (head, body) = finish(response).await;
        assert_eq!(body.len(), n * 100);
        assert_eq!(value(&head, "x-http2"), "true");
        assert_eq!(value(&head, "x-sni"), "Some(\"a.example\")");
        assert_eq!(value(&head, "x-peer"), value(&head, "x-client-addr"));
        ids.push(value(&head, "x-id").to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one connection");
    drop(client);
    house.emptied().await;
    assert!(house.refusals().is_empty());
}

#[tokio::test]
async fn a_body_larger_than_every_window_passes() {
    let house = House::open(vec![listener()]).await;
    let mut client = client(&house).await;
    let request = Request::post("https://a.example/x").body(()).unwrap();
    let (response, mut send) = client.send_request(request, false).unwrap();
    let size = 2 << 20;
    let mut left = size;
    while left > 0 {
        send.reserve_capacity(left.min(16384));
        let granted = std::future::poll_fn(|cx| send.poll_capacity(cx))
            .await
            .unwrap()
            .unwrap();
        let n = granted.min(left);
        left -= n;
        send.send_data(Bytes::from(vec![b'a'; n]), left == 0)
            .unwrap();
    }
    assert_eq!(finish(response).await.1.len(), size);
}

#[tokio::test]
async fn header_lists_are_judged_as_strictly_as_http1_heads() {
    let mut settings = listener();
    settings.head.fields = 10;
    let house = House::open(vec![settings]).await;
    let mut client = client(&house).await;
    let build =
        |request: http::request::Builder| request.uri("https://a.example/x").body(()).unwrap();
    let many = (0..12).fold(Request::get("/"), |request, n| {
        request.header(format!("x-{n}"), "y")
    });
    let table = [
        (
            build(Request::builder().method("TRACE")),
            405,
            Reason::MethodNotAllowed,
        ),
        (
            build(Request::builder().method("PROPFIND")),
            405,
            Reason::MethodNotAllowed,
        ),
        (
            build(Request::builder().method("get")),
            405,
            Reason::MethodNotAllowed,
        ),
        (build(many), 431, Reason::TooManyFields),
        (
            build(Request::get("/").header("x-a", &b"\xff"[..])),
            400,
            Reason::MalformedHead,
        ),
        (
            build(Request::get("/").header("x_forwarded_for", "1")),
            400,
            Reason::MalformedHead,
        ),
        (
            build(Request::get("/").header("expect", "202-x")),
            400,
            Reason::MalformedHead,
        ),
        (
            Request::get("http://a.example/x").body(()).unwrap(),
            400,
            Reason::MalformedHead,
        ),
        (
            Request::options("https://a.example")
                .uri("https://a.example:0/")
                .body(())
                .unwrap(),
            400,
            Reason::BadHost,
        ),
    ];
    for (request, status, reason) in table {
        let shown = format!("{request:?}");
        let (response, _) = client.send_request(request, true).unwrap();
        let (head, _) = finish(response).await;
        assert_eq!(head.status(), status, "{shown}");
        assert_eq!(head.headers().contains_key("allow"), status == 405);
        assert_eq!(
            house.keeper.refused.lock().unwrap().pop(),
            Some(reason),
            "{shown}"
        );
    }
    assert_eq!(
        house.app.entered.load(Ordering::SeqCst),
        0,
        "none reached the app"
    );
    let crumbs = (0..30).fold(Request::get("/"), |request, n| {
        request.header("cookie", format!("c{n}=1"))
    });
    let (response, _) = client.send_request(build(crumbs), true).unwrap();
    assert_eq!(
        finish(response).await.0.status(),
        200,
        "cookie crumbs are one field"
    );
}

#[tokio::test]
async fn a_header_list_over_the_limit_is_431() {
    let mut settings = listener();
    settings.head.size = 4000;
    let house = House::open(vec![settings]).await;
    let mut client = client(&house).await;
    let request = Request::get("https://a.example/")
        .header("x", "y".repeat(5000))
        .body(())
        .unwrap();
    let (response, _) = client.send_request(request, true).unwrap();
    assert_eq!(finish(response).await.0.status(), 431);
}

#[tokio::test]
async fn a_preface_that_does_not_come_whole_ends_the_connection() {
    let house = House::open(vec![listener()]).await;
    for part in [
        &b""[..],
        &PREFACE[..10],
        PREFACE,
        &[PREFACE, &SETTINGS[..8]].concat(),
    ] {
        let mut stream = raw(&house).await;
        stream.write_all(part).await.unwrap();
        closed(&mut stream).await;
        until(|| house.door.open_connections() == 0).await;
        assert_eq!(
            house.keeper.refused.lock().unwrap().pop(),
            Some(Reason::PrefaceTimeout)
        );
    }
    house.emptied().await;
}

#[tokio::test]
async fn a_header_block_dripped_in_continuations_ends_the_connection() {
    let house = House::open(vec![listener()]).await;
    let mut stream = raw(&house).await;
    // One HEADERS frame that leaves the block open, then a CONTINUATION whose bytes come one at a time. (Many small frames would be
    // ended by the library's own count.)
    let headers = [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82];
    let continuation = [0, 64, 0, 9, 4, 0, 0, 0, 1];
    stream
        .write_all(&[PREFACE, SETTINGS, &headers, &continuation].concat())
        .await
        .unwrap();
    let ended = tokio::time::timeout(PATIENCE, async {
        while stream.write_all(&[0x82]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    ended.await.expect("it ends");
    house.emptied().await;
    assert_eq!(house.refusals(), [Reason::HeadTimeout]);
}

#[tokio::test]
async fn half_a_frame_ends_the_connection() {
    let house = House::open(vec![listener()]).await;
    let mut stream = raw(&house).await;
    stream
        .write_all(&[PREFACE, SETTINGS, &[0, 0, 9, 1]].concat())
        .await
        .unwrap();
    closed(&mut stream).await;
    house.emptied().await;
    assert_eq!(house.refusals(), [Reason::HeadTimeout]);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let mut settings = listener();
    settings.http2.idle = Duration::from_millis(200);
    let house = House::open(vec![settings]).await;
    let mut client = client(&house).await;
    let (response, _) = client.send_request(get("/a"), true).unwrap();
    assert_eq!(finish(response).await.0.status(), 200);
    house.emptied().await;
}

#[tokio::test]
async fn a_stream_whose_body_stops_is_reset_and_its_neighbours_live() {
    let house = House::open(vec![listener()]).await;
    let mut client = client(&house).await;
    let post = || Request::post("https://a.example/x").body(()).unwrap();
    let (silent, _send) = client.send_request(post(), false).unwrap();
    let (started, mut send) = client.send_request(post(), false).unwrap();
    send.send_data(Bytes::from_static(b"abc"), false).unwrap();
    for stalled in [silent, started] {
        let answered = tokio::time::timeout(PATIENCE, stalled)
            .await
            .expect("in time");
        assert!(answered.expect_err("a reset").is_reset());
    }
    let (response, _) = client.send_request(get("/a"), true).unwrap();
    assert_eq!(finish(response).await.0.status(), 200);
    assert_eq!(house.refusals(), [Reason::BodyTimeout; 2]);
}

#[tokio::test]
async fn a_body_that_is_complete_may_wait_for_its_answer() {
    let house = House::open(vec![listener()]).await;
    let mut client = client(&house).await;
    let (response, _) = client.send_request(get("/gate"), true).unwrap();
    until(|| house.app.entered.load(Ordering::SeqCst) == 1).await;
    tokio::time::sleep(Duration::from_millis(500)).await; // longer than any deadline of a body
    house.app.gate.add_permits(1);
    assert_eq!(finish(response).await.0.status(), 200);
}

#[tokio::test]
async fn a_client_that_gives_no_window_is_cut_off() {
    let house = House::open(vec![listener()]).await;
    let mut client = client(&house).await;
    let (response, _) = client.send_request(get("/big"), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    let ended = tokio::time::timeout(PATIENCE, async {
        // Read without ever releasing capacity.
        while let Some(chunk) = body.data().await {
            if chunk.is_err() {
                return;
            }
        }
        panic!("the body cannot end");
    });
    ended.await.expect("it ends");
    assert_eq!(house.app.served.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let mut settings = listener();
    settings.http2.idle = PATIENCE * 2;
    let house = House::open(vec![settings]).await;
    let mut stream = raw(&house).await;
    stream
        .write_all(&[PREFACE, SETTINGS].concat())
        .await
        .unwrap();
    // Every ping wants an answer, and nobody takes them.
    let mut ping = vec![0, 0, 8, 6, 0, 0, 0, 0, 0];
    ping.extend([0; 8]);
    let many = ping.repeat(1000);
    let ended = tokio::time::timeout(PATIENCE, async {
        while stream.write_all(&many).await.is_ok() {}
    });
    ended.await.expect("it ends");
    house.emptied().await;
}

#[tokio::test]
async fn too_many_resets_end_the_connection() {
    let mut settings = listener();
    settings.http2.resets = 10;
    let house = House::open(vec![settings]).await;
    let mut client = client(&house).await;
    let ended = tokio::time::timeout(PATIENCE, async {
        loop {
            client = match client.ready().await {
                Ok(ready) => ready,
                Err(_) => return,
            };
            match client.send_request(get("/gate"), true) {
                Ok((_, mut send)) => send.send_reset(h2::Reason::CANCEL),
                Err(_) => return,
            }
            tokio::task::yield_now().await;
        }
    });
    ended.await.expect("it ends");
    house.emptied().await;
    assert_eq!(house.refusals(), [Reason::Http2Resets]);
}

#[tokio::test]
async fn a_connection_that_had_its_requests_says_goaway_and_finishes() {
    let mut settings = listener();
    settings.keep_alive_requests = 3;
    let house = House::open(vec![settings]).await;
    let mut client = client(&house).await;
    let (slow, _) = client.send_request(get("/gate"), true).unwrap();
    until(|| house.app.entered.load(Ordering::SeqCst) == 1).await;
    for _ in 0..2 {
        let (response, _) = client.send_request(get("/a"), true).unwrap();
        assert_eq!(finish(response).await.0.status(), 200);
    }
    let refused = tokio::time::timeout(PATIENCE, async {
        loop {
            client = match client.ready().await {
                Ok(ready) => ready,
                Err(_) => return,
            };
            tokio::task::yield_now().await;
        }
    });
    refused.await.expect("GOAWAY");
    house.app.gate.add_permits(1);
    assert_eq!(
        finish(slow).await.0.status(),
        200,
        "what was under way finishes"
    );
    house.emptied().await;
}
