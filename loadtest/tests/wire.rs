//! The raw server layer: exact bytes both ways, framing, records, faults and TLS.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::io::ErrorKind;
use std::time::Duration;

use loadtest::wire::{
    Authority, Exchange, Fault, Identity, Io, Recorder, Reply, Respond, Server, ServerOptions,
    ServerTls, Service,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(10);

async fn echo_server() -> Server {
    let respond = Respond(|record| {
        let reply = Reply::new(200)
            .header("X-Target", record.target())
            .body(record.body.clone());
        if record.target().starts_with("/chunked") {
            reply.chunked(3)
        } else {
            reply
        }
    });
    Server::start(ServerOptions::default(), respond)
        .await
        .unwrap()
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

async fn read_exactly(stream: &mut TcpStream, expected: &str) {
    let mut got = vec![0; expected.len()];
    let read = tokio::time::timeout(SOON, stream.read_exact(&mut got))
        .await
        .expect("an answer before the deadline");
    assert!(read.is_ok(), "ended early, expected {expected:?}");
    assert_eq!(String::from_utf8_lossy(&got), expected);
}

async fn read_to_end(stream: &mut TcpStream) -> (String, std::io::Result<usize>) {
    let mut got = Vec::new();
    let ended = tokio::time::timeout(SOON, stream.read_to_end(&mut got))
        .await
        .expect("an end before the deadline");
    (String::from_utf8_lossy(&got).into_owned(), ended)
}

#[tokio::test]
async fn requests_are_recorded_to_the_byte_and_a_connection_serves_many() {
    let server = echo_server().await;
    let mut stream = connect(&server).await;
    let head = "GET //a%2Fb/..;x/%7e?q=%41 HTTP/1.1\r\nhOST: one\r\nCookie: 2444387001; icws_1=x; Path=/icws\r\nX-A: 1\r\nx-a: 2\r\n\r\n";
    for _ in 0..2 {
        stream.write_all(head.as_bytes()).await.unwrap();
        read_exactly(
            &mut stream,
            "HTTP/1.1 200 OK\r\nX-Target: //a%2Fb/..;x/%7e?q=%41\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
    }
    let records = server
        .recorder()
        .wait_for_count(2, |r| r.over, SOON)
        .await
        .unwrap();
    assert_eq!(records[1].request.raw_head, head.as_bytes());
    assert_eq!(
        records[1].request.line(),
        "GET //a%2Fb/..;x/%7e?q=%41 HTTP/1.1"
    );
    let names: Vec<_> = records[1]
        .request
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["hOST", "Cookie", "X-A", "x-a"]);
    assert_eq!(
        records[1].header("cookie").unwrap(),
        "2444387001; icws_1=x; Path=/icws"
    );
    assert_eq!(
        records[0].connected.connection,
        records[1].connected.connection
    );
    assert_eq!(records[0].connected.peer, stream.local_addr().unwrap());
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn bodies_pass_in_both_framings_in_both_directions() {
    let server = echo_server().await;
    let mut stream = connect(&server).await;
    stream
        .write_all(b"POST /length HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")
        .await
        .unwrap();
    read_exactly(
        &mut stream,
        "HTTP/1.1 200 OK\r\nX-Target: /length\r\nContent-Length: 5\r\n\r\nhello",
    )
    .await;
    let chunked = "POST /chunked HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n";
    stream.write_all(chunked.as_bytes()).await.unwrap();
    let expected = "HTTP/1.1 200 OK\r\nX-Target: /chunked\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    read_exactly(&mut stream, expected).await;
    let record = server
        .recorder()
        .wait_for(|r| r.target() == "/chunked" && r.over, SOON)
        .await
        .unwrap();
    assert_eq!(
        (record.body.as_slice(), record.body_complete, record.status),
        (&b"hello"[..], true, Some(200))
    );
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_is_asked_for_its_body() {
    let server = echo_server().await;
    let mut stream = connect(&server).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        .await
        .unwrap();
    read_exactly(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(b"ok").await.unwrap();
    read_exactly(
        &mut stream,
        "HTTP/1.1 200 OK\r\nX-Target: /\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
}

#[tokio::test]
async fn an_answer_given_without_asking_for_the_body_closes_the_connection() {
    struct Refuse;
    impl Service for Refuse {
        async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
            exchange.reply(Reply::new(413)).await
        }
    }
    let server = Server::start(ServerOptions::default(), Refuse)
        .await
        .unwrap();
    let mut stream = connect(&server).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        .await
        .unwrap();
    let (answer, _) = read_to_end(&mut stream).await;
    assert_eq!(
        answer,
        "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
}

#[tokio::test]
async fn what_cannot_be_served_is_answered_400_closed_and_on_record() {
    let server = echo_server().await;
    let mut stream = connect(&server).await;
    let smuggled =
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    stream.write_all(smuggled.as_bytes()).await.unwrap();
    let (answer, _) = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("Connection: close\r\n"), "{answer}");
    let record = server.recorder().wait_for(|r| r.over, SOON).await.unwrap();
    assert_eq!((record.method(), record.status), ("POST", Some(400)));

    let mut stream = connect(&server).await;
    stream.write_all(b"not a request\r\n\r\n").await.unwrap();
    assert!(
        read_to_end(&mut stream)
            .await
            .0
            .starts_with("HTTP/1.1 400 ")
    );
    let record = server
        .recorder()
        .wait_for(|r| r.method().is_empty() && r.over, SOON)
        .await
        .unwrap();
    assert_eq!(record.request.raw_head, b"not a request\r\n\r\n");
}

#[tokio::test]
async fn an_http_1_0_connection_is_closed_after_its_answer() {
    let server = echo_server().await;
    let mut stream = connect(&server).await;
    stream
        .write_all(b"GET /old HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let (answer, ended) = read_to_end(&mut stream).await;
    assert!(
        ended.is_ok() && answer.ends_with("Connection: close\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn each_fault_breaks_the_answer_where_it_says() {
    let server = echo_server().await;
    let request = b"POST /f HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789";
    let head = "HTTP/1.1 200 OK\r\nX-Target: /f\r\nContent-Length: 10\r\n\r\n";

    server.faults().next("/f", 1, Fault::CloseInBody(4));
    let mut stream = connect(&server).await;
    stream.write_all(request).await.unwrap();
    let (answer, ended) = read_to_end(&mut stream).await;
    assert_eq!(answer, format!("{head}0123"));
    assert!(ended.is_ok());

    server.faults().next("/f", 1, Fault::ResetAfter(8));
    let mut stream = connect(&server).await;
    stream.write_all(request).await.unwrap();
    let (answer, ended) = read_to_end(&mut stream).await;
    assert!("HTTP/1.1".starts_with(&answer), "{answer}");
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);

    server.faults().next("/f", 1, Fault::CloseBeforeHead);
    let mut stream = connect(&server).await;
    stream.write_all(request).await.unwrap();
    assert_eq!(read_to_end(&mut stream).await.0, "");

    server.faults().next("/f", 1, Fault::HangInBody(2));
    let mut stream = connect(&server).await;
    stream.write_all(request).await.unwrap();
    read_exactly(&mut stream, &format!("{head}01")).await;
    let silence = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
    assert!(silence.is_err(), "hanging means neither a byte nor an end");
    let hanging = server.recorder().last(|r| r.target() == "/f").unwrap();
    assert!(!hanging.over);
    drop(stream);
    server
        .recorder()
        .wait_for(|r| r.number == hanging.number && r.over, SOON)
        .await
        .unwrap();

    server.faults().next("/f", 1, Fault::HangBeforeHead);
    let mut stream = connect(&server).await;
    stream.write_all(request).await.unwrap();
    let record = server
        .recorder()
        .wait_for(|r| r.number > hanging.number && r.body_complete, SOON)
        .await
        .unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), stream.read_u8())
            .await
            .is_err()
    );
    assert!(!record.answered && !record.over);

    let pause = Duration::from_millis(30);
    server.faults().next("/f", 1, Fault::Delay(pause));
    let mut stream = connect(&server).await;
    let asked = std::time::Instant::now();
    stream.write_all(request).await.unwrap();
    read_exactly(&mut stream, &format!("{head}0123456789")).await;
    assert!(asked.elapsed() >= pause);

    // The connection is none the worse for a fault that is over.
    stream.write_all(request).await.unwrap();
    read_exactly(&mut stream, &format!("{head}0123456789")).await;
}

#[tokio::test]
async fn an_early_answer_is_whole_although_the_body_never_was() {
    struct Early;
    impl Service for Early {
        async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
            exchange
                .reply_early(Reply::new(413).body("too large"))
                .await
        }
    }
    let server = Server::start(ServerOptions::default(), Early)
        .await
        .unwrap();
    let mut stream = connect(&server).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nabc")
        .await
        .unwrap();
    let (answer, ended) = read_to_end(&mut stream).await;
    assert!(
        ended.is_ok() && answer.ends_with("Connection: close\r\n\r\ntoo large"),
        "{answer}"
    );
    drop(stream);
    let record = server.recorder().wait_for(|r| r.over, SOON).await.unwrap();
    assert!(record.answered && !record.body_complete);
}

#[tokio::test]
async fn connections_are_refused_and_accepted_again_on_the_same_port() {
    let server = echo_server().await;
    server.refuse_connections(true).await;
    let refused = TcpStream::connect(server.address()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    server.refuse_connections(false).await;
    let mut stream = connect(&server).await;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    read_exactly(&mut stream, "HTTP/1.1 200 OK\r\n").await;
}

#[tokio::test]
async fn open_connections_are_reset_on_demand_and_end_with_the_server() {
    let server = echo_server().await;
    let mut first = connect(&server).await;
    first.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    read_exactly(
        &mut first,
        "HTTP/1.1 200 OK\r\nX-Target: /\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    server.reset_connections();
    assert_eq!(
        read_to_end(&mut first).await.1.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );

    let mut second = connect(&server).await;
    second.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    read_exactly(
        &mut second,
        "HTTP/1.1 200 OK\r\nX-Target: /\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let address = server.address();
    drop(server);
    assert!(read_to_end(&mut second).await.1.is_err());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_streamed_answer_is_flushed_event_by_event_and_notices_that_the_client_left() {
    struct Ticks;
    impl Service for Ticks {
        async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
            let mut events = exchange
                .stream(Reply::new(200).header("Content-Type", "text/event-stream"))
                .await?;
            events.send(b"data: 1\n\n").await?;
            events.closed().await;
            Ok(())
        }
    }
    let server = Server::start(ServerOptions::default(), Ticks)
        .await
        .unwrap();
    let mut stream = connect(&server).await;
    stream
        .write_all(b"GET /events HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    read_exactly(&mut stream, &format!("{head}9\r\ndata: 1\n\n\r\n")).await;
    drop(stream);
    let record = server.recorder().wait_for(|r| r.over, SOON).await.unwrap();
    assert!(!record.answered);
}

#[tokio::test]
async fn a_protocol_switch_hands_over_the_stream_with_the_bytes_sent_ahead() {
    struct Upgrade;
    impl Service for Upgrade {
        async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
            let switch = Reply::new(101)
                .header("Upgrade", "websocket")
                .header("Connection", "Upgrade");
            let (ahead, stream) = exchange.upgrade(switch).await?;
            stream.write_all(&ahead).await
        }
    }
    let server = Server::start(ServerOptions::default(), Upgrade)
        .await
        .unwrap();
    let mut stream = connect(&server).await;
    stream
        .write_all(b"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly")
        .await
        .unwrap();
    read_exactly(&mut stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly").await;
}

async fn tls_get(
    server: &Server,
    name: &str,
    trust: &str,
    client: Option<&Identity>,
) -> Result<String, String> {
    use openssl::ssl::{SslConnector, SslMethod};
    let mut builder = SslConnector::builder(SslMethod::tls()).unwrap();
    builder
        .cert_store_mut()
        .add_cert(openssl::x509::X509::from_pem(trust.as_bytes()).unwrap())
        .unwrap();
    if let Some(identity) = client {
        builder
            .set_certificate(
                &openssl::x509::X509::from_pem(identity.certificate_pem.as_bytes()).unwrap(),
            )
            .unwrap();
        builder
            .set_private_key(
                &openssl::pkey::PKey::private_key_from_pem(identity.key_pem.as_bytes()).unwrap(),
            )
            .unwrap();
    }
    let ssl = builder.build().configure().unwrap().into_ssl(name).unwrap();
    let mut stream = tokio_openssl::SslStream::new(ssl, connect(server).await).unwrap();
    std::pin::Pin::new(&mut stream)
        .connect()
        .await
        .map_err(|error| error.to_string())?;
    let mut stream = Io::Tls(Box::new(stream));
    stream
        .write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        .await
        .map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer))
        .await
        .expect("an end before the deadline");
    read.map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn tls_shows_an_issued_or_an_appliance_certificate_and_records_the_server_name() {
    let authority = Authority::new("Simulated CIC authority").unwrap();
    let appliance = Identity::appliance_self_signed(&["icserver1"]).unwrap();
    let table = [
        (
            authority.issue(&["icserver1", "127.0.0.1"]).unwrap(),
            authority.pem(),
            true,
        ),
        (
            authority.issue_common_name_only("icserver1").unwrap(),
            authority.pem(),
            true,
        ),
        (appliance.clone(), appliance.certificate_pem.clone(), true),
        (
            authority.issue(&["another"]).unwrap(),
            authority.pem(),
            false,
        ),
        (appliance.clone(), authority.pem(), false),
    ];
    for (number, (identity, trust, accepted)) in table.into_iter().enumerate() {
        let options = ServerOptions {
            tls: Some(ServerTls::new(identity)),
            ..ServerOptions::default()
        };
        let server = Server::start(options, Respond(|_| Reply::new(200)))
            .await
            .unwrap();
        assert!(server.base_url().starts_with("https://127.0.0.1:"));
        let answer = tls_get(&server, "icserver1", &trust, None).await;
        assert_eq!(answer.is_ok(), accepted, "row {number}: {answer:?}");
        if accepted {
            let record = server.recorder().wait_for(|r| r.over, SOON).await.unwrap();
            assert_eq!(
                (record.connected.tls, record.connected.sni.as_deref()),
                (true, Some("icserver1"))
            );
        }
    }
}

#[tokio::test]
async fn a_required_client_certificate_is_checked_and_recorded() {
    let authority = Authority::new("Simulated CIC authority").unwrap();
    let mut tls = ServerTls::new(authority.issue(&["icserver1"]).unwrap());
    tls.client_authorities = Some(authority.pem());
    let options = ServerOptions {
        tls: Some(tls),
        ..ServerOptions::default()
    };
    let server = Server::start(options, Respond(|_| Reply::new(200)))
        .await
        .unwrap();
    let gateway = authority.issue(&["gateway"]).unwrap();
    let stranger = Authority::new("Another authority")
        .unwrap()
        .issue(&["gateway"])
        .unwrap();
    assert!(
        tls_get(&server, "icserver1", &authority.pem(), None)
            .await
            .is_err()
    );
    assert!(
        tls_get(&server, "icserver1", &authority.pem(), Some(&stranger))
            .await
            .is_err()
    );
    assert!(
        tls_get(&server, "icserver1", &authority.pem(), Some(&gateway))
            .await
            .is_ok()
    );
    let record = server.recorder().wait_for(|r| r.over, SOON).await.unwrap();
    assert_eq!(
        record.connected.client_certificate.as_deref(),
        Some("gateway")
    );
}

#[tokio::test]
async fn a_stalled_server_accepts_and_says_nothing() {
    let recorder = Recorder::new(10);
    let options = ServerOptions {
        recorder: recorder.clone(),
        ..ServerOptions::default()
    };
    let server = Server::start(options, Respond(|_| Reply::new(200)))
        .await
        .unwrap();
    server.stall_new_connections(true);
    let mut stream = connect(&server).await;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), stream.read_u8())
            .await
            .is_err()
    );
    assert_eq!(recorder.all().len(), 0);
}

#[tokio::test]
async fn requests_are_whole_however_their_bytes_are_cut_and_may_be_sent_ahead() {
    let server = echo_server().await;
    let mut stream = connect(&server).await;
    stream.set_nodelay(true).unwrap();
    let request = "POST /cut HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    for byte in request.as_bytes() {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answer = "HTTP/1.1 200 OK\r\nX-Target: /cut\r\nContent-Length: 13\r\n\r\nabc0123456789";
    read_exactly(&mut stream, answer).await;

    stream
        .write_all(request.repeat(3).as_bytes())
        .await
        .unwrap();
    read_exactly(&mut stream, &answer.repeat(3)).await;
    let records = server
        .recorder()
        .wait_for_count(4, |r| r.over, SOON)
        .await
        .unwrap();
    assert!(
        records
            .iter()
            .all(|record| record.body == b"abc0123456789" && record.body_complete)
    );
}
