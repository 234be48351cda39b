//! TLS of the listener, and certificates of clients.

use loadtest::rude::client::Dial;
use openssl::ssl::SslVersion;

use super::stage::*;

#[tokio::test]
async fn a_certificate_of_the_authority_lets_in_without_a_token() {
    for admin in [WITH_CA, WITH_ALL] {
        let stage = Stage::with(admin).await;
        let known = stage.tls().identity(&stage.operator(&stage.operators));
        for line in ["GET /metrics", "GET /api/bans", "GET /healthz"] {
            assert_eq!(status(&known, line, "").await, 200, "{line}");
        }
        // What it says besides is not even looked at.
        let wrong = bearer(OTHER_TOKEN);
        assert_eq!(status(&known, "GET /metrics", &wrong).await, 200);
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_in_the_handshake() {
    let stage = Stage::with(WITH_ALL).await;
    for versions in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let unknown = stage
            .tls()
            .identity(&stage.operator(&stage.strangers))
            .tls_versions(versions, versions);
        let asked = request("GET /healthz", &bearer(TOKEN), "");
        // A client of TLS 1.3 hears of it only behind its own part of the handshake.
        let got = unknown.send(asked, SOON).await;
        assert!(got.is_err() || got.is_ok_and(|got| got.bytes.is_empty()));
    }
}

#[tokio::test]
async fn without_a_certificate_the_token_will_do_and_without_either_only_health_is_answered() {
    let stage = Stage::with(WITH_ALL).await;
    assert_eq!(
        status(&stage.tls(), "GET /metrics", &bearer(TOKEN)).await,
        200
    );
    assert_eq!(status(&stage.tls(), "GET /metrics", "").await, 401);
    assert_eq!(status(&stage.tls(), "GET /readyz", "").await, 200);
    let stage = Stage::with(WITH_CA).await;
    assert_eq!(status(&stage.tls(), "GET /readyz", "").await, 200);
    let html = "Accept: text/html\r\n";
    let got = ask(&stage.tls(), "GET /", html, "").await;
    assert_eq!(got.status(), Some(401));
    assert!(got.text().contains("`admin.client_ca`"), "{}", got.text());
    assert_eq!(status(&stage.tls(), "GET /sign-in", "").await, 404);
}

#[tokio::test]
async fn whoever_does_not_speak_tls_or_only_an_old_one_is_not_answered() {
    let stage = Stage::with(WITH_TLS).await;
    let asked = request("GET /healthz", "", "");
    let got = stage.plain().send(asked, SOON).await.unwrap();
    assert!(got.bytes.is_empty(), "{}", got.text());
    let old = stage
        .tls()
        .tls_versions(SslVersion::TLS1, SslVersion::TLS1_1);
    assert!(old.open().await.is_err());
    let other = stage.tls().alpn(&["h2"]);
    assert!(other.open().await.is_err());
    let nameless = Dial::tls(stage.edge.admin());
    assert_eq!(status(&nameless, "GET /healthz", "").await, 200);
}

#[tokio::test]
async fn the_certificates_of_the_listener_are_among_those_whose_end_is_told() {
    let stage = Stage::with(WITH_ALL).await;
    let got = ask(&stage.tls(), "GET /metrics", &bearer(TOKEN), "").await;
    for file in ["admin.pem", "operators.pem"] {
        let path = stage.edge.folder().join(file).display().to_string();
        let line = format!("portcullis_certificate_expiry_timestamp_seconds{{file=\"{path}\"}} ");
        assert!(got.text().contains(&line), "{line}");
    }
}
