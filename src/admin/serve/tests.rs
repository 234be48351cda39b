//! Callers that keep the listener waiting.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::routing::get;
use loadtest::wire::Authority;
use openssl::pkey::PKey;
use openssl::x509::X509;
use tokio::time::{Interval, interval};

use super::*;
use crate::front_door::tls::MinVersion;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(20);
const SHORT: Patience = Patience {
    handshake: Duration::from_millis(200),
    head: Duration::from_millis(200),
    write: Duration::from_millis(200),
};
const LONG: Patience = Patience {
    handshake: SOON,
    head: SOON,
    write: SOON,
};

/// An answer in so many pieces, each after a pause longer than [`SHORT`] allows for anything else.
struct Slowly(Interval, usize);

impl hyper::body::Body for Slowly {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        std::task::ready!(self.0.poll_tick(cx));
        let Some(left) = self.1.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.1 = left;
        Poll::Ready(Some(Ok(hyper::body::Frame::data(Bytes::from_static(
            b"event\n",
        )))))
    }
}

/// Where it listens, the task, and the word that makes it leave.
async fn listen(patience: Patience) -> (SocketAddr, JoinSet<JoinSet<()>>, watch::Sender<bool>) {
    listen_with(None, patience).await
}

async fn listen_with(
    tls: Option<Arc<Tls>>,
    patience: Patience,
) -> (SocketAddr, JoinSet<JoinSet<()>>, watch::Sender<bool>) {
    let app = Router::new()
        .route("/quick", get(async || "quick"))
        .route("/large", get(async || "x".repeat(64 << 20)))
        .route(
            "/slowly",
            get(async || Body::new(Slowly(interval(Duration::from_millis(150)), 5))),
        )
        .route(
            "/endless",
            get(async || Body::new(Slowly(interval(SOON), usize::MAX))),
        );
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    let (leave, left) = watch::channel(false);
    let serving = Serving {
        app,
        tls: Arc::new(move || tls.clone()),
        patience,
        leave: left,
    };
    let mut server = JoinSet::new();
    server.spawn(serve(Arc::new(listener), serving));
    (address, server, leave)
}

async fn dial(to: SocketAddr, bytes: &str) -> TcpStream {
    let mut line = TcpStream::connect(to).await.expect("connects");
    line.write_all(bytes.as_bytes()).await.expect("sends");
    line
}

/// All that comes until the other side ends it; `None`: it does not.
async fn to_the_end(line: &mut TcpStream) -> Option<String> {
    let mut all = Vec::new();
    // A reset is an end too.
    let _ = timeout(SOON, line.read_to_end(&mut all)).await.ok()?;
    Some(String::from_utf8_lossy(&all).into_owned())
}

#[tokio::test]
async fn who_says_nothing_or_half_a_head_is_ended() {
    let (address, _server, _leave) = listen(SHORT).await;
    for said in ["", "GET /quick HTTP/1.1\r\nHost: loc", "GET /quick"] {
        let mut line = dial(address, said).await;
        assert!(to_the_end(&mut line).await.is_some(), "{said:?}");
    }
}

#[tokio::test]
async fn a_head_that_drips_is_ended() {
    let (address, _server, _leave) = listen(SHORT).await;
    let mut line = dial(address, "GET /quick HTTP/1.1\r\n").await;
    let drip = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if line.write_all(b"x: y\r\n").await.is_err() {
                return;
            }
        }
    };
    assert!(timeout(SOON, drip).await.is_ok(), "it may drip for ever");
}

