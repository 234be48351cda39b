//! The admin listener of the real program, over sockets.

use super::client::{ask, file, get, open, status, world};
use super::gateway::Gateway;

#[test]
fn the_admin_listener_answers_loopback_names_only() {
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (_, admin) = gateway.addresses();
    let port = admin.port();
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "127.1.2.3:9145",
        "[::1]",
        "[::1]:9145",
        &format!("localhost:{port}"),
    ] {
        let answer = ask(&mut open(admin), &get(host, "/healthz"));
        assert_eq!(status(&answer), "200", "{host}: {answer}");
    }
    for host in [
        "evil.example.com",
        "localhost.evil.example.com",
        "a@localhost",
        "localhost@evil.example.com",
        "192.0.2.1",
        "[::2]",
        "0.0.0.0",
        "",
        "127.0.0.1.nip.io",
        "::1",
    ] {
        let answer = ask(&mut open(admin), &get(host, "/metrics"));
        assert!(matches!(status(&answer), "421" | "400"), "{host}: {answer}");
        assert!(!answer.contains("portcullis_"), "{host}: {answer}");
    }
    for request in [
        "GET http://evil.example.com/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example.com\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example.com\r\n\r\n",
        "GET /metrics HTTP/1.0\r\n\r\n",
    ] {
        let answer = ask(&mut open(admin), request);
        assert!(
            matches!(status(&answer), "421" | "400"),
            "{request}: {answer}"
        );
    }
}

#[test]
fn the_admin_listener_answers_what_it_has_and_says_so_to_browsers() {
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (_, admin) = gateway.addresses();
    for (request, expected) in [
        ("GET /healthz", "200"),
        ("GET /readyz", "200"),
        ("GET /metrics", "200"),
        ("GET /nothing", "404"),
        ("GET //", "404"),
        ("GET /metrics/", "404"),
        ("GET //metrics", "404"),
        ("POST /metrics", "405"),
        ("PUT /nothing", "404"),
        ("DELETE /healthz", "405"),
        ("OPTIONS /metrics", "405"),
        ("TRACE /metrics", "405"),
    ] {
        let answer = ask(
            &mut open(admin),
            &format!("{request} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        );
        assert_eq!(status(&answer), expected, "{request}: {answer}");
        let head = answer.to_ascii_lowercase();
        for field in [
            "x-content-type-options: nosniff\r\n",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n",
            "x-frame-options: deny\r\n",
            "cache-control: no-store\r\n",
            "cross-origin-resource-policy: same-origin\r\n",
        ] {
            assert!(head.contains(field), "{request}: {answer}");
        }
        assert!(!head.contains("access-control-"), "{answer}");
        assert_eq!(
            expected == "405",
            head.contains("\r\nallow: get,head\r\n"),
            "{answer}"
        );
    }
}
