//! `admin`, `listeners`, `tls` and `client_address`.

use std::net::SocketAddr;
use std::sync::Arc;

use loadtest::rude::client::Dial;
use loadtest::wire::Io;
use openssl::ssl::SslVersion;
use openssl::x509::X509;

use super::ground::{Ground, HOST};
use super::looks::{status, told};
use super::row::{Row, row, run};

const MORE: &str = "listeners:\n  - { listen: '@' }";
const ANOTHER: &str = "listeners:\n  - { listen: '<free1>'@ }";
const TRUSTED: &str = "client_address: { trusted_proxies: [127.0.0.1/32], @ }";

pub fn rows() -> Vec<Row> {
    vec![
        row(
            "admin.listen",
            "admin: { listen: '@' }",
            ["<free1>", "<free2>"],
            ["first", "second"],
            |ground, _| async move { listening(&ground).await },
        ),
        row(
            "listeners[].listen",
            MORE,
            ["<free1>", "<free2>"],
            ["first", "second"],
            |ground, _| async move { listening(&ground).await },
        ),
        row(
            "listeners[].tls",
            ANOTHER,
            ["", ", tls: {}"],
            ["plain", "TLS"],
            |ground, _| async move {
                match handshake(Dial::tls(ground.free()[0]).sni(HOST)).await {
                    Some(_) => "TLS".to_owned(),
                    None => "plain".to_owned(),
                }
            },
        ),
        row(
            "listeners[].tls.require_sni",
            ANOTHER,
            [
                ", tls: { require_sni: false }",
                ", tls: { require_sni: true }",
            ],
            ["welcome", "refused"],
            |ground, _| async move {
                let nameless = handshake(Dial::tls(ground.free()[0])).await;
                if nameless.is_some() {
                    "welcome"
                } else {
                    "refused"
                }
                .to_owned()
            },
        ),
        row(
            "listeners[].tls.http2",
            ANOTHER,
            [", tls: { http2: true }", ", tls: { http2: false }"],
            ["h2", "http/1.1"],
            |ground, _| async move {
                let dial = Dial::tls(ground.free()[0])
                    .sni(HOST)
                    .alpn(&["h2", "http/1.1"]);
                dial.open().await.unwrap().alpn().unwrap()
            },
        ),
        row(
            "listeners[].redirect",
            ANOTHER,
            ["", ", redirect: 'https:8443'"],
            ["200 ", "308 https://proxy.example.com:8443/web/x"],
            |ground, _| async move {
                let dial = Dial::plain(ground.free()[0]);
                let got = ground.ask(&dial, "GET /web/x", "").await;
                let place = super::looks::field(&got.head(), "location");
                format!("{} {place}", got.status().unwrap())
            },
        ),
        row(
            "tls.min_version",
            "tls: { min_version: '@', certificates: [{ cert: edge.pem, key: edge.key }] }",
            ["1.2", "1.3"],
            ["welcome", "refused"],
            |ground, _| async move {
                let old = ground
                    .tls()
                    .tls_versions(SslVersion::TLS1_2, SslVersion::TLS1_2);
                if handshake(old).await.is_some() {
                    "welcome"
                } else {
                    "refused"
                }
                .to_owned()
            },
        ),
        row(
            "tls.ciphers",
            "tls: { ciphers: @, certificates: [{ cert: edge.pem, key: edge.key }] }",
            [
                "ECDHE-ECDSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
            ],
            [
                "ECDHE-ECDSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
            ],
            |ground, _| async move {
                let old = ground
                    .tls()
                    .tls_versions(SslVersion::TLS1_2, SslVersion::TLS1_2);
                handshake(old).await.unwrap().0
            },
        ),
        row(
            "tls.certificates[].cert",
            "tls: { certificates: [{ @ }] }",
            [
                "cert: edge.pem, key: edge.key",
                "cert: new.pem, key: new.key",
            ],
            ["edge.pem", "new.pem"],
            |ground, _| async move {
                let (_, shown) = handshake(ground.tls()).await.unwrap();
                let is = |name: &&str| {
                    X509::from_pem(&std::fs::read(ground.edge().folder().join(name)).unwrap())
                        .unwrap()
                        == shown
                };
                ["edge.pem", "new.pem"]
                    .iter()
                    .find(|name| is(name))
                    .map_or("neither", |name| *name)
                    .to_owned()
            },
        )
        .with("tls.certificates[].key"),
        row(
            "client_address.trusted_proxies",
            "client_address: { trusted_proxies: [@] }",
            ["198.51.100.1", "127.0.0.1"],
            ["127.0.0.1", "192.0.2.9"],
            |ground, _| async move { client(&ground, "X-Forwarded-For: 192.0.2.9\r\n").await },
        ),
        row(
            "client_address.header",
            TRUSTED,
            ["header: X-Forwarded-For", "header: X-Real-Client"],
            ["192.0.2.9", "192.0.2.10"],
            |ground, _| async move {
                client(
                    &ground,
                    "X-Forwarded-For: 192.0.2.9\r\nX-Real-Client: 192.0.2.10\r\n",
                )
                .await
            },
        ),
        row(
            "client_address.proxy_protocol",
            TRUSTED,
            ["proxy_protocol: never", "proxy_protocol: accept"],
            ["", "192.0.2.11"],
            |ground, _| async move {
                let dial = ground
                    .plain()
                    .prelude("PROXY TCP4 192.0.2.11 192.0.2.1 5000 80\r\n");
                let got = ground.ask(&dial, "GET /web/x", "").await;
                first(&super::looks::field(
                    &String::from_utf8_lossy(got.body()),
                    "forwarded",
                ))
            },
        ),
    ]
}

