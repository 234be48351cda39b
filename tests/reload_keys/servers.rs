//! `servers`: every question to a server goes by the new file, whatever connections were kept under the old one.

use super::chats;
use super::looks::{headed, health, probe, status, told, waits};
use super::row::{Row, row, run};

/// A server `web` below `/web/`, described by the value.
const ONE: &str = "servers:\n  web: { @ }";
/// The same below the path that each kind wants.
const KIND: &str = "servers:\n  web: { url: '<web>', timeouts: { pooled: 1h }, @ }";
/// With TLS; connections are kept longer than any test takes.
const SAFE: &str = "servers:\n  web: { kind: http, url: '<safe>', timeouts: { pooled: 1h }, @ }";
const STRICT: &str = "servers:\n  web: { kind: http, url: '<strict>', ca: ca-a.pem, server_name: safe.example.com, timeouts: { pooled: 1h }, @ }";
const OLD: &str = "servers:\n  web: { kind: http, url: '<old>', ca: ca-a.pem, server_name: safe.example.com, timeouts: { pooled: 1h }, @ }";
const PAIR: &str = "servers:\n  chat: { kind: webtools, url: '<chat>', pair: @ }\nhosts:\n  proxy.example.com:\n    routes:\n      - { path: /chat/, server: chat }";
const PROBED: &str = "servers:\n  web: { kind: http, url: '<web>', health: { @ } }";
const JSON: &str = "servers:\n  web: { kind: icws, url: '<web>', display_name: @ }\nhosts:\n  proxy.example.com:\n    routes:\n      - { path: /web/, server: web }\n      - { path: /, files: www, servers_json: { at: s.json, servers: [web], template: 'https://proxy.example.com/{host}/' } }";

const A: &str = "ca: ca-a.pem, server_name: safe.example.com";
const A_ALIAS: &str = "ca: ca-a.pem, server_name: other.example.com";
const B: &str = "ca: ca-b.pem, server_name: safe.example.com";
const US: &str = "client_certificate: { cert: us.pem, key: us.key }";
const THEM: &str = "client_certificate: { cert: them.pem, key: them.key }";

