//! `limits`: what one client address may use. What was counted stays counted.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::ground::{Ground, HOST, SOON};
use super::looks::{at_once, passes, reaches};
use super::row::{Row, row, run};

const OWN: &str = "limits:\n  @";
const TIGHT: &str = "limits:\n  requests: { rate: 1/h, burst: 2 }\n  @";

/// The five keys that each kind has.
macro_rules! kind {
    ($kind:literal, $path:literal) => {{
        const TEXT: &str = concat!("servers:\n  k: { kind: ", $kind, ", url: '<web>', expose: ['", $path, "'] }\nhosts:\n  proxy.example.com:\n    routes:\n      - { path: /k/, server: k }\nlimits:\n  kinds: { ", $kind, ": { @ } }");
        const HELD: &str = concat!("/k", $path, "event");
        const QUICK: &str = concat!("/k", $path, "x");
        let key = |rest: &str| format!(concat!("limits.kinds.", $kind, ".{}"), rest);
        [
            row(key("requests.burst"), TEXT, ["requests: { rate: 1/h, burst: 2 }", "requests: { rate: 1/h, burst: 5 }"], ["2", "3"], |ground, _| async move { by_one(ground, QUICK, 8).await }).counted(),
            row(key("requests.rate"), TEXT, ["requests: { rate: 1/h, burst: 2 }", "requests: { rate: 100000/s, burst: 2 }"], ["few", "many"], |ground, _| async move { refills(ground, QUICK).await }).counted(),
            row(key("requests.mode"), TEXT, ["requests: { rate: 1/h, burst: 2, mode: enforce }", "requests: { rate: 1/h, burst: 2, mode: observe }"], ["2", "4"], |ground, _| async move { passes(ground, QUICK, 4).await }),
            row(key("requests_in_flight"), TEXT, ["requests_in_flight: 1", "requests_in_flight: { most: 3 }"], ["1", "3"], |ground, _| async move { at_once(ground, HELD, 4).await }).with(key("requests_in_flight.most")),
            row(key("requests_in_flight.mode"), TEXT, ["requests_in_flight: { most: 1, mode: enforce }", "requests_in_flight: { most: 1, mode: observe }"], ["1", "4"], |ground, _| async move { at_once(ground, HELD, 4).await }),
        ]
    }};
}

