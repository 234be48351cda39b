use portcullis::front_door::{ListenerSettings, ProxyProtocol};
use portcullis::reason::Reason;
use tokio::io::AsyncWriteExt;

use crate::support::*;

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";
const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n";
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xc3\x50\x01\xbb";
const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn listener(mode: ProxyProtocol, trusted: &[&str]) -> ListenerSettings {
    let mut settings = plain();
    settings.proxy_protocol = mode;
    settings.trusted = trusted.iter().map(|net| net.parse().unwrap()).collect();
    settings
}

async fn peer_of(house: &House, header: &[u8], request: &[u8]) -> String {
    let mut client = house.connect().await;
    client.write_all(header).await.unwrap();
    client.write_all(request).await.unwrap();
    let (head, _) = answer(&mut client).await;
    assert_eq!(field(&head, "x-client-addr"), field(&head, "x-peer"));
    assert_eq!(
        field(&head, "x-tcp-peer"),
        client.local_addr().unwrap().to_string()
    );
    match field(&head, "x-peer") {
        peer if peer == field(&head, "x-tcp-peer") => "itself".to_owned(),
        peer => peer,
    }
}

#[tokio::test]
async fn a_trusted_peer_names_the_client_in_both_versions() {
    for mode in [ProxyProtocol::Accept, ProxyProtocol::Require] {
        let house = House::open(vec![listener(mode, &["127.0.0.0/8"])]).await;
        assert_eq!(peer_of(&house, V1, GET).await, "192.0.2.7:50000");
        assert_eq!(peer_of(&house, V2, GET).await, "192.0.2.7:50000");
        assert_eq!(peer_of(&house, V2_LOCAL, GET).await, "itself");
        assert_eq!(peer_of(&house, b"PROXY UNKNOWN\r\n", GET).await, "itself");
        house.emptied().await;
        let admitted = house.keeper.admitted.lock().unwrap().clone();
        let named = admitted
            .iter()
            .filter(|ip| ip.to_string() == "192.0.2.7")
            .count();
        assert_eq!(named, 2, "the client is admitted as well as the balancer");
    }
}

#[tokio::test]
async fn a_header_that_comes_byte_by_byte_is_read() {
    let house = House::open(vec![listener(ProxyProtocol::Accept, &["127.0.0.1/32"])]).await;
    let mut client = house.connect().await;
    client.set_nodelay(true).unwrap();
    for byte in [V1, GET].concat() {
        client.write_all(&[byte]).await.unwrap();
    }
    let (head, _) = answer(&mut client).await;
    assert_eq!(field(&head, "x-peer"), "192.0.2.7:50000");
}

#[tokio::test]
async fn accept_does_without_a_header_and_require_does_not() {
    let house = House::open(vec![listener(ProxyProtocol::Accept, &["127.0.0.1/32"])]).await;
    assert_eq!(peer_of(&house, b"", GET).await, "itself");
    let post = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(peer_of(&house, b"", post).await, "itself");

    let house = House::open(vec![listener(ProxyProtocol::Require, &["127.0.0.1/32"])]).await;
    assert_eq!(house.ask(GET).await, "");
    assert_eq!(house.refusals(), [Reason::ProxyProtocol]);
}

#[tokio::test]
async fn a_header_from_a_stranger_is_never_believed() {
    let house = House::open(vec![listener(ProxyProtocol::Accept, &["10.0.0.0/8"])]).await;
    let got = house.ask([V1, GET].concat()).await;
    assert_eq!(status(&got), "400");
    let got = house.ask([V2, GET].concat()).await;
    assert_eq!(status(&got), "400");
    assert_eq!(peer_of(&house, b"", GET).await, "itself");

    let house = House::open(vec![listener(ProxyProtocol::Never, &["127.0.0.1/32"])]).await;
    assert_eq!(status(&house.ask([V1, GET].concat()).await), "400");

    let house = House::open(vec![listener(ProxyProtocol::Require, &["10.0.0.0/8"])]).await;
    assert_eq!(house.ask([V1, GET].concat()).await, "");
    assert_eq!(house.ask(GET).await, "");
    assert_eq!(house.refusals(), [Reason::ProxyProtocol; 2]);
}

#[tokio::test]
async fn a_header_that_is_wrong_or_late_ends_the_connection() {
    let house = House::open(vec![listener(ProxyProtocol::Accept, &["127.0.0.1/32"])]).await;
    for header in [
        &b"PROXY TCP4 192.0.2.7\r\n"[..],
        b"PROXY TCP4 192.0.2",
        b"P",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
        b"\r\n\r\n\0\r\nQUIT\n\x21",
    ] {
        assert_eq!(house.ask(header).await, "", "{header:?}");
        assert_eq!(
            house.keeper.refused.lock().unwrap().pop(),
            Some(Reason::ProxyProtocol)
        );
    }
    assert_eq!(house.ask("").await, "");
    assert_eq!(house.refusals(), [Reason::IdleConnection]);
    house.emptied().await;
}

#[tokio::test]
async fn a_balancer_that_only_looks_whether_the_port_is_open_is_not_counted() {
    let house = House::open(vec![listener(ProxyProtocol::Require, &["127.0.0.1/32"])]).await;
    drop(house.connect().await);
    until(|| !house.keeper.admitted.lock().unwrap().is_empty()).await;
    house.emptied().await;
    assert!(house.refusals().is_empty());
}

#[tokio::test]
async fn a_client_that_is_banned_is_dropped_once_its_balancer_has_named_it() {
    let house = House::open(vec![listener(ProxyProtocol::Accept, &["127.0.0.1/32"])]).await;
    house
        .keeper
        .banned
        .lock()
        .unwrap()
        .push([192, 0, 2, 7].into());
    assert_eq!(house.ask([V1, GET].concat()).await, "");
    assert_eq!(peer_of(&house, b"", GET).await, "itself");
    house.emptied().await;
}
