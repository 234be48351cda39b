//! Receivers that are not there, go, come back, or are others after a reload. No request notices anything of it.

use std::time::Duration;

use loadtest::edge::Edge;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::receiver::Receiver;
use super::syslog::{ANY, ask_for, file, path, paths};
use super::upstream::*;

/// A port at which nobody listens, that a receiver can have later.
async fn nobody(transport: &str) -> std::net::SocketAddr {
    let receiver = match transport {
        "udp" => Receiver::udp(ANY).await,
        _ => Receiver::tcp(ANY).await,
    };
    receiver.stop().await
}

async fn begun(transport: &str, to: std::net::SocketAddr) -> (loadtest::wire::Server, Edge) {
    collect_log();
    let access = format!("{{ syslog: {{ to: '{transport}://{to}' }} }}");
    let (server, yaml) = file(&access).await;
    (server, edge(&yaml).await)
}

#[tokio::test]
async fn a_receiver_that_is_not_there_at_the_start_gets_everything_when_it_comes() {
    let to = nobody("tcp").await;
    let (_server, edge) = begun("tcp", to).await;
    let line = log_line(&format!("cannot be sent to tcp://{to}")).await;
    assert!(line.contains("Connection refused"), "{line}");
    ask_for(&edge, 0..50).await;
    let receiver = Receiver::tcp(&to.to_string()).await;
    receiver.has(50).await;
    assert_eq!(receiver.paths(), paths(0..50));
    log_line(&format!("is sent to tcp://{to} again; 0 lines were lost")).await;
    assert_eq!(logged(&format!("cannot be sent to tcp://{to}")).len(), 1);
}

#[tokio::test]
async fn what_comes_while_a_receiver_restarts_waits_for_it() {
    let first = Receiver::tcp(ANY).await;
    let to = first.address;
    let (_server, edge) = begun("tcp", to).await;
    ask_for(&edge, 0..20).await;
    first.has(20).await;
    assert_eq!(first.paths(), paths(0..20));
    first.stop().await;
    ask_for(&edge, 20..60).await;
    log_line(&format!("cannot be sent to tcp://{to}")).await;
    let second = Receiver::tcp(&to.to_string()).await;
    second.has(40).await;
    assert_eq!(second.paths(), paths(20..60));
    log_line(&format!("is sent to tcp://{to} again; 0 lines were lost")).await;
}

#[tokio::test]
async fn over_udp_a_refusal_is_heard_and_the_rest_waits() {
    let first = Receiver::udp(ANY).await;
    let to = first.address;
    let (_server, edge) = begun("udp", to).await;
    ask_for(&edge, 0..5).await;
    first.has(5).await;
    first.stop().await;
    // Of the first that nobody takes UDP says nothing before the next.
    ask_for(&edge, 5..45).await;
    log_line(&format!("cannot be sent to udp://{to}")).await;
    let second = Receiver::udp(&to.to_string()).await;
    second.has(39).await;
    log_line(&format!("is sent to udp://{to} again")).await;
    let got = second.paths();
    assert_eq!(got[got.len() - 39..], paths(6..45));
}

#[tokio::test]
async fn a_reload_takes_what_waits_for_a_dead_receiver_to_another_one() {
    let dead = nobody("tcp").await;
    let (server, edge) = begun("tcp", dead).await;
    ask_for(&edge, 0..30).await;
    let second = Receiver::tcp(ANY).await;
    let rest = format!("url: 'http://{}'", server.address());
    let with = |access: &str| one_server("http", &rest) + &format!("log: {{ access: {access} }}\n");
    let to = second.address;
    let to_second = with(&format!("{{ syslog: {{ to: 'tcp://{to}' }} }}"));
    edge.reload(&to_second).await.unwrap();
    ask_for(&edge, 30..40).await;
    second.has(40).await;
    assert_eq!(second.paths(), paths(0..40));
    // From one that lives nothing is taken away.
    let third = Receiver::udp(ANY).await;
    let to = third.address;
    ask_for(&edge, 40..60).await;
    edge.reload(&with(&format!("{{ syslog: {{ to: 'udp://{to}' }} }}")))
        .await
        .unwrap();
    ask_for(&edge, 60..80).await;
    second.has(60).await;
    third.has(20).await;
    assert_eq!(
        (second.paths(), third.paths()),
        (paths(0..60), paths(60..80))
    );
    // And none from the moment on in which it is turned off.
    edge.reload(&with("{ file: access.log }")).await.unwrap();
    ask_for(&edge, 80..81).await;
    until("the line is in the file", async || {
        let text = std::fs::read_to_string(edge.folder().join("access.log")).unwrap_or_default();
        text.contains(&path(80))
    })
    .await;
    assert_eq!(third.paths(), paths(60..80));
}

#[tokio::test]
async fn a_receiver_that_sends_its_side_of_tls_byte_by_byte_is_left_after_a_while() {
    collect_log();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            held.spawn(async move {
                // RFC 8446, 5.1: a handshake record of 16 KiB, for which any read alone would never wait long.
                let _ = stream.write_all(&[22, 3, 3, 0x40, 0]).await;
                while stream.write_all(&[2]).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        }
    });
    let (_server, edge) = begun("tls", to).await;
    ask_for(&edge, 0..1).await;
    let line = log_line(&format!("tls://{to}")).await;
    assert!(line.contains("the TLS handshake took too long"), "{line}");
}