pub fn rows() -> Vec<Row> {
    vec![
        row(
            "servers.NAME.kind",
            KIND,
            ["kind: http", "kind: icws"],
            ["200", "404"],
            |ground, _| async move { status(ground, "GET /web/x").await },
        ),
        row(
            "servers.NAME.url",
            ONE,
            [
                "kind: http, url: '<web>', timeouts: { pooled: 1h }",
                "kind: http, url: '<two>', timeouts: { pooled: 1h }",
            ],
            ["web", "two"],
            |ground, _| async move { told(ground, "/web/x", "server").await },
        ),
        row(
            "servers.NAME.ca",
            SAFE,
            [A, B],
            ["200", "502"],
            |ground, _| async move { status(ground, "GET /web/x").await },
        ),
        row(
            "servers.NAME.server_name",
            SAFE,
            [A, A_ALIAS],
            ["200", "502"],
            |ground, _| async move { status(ground, "GET /web/x").await },
        ),
        row(
            "servers.NAME.client_certificate.cert",
            STRICT,
            [US, THEM],
            ["us.example", "them.example"],
            |ground, _| async move { told(ground, "/web/x", "certificate").await },
        )
        .with("servers.NAME.client_certificate.key"),
        row(
            "servers.NAME.client_certificate",
            STRICT,
            [US, ""],
            ["200", "502"],
            |ground, _| async move { status(ground, "GET /web/x").await },
        ),
        row(
            "servers.NAME.insecure",
            SAFE,
            ["insecure: true", B],
            ["200", "502"],
            |ground, _| async move { status(ground, "GET /web/x").await },
        ),
        row(
            "servers.NAME.min_tls",
            OLD,
            ["min_tls: '1.2'", "min_tls: '1.3'"],
            ["200", "502"],
            |ground, _| async move { status(ground, "GET /web/x").await },
        ),
        row(
            "servers.NAME.pair",
            PAIR,
            ["one", "two"],
            ["one", "two"],
            |ground, _| async move { chats::counted_in(&ground).await },
        ),
        row(
            "servers.NAME.display_name",
            JSON,
            ["First", "Second"],
            ["First", "Second"],
            |ground, _| async move {
                let text = ground.get("/s.json").await.text();
                ["First", "Second"]
                    .into_iter()
                    .find(|name| text.contains(name))
                    .unwrap_or("neither")
                    .to_owned()
            },
        ),
        row(
            "servers.NAME.secure_cookies",
            ONE,
            [
                "kind: http, url: '<web>', secure_cookies: false",
                "kind: http, url: '<web>', secure_cookies: true",
            ],
            ["a=b; Path=/web/", "a=b; Path=/web/; Secure"],
            |ground, _| async move {
                let dial = ground.tls();
                headed(ground, dial, "/web/cookie", "set-cookie").await
            },
        ),
        row(
            "servers.NAME.location_absolute",
            ONE,
            [
                "kind: http, url: '<web>', location_absolute: true",
                "kind: http, url: '<web>', location_absolute: false",
            ],
            ["mapped", "as it is"],
            |ground, _| async move {
                let dial = ground.plain();
                let (place, own) = (
                    headed(ground.clone(), dial, "/web/location", "location").await,
                    ground.web.base_url(),
                );
                if place.starts_with(&own) {
                    "as it is"
                } else {
                    "mapped"
                }
                .to_owned()
            },
        ),
        row(
            "servers.NAME.server_errors",
            ONE,
            [
                "kind: webtools, url: '<web>', server_errors: as_502",
                "kind: webtools, url: '<web>', server_errors: as_is",
            ],
            ["502", "500"],
            |ground, _| async move { status(ground, "GET /web/websvcs/failing").await },
        ),
        row(
            "servers.NAME.host",
            ONE,
            [
                "kind: http, url: '<web>', host: a.example",
                "kind: http, url: '<web>', host: b.example",
            ],
            ["a.example", "b.example"],
            |ground, _| async move { told(ground, "/web/x", "host").await },
        ),
        row(
            "servers.NAME.expose",
            ONE,
            [
                "kind: http, url: '<web>', expose: [/a/]",
                "kind: http, url: '<web>', expose: [/b/]",
            ],
            ["200 404", "404 200"],
            |ground, _| async move {
                format!(
                    "{} {}",
                    status(ground.clone(), "GET /web/a/x").await,
                    status(ground, "GET /web/b/x").await
                )
            },
        ),
        row(
            "servers.NAME.websocket",
            ONE,
            [
                "kind: http, url: '<echo>', websocket: true",
                "kind: http, url: '<echo>', websocket: false",
            ],
            ["101", "400"],
            |ground, _| async move {
                let fields = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
                let request = format!(
                    "GET /web/x HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: Upgrade\r\n{fields}\r\n"
                );
                let mut line = ground.plain().open().await.unwrap();
                line.write(request.as_bytes()).await.unwrap();
                let head = line
                    .read_until(b"\r\n\r\n", super::ground::SOON)
                    .await
                    .unwrap();
                String::from_utf8_lossy(&head[9..12]).into_owned()
            },
        ),
        row(
            "servers.NAME.health",
            "servers:\n  web: { kind: http, url: '<web>', health: @ }",
            ["{}", "off"],
            ["up", "unchecked"],
            |ground, expected| async move { health(ground, "web", expected).await },
        ),
        row(
            "servers.NAME.health.path",
            PROBED,
            ["path: /a", "path: /b"],
            ["\"/a\"", "\"/b\""],
            |ground, _| async move { probe(ground, "web", "path").await },
        ),
        row(
            "servers.NAME.health.interval",
            PROBED,
            ["interval: 1h", "interval: 30m"],
            ["3600.0", "1800.0"],
            |ground, _| async move { probe(ground, "web", "interval_seconds").await },
        ),
        row(
            "servers.NAME.health.timeout",
            PROBED,
            ["timeout: 2s", "timeout: 1s"],
            ["2.0", "1.0"],
            |ground, _| async move { probe(ground, "web", "timeout_seconds").await },
        ),
        row(
            "servers.NAME.health.rise",
            PROBED,
            ["rise: 4", "rise: 5"],
            ["4", "5"],
            |ground, _| async move { probe(ground, "web", "rise").await },
        ),
        row(
            "servers.NAME.health.fall",
            PROBED,
            ["fall: 4", "fall: 5"],
            ["4", "5"],
            |ground, _| async move { probe(ground, "web", "fall").await },
        ),
        row(
            "servers.NAME.health.expect",
            PROBED,
            ["path: /a, expect: 200", "path: /a, expect: 204"],
            ["200", "204"],
            |ground, _| async move { probe(ground, "web", "expect").await },
        ),
        row(
            "servers.NAME.timeouts.connect",
            "servers:\n  web: { kind: http, url: '<stalled>', ca: ca-a.pem, server_name: safe.example.com, timeouts: { connect: @ } }",
            ["300ms", "60s"],
            ["504", "waiting"],
            |ground, expected| async move { waits(ground, "/web/x", expected).await },
        ),
        row(
            "servers.NAME.timeouts.response",
            "servers:\n  web: { kind: http, url: '<web>', timeouts: { response: @ } }",
            ["300ms", "60s"],
            ["504", "waiting"],
            |ground, expected| async move { waits(ground, "/web/never", expected).await },
        ),
        row(
            "servers.NAME.timeouts.stream",
            "servers:\n  web: { kind: http, url: '<web>', timeouts: { stream: @ } }",
            ["300ms", "60s"],
            ["cut", "open"],
            |ground, expected| async move { waits(ground, "/web/event", expected).await },
        ),
        row(
            "servers.NAME.timeouts.pooled",
            "servers:\n  web: { kind: http, url: '<web>', timeouts: { pooled: @ } }",
            ["300ms", "60s"],
            ["closed", "open"],
            |ground, expected| async move { super::pools::kept(ground, expected).await },
        )
        // What lies there under the longer time may lie on.
        .counted(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_of_servers_changes_what_it_names_and_nothing_else() {
    run(rows()).await;
}
