//! `explain`: the whole text for each kind of answer, as an operator reads it. One file in `tests/fixtures/explain/` for each request.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use support::{World, compare, fail_on, repository};

const CONFIG: &str = r#"
listeners:
  - { listen: 0.0.0.0:443, tls: {} }
  - { listen: 0.0.0.0:8444, tls: { http2: false, require_sni: true } }
  - { listen: 0.0.0.0:80, redirect: https }
  - { listen: 127.0.0.1:8080 }
tls: { certificates: [{ cert: tls/a.pem, key: tls/a.key }, { cert: tls/wildcard.pem, key: tls/wildcard.key }] }
client_address: { trusted_proxies: [10.20.0.0/24] }
limits:
  exempt: [198.51.100.0/24]
  new_connections: { rate: 90/m, mode: off }
  ban: { refusals: 50, within: 1m, for: 2h, mode: observe }
  kinds: { webtools: { requests: { rate: 20/s, burst: 60, mode: observe }, requests_in_flight: 50 } }
  interactions: { TrustedHosts: [203.0.113.8], MaxActiveChatsAllowed: 900, total_callbacks: 70, CallbacksAllowedUnitTime: 60 }
servers:
  icserver1: { kind: icws, url: "https://192.0.2.1:8019", server_name: icserver1.corp.local, ca: tls/authority.pem, secure_cookies: true }
  icserver2: { kind: icws, url: "http://192.0.2.2" }
  chat1: { kind: webtools, url: "http://192.0.2.1", pair: chat }
  search1: { kind: webhtml, url: "http://192.0.2.1" }
  gadgets: { kind: http, url: "https://192.0.2.9/base/", insecure: true, websocket: true, timeouts: { response: 90s } }
hosts:
  a.example.com:
    routes:
      - { path: "/apps/client/api/{server}/", servers: [icserver1, icserver2] }
      - { path: /I3Root/Server1/, server: chat1 }
      - { path: /I3Root/WebServices/Server1/, server: search1 }
      - { path: /gadgets/, server: gadgets, request_body: 1KiB, methods: [GET, POST], limits: { requests: { rate: 30/m } } }
      - path: /I3Root/
        files: www
        cache: [{ match: client/lib/, for: 30d }]
        servers_json: { servers: [icserver1], template: "https://a.example.com/apps/client/api/{host}/" }
  one.wild.example.com: { files: www }
  a.example.com:8444: { server: icserver2 }
  192.0.2.80: { files: www }
"#;

/// Name of the file with the expected text, exit code, arguments.
const REQUESTS: &[(&str, i32, &[&str])] = &[
    (
        "icws",
        0,
        &[
            "POST",
            "https://a.example.com/apps/client/api/ICServer1/icws/connection?include=features",
        ],
    ),
    (
        "icws_from_a_client",
        0,
        &[
            "https://a.example.com/apps/client/api/icserver2/icws/1234/status",
            "--from",
            "203.0.113.9",
        ],
    ),
    (
        "icws_from_a_trusted_proxy",
        0,
        &[
            "https://a.example.com/apps/client/api/icserver2/icws/1234/status",
            "--from",
            "10.20.0.7",
        ],
    ),
    (
        "icws_with_a_token_in_the_query",
        0,
        &["https://a.example.com/apps/client/api/icserver1/icws/x?token=hunter2&hunter2"],
    ),
    (
        "webtools",
        0,
        &[
            "POST",
            "https://a.example.com/I3Root/Server1/WebSvcs/chat/start",
        ],
    ),
    (
        "webtools_from_a_trusted_host",
        0,
        &[
            "POST",
            "https://a.example.com/I3Root/Server1/websvcs/callback/create",
            "--from",
            "203.0.113.8",
        ],
    ),
    (
        "icws_chat_from_an_exempt_network",
        0,
        &[
            "POST",
            "https://a.example.com/apps/client/api/icserver2/icws/web-chat/start",
            "--from",
            "198.51.100.7",
        ],
    ),
    (
        "webtools_poll_from_ipv6",
        0,
        &[
            "https://a.example.com/I3Root/Server1/websvcs/chat/poll/1f",
            "--from",
            "2001:db8:1:2::3",
        ],
    ),
    (
        "webhtml",
        0,
        &["https://a.example.com/I3Root/WebServices/Server1/CgiTest"],
    ),
    (
        "http_with_base_path",
        0,
        &["https://a.example.com/gadgets/one/gadget.xml?v=2"],
    ),
    (
        "file",
        0,
        &["https://a.example.com/I3Root/client/lib/app.js"],
    ),
    ("file_index", 0, &["https://one.wild.example.com/"]),
    (
        "file_folder",
        0,
        &["https://a.example.com/I3Root/client/lib"],
    ),
    (
        "file_made_by_the_gateway",
        0,
        &["https://a.example.com/I3Root/config/servers.json"],
    ),
    ("file_missing", 1, &["https://a.example.com/I3Root/gone.js"]),
    (
        "file_hidden",
        1,
        &["https://a.example.com/I3Root/.git/config"],
    ),
    (
        "file_method",
        1,
        &["DELETE", "https://a.example.com/I3Root/index.html"],
    ),
    (
        "redirect",
        0,
        &["http://a.example.com/I3Root/x?session=hunter2"],
    ),
    ("redirect_unknown_host", 1, &["http://b.example.com/"]),
    (
        "plain",
        0,
        &["http://a.example.com:8080/apps/client/api/icserver1/icws/connection"],
    ),
    (
        "host_with_port",
        0,
        &["https://a.example.com:8444/icws/connection"],
    ),
    ("address_as_host", 0, &["https://192.0.2.80/index.html"]),
    (
        "address_where_sni_is_required",
        1,
        &["https://192.0.2.80:8444/index.html"],
    ),
    ("unknown_host", 1, &["https://b.example.com/"]),
    ("unknown_host_plain", 1, &["http://b.example.com:8080/"]),
    ("unknown_port", 1, &["https://a.example.com:8443/"]),
    ("wrong_scheme", 1, &["http://a.example.com:443/"]),
    ("bad_port", 1, &["https://a.example.com:99999/"]),
    ("bad_host", 1, &["http://a_b!.example.com:8080/"]),
    ("unknown_path", 1, &["https://a.example.com/nothing"]),
    (
        "unknown_server",
        1,
        &["https://a.example.com/apps/client/api/icserver9/icws/connection"],
    ),
    (
        "not_exposed",
        1,
        &["https://a.example.com/apps/client/api/icserver1/admin"],
    ),
    (
        "trick_dots",
        1,
        &["https://a.example.com/apps/client/api/icserver1/icws/%2e%2e/%2e%2e/icserver2/icws/x"],
    ),
    (
        "trick_decoded_twice",
        1,
        &["https://a.example.com/gadgets/%252e%252e/%252e%252e/etc"],
    ),
    (
        "trick_parameters",
        1,
        &["https://a.example.com/I3Root/Server1/websvcs/..;/admin"],
    ),
    (
        "trick_backslash",
        1,
        &["https://a.example.com/gadgets/..\\..\\x"],
    ),
    (
        "method_of_the_route",
        1,
        &["DELETE", "https://a.example.com/gadgets/one"],
    ),
    (
        "method_of_the_gateway",
        1,
        &["TRACE", "https://a.example.com/gadgets/one"],
    ),
];

