//! TLS: one host's connection, name or session used for another, handshakes that never end.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use loadtest::rude::client::{Dial, Ended};
use openssl::ssl::SslVersion;

use super::support::{SOON, no_panics, ok, stage, stage_with};

fn get(host: &str) -> String {
    format!("GET /gadgets/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_connection_serves_the_host_of_its_handshake_only() {
    let stage = stage(ok).await;
    for (sni, host, status) in [
        (Some("proxy.example.com"), "proxy.example.com", Some(200)),
        (
            Some("PROXY.Example.com"),
            "proxy.example.com:443",
            Some(200),
        ),
        (Some("proxy.example.com"), "PROXY.example.com.", Some(200)),
        (Some("proxy.example.com"), "other.example.com", Some(421)),
        (Some("other.example.com"), "proxy.example.com", Some(421)),
        (Some("proxy.example.com"), "nowhere.example.com", Some(421)),
        (Some("proxy.example.com"), "127.0.0.1", Some(421)),
        (None, "proxy.example.com", Some(200)),
        (None, "nowhere.example.com", Some(404)),
        // Names that are nobody's end in the handshake.
        (Some("nowhere.example.com"), "proxy.example.com", None),
        (Some("proxy.example.com."), "proxy.example.com", None),
        (Some("proxy_example.com"), "proxy.example.com", None),
        (Some("proxy.example.com:443"), "proxy.example.com", None),
        (Some("*.example.com"), "proxy.example.com", None),
        (Some(".proxy.example.com"), "proxy.example.com", None),
        (Some("proxy.example.com\u{20}"), "proxy.example.com", None),
        (Some("a.proxy.example.com"), "proxy.example.com", None),
    ] {
        let mut dial = Dial::tls(stage.edge.https()).alpn(&["http/1.1"]);
        if let Some(sni) = sni {
            dial = dial.sni(sni);
        }
        let got = dial.send(get(host), SOON).await;
        assert_eq!(
            got.ok().and_then(|got| got.status()),
            status,
            "{sni:?} {host}"
        );
    }
    assert!(
        stage
            .seen()
            .iter()
            .all(|record| record.target() == "/base/x")
    );
    let long = "a".repeat(250) + ".example.com";
    let dial = Dial::tls(stage.edge.https()).sni(&long);
    assert!(dial.send(get("proxy.example.com"), SOON).await.is_err());
    for version in [SslVersion::TLS1, SslVersion::TLS1_1] {
        let dial = Dial::tls(stage.edge.https())
            .sni("proxy.example.com")
            .tls_versions(version, version);
        assert!(dial.send(get("proxy.example.com"), SOON).await.is_err());
    }
    no_panics();
}

/// One request by the openssl command, which can resume sessions: what it says. `None` where there is no such command.
async fn s_client(to: SocketAddr, sni: &str, host: &str, more: &[&str]) -> Option<String> {
    let mut command = Command::new("openssl");
    command
        .args([
            "s_client",
            "-ign_eof",
            "-connect",
            &to.to_string(),
            "-servername",
            sni,
        ])
        .args(more);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut client = command.spawn().ok()?;
    client.stdin.take()?.write_all(get(host).as_bytes()).ok()?;
    let output = tokio::task::spawn_blocking(move || client.wait_with_output());
    let output = tokio::time::timeout(SOON, output)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn a_session_of_one_host_opens_no_other() {
    let stage = stage(ok).await;
    let to = stage.edge.https();
    let file = stage.edge.folder().join("session.pem");
    let file = file.to_str().unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        let proxy = "proxy.example.com";
        let Some(first) = s_client(to, proxy, proxy, &[version, "-sess_out", file]).await else {
            eprintln!("skipped: there is no openssl command");
            return;
        };
        assert!(first.contains("HTTP/1.1 200"), "{version}: {first}");
        let resume = [version, "-sess_in", file];
        let again = s_client(to, proxy, proxy, &resume).await.unwrap();
        assert!(
            again.contains("Reused") && again.contains("HTTP/1.1 200"),
            "{version}: {again}"
        );
        assert!(!again.contains("Early data was accepted"));
        let other = s_client(to, proxy, "other.example.com", &resume)
            .await
            .unwrap();
        assert!(other.contains("HTTP/1.1 421"), "{version}: {other}");
        // TLS 1.3 asks for a name in each handshake. In TLS 1.2 the name belongs to the session, and so does the answer.
        let renamed = s_client(to, "other.example.com", proxy, &resume)
            .await
            .unwrap();
        let as_session = version == "-tls1_2" && renamed.contains("Reused");
        assert!(
            renamed.contains("HTTP/1.1 421") || as_session,
            "{version}: {renamed}"
        );
    }
}

#[tokio::test]
async fn handshakes_that_never_end_are_ended_and_disturb_nobody() {
    let stage = stage_with(
        "limits: { tls_handshake: 1s, request_head: { within: 1s } }",
        ok,
    )
    .await;
    let hello: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let mut waiting = Vec::new();
    for at in 0..200usize {
        let dial = Dial::plain(stage.edge.https()).drip(1, Duration::from_millis(200));
        let part = hello[..at % hello.len()].to_vec();
        waiting.push(tokio::spawn(async move {
            dial.send(part, SOON).await.unwrap().ended
        }));
    }
    let got = Dial::tls(stage.edge.https())
        .sni("proxy.example.com")
        .alpn(&["http/1.1"])
        .send(get("proxy.example.com"), SOON)
        .await
        .unwrap();
    assert_eq!(got.status(), Some(200));
    for ended in waiting {
        assert_ne!(ended.await.unwrap(), Ended::Open);
    }
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\x80\x2e\x01\x00\x02",
        b"\x16\x03\x01\xff\xff",
        b"\x15\x03\x01\x00\x02\x02\x00",
        b"\x17\x03\x03\x00\x05hello",
    ] {
        let got = Dial::plain(stage.edge.https())
            .send(bytes, SOON)
            .await
            .unwrap();
        assert_ne!(got.ended, Ended::Open);
        assert!(!got.text().contains("HTTP"), "{}", got.text());
    }
    no_panics();
}
