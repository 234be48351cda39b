//! What the tests of the way inside share: asking the gateway, reading its metrics and its log.

// Every test program uses its own part of this.
#![allow(dead_code, reason = "shared by several test programs")]

use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Got};
use loadtest::wire::{Record, Reply, Respond, Server, ServerOptions, ServerTls};

/// Longer than anything here should take.
pub const SOON: Duration = Duration::from_secs(10);
/// The public host of every test.
pub const HOST: &str = "proxy.example.com";

/// Starts a gateway for [`HOST`].
pub async fn edge(yaml: &str) -> Edge {
    Edge::start(yaml, &[HOST])
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A server that answers everything with 200 and `ok`.
pub async fn answering(tls: Option<ServerTls>) -> Server {
    responding(tls, |_| Reply::new(200).body("ok")).await
}

/// A server that answers by this function.
pub async fn responding(
    tls: Option<ServerTls>,
    reply: impl Fn(&Record) -> Reply + Send + Sync + 'static,
) -> Server {
    let options = ServerOptions {
        tls,
        ..ServerOptions::default()
    };
    Server::start(options, Respond(reply)).await.unwrap()
}

/// A file with one server of this description, reached below `/` + its kind's usual prefix.
pub fn one_server(kind: &str, rest: &str) -> String {
    let path = match kind {
        "icws" => "/us/one/",
        "webtools" => "/I3Root/Server1/",
        "webhtml" => "/I3Root/WebServices/Server1/",
        _ => "/one/",
    };
    format!(
        "servers:\n  one: {{ kind: {kind}, {rest} }}\nhosts: {{ {HOST}: {{ routes: [ {{ path: {path}, server: one }} ] }} }}\n"
    )
}

/// Sends this request line (and fields) and body over a plain connection that closes afterwards.
pub async fn ask(edge: &Edge, head: &str, body: impl AsRef<[u8]>) -> Got {
    ask_within(edge, head, body, SOON).await
}

/// The same with a deadline of its own.
pub async fn ask_within(edge: &Edge, head: &str, body: impl AsRef<[u8]>, within: Duration) -> Got {
    let head = format!("{head}\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    let request = [head.as_bytes(), body.as_ref()].concat();
    Dial::plain(edge.plain())
        .send(request, within)
        .await
        .unwrap()
}

/// GET of this target.
pub async fn get(edge: &Edge, target: &str) -> Got {
    ask(edge, &format!("GET {target} HTTP/1.1"), "").await
}

/// All values of a field of the first head.
pub fn header(got: &Got, name: &str) -> Vec<String> {
    let head = got.head();
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim().to_owned())
        .collect()
}

/// The value of one line of the metrics, `None` while the line is not there.
pub async fn metric(edge: &Edge, line: &str) -> Option<f64> {
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let got = Dial::plain(edge.admin()).send(request, SOON).await.unwrap();
    let text = got.text();
    let value = text.lines().find_map(|found| found.strip_prefix(line))?;
    Some(value.trim().parse().unwrap())
}

/// How often the gateway gave this reason.
pub async fn refusals(edge: &Edge, reason: &str) -> f64 {
    let line = format!("portcullis_refusals_total{{mode=\"enforce\",reason=\"{reason}\"}}");
    metric(edge, &line).await.unwrap()
}

/// Waits until the condition holds.
pub async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < SOON, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static COLLECT: Once = Once::new();

struct Collector;

impl log::Log for Collector {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {} {}", record.level(), record.target(), record.args());
        LINES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }

    fn flush(&self) {}
}

/// Keeps what the process logs from now on. Tests run side by side: look for lines by something of one's own, a path for instance.
pub fn collect_log() {
    COLLECT.call_once(|| {
        log::set_boxed_logger(Box::new(Collector)).unwrap();
        log::set_max_level(log::LevelFilter::Info);
    });
}

/// All lines of the log with this in them.
pub fn logged(part: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines
        .iter()
        .filter(|line| line.contains(part))
        .cloned()
        .collect()
}

/// The first line of the log with this in it, once it is there.
pub async fn log_line(part: &str) -> String {
    until(&format!("a line with {part:?}"), async || {
        !logged(part).is_empty()
    })
    .await;
    logged(part).remove(0)
}