#[test]
fn every_explanation_is_as_expected() {
    let world = World::new();
    world.write("p.yaml", CONFIG);
    let mut failures = String::new();
    for (name, code, arguments) in REQUESTS {
        let ran = world.run(&[&["explain", "-c", "p.yaml"][..], arguments].concat());
        assert_eq!(
            (ran.code, ran.err.as_str()),
            (Some(*code), ""),
            "{name}: {}",
            ran.out
        );
        assert!(!ran.out.contains("hunter2"), "{name}: {}", ran.out);
        let path = repository("tests/fixtures/explain")
            .join(name)
            .with_extension("txt");
        compare(&path, &ran.out, &mut failures);
    }
    fail_on(&failures);
}

#[test]
fn without_the_section_a_start_is_counted_and_not_limited() {
    let world = World::new();
    let (before, rest) = CONFIG.split_once("  interactions:").unwrap();
    let (_, after) = rest.split_once("servers:").unwrap();
    world.write("p.yaml", &format!("{before}  mode: off\nservers:{after}"));
    let ran = world.run(&[
        "explain",
        "-c",
        "p.yaml",
        "POST",
        "https://a.example.com/I3Root/Server1/websvcs/chat/start",
    ]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let told = "  starts    a chat of the pair chat, counted and not limited
  limits    connections: off
            new_connections: off
            requests: off
            requests_in_flight: off
            ban: off
";
    assert!(ran.out.ends_with(told), "{}", ran.out);
}

#[test]
fn with_an_access_log_the_path_is_shown_as_it_would_be_logged() {
    let world = World::new();
    let log = "log: { access: { file: access.log } }\n";
    world.write("p.yaml", &format!("{CONFIG}{log}"));
    for (path, logged) in [
        (
            "/I3Root/Server1/websvcs/chat/poll/5d1a?x=y",
            "/I3Root/Server1/websvcs/chat/poll/***",
        ),
        // No route leads there.
        (
            "/I3Root/Server9/websvcs/chat/poll/5d1a",
            "/I3Root/Server9/websvcs/chat/poll/***",
        ),
        (
            "/apps/client/api/icserver2/icws/1234/status",
            "/apps/client/api/icserver2/icws/1234/status",
        ),
    ] {
        let url = format!("https://a.example.com{path}");
        let ran = world.run(&["explain", "-c", "p.yaml", &url]);
        let expected = format!("  logged    GET {logged}\n            in access.log, as json\n");
        assert!(ran.out.ends_with(&expected), "{}", ran.out);
    }
}

#[test]
fn a_password_in_the_url_is_refused_and_not_repeated() {
    let world = World::new();
    world.write("p.yaml", CONFIG);
    let ran = world.run(&[
        "explain",
        "-c",
        "p.yaml",
        "https://user:hunter2@a.example.com/",
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert_eq!(
        ran.err,
        "portcullis explain: leave the user and the password out of the URL: no route depends on them\n"
    );
}

#[test]
fn every_expected_text_belongs_to_a_request() {
    for entry in std::fs::read_dir(repository("tests/fixtures/explain")).unwrap() {
        let name = entry
            .unwrap()
            .path()
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert!(REQUESTS.iter().any(|(used, ..)| *used == name), "{name}");
    }
}
