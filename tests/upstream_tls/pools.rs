//! Connections are kept and used again, and never for another server, authority or identity.

use loadtest::edge::Edge;
use loadtest::wire::{Authority, ServerTls};

use super::support::*;

#[tokio::test]
async fn servers_at_one_address_never_share_a_connection() {
    let ours = Authority::new("ours").unwrap();
    let other = Authority::new("other").unwrap();
    let mut tls = ServerTls::new(ours.issue(&["cic1.example", "cic2.example"]).unwrap());
    tls.client_authorities = Some(ours.pem());
    let server = answering(Some(tls)).await;
    let address = server.address();
    let line = |name: &str, rest: &str| {
        format!(
            "  {name}: {{ kind: http, url: 'https://{address}', timeouts: {{ pooled: 60s }}, {rest} }}\n"
        )
    };
    let us = "client_certificate: { cert: us.pem, key: us.key }";
    let them = "client_certificate: { cert: them.pem, key: them.key }";
    let names = ["plain", "twin", "alias", "bundle", "identity", "newer"];
    let servers = [
        line(
            "plain",
            &format!("ca: ca.pem, server_name: cic1.example, {us}"),
        ),
        line(
            "twin",
            &format!("ca: ca.pem, server_name: cic1.example, {us}"),
        ),
        line(
            "alias",
            &format!("ca: ca.pem, server_name: cic2.example, {us}"),
        ),
        line(
            "bundle",
            &format!("ca: bundle.pem, server_name: cic1.example, {us}"),
        ),
        line(
            "identity",
            &format!("ca: ca.pem, server_name: cic1.example, {them}"),
        ),
        line(
            "newer",
            &format!("ca: ca.pem, server_name: cic1.example, min_tls: '1.3', {us}"),
        ),
    ]
    .concat();
    let routes = names
        .map(|name| format!("{{ path: /{name}/, server: {name} }}"))
        .join(", ");
    let yaml = format!("servers:\n{servers}hosts: {{ {HOST}: {{ routes: [ {routes} ] }} }}\n");
    let edge = Edge::with(&yaml, &[HOST], |folder| {
        for name in ["us", "them"] {
            let identity = ours.issue(&[&format!("{name}.example")])?;
            std::fs::write(
                folder.join(format!("{name}.pem")),
                &identity.certificate_pem,
            )?;
            std::fs::write(folder.join(format!("{name}.key")), &identity.key_pem)?;
        }
        std::fs::write(folder.join("ca.pem"), ours.pem())?;
        std::fs::write(folder.join("bundle.pem"), ours.pem() + &other.pem())
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));

    for round in 1..=3 {
        for name in names {
            let got = get(&edge, &format!("/{name}/{name}-{round}")).await;
            assert_eq!(got.status(), Some(200), "{name}");
        }
        assert_eq!(
            server.accepted(),
            names.len() as u64,
            "round {round}: reuse for the same server, and only for it"
        );
    }
    let seen = server.recorder().all();
    let connection = |name: &str| {
        let mut numbers: Vec<_> = seen
            .iter()
            .filter(|r| r.target().starts_with(&format!("/{name}-")))
            .map(|r| {
                (
                    r.connected.connection,
                    r.connected.sni.clone(),
                    r.connected.client_certificate.clone(),
                )
            })
            .collect();
        assert_eq!(numbers.len(), 3);
        numbers.dedup();
        assert_eq!(numbers.len(), 1, "{name} used one connection");
        numbers.remove(0)
    };
    assert_eq!(connection("alias").1.as_deref(), Some("cic2.example"));
    assert_eq!(connection("identity").2.as_deref(), Some("them.example"));
    assert_eq!(connection("plain").2.as_deref(), Some("us.example"));
    let mut numbers = names.map(|name| connection(name).0);
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_reload_with_another_authority_leaves_the_old_connections_alone() {
    let (old, new) = (
        Authority::new("old").unwrap(),
        Authority::new("new").unwrap(),
    );
    let server = answering(Some(ServerTls::new(old.issue(&["localhost"]).unwrap()))).await;
    let url = format!("https://localhost:{}", server.address().port());
    let yaml = one_server(
        "http",
        &format!("url: '{url}', ca: ca.pem, timeouts: {{ pooled: 60s }}"),
    );
    let edge = Edge::with(&yaml, &[HOST], |folder| {
        std::fs::write(folder.join("ca.pem"), old.pem())
    })
    .await
    .unwrap();
    assert_eq!(get(&edge, "/one/1").await.status(), Some(200));

    // The same file name with other contents: the old connection would still answer.
    std::fs::write(edge.folder().join("ca.pem"), new.pem()).unwrap();
    edge.reload(&yaml).await.unwrap();
    assert_eq!(get(&edge, "/one/2").await.status(), Some(502));
    assert_eq!(server.recorder().all().len(), 1);

    // And back: what the old authority vouched for may be used again.
    std::fs::write(edge.folder().join("ca.pem"), old.pem()).unwrap();
    edge.reload(&yaml).await.unwrap();
    assert_eq!(get(&edge, "/one/3").await.status(), Some(200));
}

#[tokio::test]
async fn a_reload_that_changes_nothing_keeps_the_connections() {
    let server = answering(None).await;
    let yaml = one_server(
        "http",
        &format!(
            "url: 'http://{}', timeouts: {{ pooled: 60s }}",
            server.address()
        ),
    );
    let edge = edge(&yaml).await;
    for _ in 0..3 {
        assert_eq!(get(&edge, "/one/x").await.status(), Some(200));
        edge.reload(&yaml).await.unwrap();
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_connection_unused_for_the_pools_time_is_closed() {
    let server = answering(None).await;
    let yaml = one_server(
        "http",
        &format!(
            "url: 'http://{}', timeouts: {{ pooled: 300ms }}",
            server.address()
        ),
    );
    let edge = edge(&yaml).await;
    assert_eq!(get(&edge, "/one/x").await.status(), Some(200));
    until("the idle connection to be closed", async || {
        server.open() == 0
    })
    .await;
    assert_eq!(get(&edge, "/one/x").await.status(), Some(200));
    assert_eq!(server.accepted(), 2);
}
