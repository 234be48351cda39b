//! Interaction Web Tools through the gateway: a visitor's page, a pair of simulated servers, and everything that can go wrong between.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Got};
use loadtest::rude::{self, Rude};
use loadtest::webtools::client::{
    Outcome, Page, PageOptions, Phase, Request, Timings, Trust, View,
};
use loadtest::webtools::{Canned, Death, Pair, PairOptions, Reason, State};
use loadtest::wire::{Authority, Fault, Record, Reply, Respond, Server, ServerOptions, ServerTls};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use portcullis::kinds;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

const SOON: Duration = Duration::from_secs(10);
const NAME: &str = "proxy.example.com";
const FRAGMENTS: [&str; 2] = ["/I3Root/Server1/", "/I3Root/Server2/"];
/// Timeouts that make a dead server known quickly; the real ones are checked as numbers.
const HASTY: &str = "timeouts: { connect: 300ms, response: 300ms }";

/// A pair of servers and a gateway with a fragment for each.
struct Stage {
    pair: Pair,
    edge: Edge,
}

async fn stage(more: &str) -> Stage {
    let pair = Pair::start().await.unwrap();
    pair.set("MaxPollFrequency", "20").unwrap();
    let edge = edge(&pair.a.base_url(), &pair.b.base_url(), more).await;
    Stage { pair, edge }
}

/// A gateway with the two fragments; `more` are further keys of both servers.
async fn edge(a: &str, b: &str, more: &str) -> Edge {
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(", {more}")
    };
    let yaml = format!(
        "limits: {{ write_idle: 1s }}
servers:
  chat1: {{ kind: webtools, url: '{a}', pair: chat{more} }}
  chat2: {{ kind: webtools, url: '{b}', pair: chat{more} }}
hosts:
  {NAME}:
    routes:
      - {{ path: /I3Root/Server1/, server: chat1 }}
      - {{ path: /I3Root/Server2/, server: chat2 }}
      - {{ path: /I3Root/Narrow/, server: chat1, methods: [GET] }}
      - {{ path: /I3Root/Small/, server: chat1, request_body: 1KiB }}
"
    );
    Edge::start(&yaml, &[NAME]).await.unwrap()
}

impl Stage {
    fn page(&self) -> Page {
        Page::new(page_options(&self.edge, true)).unwrap()
    }

    async fn chatting(&self) -> (Page, String) {
        let page = self.page();
        page.start_chat("Wally", "Marketing").await.unwrap();
        let chat = page.view().chat_id;
        assert_eq!(self.pair.only_chat().as_ref(), Some(&chat));
        (page, chat)
    }
}

fn page_options(edge: &Edge, tls: bool) -> PageOptions {
    let (scheme, to) = match tls {
        true => ("https", edge.https()),
        false => ("http", edge.plain()),
    };
    let base = format!("{scheme}://{NAME}:{}", to.port());
    let mut options = PageOptions::new(&base, &FRAGMENTS);
    options.connect_to = Some(to);
    options.trust = Trust::Authorities(edge.authority().pem());
    options.timings = Timings::quick();
    options
}

/// One request over a plain connection that closes afterwards.
async fn ask(edge: &Edge, head: &str, body: &str) -> Got {
    ask_from(edge, Ipv4Addr::LOCALHOST, head, body).await
}

async fn ask_from(edge: &Edge, from: Ipv4Addr, head: &str, body: &str) -> Got {
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: {NAME}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    Dial::plain(edge.plain())
        .from(IpAddr::V4(from))
        .send(request, SOON)
        .await
        .unwrap()
}

fn header(got: &Got, name: &str) -> Vec<String> {
    let head = got.head();
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim().to_owned())
        .collect()
}

fn json_of(got: &Got) -> Value {
    serde_json::from_slice(got.body()).unwrap_or_else(|_| panic!("not JSON: {}", got.text()))
}

/// What the page asked for besides polls, in order, with the index of the fragment.
fn trail(view: &View) -> Vec<(Request, usize)> {
    let trail = view.trail().into_iter();
    trail
        .filter(|(request, _)| *request != Request::Poll)
        .collect()
}

const START: &str =
    r#"{"participant":{"name":"Wally"},"target":"Marketing","targetType":"Workgroup"}"#;

