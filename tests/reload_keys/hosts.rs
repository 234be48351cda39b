//! `hosts`: names, routes and what is said of them.

use super::looks::{at_once, headed, passes, status, told, waits};
use super::row::{Row, row, run};

const WHOLE: &str = "servers:\n  web: { kind: http, url: '<web>' }\n  two: { kind: http, url: '<two>' }\nhosts:\n  proxy.example.com: { @ }";
/// A route below `/r/`, described by the value.
const ROUTE: &str = "servers:\n  web: { kind: http, url: '<web>' }\n  two: { kind: http, url: '<two>' }\nhosts:\n  proxy.example.com:\n    routes:\n      - { @ }";
const TIMED: &str = "servers:\n  web: { kind: http, url: '<web>' }\nhosts:\n  proxy.example.com:\n    routes:\n      - { path: /r/, server: web, timeouts: { @ } }";
const STALLED: &str = "servers:\n  web: { kind: http, url: '<stalled>', ca: ca-a.pem, server_name: safe.example.com }\nhosts:\n  proxy.example.com:\n    routes:\n      - { path: /r/, server: web, timeouts: { @ } }";
const LIMITED: &str =
    "hosts:\n  proxy.example.com:\n    routes:\n      - { path: /r/, server: web, limits: { @ } }";
const CACHED: &str =
    "hosts:\n  proxy.example.com:\n    routes:\n      - { path: /r/, files: www, cache: [{ @ }] }";
const JSON: &str = "servers:\n  web: { kind: icws, url: '<web>' }\n  two: { kind: icws, url: '<two>' }\nhosts:\n  proxy.example.com:\n    routes:\n      - { path: '/us/{server}/', servers: [web, two] }\n      - { path: /r/, files: www, servers_json: { @ } }";

