//! What is wrong with certificates, keys and names is said before the gateway starts, with the place and what to do.

use loadtest::edge::Edge;
use loadtest::wire::{Authority, Identity};

use super::support::HOST;

/// The report for a file with this server in its third line.
async fn report(server: &str) -> String {
    let yaml = format!(
        "admin: {{ listen: 127.0.0.1:0 }}\nservers:\n  one: {{ kind: http, {server} }}\n\
         listeners: [ {{ listen: 127.0.0.1:0 }} ]\nhosts: {{ {HOST}: {{ server: one }} }}\n"
    );
    let started = Edge::with(&yaml, &[HOST], |folder| {
        let ours = Authority::new("ours")?;
        let us = ours.issue(&["edge.example"])?;
        let them = Identity::appliance_self_signed(&["them.example"])?;
        std::fs::create_dir(folder.join("folder"))?;
        std::fs::write(folder.join("ca.pem"), ours.pem())?;
        std::fs::write(folder.join("us.pem"), &us.certificate_pem)?;
        std::fs::write(folder.join("us.key"), &us.key_pem)?;
        std::fs::write(folder.join("them.key"), &them.key_pem)?;
        std::fs::write(folder.join("empty.pem"), "")?;
        std::fs::write(folder.join("binary.der"), [0x30, 0x82, 0, 1])?;
        let (begin, end) = us.certificate_pem.split_at(us.certificate_pem.len() / 2);
        std::fs::write(folder.join("half.pem"), begin)?;
        std::fs::write(folder.join("second-half.pem"), ours.pem() + begin)?;
        std::fs::write(folder.join("end.pem"), end)
    });
    match started.await {
        Ok(_) => "no mistake".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn each_mistake_about_tls_has_its_place_and_its_remedy() {
    let https = "url: 'https://cic1.example:8019'";
    let table = [
        ("ca: nowhere.pem", "ca: nowhere.pem", "nowhere.pem"),
        ("ca: folder", "ca: folder", "cannot read"),
        (
            "ca: empty.pem",
            "ca: empty.pem",
            "holds no certificate in PEM form",
        ),
        (
            "ca: us.key",
            "ca: us.key",
            "holds no certificate in PEM form",
        ),
        (
            "ca: binary.der",
            "ca: binary.der",
            "holds no certificate in PEM form",
        ),
        (
            "ca: half.pem",
            "ca: half.pem",
            "holds no certificate in PEM form",
        ),
        (
            "ca: second-half.pem",
            "ca: second-half.pem",
            "holds no certificate in PEM form",
        ),
        (
            "client_certificate: { cert: nowhere.pem, key: us.key }",
            "cert: nowhere.pem",
            "cannot read",
        ),
        (
            "client_certificate: { cert: us.pem, key: nowhere.key }",
            "key: nowhere.key",
            "cannot read",
        ),
        (
            "client_certificate: { cert: us.key, key: us.key }",
            "cert: us.key",
            "holds no certificate",
        ),
        (
            "client_certificate: { cert: us.pem, key: ca.pem }",
            "key: ca.pem",
            "holds no private key",
        ),
        (
            "client_certificate: { cert: us.pem, key: empty.pem }",
            "key: empty.pem",
            "holds no private key",
        ),
        (
            "client_certificate: { cert: us.pem, key: them.key }",
            "cert: us.pem",
            "does not belong to the first certificate",
        ),
        (
            "client_certificate: { cert: ca.pem, key: us.key }",
            "cert: ca.pem",
            "does not belong to the first certificate",
        ),
    ];
    for (rest, at, says) in table {
        let report = report(&format!("{https}, {rest}")).await;
        // The place is that of the value: behind the name and its colon.
        let line = format!("  one: {{ kind: http, {https}, {rest} }}");
        let column = line.find(at).unwrap() + at.find(": ").unwrap() + 3;
        assert!(
            report.contains(&format!("edge.yaml:3:{column}")),
            "{rest} at 3:{column}\n{report}"
        );
        assert!(report.contains(says), "{rest}\n{report}");
        assert!(!report.contains("PRIVATE KEY-----\n"), "{report}");
    }
}

#[tokio::test]
async fn an_address_needs_a_name_for_its_certificate() {
    for (server, at, remedy) in [
        (
            "url: 'https://127.0.0.1:8019', ca: ca.pem",
            "'https:",
            "server_name",
        ),
        (
            "url: 'https://[::1]:8019', ca: ca.pem",
            "'https:",
            "server_name",
        ),
        (
            "url: 'https://127.0.0.1:8019', ca: ca.pem, server_name: 127.0.0.1",
            "127.0.0.1\u{0}",
            "server_name",
        ),
        (
            "url: 'https://cic1.example', ca: ca.pem, server_name: '::1'",
            "'::1'",
            "server_name",
        ),
        (
            "url: 'https://cic1.example', ca: ca.pem, server_name: ''",
            "''",
            "server_name",
        ),
    ] {
        let report = report(server).await;
        let line = format!("  one: {{ kind: http, {server}\u{0} }}");
        let column = line.find(at).unwrap() + 1;
        assert!(
            report.contains(&format!("edge.yaml:3:{column}")),
            "{server} at 3:{column}\n{report}"
        );
        assert!(report.contains(remedy), "{server}\n{report}");
    }
}

#[tokio::test]
async fn what_is_right_is_no_mistake() {
    for server in [
        "url: 'https://cic1.example:8019', ca: ca.pem, client_certificate: { cert: us.pem, key: us.key }",
        "url: 'https://127.0.0.1:8019', ca: ca.pem, server_name: cic1.example",
        "url: 'https://127.0.0.1:8019', insecure: true",
        "url: 'http://127.0.0.1:8018'",
    ] {
        assert_eq!(report(server).await, "no mistake", "{server}");
    }
}
