//! Honest clients that look a little like an attack: many window updates, a PING now and then, a thin line, a server that takes its time.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::Rude;
use loadtest::rude::client::{Dial, Line};
use loadtest::slow::{BRIEF, ENDLESS, HOST, frame, get, hpack};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};

use crate::support::*;

const DATA: u8 = 0;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;

/// An HTTP/2 client that answers every DATA frame with two window updates, as the most eager ones do.
struct Eager {
    line: Line,
    frames: usize,
    bytes: usize,
}

impl Eager {
    async fn asking(stage: &Stage, path: &str) -> Eager {
        let mut line = stage.tls("h2").open().await.unwrap();
        let greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let request = frame(1, 5, 1, &hpack(&get(HOST, path)));
        let all = [greeting.to_vec(), frame(4, 0, 0, &[]), request];
        line.write(&all.concat()).await.unwrap();
        Eager {
            line,
            frames: 0,
            bytes: 0,
        }
    }

    /// Takes a frame, and answers it.
    async fn take(&mut self) {
        let head = self.line.read_exactly(9, SOON).await.unwrap();
        let len = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        self.line.read_exactly(len, SOON).await.unwrap();
        assert_ne!(head[3], 7, "GOAWAY");
        if head[3] == DATA && len > 0 {
            self.frames += 1;
            self.bytes += len;
            let more = u32::try_from(len).unwrap().to_be_bytes();
            let answer = [
                frame(WINDOW_UPDATE, 0, 1, &more),
                frame(WINDOW_UPDATE, 0, 0, &more),
                frame(PING, 0, 0, &[7; 8]),
            ];
            self.line.write(&answer.concat()).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_stream_and_a_large_download_may_be_answered_frame_by_frame() {
    let events = loadtest::rude::endless_events(Duration::from_millis(1));
    let events = events.await.unwrap();
    let stage = stage(SHORT).await;
    let yaml = format!(
        "{SHORT}
servers: {{ events: {{ kind: http, url: 'http://{}/' }} }}
hosts: {{ {HOST}: {{ server: events }} }}",
        events.address()
    );
    let of_events = Stage::before(Edge::start(&yaml, &[HOST]).await.unwrap());
    let mut listening = Eager::asking(&of_events, "/").await;
    while listening.frames < 3_000 {
        listening.take().await;
    }
    let mut loading = Eager::asking(&stage, ENDLESS).await;
    while loading.bytes < 100_000_000 {
        loading.take().await;
    }
    assert!(loading.frames > 3_000, "{} frames", loading.frames);
    assert_eq!(stage.refusals().await, []);
    assert_eq!(of_events.refusals().await, []);
}

#[tokio::test]
async fn a_thin_line_is_slow_and_not_an_attack() {
    let stage = stage(SHORT).await;
    // 5 KB/s for longer than every deadline, in pieces that come well before each.
    let post = format!(
        "POST {BRIEF} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: 10000\r\n\r\n"
    );
    let mut line = stage.plain().open().await.unwrap();
    line.write(post.as_bytes()).await.unwrap();
    line.drip(&[b'x'; 10_000], 1_000, Duration::from_millis(200))
        .await
        .unwrap();
    let answer = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "));

    let get = format!("GET {ENDLESS} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let dial = stage.plain().receive_buffer(4096);
    let mut line = dial.open().await.unwrap();
    line.write(get.as_bytes()).await.unwrap();
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        line.read_exactly(20_000, SOON).await.unwrap();
    }
    assert_eq!(stage.refusals().await, []);
}

/// A TLS connection that has agreed on HTTP/2.
async fn tls(address: std::net::SocketAddr) -> tokio_openssl::SslStream<tokio::net::TcpStream> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    connector.set_alpn_protos(b"\x02h2").unwrap();
    let configuration = connector.build().configure().unwrap();
    let ssl = configuration.verify_hostname(false).into_ssl(HOST).unwrap();
    let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut stream = tokio_openssl::SslStream::new(ssl, tcp).unwrap();
    std::pin::Pin::new(&mut stream).connect().await.unwrap();
    stream
}

#[tokio::test]
async fn an_upload_that_waits_for_the_server_is_not_the_clients_fault() {
    let server = Rude::serve(|mut connection| async move {
        connection.read_head().await?;
        // Longer than the client itself may be silent.
        tokio::time::sleep(DEADLINE * 3).await;
        let mut left: usize = 40 << 20;
        loop {
            left = left.saturating_sub(connection.ahead().len());
            connection.take(connection.ahead().len());
            if left == 0 {
                break;
            }
            connection.fill().await?;
        }
        connection
            .write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            .await?;
        connection.until_gone().await?;
        Ok(connection)
    });
    let server = server.await.unwrap();
    let yaml = format!(
        "limits: {{ request_body: {{ size: 1GiB, idle: 1s }}, write_idle: 1s }}
servers: {{ slow: {{ kind: http, url: 'http://{}/' }} }}
hosts: {{ {HOST}: {{ server: slow }} }}",
        server.address()
    );
    let stage = Stage::before(Edge::start(&yaml, &[HOST]).await.unwrap());
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        40 << 20
    );
    let mut bytes = head.into_bytes();
    bytes.resize(bytes.len() + (40 << 20), b'x');
    let got = Dial::plain(stage.edge.plain())
        .send(bytes, SOON)
        .await
        .unwrap();
    assert_eq!(got.status(), Some(200), "{}", got.text());

    let tls = tls(stage.edge.https()).await;
    let (client, connection) = h2::client::handshake(tls).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = http::Request::post(format!("https://{HOST}/"))
        .body(())
        .unwrap();
    let (answer, mut body) = client.send_request(request, false).unwrap();
    let mut left: usize = 40 << 20;
    while left > 0 {
        body.reserve_capacity(left.min(16_384));
        let granted = std::future::poll_fn(|cx| body.poll_capacity(cx)).await;
        let n = granted.unwrap().unwrap().min(left);
        left -= n;
        body.send_data(vec![b'x'; n].into(), left == 0).unwrap();
    }
    assert_eq!(answer.await.unwrap().status(), 200);
    assert_eq!(stage.refusals().await, []);
}