pub fn rows() -> Vec<Row> {
    vec![
        row(
            "hosts.NAME.server",
            WHOLE,
            ["server: web", "server: two"],
            ["web", "two"],
            |ground, _| async move { told(ground, "/x", "server").await },
        ),
        row(
            "hosts.NAME.files",
            WHOLE,
            ["files: www", "files: www2"],
            ["www", "www2"],
            |ground, _| async move { told(ground, "/", "server").await },
        ),
        row(
            "hosts.NAME.routes[].path",
            ROUTE,
            ["path: /r/, server: web", "path: /s/, server: web"],
            ["200 404", "404 200"],
            |ground, _| async move {
                format!(
                    "{} {}",
                    status(ground.clone(), "GET /r/x").await,
                    status(ground, "GET /s/x").await
                )
            },
        ),
        row(
            "hosts.NAME.routes[].server",
            ROUTE,
            ["path: /r/, server: web", "path: /r/, server: two"],
            ["web", "two"],
            |ground, _| async move { told(ground, "/r/x", "server").await },
        ),
        row(
            "hosts.NAME.routes[].servers",
            ROUTE,
            [
                "path: '/r/{server}/', servers: [web, two]",
                "path: '/r/{server}/', servers: [web]",
            ],
            ["200 200", "200 404"],
            |ground, _| async move {
                format!(
                    "{} {}",
                    status(ground.clone(), "GET /r/web/x").await,
                    status(ground, "GET /r/two/x").await
                )
            },
        ),
        row(
            "hosts.NAME.routes[].files",
            ROUTE,
            ["path: /r/, files: www", "path: /r/, files: www2"],
            ["www", "www2"],
            |ground, _| async move { told(ground, "/r/", "server").await },
        ),
        row(
            "hosts.NAME.routes[].methods",
            ROUTE,
            [
                "path: /r/, server: web, methods: [GET]",
                "path: /r/, server: web, methods: [GET, DELETE]",
            ],
            ["405", "200"],
            |ground, _| async move { status(ground, "DELETE /r/x").await },
        ),
        row(
            "hosts.NAME.routes[].request_body",
            ROUTE,
            [
                "path: /r/, server: web, request_body: 1KiB",
                "path: /r/, server: web, request_body: 1MiB",
            ],
            ["413", "200"],
            |ground, _| async move {
                let body = "x".repeat(2000);
                let dial = ground.plain();
                let got = dial.send(format!("POST /r/x HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n{body}"), super::ground::SOON).await;
                got.unwrap().status().unwrap().to_string()
            },
        ),
        row(
            "hosts.NAME.routes[].expose",
            ROUTE,
            [
                "path: /r/, server: web, expose: [/a/]",
                "path: /r/, server: web, expose: [/b/]",
            ],
            ["200 404", "404 200"],
            |ground, _| async move {
                format!(
                    "{} {}",
                    status(ground.clone(), "GET /r/a/x").await,
                    status(ground, "GET /r/b/x").await
                )
            },
        ),
        row(
            "hosts.NAME.routes[].timeouts.connect",
            STALLED,
            ["connect: 300ms", "connect: 60s"],
            ["504", "waiting"],
            |ground, expected| async move { waits(ground, "/r/x", expected).await },
        ),
        row(
            "hosts.NAME.routes[].timeouts.response",
            TIMED,
            ["response: 300ms", "response: 60s"],
            ["504", "waiting"],
            |ground, expected| async move { waits(ground, "/r/never", expected).await },
        ),
        row(
            "hosts.NAME.routes[].timeouts.stream",
            TIMED,
            ["stream: 300ms", "stream: 60s"],
            ["cut", "open"],
            |ground, expected| async move { waits(ground, "/r/event", expected).await },
        ),
        row(
            "hosts.NAME.routes[].timeouts.pooled",
            TIMED,
            ["pooled: 300ms", "pooled: 60s"],
            ["closed", "open"],
            |ground, expected| async move { super::pools::kept_by(ground, "/r/x", expected).await },
        )
        // What lies there under the longer time may lie on.
        .counted(),
        // One address has used two requests, and the reload forgets none of them.
        row(
            "hosts.NAME.routes[].limits.requests.burst",
            LIMITED,
            [
                "requests: { rate: 1/h, burst: 2 }",
                "requests: { rate: 1/h, burst: 5 }",
            ],
            ["2", "3"],
            |ground, _| async move { super::limits::by_one(ground, "/r/x", 8).await },
        )
        .counted(),
        row(
            "hosts.NAME.routes[].limits.requests.rate",
            LIMITED,
            [
                "requests: { rate: 1/h, burst: 2 }",
                "requests: { rate: 100000/s, burst: 2 }",
            ],
            ["few", "many"],
            |ground, _| async move { super::limits::refills(ground, "/r/x").await },
        )
        .counted(),
        row(
            "hosts.NAME.routes[].limits.requests.mode",
            LIMITED,
            [
                "requests: { rate: 1/h, burst: 2, mode: enforce }",
                "requests: { rate: 1/h, burst: 2, mode: observe }",
            ],
            ["2", "4"],
            |ground, _| async move { passes(ground, "/r/x", 4).await },
        ),
        row(
            "hosts.NAME.routes[].limits.requests_in_flight",
            LIMITED,
            ["requests_in_flight: 1", "requests_in_flight: 3"],
            ["1", "3"],
            |ground, _| async move { at_once(ground, "/r/event", 4).await },
        ),
        row(
            "hosts.NAME.routes[].limits.requests_in_flight.most",
            LIMITED,
            [
                "requests_in_flight: { most: 1 }",
                "requests_in_flight: { most: 3 }",
            ],
            ["1", "3"],
            |ground, _| async move { at_once(ground, "/r/event", 4).await },
        ),
        row(
            "hosts.NAME.routes[].limits.requests_in_flight.mode",
            LIMITED,
            [
                "requests_in_flight: { most: 1, mode: enforce }",
                "requests_in_flight: { most: 1, mode: observe }",
            ],
            ["1", "4"],
            |ground, _| async move { at_once(ground, "/r/event", 4).await },
        ),
        row(
            "hosts.NAME.routes[].cache[].match",
            CACHED,
            ["match: '*.css', for: 7s", "match: '*.js', for: 7s"],
            ["max-age=7", "other"],
            |ground, _| async move {
                let dial = ground.plain();
                let told = headed(ground, dial, "/r/a.css", "cache-control").await;
                if told == "max-age=7" {
                    told
                } else {
                    "other".to_owned()
                }
            },
        ),
        row(
            "hosts.NAME.routes[].cache[].for",
            CACHED,
            ["match: '*.css', for: 7s", "match: '*.css', for: never"],
            ["max-age=7", "no-store"],
            |ground, _| async move {
                let dial = ground.plain();
                headed(ground, dial, "/r/a.css", "cache-control").await
            },
        ),
        row(
            "hosts.NAME.routes[].servers_json.at",
            JSON,
            [
                "at: a.json, servers: [web], template: 'https://a/{host}/'",
                "at: b.json, servers: [web], template: 'https://a/{host}/'",
            ],
            ["200 404", "404 200"],
            |ground, _| async move {
                format!(
                    "{} {}",
                    status(ground.clone(), "GET /r/a.json").await,
                    status(ground, "GET /r/b.json").await
                )
            },
        ),
        row(
            "hosts.NAME.routes[].servers_json.servers",
            JSON,
            [
                "at: a.json, servers: [web], template: 'https://a/{host}/'",
                "at: a.json, servers: [web, two], template: 'https://a/{host}/'",
            ],
            ["one", "two"],
            |ground, _| async move {
                if ground.get("/r/a.json").await.text().contains("\"two\"") {
                    "two"
                } else {
                    "one"
                }
                .to_owned()
            },
        ),
        row(
            "hosts.NAME.routes[].servers_json.template",
            JSON,
            [
                "at: a.json, servers: [web], template: 'https://a/{host}/'",
                "at: a.json, servers: [web], template: 'https://b/{host}/'",
            ],
            ["a", "b"],
            |ground, _| async move {
                if ground.get("/r/a.json").await.text().contains("https://b/") {
                    "b"
                } else {
                    "a"
                }
                .to_owned()
            },
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_of_hosts_changes_what_it_names_and_nothing_else() {
    run(rows()).await;
}