pub fn rows() -> Vec<Row> {
    let own = vec![
        row(
            "limits.mode",
            TIGHT,
            ["mode: enforce", "mode: observe"],
            ["2", "4"],
            |ground, _| async move { passes(ground, "/web/x", 4).await },
        ),
        row(
            "limits.exempt",
            TIGHT,
            ["exempt: [<exempt>]", "exempt: [<exempt>, 127.0.1.0/24]"],
            ["2", "4"],
            |ground, _| async move { passes(ground, "/web/x", 4).await },
        ),
        row(
            "limits.connections",
            OWN,
            ["connections: 1", "connections: 3"],
            ["1", "3"],
            |ground, _| async move { at_once(ground, "/web/event", 4).await },
        ),
        row(
            "limits.connections.most",
            OWN,
            ["connections: { most: 1 }", "connections: { most: 3 }"],
            ["1", "3"],
            |ground, _| async move { at_once(ground, "/web/event", 4).await },
        ),
        row(
            "limits.connections.mode",
            OWN,
            [
                "connections: { most: 1, mode: enforce }",
                "connections: { most: 1, mode: observe }",
            ],
            ["1", "4"],
            |ground, _| async move { at_once(ground, "/web/event", 4).await },
        ),
        row(
            "limits.new_connections.burst",
            OWN,
            [
                "new_connections: { rate: 1/h, burst: 2 }",
                "new_connections: { rate: 1/h, burst: 5 }",
            ],
            ["2", "3"],
            |ground, _| async move { by_one(ground, "/web/x", 8).await },
        )
        .counted(),
        row(
            "limits.new_connections.rate",
            OWN,
            [
                "new_connections: { rate: 1/h, burst: 2 }",
                "new_connections: { rate: 100000/s, burst: 2 }",
            ],
            ["few", "many"],
            |ground, _| async move { refills(ground, "/web/x").await },
        )
        .counted(),
        row(
            "limits.new_connections.mode",
            OWN,
            [
                "new_connections: { rate: 1/h, burst: 2 }",
                "new_connections: { rate: 1/h, burst: 2, mode: observe }",
            ],
            ["2", "4"],
            |ground, _| async move { passes(ground, "/web/x", 4).await },
        ),
        row(
            "limits.requests.burst",
            OWN,
            [
                "requests: { rate: 1/h, burst: 2 }",
                "requests: { rate: 1/h, burst: 5 }",
            ],
            ["2", "3"],
            |ground, _| async move { by_one(ground, "/web/x", 8).await },
        )
        .counted(),
        row(
            "limits.requests.rate",
            OWN,
            [
                "requests: { rate: 1/h, burst: 2 }",
                "requests: { rate: 100000/s, burst: 2 }",
            ],
            ["few", "many"],
            |ground, _| async move { refills(ground, "/web/x").await },
        )
        .counted(),
        row(
            "limits.requests.mode",
            OWN,
            [
                "requests: { rate: 1/h, burst: 2 }",
                "requests: { rate: 1/h, burst: 2, mode: observe }",
            ],
            ["2", "4"],
            |ground, _| async move { passes(ground, "/web/x", 4).await },
        ),
        row(
            "limits.requests_in_flight",
            OWN,
            ["requests_in_flight: 1", "requests_in_flight: 3"],
            ["1", "3"],
            |ground, _| async move { at_once(ground, "/web/event", 4).await },
        ),
        row(
            "limits.requests_in_flight.most",
            OWN,
            [
                "requests_in_flight: { most: 1 }",
                "requests_in_flight: { most: 3 }",
            ],
            ["1", "3"],
            |ground, _| async move { at_once(ground, "/web/event", 4).await },
        ),
        row(
            "limits.requests_in_flight.mode",
            OWN,
            [
                "requests_in_flight: { most: 1, mode: enforce }",
                "requests_in_flight: { most: 1, mode: observe }",
            ],
            ["1", "4"],
            |ground, _| async move { at_once(ground, "/web/event", 4).await },
        ),
        row(
            "limits.ban.refusals",
            OWN,
            ["ban: { refusals: 3 }", "ban: { refusals: 6 }"],
            ["3", "6"],
            |ground, _| async move { refused(&ground, 10).await.0.to_string() },
        ),
        row(
            "limits.ban.mode",
            OWN,
            [
                "ban: { refusals: 3, mode: enforce }",
                "ban: { refusals: 3, mode: observe }",
            ],
            ["3", "10"],
            |ground, _| async move { refused(&ground, 10).await.0.to_string() },
        ),
        row(
            "limits.ban.for",
            OWN,
            [
                "ban: { refusals: 3, for: 1h }",
                "ban: { refusals: 3, for: 2m }",
            ],
            ["long", "short"],
            |ground, _| async move {
                let (_, banned) = refused(&ground, 10).await;
                let answer = ground
                    .admin(&format!("GET /api/limits?address={banned}"), "")
                    .await;
                let told: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
                let left = told["banned"]["seconds_left"].as_u64().unwrap();
                if left > 120 { "long" } else { "short" }.to_owned()
            },
        ),
        // To see it from outside would take waiting for the window's end; tests of bans do that.
        row(
            "limits.ban.within",
            OWN,
            [
                "ban: { refusals: 3, within: 10s }",
                "ban: { refusals: 3, within: 20s }",
            ],
            ["10s", "20s"],
            |ground, _| async move {
                let snapshot = ground.edge().server().snapshot();
                format!("{:?}", snapshot.limits.ban.as_ref().unwrap().within)
            },
        ),
    ];
    own.into_iter()
        .chain(kind!("icws", "/icws/"))
        .chain(kind!("webtools", "/websvcs/"))
        .chain(kind!("webhtml", "/WebHTMLService/"))
        .chain(kind!("http", "/any/"))
        .chain(super::slow::rows())
        .collect()
}

/// The same client every time: what it has used up before the reload is used up.
pub async fn by_one(ground: Arc<Ground>, path: &str, times: usize) -> String {
    let dial = ground.plain().from(IpAddr::V4(Ipv4Addr::new(127, 0, 2, 1)));
    let mut passed = 0;
    for _ in 0..times {
        passed += usize::from(reaches(&dial, path).await);
    }
    passed.to_string()
}

/// Whether one client's requests go through, once the bucket has had time to fill: what was empty before a reload is empty after it.
pub async fn refills(ground: Arc<Ground>, path: &str) -> String {
    let passed: usize = by_one(ground, path, 8).await.parse().unwrap();
    if passed < 7 { "few" } else { "many" }.to_owned()
}

/// How many of so many bad requests a new client gets an answer to, and who it was.
async fn refused(ground: &Ground, times: usize) -> (usize, IpAddr) {
    let address = ground.stranger();
    let dial = ground.plain().from(address);
    let mut told = 0;
    for _ in 0..times {
        let request = format!("GET /nowhere HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        let got = dial.send(request, SOON).await;
        told += usize::from(got.is_ok_and(|got| got.status() == Some(404)));
    }
    (told, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_of_limits_changes_what_it_names_and_nothing_else() {
    run(rows()).await;
}