#[tokio::test]
async fn a_chat_runs_from_the_configuration_to_the_exit_over_plain_and_tls() {
    for tls in [false, true] {
        let Stage { pair, edge } = stage("").await;
        pair.set("AllowClientProblemReport", "1").unwrap();
        let page = Page::new(page_options(&edge, tls)).unwrap();
        page.start_chat("Wally", "Marketing").await.unwrap();
        let chat = page.view().chat_id;
        assert_eq!(pair.only_chat().as_ref(), Some(&chat));
        assert!(pair.agent_says(&chat, "How can I help?"));
        assert!(pair.agent_types(&chat, true));
        assert!(pair.agent_sends_url(&chat, "https://example.com/offer"));
        assert!(pair.agent_becomes(&chat, State::Held));
        page.say("Hello").await.unwrap();
        page.typing(true).await.unwrap();
        assert_eq!(pair.said(&chat), ["Hello"]);

        let content: Vec<u8> = (0..3_000_000_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let path = pair
            .agent_sends_file(&chat, "price list.bin", content.clone())
            .unwrap();
        let view = page
            .wait_for("the agent's lines and the file", SOON, |view| {
                let has = |text: &str| view.heard.iter().any(|heard| heard == text);
                let file = |event: &Value| event["value"] == path.as_str();
                has("How can I help?") && has("Hello") && view.events.iter().any(file)
            })
            .await
            .unwrap();
        assert!(page.fetch_file(&path).await.unwrap() == content);

        let agent = view
            .events
            .iter()
            .find(|event| event["participantType"] == "Agent")
            .unwrap();
        let party = page
            .party_info(agent["participantID"].as_str().unwrap())
            .await
            .unwrap();
        assert_eq!(party["partyInfo"]["name"], "Bob Boyle");
        let queue = page.query_queue("Marketing").await.unwrap();
        assert_eq!(queue["queue"]["agentsAvailable"], 2);
        page.register("ann", "s3cret").await.unwrap();
        page.report_problem(&json!({"version": 1, "exceptions": "none"}))
            .await
            .unwrap();
        assert_eq!(pair.site().problem_reports.len(), 1);

        let mut numbers: Vec<_> = view
            .events
            .iter()
            .filter_map(|event| event["sequenceNumber"].as_u64())
            .collect();
        numbers.sort_unstable();
        assert_eq!(
            numbers,
            (0..numbers.len() as u64).collect::<Vec<_>>(),
            "no event is lost or told twice"
        );
        page.exit().await.unwrap();
        assert_eq!(pair.truth().chats(), 0);
        let view = page.view();
        assert_eq!((view.phase, view.failovers), (Phase::Ended, 0));
        let odd: Vec<_> = view
            .sent
            .iter()
            .filter(|sent| sent.outcome.is_transport_failure())
            .collect();
        assert!(odd.is_empty(), "{odd:?}");
    }
}

#[tokio::test]
async fn a_file_arrives_whatever_its_name_is() {
    let stage = stage("").await;
    let (page, chat) = stage.chatting().await;
    for name in [
        "100%.pdf",
        "50%25.txt",
        "a;b=c.pdf",
        "Gr\u{f6}\u{df}e \u{4f60}.pdf",
        "what? &c #1 +2.txt",
        "x..y.pdf",
        "..",
        "it's (final) [v2] {x}~!@$,.doc",
        "quo\"te.txt",
        "back\\slash.txt",
        "%2e%2e",
    ] {
        let content = name.as_bytes().to_vec();
        let path = stage.pair.agent_sends_file(&chat, name, content.clone());
        let path = path.unwrap();
        let got = page.fetch_file(&path).await;
        assert_eq!(got.as_deref(), Ok(&content[..]), "{name}: {path}");
    }
}

#[tokio::test]
async fn a_callback_is_created_watched_reconnected_and_cancelled() {
    let stage = stage("").await;
    let page = stage.page();
    page.create_callback("Wally", "Marketing", "555 0100")
        .await
        .unwrap();
    let callback = stage.pair.only_callback().unwrap();
    assert!(stage.pair.agent_takes_callback(&callback));
    let view = page
        .wait_for("the agent", SOON, |view| {
            view.callback_status["acdStatus"]["interactionState"] == "Connected"
        })
        .await
        .unwrap();
    assert_eq!(view.callback_status["assignedAgent"]["name"], "Bob Boyle");
    let before = view.callback_participant;
    stage.pair.switch_over(Death::Unavailable).await;
    let view = page
        .wait_for("the callback on B", SOON, |view| {
            view.fragment == 1 && view.callback_participant != before
        })
        .await
        .unwrap();
    assert_eq!(view.callback_id, callback);
    page.cancel_callback().await.unwrap();
    assert_eq!(stage.pair.truth().callbacks(), 0);
}

#[tokio::test]
async fn a_chat_in_xml_passes_and_so_does_a_twice_declared_charset_in_any_case_of_the_path() {
    let stage = stage("").await;
    let body = "<chat><participant><name>Wally</name></participant><target>Sales</target><targetType>Workgroup</targetType></chat>";
    let post = |path: &str, media: &str| {
        format!("POST /I3Root/Server1{path} HTTP/1.1\r\nContent-Type: {media}")
    };
    let got = ask(
        &stage.edge,
        &post("/WebSvcs/chat/start", "application/xml"),
        body,
    )
    .await;
    let answer = loadtest::webtools::xml::read(std::str::from_utf8(got.body()).unwrap()).unwrap();
    assert_eq!(answer["status"]["type"], "success");
    let participant = answer["participantID"].as_str().unwrap();
    let say = post(
        &format!("/WEBSVCS/chat/sendMessage/{participant}"),
        "application/xml",
    );
    ask(
        &stage.edge,
        &say,
        "<chat><message>1 &lt; 2</message></chat>",
    )
    .await;
    assert_eq!(
        stage.pair.said(answer["chatID"].as_str().unwrap()),
        ["1 < 2"]
    );
    let twice = "application/json; charset=utf-8; charset=UTF-8";
    for path in ["/websvcs", "/WebSvcs", "/wEBSVCS"] {
        let got = ask(
            &stage.edge,
            &post(&format!("{path}/chat/start"), twice),
            START,
        )
        .await;
        assert_eq!(json_of(&got)["chat"]["status"]["type"], "success", "{path}");
        let seen = stage.pair.a.wire().recorder().all().pop().unwrap();
        assert_eq!(seen.header("content-type").as_deref(), Some(twice));
        assert_eq!(seen.target(), format!("{path}/chat/start"));
    }
}

#[tokio::test]
async fn two_visitors_are_two_visitors_and_a_forged_address_is_neither() {
    let stage = stage("").await;
    stage.pair.set("MaxInteractionsAllowedPerIP", "2").unwrap();
    let head = "POST /I3Root/Server1/websvcs/chat/start HTTP/1.1\r\nContent-Type: application/json";
    let start = |last: u8, more: &str| {
        let (head, edge) = (format!("{head}{more}"), &stage.edge);
        async move {
            let got = ask_from(edge, Ipv4Addr::new(127, 0, 0, last), &head, START).await;
            assert_eq!(got.status(), Some(200), "{}", got.text());
            json_of(&got)["chat"]["status"].clone()
        }
    };
    let refused = json!({"type": "failure", "reason": "error.websvc.unavailable"});
    let success = json!({"type": "success"});
    for (visitor, more, expected) in [
        (2, "", &success),
        (2, "\r\nX-Forwarded-For: 198.51.100.1", &success),
        (2, "", &refused),
        (2, "\r\nX-Forwarded-For: 198.51.100.2", &refused),
        (2, "\r\nX-Forwarded-For: 198.51.100.3, 127.0.0.2", &refused),
        (
            2,
            "\r\nX-Real-IP: 198.51.100.3\r\nForwarded: for=198.51.100.3",
            &refused,
        ),
        (3, "", &success),
        (3, "\r\nX-Forwarded-For: 127.0.0.2", &success),
        (3, "", &refused),
    ] {
        assert_eq!(start(visitor, more).await, *expected, "{visitor} {more:?}");
    }
    let truth = stage.pair.truth();
    assert_eq!(
        (truth.of("127.0.0.2"), truth.of("127.0.0.3"), truth.chats()),
        (2, 2, 4)
    );
    let own = [stage.pair.a.wire().address().to_string()];
    for seen in stage.pair.a.wire().recorder().all() {
        assert_eq!(seen.request.all("host"), own);
        assert_eq!(seen.request.all("x-forwarded-for").len(), 1);
    }
}

#[tokio::test]
async fn a_server_with_a_name_and_tls_gets_its_own_name_as_host() {
    let authority = Authority::new("Simulated CIC authority").unwrap();
    let identity = authority.issue(&["localhost"]).unwrap();
    let options = PairOptions {
        tls: Some(ServerTls::new(identity)),
        names: [vec!["localhost".into()], vec!["localhost".into()]],
        ..PairOptions::default()
    };
    let pair = Pair::start_with(options).await.unwrap();
    let port = pair.a.wire().address().port();
    let yaml = format!(
        "servers: {{ chat1: {{ kind: webtools, url: 'https://localhost:{port}', ca: cic.pem }} }}
hosts: {{ {NAME}: {{ routes: [ {{ path: /I3Root/Server1/, server: chat1 }} ] }} }}\n"
    );
    let edge = Edge::with(&yaml, &[NAME], |folder| {
        std::fs::write(folder.join("cic.pem"), authority.pem())
    })
    .await
    .unwrap();
    let head =
        "GET /I3Root/Server1/websvcs/serverConfiguration HTTP/1.1\r\nAccept: application/json";
    // The name resolves in the background.
    let configured = async {
        while ask(&edge, head, "").await.status() != Some(200) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, configured).await.unwrap();
    let seen = pair.a.wire().recorder().all().pop().unwrap();
    assert_eq!(seen.header("host"), Some(format!("localhost:{port}")));
}

#[tokio::test]
async fn a_dead_server_hands_its_chats_to_the_other_whatever_the_death() {
    for death in [Death::Reset, Death::Unavailable, Death::Hang] {
        let stage = stage(HASTY).await;
        let (page, chat) = stage.chatting().await;
        let old = page.view().participant;
        stage.pair.switch_over(death).await;
        let view = page
            .wait_for("the chat on B", SOON, |view| {
                view.fragment == 1 && view.phase == Phase::Chatting
            })
            .await
            .unwrap();
        assert_eq!((&view.chat_id, view.failovers), (&chat, 1), "{death:?}");
        assert_ne!(view.participant, old);
        let expected = [
            (Request::Configuration, 0),
            (Request::Start, 0),
            (Request::Configuration, 0),
            (Request::Configuration, 1),
            (Request::Reconnect, 1),
        ];
        assert_eq!(
            trail(&view),
            expected,
            "{death:?}: three requests and no more"
        );
        // The page's own clock never ran out: every answer was the gateway's or the server's.
        for sent in &view.sent {
            let told = matches!(
                sent.outcome,
                Outcome::Success(_) | Outcome::Status(502 | 503)
            );
            assert!(told, "{death:?}: {sent:?}");
        }
        assert!(stage.pair.agent_says(&chat, "Still here"));
        page.wait_for("the agent on B", SOON, |view| {
            view.heard.iter().any(|text| text == "Still here")
        })
        .await
        .unwrap();
        page.exit().await.unwrap();
        assert_eq!(stage.pair.truth().chats(), 0);
    }
}

#[tokio::test]
async fn a_message_during_the_fail_over_reaches_the_other_server_under_the_old_id() {
    let stage = stage("").await;
    let mut options = page_options(&stage.edge, true);
    options.timings.failover = Duration::from_secs(30);
    let page = Page::new(options).unwrap();
    page.start_chat("Wally", "Marketing").await.unwrap();
    stage.pair.switch_over(Death::Unavailable).await;
    page.wait_for("the fail-over", SOON, |view| view.failing_over)
        .await
        .unwrap();
    let refused = page.say("Hello?").await.unwrap_err();
    let unknown = Outcome::Refused(Reason::UnknownParticipant.code().into());
    assert_eq!(refused.0, unknown);
}

#[tokio::test]
async fn with_a_hanging_server_the_gateways_own_503_comes_before_the_page_gives_up() {
    let times = kinds::named("webtools").unwrap().timeouts();
    let page_gives_up = Timings::default().abort;
    assert_eq!(page_gives_up, Duration::from_secs(12));
    assert!(
        times.longest_wait() < page_gives_up,
        "{:?}",
        times.longest_wait()
    );
    let stage = stage(HASTY).await;
    stage.pair.a.die(Death::Hang).await;
    let got = ask(
        &stage.edge,
        "GET /I3Root/Server1/websvcs/chat/poll/x HTTP/1.1",
        "",
    )
    .await;
    assert_eq!(got.status(), Some(503));
    assert_eq!(
        json_of(&got)["status"],
        json!({"type": "failure", "reason": "error.websvc.unavailable"})
    );
}

/// The requests of the page, one of each kind.
const REQUESTS: [(&str, &str); 4] = [
    ("GET", "/websvcs/serverConfiguration"),
    ("POST", "/websvcs/chat/start"),
    ("GET", "/websvcs/chat/poll/x"),
    ("POST", "/WebSvcs/partyInfo/x"),
];

async fn never_500_or_504(edge: &Edge, case: &str) -> Vec<u16> {
    let one = |(method, path): (&'static str, &'static str)| async move {
        let head = format!("{method} /I3Root/Server1{path} HTTP/1.1");
        // A head that was cut off is a broken connection to the page, which it never repeats.
        let status = ask(edge, &head, "").await.status();
        let endless = matches!(status, Some(500 | 504));
        assert!(!endless, "{case}: {method} {path} gave {status:?}");
        status
    };
    let [a, b, c, d] = REQUESTS.map(one);
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    [a, b, c, d].into_iter().flatten().collect()
}

#[tokio::test]
async fn nothing_a_server_does_becomes_a_500_or_504() {
    for status in [500, 504] {
        for pieces in [false, true] {
            let reply = move |_: &_| {
                let reply = Reply::new(status).body("it went wrong");
                if pieces { reply.chunked(3) } else { reply }
            };
            let server = Server::start(ServerOptions::default(), Respond(reply))
                .await
                .unwrap();
            let edge = edge(&server.base_url(), &server.base_url(), HASTY).await;
            assert_eq!(
                never_500_or_504(&edge, "its own").await,
                [502; 4],
                "{status}"
            );
        }
    }
    let answers: [(&str, &[u8]); 8] = [
        ("nonsense", b"SSH-2.0-OpenSSH_9.2\r\n"),
        ("no answer", b""),
        ("an odd 500", b"HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n"),
        ("an old 504", b"HTTP/1.0 504 Gateway Timeout\r\n\r\nlate"),
        (
            "a four-digit status",
            b"HTTP/1.1 5000 x\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "a status of nothing",
            b"HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "a switch nobody asked for",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        ),
        (
            "an early hint, then a 500",
            b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n",
        ),
    ];
    for (case, answer) in answers {
        let server = rude::says(answer).await.unwrap();
        check_rude(case, server).await;
    }
    for (case, server) in [
        ("half a head", rude::half_a_head().await),
        ("reset", rude::resets_at_once().await),
        ("cut body", rude::length_body_cut(100, 10).await),
        ("cut chunks", rude::chunked_body_cut(2).await),
        ("two lengths", rude::two_lengths().await),
        ("length and chunked", rude::length_and_chunked().await),
        ("bare line feed", rude::bare_line_feed().await),
        ("obsolete fold", rude::obsolete_fold().await),
        ("huge header", rude::huge_header(300_000).await),
        ("endless header", rude::endless_header().await),
        (
            "flood of 1xx",
            rude::flood_of_informational(Some(2_000)).await,
        ),
        ("never reads", rude::never_reads().await),
        ("an invalid Location", rude::invalid_location().await),
    ] {
        check_rude(case, server.unwrap()).await;
    }
}

async fn check_rude(case: &str, server: Rude) {
    let url = format!("http://{}", server.address());
    let edge = edge(&url, &url, HASTY).await;
    never_500_or_504(&edge, case).await;
}

#[tokio::test]
async fn no_failure_to_reach_a_server_becomes_a_500_or_504() {
    let stage = stage(HASTY).await;
    stage.pair.a.wire().refuse_connections(true).await;
    assert_eq!(never_500_or_504(&stage.edge, "refused").await, [502; 4]);
    stage.pair.a.wire().refuse_connections(false).await;
    stage.pair.a.wire().faults().set(Fault::HangBeforeHead);
    assert_eq!(never_500_or_504(&stage.edge, "hanging").await, [503; 4]);

    let unresolved = edge("http://nowhere.invalid", "http://nowhere.invalid", HASTY).await;
    assert_eq!(never_500_or_504(&unresolved, "unresolved").await, [502; 4]);
    // A server that waits for the end of a request head where the gateway waits for its handshake.
    let plain = format!("https://{}", stage.pair.b.wire().address());
    let named = format!("server_name: icserver1.example, {HASTY}");
    let wrong = edge(&plain, &plain, &named).await;
    // Or that gives up first: it is a 502 then.
    let given = never_500_or_504(&wrong, "no TLS there").await;
    assert!(
        given.iter().all(|status| matches!(status, 502 | 503)),
        "{given:?}"
    );
    let stalls = rude::never_reads().await.unwrap();
    let url = format!("https://{}", stalls.address());
    let stalled = edge(&url, &url, &named).await;
    assert_eq!(
        never_500_or_504(&stalled, "stalled handshake").await,
        [503; 4]
    );
}

#[tokio::test]
async fn no_refusal_of_the_gateways_own_is_a_500_or_504() {
    let stage = stage("").await;
    let long = "x".repeat(40_000);
    let big = "x".repeat(1_025);
    let rows = [
        ("GET /I3Root/Server1/icws/connection HTTP/1.1", "", 404),
        ("GET /I3Root/Server1/ HTTP/1.1", "", 404),
        ("GET /I3Root/Server1 HTTP/1.1", "", 404),
        ("GET /I3Root/Server3/websvcs/chat/poll/x HTTP/1.1", "", 404),
        ("GET /I3Root/Server1/websvcsx/chat/poll/x HTTP/1.1", "", 404),
        (
            "GET /I3Root/Server1/x/websvcs/chat/poll/x HTTP/1.1",
            "",
            404,
        ),
        ("GET /I3Root/Server1/websvcs/../icws HTTP/1.1", "", 400),
        (
            "GET /I3Root/Server1/websvcs/%2e%2e/%2e%2e/icws HTTP/1.1",
            "",
            400,
        ),
        ("GET /I3Root/Server1/websvcs/%00 HTTP/1.1", "", 400),
        ("GET /I3Root/Server1/websvcs/%ff HTTP/1.1", "", 400),
        ("GET /I3Root/Server1/websvcs/% HTTP/1.1", "", 400),
        ("POST /I3Root/Narrow/websvcs/chat/start HTTP/1.1", "", 405),
        ("TRACE /I3Root/Server1/websvcs/chat/start HTTP/1.1", "", 405),
        ("post /I3Root/Server1/websvcs/chat/start HTTP/1.1", "", 405),
        (
            "POST /I3Root/Small/websvcs/chat/start HTTP/1.1",
            big.as_str(),
            413,
        ),
        (
            "POST /I3Root/Server1/websvcs/x HTTP/1.1\r\nTransfer-Encoding: gzip",
            "",
            501,
        ),
        ("GET /I3Root/Server1/websvcs/x HTTP/1.1\r\nHost: y", "", 400),
        ("GET /I3Root/Server1/websvcs/x HTTP/3.0", "", 505),
    ];
    for (head, body, status) in rows {
        let got = ask(&stage.edge, head, body).await;
        assert_eq!(got.status(), Some(status), "{head}: {}", got.text());
    }
    let head = format!("GET /I3Root/Server1/websvcs/x HTTP/1.1\r\nX-Long: {long}");
    assert_eq!(ask(&stage.edge, &head, "").await.status(), Some(431));
    assert_eq!(
        stage.pair.a.wire().recorder().all().len(),
        0,
        "none of these reached a server"
    );
}

#[tokio::test]
async fn a_servers_own_errors_pass_when_the_file_says_as_is() {
    let stage = stage("server_errors: as_is, timeouts: { connect: 300ms, response: 300ms }").await;
    for status in [500, 504] {
        stage
            .pair
            .a
            .next_answer("/serverConfiguration", 1, Canned::Status(status));
        let head = "GET /I3Root/Server1/websvcs/serverConfiguration HTTP/1.1";
        assert_eq!(ask(&stage.edge, head, "").await.status(), Some(status));
    }
    // The gateway's own answer is another matter.
    stage.pair.a.die(Death::Hang).await;
    assert_eq!(never_500_or_504(&stage.edge, "as_is").await, [503; 4]);
}

/// What one wrong answer costs, as observed with the vendor's page.
#[tokio::test]
async fn one_wrong_answer_costs_a_start_nothing_but_one_failure() {
    for canned in [
        Canned::Status(500),
        Canned::Status(504),
        Canned::Status(503),
        Canned::Status(404),
        Canned::Html,
        Canned::Failure(Reason::Unavailable),
        Canned::Moved("/elsewhere".into()),
    ] {
        let stage = stage("").await;
        stage.pair.a.next_answer("/chat/start", 5, canned.clone());
        let page = stage.page();
        assert!(page.start_chat("Wally", "Marketing").await.is_err());
        let view = page.view();
        assert_eq!(view.count(Request::Start), 1, "{canned:?}");
        assert_eq!(view.phase, Phase::Idle);
        assert_eq!(stage.pair.truth().chats(), 0);
    }
}

#[tokio::test]
async fn one_wrong_answer_to_a_poll_costs_three_requests() {
    for status in [500, 504, 503, 429, 404] {
        let stage = stage("").await;
        let (page, _) = stage.chatting().await;
        stage
            .pair
            .a
            .next_answer("/chat/poll/", 1, Canned::Status(status));
        let view = page
            .wait_for("a new id", SOON, |view| {
                view.participants.len() == 2 && view.phase == Phase::Chatting
            })
            .await
            .unwrap();
        assert_eq!((view.fragment, view.failovers), (0, 1), "{status}");
        assert_eq!(view.count(Request::Reconnect), 1, "{status}");
        assert_eq!(view.count(Request::Configuration), 2, "{status}");
    }
}

#[tokio::test]
async fn what_the_page_repeats_without_end_it_asks_once() {
    for status in [500, 504] {
        let stage = stage("").await;
        let (page, _) = stage.chatting().await;
        stage
            .pair
            .a
            .next_answer("/partyInfo/", 1_000, Canned::Status(status));
        let refused = page.party_info("x").await.unwrap_err();
        assert_eq!(refused.0, Outcome::Status(502));
        assert_eq!(page.view().count(Request::PartyInfo), 1, "{status}");

        let stage = self::stage("").await;
        let page = stage.page();
        page.create_callback("Wally", "Marketing", "555 0100")
            .await
            .unwrap();
        stage
            .pair
            .a
            .next_answer("/callback/status/", 1, Canned::Status(status));
        let view = page
            .wait_for("the fail-over and a status again", SOON, |view| {
                let last = view
                    .sent
                    .iter()
                    .rfind(|sent| sent.request == Request::CallbackStatus);
                view.failovers == 1
                    && last.is_some_and(|sent| matches!(sent.outcome, Outcome::Success(_)))
            })
            .await
            .unwrap();
        let wrong = view
            .sent
            .iter()
            .filter(|sent| sent.outcome.is_transport_failure())
            .count();
        assert_eq!(wrong, 1, "{status}");
    }
}

#[tokio::test]
async fn an_empty_204_and_a_failure_envelope_pass_untouched() {
    let failure = "{ \"chat\":{\"status\":{\"type\":\"failure\",\"reason\":\"error.websvc.unavailable\"} } }\n";
    let reply = move |record: &Record| {
        if record.target().contains("poll") {
            Reply::new(204)
        } else {
            Reply::new(200)
                .header("Content-Type", "Application/JSON;charset=UTF-8")
                .header("X-Own", "a  b")
                .body(failure)
        }
    };
    let server = Server::start(ServerOptions::default(), Respond(reply))
        .await
        .unwrap();
    let edge = edge(&server.base_url(), &server.base_url(), "").await;
    let got = ask(
        &edge,
        "GET /I3Root/Server1/websvcs/chat/poll/x HTTP/1.1",
        "",
    )
    .await;
    assert_eq!((got.status(), got.body()), (Some(204), &b""[..]));
    let got = ask(
        &edge,
        "POST /I3Root/Server1/websvcs/chat/start HTTP/1.1",
        "{}",
    )
    .await;
    assert_eq!((got.status(), got.body()), (Some(200), failure.as_bytes()));
    assert_eq!(
        header(&got, "content-type"),
        ["Application/JSON;charset=UTF-8"]
    );
    assert_eq!(header(&got, "x-own"), ["a  b"]);
}

#[tokio::test]
async fn polls_overlap_when_the_server_is_slow() {
    let stage = stage("").await;
    let (page, _) = stage.chatting().await;
    let slow = stage.pair.a.wire();
    slow.faults().set_for("/chat/poll/", Fault::HangBeforeHead);
    let view = page
        .wait_for("overlapping polls", SOON, |view| view.polls_in_flight >= 6)
        .await
        .unwrap();
    assert_eq!(view.failovers, 0);
    // They wait at the server, not in a queue at the gateway.
    slow.recorder()
        .wait_for_count(
            6,
            |record| record.target().contains("/chat/poll/") && !record.over,
            SOON,
        )
        .await
        .unwrap();
}

/// Sends a request twice where the server closes the kept connection on the second, and returns the second's status and how often
/// it reached the server.
async fn on_a_connection_that_was_just_closed(method: &str, path: &str) -> (Option<u16>, usize) {
    let stage = stage("").await;
    let head = format!("{method} /I3Root/Server1{path} HTTP/1.1");
    ask(&stage.edge, &head, "").await;
    let a = stage.pair.a.wire();
    let before = a.recorder().all().len();
    a.faults().next("", 1, Fault::CloseBeforeHead);
    let status = ask(&stage.edge, &head, "").await.status();
    let times = a.recorder().all().len() - before;
    // The first of them came over the connection that was kept.
    assert_eq!(a.accepted(), times as u64, "{method} {path}");
    (status, times)
}

#[tokio::test]
async fn only_what_changes_nothing_is_asked_again_on_a_fresh_connection() {
    for (method, path, status, times) in [
        ("GET", "/websvcs/serverConfiguration", 200, 2),
        ("GET", "/WebSvcs/callback/status/x", 200, 2),
        ("GET", "/websvcs/chat/poll/x", 502, 1),
        ("GET", "/WebSvcs/Chat/Poll/x", 502, 1),
        ("GET", "/websvcs/chat/%70oll/x", 502, 1),
        ("GET", "/websvcs/chat/%50%6f%6C%6c/x", 502, 1),
        ("POST", "/websvcs/chat/start", 502, 1),
        ("POST", "/websvcs/chat/reconnect", 502, 1),
        ("POST", "/websvcs/callback/create", 502, 1),
        ("POST", "/websvcs/partyInfo/x", 502, 1),
    ] {
        let seen = on_a_connection_that_was_just_closed(method, path).await;
        assert_eq!(seen, (Some(status), times), "{method} {path}");
    }
}

#[tokio::test]
async fn a_server_that_thought_about_it_and_then_left_is_not_asked_again() {
    let stage = stage("timeouts: { connect: 50ms, response: 5s }").await;
    let head = "GET /I3Root/Server1/websvcs/serverConfiguration HTTP/1.1";
    ask(&stage.edge, head, "").await;
    let a = stage.pair.a.wire();
    a.faults()
        .next("", 1, Fault::Delay(Duration::from_millis(800)));
    a.faults().next("", 1, Fault::CloseBeforeHead);
    assert_eq!(ask(&stage.edge, head, "").await.status(), Some(502));
    assert_eq!(a.recorder().all().len(), 2, "else two waits would add up");
}

#[tokio::test]
async fn a_moved_configuration_is_found_below_the_fragment() {
    let stage = stage("").await;
    let to = "/websvcs/elsewhere";
    stage
        .pair
        .a
        .next_answer("/serverConfiguration", 1, Canned::Moved(to.into()));
    let got = ask(
        &stage.edge,
        "GET /I3Root/Server1/websvcs/serverConfiguration HTTP/1.1",
        "",
    )
    .await;
    assert_eq!(got.status(), Some(301));
    assert_eq!(
        header(&got, "location"),
        ["/I3Root/Server1/websvcs/elsewhere"]
    );
}

#[tokio::test]
async fn a_visitor_who_stops_reading_a_file_does_not_hold_the_server() {
    let stage = stage("").await;
    let (page, chat) = stage.chatting().await;
    let path = stage
        .pair
        .agent_sends_file(&chat, "film.bin", vec![7; 48 << 20])
        .unwrap();
    let mut line = Dial::plain(stage.edge.plain()).open().await.unwrap();
    let get = format!("GET /I3Root/Server1{path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
    line.write(get.as_bytes()).await.unwrap();
    let head = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 200"));
    let recorder = stage.pair.a.wire().recorder();
    let file = |record: &Record| record.target().contains("getfile") && record.over;
    let cut = recorder.wait_for(file, SOON).await.unwrap();
    assert!(!cut.answered, "the server was let go before the end");
    let (rest, _) = line.read_to_end(SOON).await;
    assert!(rest.len() < 48 << 20);
    drop(page);
}

#[tokio::test]
async fn a_server_that_takes_no_upload_is_a_503_or_502() {
    let upload = "x".repeat(8 << 20);
    let head = "POST /I3Root/Server1/websvcs/problemReport HTTP/1.1";
    for server in [rude::never_reads().await, rude::answers_early().await] {
        let server = server.unwrap();
        let url = format!("http://{}", server.address());
        let edge = edge(&url, &url, HASTY).await;
        let got = ask(&edge, head, &upload).await;
        assert!(
            matches!(got.status(), Some(413 | 502 | 503)),
            "{:?}",
            got.status()
        );
    }
}

#[tokio::test]
async fn over_http_2_a_dead_server_is_no_500_or_504_either() {
    let stage = stage(HASTY).await;
    let mut sender = h2(&stage.edge).await;
    let get = |path: &str| {
        let uri = format!("https://{NAME}/I3Root/Server1/WebSvcs/{path}");
        let request = http::Request::get(uri).header("accept", "application/json");
        request.body(()).unwrap()
    };
    let mut statuses = Vec::new();
    for death in [
        None,
        Some(Death::Hang),
        Some(Death::Reset),
        Some(Death::Unavailable),
    ] {
        if let Some(death) = death {
            stage.pair.a.revive().await;
            stage.pair.a.die(death).await;
        }
        let (answer, _) = sender
            .send_request(get("serverConfiguration"), true)
            .unwrap();
        statuses.push(answer.await.unwrap().status().as_u16());
        sender = sender.ready().await.unwrap();
    }
    assert_eq!(statuses, [200, 503, 502, 503]);
    // Two polls on one connection: neither waits for the other.
    stage.pair.a.revive().await;
    stage
        .pair
        .a
        .wire()
        .faults()
        .next("/slow", 1, Fault::HangBeforeHead);
    let (slow, _) = sender.send_request(get("chat/poll/slow"), true).unwrap();
    let mut sender = sender.ready().await.unwrap();
    let (quick, _) = sender.send_request(get("chat/poll/quick"), true).unwrap();
    assert_eq!(quick.await.unwrap().status(), 200);
    assert_eq!(slow.await.unwrap().status(), 503);
}

async fn h2(edge: &Edge) -> SendRequest<Bytes> {
    let tcp = TcpStream::connect(edge.https()).await.unwrap();
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    builder.set_alpn_protos(b"\x02h2").unwrap();
    let ssl = builder.build().configure().unwrap().into_ssl(NAME).unwrap();
    let mut tls = SslStream::new(ssl, tcp).unwrap();
    Pin::new(&mut tls).connect().await.unwrap();
    let (sender, connection) = h2::client::handshake(tls).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap()
}

#[tokio::test]
async fn a_visitor_who_leaves_leaves_no_request_behind() {
    let stage = stage("").await;
    stage.pair.a.die(Death::Hang).await;
    let to: SocketAddr = stage.edge.plain();
    let mut line = Dial::plain(to).open().await.unwrap();
    let poll = format!("GET /I3Root/Server1/websvcs/chat/poll/x HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
    line.write(poll.as_bytes()).await.unwrap();
    let recorder = stage.pair.a.wire().recorder().clone();
    recorder.wait_for(|_| true, SOON).await.unwrap();
    drop(line);
    recorder.wait_for(|record| record.over, SOON).await.unwrap();
}
