//! TLS on the way inside: who is believed, under which name, and that nobody else hears a byte.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "upstream_tls/mistakes.rs"]
mod mistakes;
#[path = "upstream_tls/pools.rs"]
mod pools;
#[path = "upstream/support.rs"]
mod support;

use loadtest::edge::Edge;
use loadtest::rude::Rude;
use loadtest::wire::{Authority, Fault, Identity, Reply, Server, ServerTls};

use support::*;

/// A gateway with one server of kind `http` whose `ca` is this, reached under `/one/`.
async fn edge_trusting(server: &Server, host: &str, ca: &str, rest: &str) -> Edge {
    let url = format!("https://{host}:{}", server.address().port());
    let yaml = one_server("http", &format!("url: '{url}', ca: ca.pem, {rest}"));
    Edge::with(&yaml, &[HOST], |folder| {
        std::fs::write(folder.join("ca.pem"), ca)
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"))
}

/// Asks once, and reports the status with how many requests the server saw.
async fn outcome(server: &Server, edge: &Edge) -> (Option<u16>, usize) {
    let got = get(edge, "/one/x").await;
    (got.status(), server.recorder().all().len())
}

const PASSES: (Option<u16>, usize) = (Some(200), 1);
const REFUSED: (Option<u16>, usize) = (Some(502), 0);

#[tokio::test]
async fn a_server_is_believed_by_its_authority_and_its_name() {
    let (ours, theirs) = (
        Authority::new("ours").unwrap(),
        Authority::new("theirs").unwrap(),
    );
    let by_name = ours.issue(&["localhost"]).unwrap();
    let by_alias = ours.issue(&["cic1.corp.example"]).unwrap();
    let common_name = ours.issue_common_name_only("cic1.corp.example").unwrap();
    let appliance = Identity::appliance_self_signed(&["cic1.corp.example"]).unwrap();
    let other_appliance = Identity::appliance_self_signed(&["cic1.corp.example"]).unwrap();
    let wildcard = ours.issue(&["*.corp.example"]).unwrap();
    let by_address = ours.issue(&["127.0.0.1"]).unwrap();
    let alias = "server_name: cic1.corp.example";
    let bundle = theirs.pem() + &ours.pem();
    let twice = ours.pem() + &ours.pem();
    let table = [
        (
            "signed, name of the URL",
            &by_name,
            &ours.pem(),
            "localhost",
            "",
            PASSES,
        ),
        (
            "signed, name given",
            &by_alias,
            &ours.pem(),
            "127.0.0.1",
            alias,
            PASSES,
        ),
        (
            "several authorities in the file",
            &by_alias,
            &bundle,
            "127.0.0.1",
            alias,
            PASSES,
        ),
        (
            "the same authority twice in the file",
            &by_alias,
            &twice,
            "127.0.0.1",
            alias,
            PASSES,
        ),
        (
            "wildcard",
            &wildcard,
            &ours.pem(),
            "127.0.0.1",
            alias,
            PASSES,
        ),
        (
            "name in the common name only",
            &common_name,
            &ours.pem(),
            "127.0.0.1",
            alias,
            PASSES,
        ),
        (
            "self-signed, its own authority",
            &appliance,
            &appliance.certificate_pem,
            "127.0.0.1",
            alias,
            PASSES,
        ),
        (
            "self-signed, another one",
            &appliance,
            &other_appliance.certificate_pem,
            "127.0.0.1",
            alias,
            REFUSED,
        ),
        (
            "another name than the URL's",
            &by_alias,
            &ours.pem(),
            "localhost",
            "",
            REFUSED,
        ),
        (
            "the URL's name where another is asked for",
            &by_name,
            &ours.pem(),
            "localhost",
            alias,
            REFUSED,
        ),
        (
            "only an address in it",
            &by_address,
            &ours.pem(),
            "127.0.0.1",
            alias,
            REFUSED,
        ),
        (
            "common name of another",
            &common_name,
            &ours.pem(),
            "localhost",
            "",
            REFUSED,
        ),
        (
            "right name, another authority",
            &by_alias,
            &theirs.pem(),
            "127.0.0.1",
            alias,
            REFUSED,
        ),
        (
            "the certificate itself is no authority of the file",
            &by_alias,
            &appliance.certificate_pem,
            "127.0.0.1",
            alias,
            REFUSED,
        ),
    ];
    for (what, identity, ca, host, rest, expected) in table {
        let server = answering(Some(ServerTls::new(identity.clone()))).await;
        let edge = edge_trusting(&server, host, ca, rest).await;
        assert_eq!(outcome(&server, &edge).await, expected, "{what}");
        let refused = if expected == REFUSED { 1.0 } else { 0.0 };
        assert_eq!(refusals(&edge, "upstream_tls").await, refused, "{what}");
    }
}

#[tokio::test]
async fn without_a_ca_only_the_systems_authorities_are_believed() {
    let ours = Authority::new("ours").unwrap();
    let server = answering(Some(ServerTls::new(ours.issue(&["localhost"]).unwrap()))).await;
    let url = format!("https://localhost:{}", server.address().port());
    let edge = edge(&one_server("http", &format!("url: '{url}'"))).await;
    assert_eq!(outcome(&server, &edge).await, REFUSED);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_not_believed() {
    let ours = Authority::new("ours").unwrap();
    let server = Rude::serve(|mut connection| async move {
        connection.fill().await?;
        connection
            .write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            .await?;
        connection.until_gone().await?;
        Ok(connection)
    })
    .await
    .unwrap();
    let url = format!("https://localhost:{}", server.address().port());
    let edge = Edge::with(
        &one_server("http", &format!("url: '{url}', ca: ca.pem")),
        &[HOST],
        |folder| std::fs::write(folder.join("ca.pem"), ours.pem()),
    )
    .await
    .unwrap();
    let got = ask(&edge, "GET /one/x HTTP/1.1\r\nX-Secret: hush", "").await;
    assert_eq!(got.status(), Some(502));
    assert_eq!(refusals(&edge, "upstream_tls").await, 1.0);
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| !seen.text().contains("hush"))
    );
}

#[tokio::test]
async fn the_name_asked_for_is_sent_to_the_server() {
    let ours = Authority::new("ours").unwrap();
    let tls = ServerTls::new(ours.issue(&["cic1.corp.example"]).unwrap());
    let server = answering(Some(tls)).await;
    let edge = edge_trusting(
        &server,
        "127.0.0.1",
        &ours.pem(),
        "server_name: cic1.corp.example",
    )
    .await;
    assert_eq!(get(&edge, "/one/x").await.status(), Some(200));
    let seen = server.recorder().all().remove(0);
    assert_eq!(seen.connected.sni.as_deref(), Some("cic1.corp.example"));
}

#[tokio::test]
async fn insecure_takes_any_certificate_and_everybody_can_see_it() {
    collect_log();
    let server = answering(Some(ServerTls::new(
        Identity::appliance_self_signed(&["whoever.example"]).unwrap(),
    )))
    .await;
    let address = server.address();
    let named = |insecure: &str| {
        format!(
            "servers:\n  careless: {{ kind: http, url: 'https://{address}', {insecure} }}\n\
             hosts: {{ {HOST}: {{ routes: [ {{ path: /one/, server: careless }} ] }} }}\n"
        )
    };
    let edge = edge(&named("insecure: true")).await;
    assert_eq!(outcome(&server, &edge).await, PASSES);
    let shown = "portcullis_upstream_insecure{server=\"careless\"}";
    assert_eq!(metric(&edge, shown).await, Some(1.0));
    let line = log_line("INSECURE: the certificate of careless").await;
    assert!(line.starts_with("WARN"), "{line}");

    edge.reload(&named("server_name: cic1.corp.example"))
        .await
        .unwrap();
    assert_eq!(metric(&edge, shown).await, None);
    // The connection made without verification is not used where verification is asked for.
    assert_eq!(get(&edge, "/one/x").await.status(), Some(502));
    assert_eq!(server.recorder().all().len(), 1);
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_without_it_the_server_refuses() {
    collect_log();
    let ours = Authority::new("ours").unwrap();
    let mut tls = ServerTls::new(ours.issue(&["localhost"]).unwrap());
    tls.client_authorities = Some(ours.pem());
    let us = ours.issue(&["edge.corp.example"]).unwrap();
    let stranger = Authority::new("strangers")
        .unwrap()
        .issue(&["edge.corp.example"])
        .unwrap();
    for only_tls12 in [false, true] {
        tls.only_tls12 = only_tls12;
        let server = answering(Some(tls.clone())).await;
        let url = format!("https://localhost:{}", server.address().port());
        let route = |name: &str| format!("{{ path: /{name}/, server: {name} }}");
        let yaml = format!(
            "servers:
  known:    {{ kind: http, url: '{url}', ca: ca.pem, client_certificate: {{ cert: us.pem, key: us.key }} }}
  stranger: {{ kind: http, url: '{url}', ca: ca.pem, client_certificate: {{ cert: stranger.pem, key: stranger.key }} }}
  nobody:   {{ kind: http, url: '{url}', ca: ca.pem }}
hosts: {{ {HOST}: {{ routes: [ {}, {}, {} ] }} }}
",
            route("known"), route("stranger"), route("nobody")
        );
        let edge = Edge::with(&yaml, &[HOST], |folder| {
            for (name, identity) in [("us", &us), ("stranger", &stranger)] {
                std::fs::write(
                    folder.join(format!("{name}.pem")),
                    &identity.certificate_pem,
                )?;
                std::fs::write(folder.join(format!("{name}.key")), &identity.key_pem)?;
            }
            std::fs::write(folder.join("ca.pem"), ours.pem())
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(get(&edge, "/known/x").await.status(), Some(200));
        for refused in ["/stranger/x", "/nobody/x"] {
            let got = get(&edge, refused).await;
            assert_eq!(
                got.status(),
                Some(502),
                "{refused} with TLS 1.2 only: {only_tls12}"
            );
        }
        assert_eq!(
            refusals(&edge, "upstream_tls").await,
            2.0,
            "TLS 1.2 only: {only_tls12}"
        );
        let seen = server.recorder().all();
        let shown: Vec<_> = seen
            .iter()
            .map(|r| r.connected.client_certificate.as_deref())
            .collect();
        assert_eq!(shown, [Some("edge.corp.example")]);
    }
}

#[tokio::test]
async fn an_older_tls_than_the_file_allows_is_refused_before_the_request_is_sent() {
    let ours = Authority::new("ours").unwrap();
    let mut tls = ServerTls::new(ours.issue(&["localhost"]).unwrap());
    for (only_tls12, min_tls, expected) in [
        (true, "min_tls: '1.3'", REFUSED),
        (true, "min_tls: '1.2'", PASSES),
        (true, "", PASSES),
        (false, "min_tls: '1.3'", PASSES),
    ] {
        tls.only_tls12 = only_tls12;
        let server = answering(Some(tls.clone())).await;
        let edge = edge_trusting(&server, "localhost", &ours.pem(), min_tls).await;
        assert_eq!(
            outcome(&server, &edge).await,
            expected,
            "{only_tls12} {min_tls}"
        );
        if expected == REFUSED {
            assert_eq!(refusals(&edge, "upstream_tls").await, 1.0);
            // The next one is refused as well: a connection that was turned away does not wait in the pool.
            assert_eq!(outcome(&server, &edge).await, REFUSED);
            until("the connections to be closed", async || server.open() == 0).await;
            assert_eq!(server.recorder().all().len(), 0);
        } else {
            assert_eq!(outcome(&server, &edge).await, (Some(200), 2));
            assert_eq!(server.accepted(), 1, "{only_tls12} {min_tls}");
        }
    }
}

#[tokio::test]
async fn a_websocket_is_verified_like_everything_else() {
    let ours = Authority::new("ours").unwrap();
    let server = answering(Some(ServerTls::new(
        ours.issue(&["cic1.corp.example"]).unwrap(),
    )))
    .await;
    let edge = edge_trusting(&server, "localhost", &ours.pem(), "websocket: true").await;
    let handshake = "GET /one/ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nHost: proxy.example.com\r\n\r\n";
    let mut line = loadtest::rude::client::Dial::plain(edge.plain())
        .open()
        .await
        .unwrap();
    line.write(handshake.as_bytes()).await.unwrap();
    let head = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 502"), "{head:?}");
    assert_eq!(server.recorder().all().len(), 0);
}

#[tokio::test]
async fn an_answer_cut_by_somebody_in_between_is_not_taken_for_a_whole_one() {
    let ours = Authority::new("ours").unwrap();
    for chunked in [true, false] {
        let tls = Some(ServerTls::new(ours.issue(&["localhost"]).unwrap()));
        let server = responding(tls, move |_| {
            let reply = Reply::new(200).body("0123456789");
            if chunked { reply.chunked(5) } else { reply }
        })
        .await;
        // The connection ends without TLS's own word for it.
        server.faults().set(Fault::CloseInBody(7));
        let edge = edge_trusting(&server, "localhost", &ours.pem(), "").await;
        let got = get(&edge, "/one/x").await;
        let whole = got.body().ends_with(b"0\r\n\r\n") || got.body().len() == 10;
        assert!(got.status() == Some(200) && !whole, "{}", got.text());
        assert_eq!(refusals(&edge, "upstream_broken").await, 1.0);
    }
}