/// Which of the two free addresses somebody listens on.
async fn listening(ground: &Ground) -> String {
    let open = async |to: SocketAddr| tokio::net::TcpStream::connect(to).await.is_ok();
    let [one, two] = ground.free();
    match (open(one).await, open(two).await) {
        (true, false) => "first",
        (false, true) => "second",
        (true, true) => "both",
        (false, false) => "neither",
    }
    .to_owned()
}

/// Cipher and certificate of a handshake; `None` if there is none.
async fn handshake(dial: Dial) -> Option<(String, X509)> {
    let Io::Tls(tls) = dial.open().await.ok()?.into_io() else {
        return None;
    };
    let cipher = tls.ssl().current_cipher()?.name().to_owned();
    Some((cipher, tls.ssl().peer_certificate()?))
}

/// The client as the server is told of it.
async fn client(ground: &Arc<Ground>, fields: &str) -> String {
    let got = ground.ask(&ground.plain(), "GET /web/x", fields).await;
    first(&super::looks::field(
        &String::from_utf8_lossy(got.body()),
        "forwarded",
    ))
}

fn first(list: &str) -> String {
    list.split(',').next().unwrap_or_default().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_of_listeners_tls_and_client_address_changes_what_it_names_and_nothing_else() {
    run(rows()).await;
}

#[tokio::test]
async fn a_certificate_that_was_replaced_under_its_old_name_is_shown_and_living_connections_stay() {
    let ground = Ground::start().await;
    let file = ground.file("");
    let ground = ground.open(&file).await;
    let before = handshake(ground.tls()).await.unwrap().1;
    let mut living = ground.tls().open().await.unwrap();
    let folder = ground.edge().folder();
    for end in ["pem", "key"] {
        std::fs::rename(
            folder.join(format!("new.{end}")),
            folder.join(format!("edge.{end}")),
        )
        .unwrap();
    }
    ground.reload(&file).await;
    assert_ne!(handshake(ground.tls()).await.unwrap().1, before);
    living
        .write(format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let head = living
        .read_until(b"\r\n\r\n", super::ground::SOON)
        .await
        .unwrap();
    assert!(head.starts_with(b"HTTP/1.1 200 "));
    assert_eq!(status(ground.clone(), "GET /web/x").await, "200");
    assert_eq!(told(ground, "/web/x", "server").await, "web");
}

#[tokio::test]
async fn a_listener_may_change_from_every_address_to_one_and_back_under_its_port() {
    let ground = Ground::start().await;
    let port = ground.free()[0].port();
    let text = |address: &str| {
        ground.file(&format!(
            "listeners:\n  - {{ listen: '{address}:{port}' }}\n"
        ))
    };
    let files = ["0.0.0.0", "127.0.0.1", "0.0.0.0"].map(text);
    let [every, one, back] = &files;
    let ground = ground.open(every).await;
    let answers = async |to: &str| {
        let to: SocketAddr = format!("{to}:{port}").parse().unwrap();
        if tokio::net::TcpStream::connect(to).await.is_err() {
            return false;
        }
        let got = ground.ask(&Dial::plain(to), "GET /web/x", "").await;
        got.status() == Some(200)
    };
    for (file, everywhere) in [(one, false), (back, true), (one, false)] {
        ground.reload(file).await;
        assert!(answers("127.0.0.1").await);
        assert_eq!(answers("127.0.0.2").await, everywhere);
    }
}