#[tokio::test]
async fn a_connection_that_idles_after_an_answer_is_ended() {
    let (address, _server, _leave) = listen(SHORT).await;
    let mut line = dial(address, "GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let all = to_the_end(&mut line).await.expect("an end");
    assert!(all.ends_with("\r\n\r\nquick"), "{all}");
}

#[tokio::test]
async fn an_answer_lasts_as_long_as_it_goes_on() {
    let (address, _server, _leave) = listen(SHORT).await;
    let request = "GET /slowly HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let all = to_the_end(&mut dial(address, request).await).await;
    let all = all.expect("an end");
    assert_eq!(all.matches("event\n").count(), 5, "{all}");
}

#[tokio::test]
async fn who_does_not_take_the_answer_is_ended() {
    let (address, mut server, _leave) = listen(SHORT).await;
    let line = dial(address, "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    // Nothing is read until the other side is gone: a reset, which makes the line readable with an error.
    let gone = timeout(SOON, async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if line.take_error().expect("readable").is_some() {
                return;
            }
        }
    });
    assert!(gone.await.is_ok(), "it may wait for ever");
    server.abort_all();
}

#[tokio::test]
async fn whoever_holds_every_connection_shuts_nobody_out() {
    let (address, _server, _leave) = listen(LONG).await;
    let mut held = Vec::new();
    for number in 0..2 * MOST {
        let said = match number % 3 {
            0 => "",
            1 => "GET /quick HTTP/1.1\r\n",
            _ => "GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n",
        };
        held.push(dial(address, said).await);
    }
    let request = "GET /quick HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let all = to_the_end(&mut dial(address, request).await).await;
    assert!(all.expect("an end").ends_with("quick"));
    let oldest = held.first_mut().expect("some");
    assert!(to_the_end(oldest).await.is_some(), "the oldest went");
}

#[tokio::test]
async fn whoever_leaves_lets_answers_finish_and_begins_no_other() {
    let (address, mut server, leave) = listen(LONG).await;
    let request = "GET /slowly HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut under_way = dial(address, request).await;
    let mut idle = dial(address, "GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut some = [0; 15];
    under_way.read_exact(&mut some).await.expect("it has begun");
    idle.read_exact(&mut some).await.expect("it is answered");
    leave.send_replace(true);
    let left = timeout(SOON, server.join_next()).await.expect("it leaves");
    let mut rest = left.expect("one task").expect("in peace");
    assert!(TcpStream::connect(address).await.is_err());
    let all = to_the_end(&mut under_way).await.expect("an end");
    assert_eq!(all.matches("event\n").count(), 5, "{all}");
    let all = to_the_end(&mut idle).await.expect("an end");
    assert!(all.ends_with("\r\n\r\nquick"), "{all}");
    let ended = timeout(SOON, async { while rest.join_next().await.is_some() {} });
    assert!(ended.await.is_ok());
}

#[tokio::test]
async fn who_does_not_finish_the_handshake_is_ended() {
    let identity = Authority::new("a")
        .and_then(|a| a.issue(&["localhost"]))
        .expect("issued");
    let chain = X509::stack_from_pem(identity.certificate_pem.as_bytes()).expect("its own");
    let key = PKey::private_key_from_pem(identity.key_pem.as_bytes()).expect("its own");
    let tls = Tls::build(&(chain, key), None, MinVersion::default(), None).expect("good");
    let patience = Patience {
        head: SOON,
        ..SHORT
    };
    let (address, _server, _leave) = listen_with(Some(Arc::new(tls)), patience).await;
    // Nothing, the beginning of a record, and no TLS at all.
    for said in ["", "\u{16}\u{3}\u{1}", "GET /quick HTTP/1.1\r\n\r\n"] {
        let all = to_the_end(&mut dial(address, said).await).await;
        assert!(all.is_some_and(|all| !all.contains("HTTP")), "{said:?}");
    }
}

#[test]
fn the_oldest_of_the_address_with_the_most_makes_room() {
    let open = |from: &[u8]| {
        let address = |last: &u8| Address::from(std::net::IpAddr::from([192, 0, 2, *last]));
        who_goes(from.iter().map(address))
    };
    for (from, goes) in [
        (&[1, 1, 1][..], 0),
        (&[1, 2, 2, 3, 2], 1),
        (&[1, 2, 3], 0),
        (&[3, 1, 2, 1], 1),
    ] {
        assert_eq!(open(from), goes, "{from:?}");
    }
}
