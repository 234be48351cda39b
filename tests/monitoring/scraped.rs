//! Every expression of rules and dashboard, asked of a real Prometheus that has scraped a gateway with traffic of all sorts.

use std::time::{Duration, SystemTime};

use loadtest::icws::{ClientOptions, IcwsClient, Protocol};
use loadtest::rude::client::{Dial, Line};
use loadtest::wire::Fault;

use super::center::{Center, HOST, SOON};
use super::expression::selectors;
use super::prometheus::Prometheus;
use super::support::repository;
use super::{dashboard, rules};

/// Limits that are reached with a few requests, each in its mode.
const LIMITS: &str = "\
limits:
  exempt: [127.0.0.1]
  requests_in_flight: { most: 1, mode: observe }
  ban: { refusals: 20, within: 10s, for: 10m }
";
/// Expressions that rightly have no result after this traffic, and why. Alerts need not be here: of them it is the selectors that
/// must find something, since none should fire.
const RIGHTLY_EMPTY: [(&str, &str); 0] = [];

/// A request over a connection of its own from this address; what came back does not matter.
async fn ask(to: std::net::SocketAddr, from: [u8; 4], request: &str) {
    let request = format!("{request}\r\nConnection: close\r\n\r\n");
    let _ = Dial::plain(to).from(from.into()).send(request, SOON).await;
}

/// Everything that gives a series: sign-ins and a backup's answer, an event stream and a WebSocket that stand open, a chat, faults of
/// servers, refusals, what a limit would have refused, a ban, a client that does not wait.
async fn traffic(
    center: &Center,
    number: usize,
) -> (IcwsClient, loadtest::icws::EventStream, Line) {
    let options = ClientOptions::new(&format!("https://{HOST}/apps/client/api/{{host}}"))
        .resolve(HOST, center.tls)
        .protocol(Protocol::Http2);
    let mut agent = IcwsClient::new(options);
    let (name, secret) = (format!("agent{number}"), format!("secret{number}"));
    agent.login("icserver2", &name, &secret).await.unwrap();
    agent.poll().await.unwrap();
    let events = agent.events().await.unwrap();
    let start = r#"{"supportedContentTypes":"text/plain","participant":{"name":"Wally"},"target":"Marketing","targetType":"Workgroup"}"#;
    let chat = format!(
        "POST /I3Root/Server1/websvcs/chat/start HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {}",
        start.len()
    );
    let chat = format!("{chat}\r\nConnection: close\r\n\r\n{start}");
    assert_eq!(
        Dial::plain(center.plain)
            .send(chat, SOON)
            .await
            .unwrap()
            .status(),
        Some(200)
    );
    let socket = format!(
        "GET /echo/ HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let mut line = Dial::plain(center.plain)
        .from([127, 0, 0, 8].into())
        .open()
        .await
        .unwrap();
    line.write(socket.as_bytes()).await.unwrap();
    line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {HOST}");
    // The WebSocket counts as one at the same time: what comes beside it would have been refused.
    ask(center.plain, [127, 0, 0, 8], &get("/I3Root/")).await;
    ask(center.plain, [127, 0, 0, 1], &get("/gone/")).await;
    ask(center.redirect, [127, 0, 0, 1], &get("/")).await;
    assert!(
        Dial::tls(center.tls)
            .sni("other.example.com")
            .open()
            .await
            .is_err()
    );
    for _ in 0..12 {
        ask(center.plain, [127, 0, 0, 9], &get("/nowhere")).await;
    }
    let faults = center.search1.wire().faults();
    faults.set(Fault::Delay(Duration::from_secs(20)));
    let mut hasty = Dial::plain(center.plain).open().await.unwrap();
    let report = get("/I3Root/WebServices/Server1/doHTMLRequest?event=CgiTest");
    let seen = center.search1.wire().recorder().all().len();
    hasty
        .write(format!("{report}\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let arrived = center
        .search1
        .wire()
        .recorder()
        .wait_for_count(seen + 1, |_| true, SOON);
    arrived.await.unwrap();
    drop(hasty);
    (agent, events, line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_expression_has_an_answer_after_traffic_of_all_sorts() {
    let center = Center::start(LIMITS).await;
    let rules_file = repository("conf/prometheus/portcullis.rules.yaml");
    let who = "the expressions of rules and dashboard";
    let gateways = [("gw1", center.admin)];
    let Some(prometheus) = Prometheus::scraping(who, &gateways, Some(&rules_file)).await else {
        return;
    };
    prometheus.sample_after(SystemTime::now()).await;
    let first = traffic(&center, 1).await;
    center.reload(|file| file.replace("most: 1,", "most: 2,"));
    center.reload(|file| file.replace("most: 2,", "most: 1,"));
    prometheus.sample_after(SystemTime::now()).await;
    // A series that comes into being with the first traffic has a rate from the second on.
    let second = traffic(&center, 2).await;
    prometheus.sample_after(SystemTime::now()).await;
    let at = prometheus.sample_after(SystemTime::now()).await;
    let mut failures = Vec::new();
    let mut expect = async |what: &str, expression: &str, empty: bool| match prometheus
        .query(expression, at)
        .await
    {
        Err(error) => failures.push(format!("{what}: {expression}: {error}")),
        Ok(series) if series.is_empty() != empty => {
            failures.push(format!("{what}: {} series: {expression}", series.len()));
        }
        Ok(_) => {}
    };
    for (title, expression) in dashboard::expressions() {
        let empty = RIGHTLY_EMPTY
            .iter()
            .any(|(rightly, _)| *rightly == expression);
        expect(&title, &expression, empty).await;
    }
    for rule in rules::all() {
        let name = rule.record.as_ref().or(rule.alert.as_ref()).unwrap();
        if rule.record.is_some() {
            expect(name, &rule.expr, false).await;
        }
        for selector in selectors(&rule.expr) {
            expect(name, &selector, false).await;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let told = prometheus.rules().await;
    let groups = told["groups"].as_array().unwrap();
    let evaluated = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap());
    let unwell: Vec<_> = evaluated.filter(|rule| rule["health"] != "ok").collect();
    assert!(unwell.is_empty(), "{unwell:?}");
    drop((first, second));
}
