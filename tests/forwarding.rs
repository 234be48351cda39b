//! What a server sees of a request, and what a client sees of its answer.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Ended, Got};
use loadtest::wire::{Record, Reply, Respond, Server, ServerOptions};

const SOON: Duration = Duration::from_secs(10);

/// A server that answers everything with `reply`, and a gateway with a route of each kind to it.
struct Stage {
    server: Server,
    edge: Edge,
}

async fn stage(reply: impl Fn(&Record) -> Reply + Send + Sync + 'static) -> Stage {
    stage_with("", reply).await
}

async fn stage_with(more: &str, reply: impl Fn(&Record) -> Reply + Send + Sync + 'static) -> Stage {
    let server = Server::start(ServerOptions::default(), Respond(reply))
        .await
        .unwrap();
    let address = server.address();
    let yaml = format!(
        "{more}
servers:
  icserver1: {{ kind: icws, url: 'http://{address}' }}
  chat1: {{ kind: webtools, url: 'http://{address}' }}
  search1: {{ kind: webhtml, url: 'http://{address}' }}
  gadgets: {{ kind: http, url: 'http://{address}/base/' }}
hosts:
  proxy.example.com:
    routes:
      - {{ path: /us/icserver1/, server: icserver1 }}
      - {{ path: '/apps/client/api/{{server}}/', servers: [icserver1] }}
      - {{ path: /I3Root/Server1/, server: chat1 }}
      - {{ path: /I3Root/WebServices/Server1/, server: search1 }}
      - {{ path: /gadgets/, server: gadgets, request_body: 1KiB }}
      - {{ path: /narrow/, server: gadgets, methods: [GET, HEAD] }}
"
    );
    Stage {
        server,
        edge: Edge::start(&yaml, &["proxy.example.com"]).await.unwrap(),
    }
}

impl Stage {
    /// Sends a head (and body) over a plain connection that closes afterwards.
    async fn ask(&self, head: &str, body: &str) -> Got {
        let request =
            format!("{head}\r\nHost: proxy.example.com\r\nConnection: close\r\n\r\n{body}");
        Dial::plain(self.edge.plain())
            .send(request, SOON)
            .await
            .unwrap()
    }

    async fn ask_tls(&self, head: &str) -> Got {
        let request = format!("{head}\r\nHost: proxy.example.com\r\nConnection: close\r\n\r\n");
        let dial = Dial::tls(self.edge.https())
            .sni("proxy.example.com")
            .alpn(&["http/1.1"]);
        dial.trusting(&self.edge.authority().pem())
            .send(request, SOON)
            .await
            .unwrap()
    }

    fn seen(&self) -> Record {
        self.server.recorder().all().pop().unwrap()
    }
}

fn ok(_: &Record) -> Reply {
    Reply::new(200).body("ok")
}

fn header(got: &Got, name: &str) -> Vec<String> {
    let head = got.head();
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim().to_owned())
        .collect()
}

#[tokio::test]
async fn the_path_reaches_the_server_in_the_clients_own_bytes() {
    let stage = stage(ok).await;
    for (public, inner) in [
        (
            "/us/icserver1/icws/123/users/a%2Fb%20c?x=%2F&y=..",
            "/icws/123/users/a%2Fb%20c?x=%2F&y=..",
        ),
        (
            "/apps/client/api/ICServer1/icws/connection",
            "/icws/connection",
        ),
        ("/us/icserver1/deeper/icws/connection", "/icws/connection"),
        ("/I3Root/Server1/WebSvcs/chat/start", "/WebSvcs/chat/start"),
        (
            "/I3Root/WebServices/Server1/doHTMLRequest?event=CgiTest",
            "/WebHTMLService/doHTMLRequest?event=CgiTest",
        ),
        ("/gadgets/a;v=1/b", "/base/a;v=1/b"),
        ("/gadgets/?", "/base/?"),
    ] {
        let got = stage.ask(&format!("GET {public} HTTP/1.1"), "").await;
        assert_eq!(got.status(), Some(200), "{public}");
        assert_eq!(stage.seen().target(), inner, "{public}");
    }
}

#[tokio::test]
async fn an_absolute_target_is_forwarded_in_origin_form() {
    let stage = stage(ok).await;
    let got = stage
        .ask(
            "GET http://proxy.example.com/us/icserver1/icws/1?q HTTP/1.1",
            "",
        )
        .await;
    assert_eq!(got.status(), Some(200));
    assert_eq!(stage.seen().target(), "/icws/1?q");
}

#[tokio::test]
async fn the_server_gets_its_own_host_and_the_gateways_word_about_the_client() {
    let stage = stage(ok).await;
    let got = stage
        .ask_tls("GET /us/icserver1/icws/123/configuration/users?a=%41 HTTP/1.1")
        .await;
    assert_eq!(got.status(), Some(200), "{}", got.text());
    let seen = stage.seen();
    let host = stage.server.address().to_string();
    let original = "https://proxy.example.com/us/icserver1/icws/123/configuration/users?a=%41";
    for (name, value) in [
        ("host", host.as_str()),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "proxy.example.com"),
        ("x-forwarded-port", "443"),
        ("inin-icws-original-url", original),
    ] {
        assert_eq!(seen.header(name).as_deref(), Some(value), "{name}");
        assert_eq!(seen.request.all(name).len(), 1, "{name}");
    }
}

#[tokio::test]
async fn forged_words_about_the_client_never_reach_a_server() {
    let stage = stage(ok).await;
    let forged = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\
        X-Client-IP: 6.6.6.6\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n\
        ININ-ICWS-Original-URL: https://evil.example/icws/\r\nx_forwarded_for: 6.6.6.6\r\nVia: 1.1 evil.example";
    for path in [
        "/us/icserver1/icws/connection",
        "/I3Root/Server1/websvcs/chat/start",
        "/gadgets/x",
    ] {
        let got = stage
            .ask(
                &format!("POST {path} HTTP/1.1\r\nContent-Length: 0\r\n{forged}"),
                "",
            )
            .await;
        if got.status() == Some(400) {
            continue; // refusing a field name with an underscore is as good
        }
        let raw = String::from_utf8_lossy(&stage.seen().request.raw_head).into_owned();
        assert!(
            !raw.contains("6.6.6.6") && !raw.contains("7.7.7.7") && !raw.contains("evil.example"),
            "{raw}"
        );
    }
    let forged = forged.replace("x_forwarded_for: 6.6.6.6\r\n", "");
    let got = stage
        .ask(
            &format!("GET /us/icserver1/icws/1 HTTP/1.1\r\n{forged}"),
            "",
        )
        .await;
    assert_eq!(got.status(), Some(200));
    let raw = String::from_utf8_lossy(&stage.seen().request.raw_head).into_owned();
    assert!(
        !raw.contains("6.6.6.6") && !raw.contains("evil.example"),
        "{raw}"
    );
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_stands_in_the_chain() {
    let more = "client_address: { trusted_proxies: [127.0.0.9] }";
    let stage = stage_with(more, ok).await;
    let head = "GET /us/icserver1/icws/1 HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: close\r\n\
        X-Forwarded-For: 6.6.6.6, 198.51.100.7\r\nX-Forwarded-Proto: https\r\n\
        ININ-ICWS-Original-URL: https://outer.example/us/icserver1/icws/1\r\n\r\n";
    let from = |last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    Dial::plain(stage.edge.plain())
        .from(from(9))
        .send(head, SOON)
        .await
        .unwrap();
    let seen = stage.seen();
    assert_eq!(
        seen.header("x-forwarded-for").as_deref(),
        Some("198.51.100.7, 127.0.0.9")
    );
    assert_eq!(
        seen.header("inin-icws-original-url").as_deref(),
        Some("https://outer.example/us/icserver1/icws/1")
    );
    Dial::plain(stage.edge.plain())
        .from(from(8))
        .send(head, SOON)
        .await
        .unwrap();
    let seen = stage.seen();
    assert_eq!(seen.header("x-forwarded-for").as_deref(), Some("127.0.0.8"));
    assert_eq!(
        seen.header("inin-icws-original-url").as_deref(),
        Some("http://proxy.example.com/us/icserver1/icws/1")
    );
}

#[tokio::test]
async fn hop_by_hop_fields_cross_in_neither_direction() {
    let stage = stage(|_| {
        Reply::new(200)
            .header("Keep-Alive", "timeout=5")
            .header("Connection", "keep-alive, X-Secret")
            .header("X-Secret", "1")
            .body("ok")
    })
    .await;
    let got = stage
        .ask(
            "GET /gadgets/x HTTP/1.1\r\nTE: trailers\r\nKeep-Alive: 300\r\nProxy-Connection: close",
            "",
        )
        .await;
    assert_eq!(got.status(), Some(200));
    let seen = stage.seen();
    for name in ["te", "keep-alive", "proxy-connection"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert!(
        header(&got, "keep-alive").is_empty() && header(&got, "x-secret").is_empty(),
        "{}",
        got.head()
    );
}

#[tokio::test]
async fn cookies_and_locations_come_back_under_the_public_prefix() {
    let stage = stage(|_| {
        Reply::new(201)
            .header(
                "Set-Cookie",
                "icws_1=a|languageId=en-us; Path=/icws/1; HttpOnly",
            )
            .header("Set-Cookie", "secret_1=b; HttpOnly; Secure; Path=/icws/1")
            .header("Set-Cookie", "other=c; Path=/elsewhere")
            .header("Location", "/icws/1/connection")
            .body("{}")
    })
    .await;
    for prefix in [
        "/us/icserver1",
        "/apps/client/api/icserver1",
        "/apps/client/api/ICSERVER1",
    ] {
        let got = stage
            .ask_tls(&format!("GET {prefix}/icws/1 HTTP/1.1"))
            .await;
        assert_eq!(
            header(&got, "set-cookie"),
            [
                format!("icws_1=a|languageId=en-us; Path={prefix}/icws/1; HttpOnly"),
                format!("secret_1=b; HttpOnly; Secure; Path={prefix}/icws/1"),
                "other=c; Path=/elsewhere".to_owned(),
            ]
        );
        assert_eq!(
            header(&got, "location"),
            [format!("{prefix}/icws/1/connection")]
        );
    }
}

#[tokio::test]
async fn an_absolute_location_comes_back_public_if_it_names_the_server_and_untouched_if_not() {
    let stage = stage(|record| {
        let host = record.header("host").unwrap_or_default();
        let to = if record.target().contains("idp") {
            "https://idp.example/icws/1".to_owned()
        } else {
            format!("http://{host}/icws/2")
        };
        Reply::new(302).header("Location", to)
    })
    .await;
    let own = stage.ask_tls("GET /us/icserver1/icws/own HTTP/1.1").await;
    assert_eq!(
        header(&own, "location"),
        ["https://proxy.example.com/us/icserver1/icws/2"]
    );
    let idp = stage.ask_tls("GET /us/icserver1/icws/idp HTTP/1.1").await;
    assert_eq!(header(&idp, "location"), ["https://idp.example/icws/1"]);
}

#[tokio::test]
async fn a_body_over_the_routes_limit_is_413_whether_declared_or_not() {
    let stage = stage(ok).await;
    let body = "x".repeat(1025);
    let declared = stage
        .ask("POST /gadgets/x HTTP/1.1\r\nContent-Length: 1025", &body)
        .await;
    assert_eq!(declared.status(), Some(413));
    let chunked = format!("401\r\n{body}\r\n0\r\n\r\n");
    let streamed = stage
        .ask(
            "POST /gadgets/x HTTP/1.1\r\nTransfer-Encoding: chunked",
            &chunked,
        )
        .await;
    assert_eq!(streamed.status(), Some(413));
    let within = stage
        .ask(
            "POST /gadgets/x HTTP/1.1\r\nContent-Length: 1024",
            &"x".repeat(1024),
        )
        .await;
    assert_eq!(within.status(), Some(200));
    assert_eq!(stage.seen().body_size, 1024);
}

#[tokio::test]
async fn answers_of_our_own_are_in_the_form_the_client_understands() {
    let stage = stage(ok).await;
    stage.server.refuse_connections(true).await;
    let icws = stage.ask("GET /us/icserver1/icws/1 HTTP/1.1", "").await;
    assert_eq!(icws.status(), Some(502));
    assert_eq!(
        header(&icws, "content-type"),
        ["application/vnd.inin.icws+JSON; charset=utf-8"]
    );
    assert!(
        icws.text()
            .contains("\"errorId\":\"error.gateway.upstream_connect\""),
        "{}",
        icws.text()
    );
    let chat = stage
        .ask(
            "GET /I3Root/Server1/websvcs/serverConfiguration HTTP/1.1",
            "",
        )
        .await;
    assert_eq!(chat.status(), Some(502));
    let person = stage
        .ask("GET /gadgets/x HTTP/1.1\r\nAccept: text/html", "")
        .await;
    assert_eq!(
        (person.status(), header(&person, "content-type")),
        (Some(502), vec!["text/html; charset=utf-8".to_owned()])
    );
    for got in [icws, chat, person] {
        assert!(header(&got, "server").is_empty(), "{}", got.head());
        assert_eq!(header(&got, "cache-control"), ["no-store"]);
    }
}

#[tokio::test]
async fn web_tools_never_sees_a_500_or_504_and_everybody_else_does() {
    let stage = stage(|record| {
        Reply::new(if record.target().contains("504") {
            504
        } else {
            500
        })
        .body("x")
    })
    .await;
    for (path, status) in [
        ("/I3Root/Server1/websvcs/500", 502),
        ("/I3Root/Server1/websvcs/504", 502),
        ("/us/icserver1/icws/500", 500),
        ("/us/icserver1/icws/504", 504),
    ] {
        let got = stage.ask(&format!("GET {path} HTTP/1.1"), "").await;
        assert_eq!(got.status(), Some(status), "{path}");
    }
}

#[tokio::test]
async fn a_method_that_the_route_does_not_list_is_told_which_ones_it_does() {
    let stage = stage(ok).await;
    let got = stage.ask("DELETE /narrow/x HTTP/1.1", "").await;
    assert_eq!(got.status(), Some(405));
    assert_eq!(header(&got, "allow"), ["GET, HEAD"]);
    assert!(stage.server.recorder().all().is_empty());
}

#[tokio::test]
async fn an_http_1_0_client_gets_no_chunks() {
    let stage = stage(|_| Reply::new(200).body("hello").chunked(2)).await;
    let request = "GET /gadgets/x HTTP/1.0\r\nHost: proxy.example.com\r\n\r\n";
    let got = Dial::plain(stage.edge.plain())
        .send(request, SOON)
        .await
        .unwrap();
    assert_eq!((got.status(), got.ended), (Some(200), Ended::Closed));
    assert!(
        header(&got, "transfer-encoding").is_empty(),
        "{}",
        got.head()
    );
    assert_eq!(got.body(), b"hello");
}

#[tokio::test]
async fn a_host_that_is_not_in_the_map_reaches_no_server() {
    let stage = stage(ok).await;
    for (host, status) in [
        ("other.example.com", 404),
        ("proxy.example.com.evil.example", 404),
        ("PROXY.example.com.", 200),
        ("proxy.example.com:99999", 400),
    ] {
        let request =
            format!("GET /gadgets/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let got = Dial::plain(stage.edge.plain())
            .send(request, SOON)
            .await
            .unwrap();
        assert_eq!(got.status(), Some(status), "{host}");
    }
    assert_eq!(stage.server.recorder().all().len(), 1);
}

#[tokio::test]
async fn a_host_other_than_the_handshakes_is_misdirected() {
    let stage = stage(ok).await;
    let request = "GET /gadgets/x HTTP/1.1\r\nHost: other.example.com\r\nConnection: close\r\n\r\n";
    let dial = Dial::tls(stage.edge.https())
        .sni("proxy.example.com")
        .alpn(&["http/1.1"]);
    let got = dial
        .trusting(&stage.edge.authority().pem())
        .send(request, SOON)
        .await
        .unwrap();
    assert_eq!(got.status(), Some(421));
}
