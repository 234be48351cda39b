//! A gateway before a pair of simulated servers, and what both sides say of the chats and callbacks that run.

use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::Dial;
use loadtest::webtools::{Pair, Truth};
use serde_json::Value;

pub use super::client::{Answer, Client, HOST, SOON};

pub const A: &str = "/I3Root/Server1";
pub const B: &str = "/I3Root/Server2";
/// A start as the vendor's page sends it.
pub const START: &str = r#"{"supportedContentTypes":"text/plain","participant":{"name":"Wally","credentials":null},"target":"Marketing","targetType":"Workgroup","clientToken":"deprecated"}"#;
/// A callback as the vendor's page sends it.
pub const CREATE: &str = r#"{"target":"Marketing","targettype":"Workgroup","subject":"x","participant":{"name":"Wally","credentials":null,"telephone":"555 0100"}}"#;

pub struct Stage {
    pub pair: Pair,
    pub edge: Edge,
}

/// A pair that limits nothing itself, behind a gateway whose section `limits.interactions` is this. Empty: without the section.
pub async fn stage(interactions: &str) -> Stage {
    stage_with(interactions, "", "").await
}

/// The same with further keys of `limits`, and further keys at the top of the file.
pub async fn stage_with(interactions: &str, limits: &str, more: &str) -> Stage {
    let pair = Pair::start().await.unwrap();
    for parameter in [
        "MaxInteractionsAllowedPerIP",
        "MaxInteractionsAllowedPerUnitTime",
        "MaxChatsAllowedPerUnitTime",
        "MaxCallbacksAllowedPerUnitTime",
        "MaxActiveInteractionsAllowed",
        "MaxAnonymousInteractionsAllowed",
        "MaxInteractionsAllowedPerUser",
        "MaxAnyInteractionsAllowedPerQueue",
    ] {
        pair.set(parameter, "1000000").unwrap();
    }
    let yaml = file(&pair, interactions, limits, more);
    let edge = Edge::start(&yaml, &[HOST]).await;
    let edge = edge.unwrap_or_else(|error| panic!("{error}"));
    Stage { pair, edge }
}

/// The file of a stage, for a reload.
pub fn file(pair: &Pair, interactions: &str, limits: &str, more: &str) -> String {
    let section = match interactions {
        "" => String::new(),
        section => format!("interactions: {section}, "),
    };
    let (a, b) = (pair.a.base_url(), pair.b.base_url());
    format!(
        "limits: {{ {section}ban: {{ mode: off }}, {limits} }}
{more}
servers:
  chat1: {{ kind: webtools, url: '{a}', pair: chat, timeouts: {{ connect: 2s, response: 2s }} }}
  chat2: {{ kind: webtools, url: '{b}', pair: chat, timeouts: {{ connect: 2s, response: 2s }} }}
  alone: {{ kind: webtools, url: '{a}' }}
hosts:
  {HOST}:
    routes:
      - {{ path: /I3Root/Server1/, server: chat1 }}
      - {{ path: /I3Root/Server2/, server: chat2 }}
      - {{ path: /alone/, server: alone }}
"
    )
}

/// Numbers no test of something else runs into.
pub const WIDE: &str = "MaxInteractionsAllowedPerUnitTime: 10000, MaxChatsAllowedPerUnitTime: 10000, MaxCallbacksAllowedPerUnitTime: 10000, MaxActiveInteractionsAllowed: 25000, MaxAnonymousInteractionsAllowed: 60000";

/// The address 127.0.0.`last`.
pub fn from(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}

/// What the gateway counts of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub chats: u64,
    pub callbacks: u64,
    pub in_doubt: u64,
}

/// Chats and callbacks that surely run.
pub fn sure(chats: u64, callbacks: u64) -> Counts {
    Counts {
        chats,
        callbacks,
        in_doubt: 0,
    }
}

impl Stage {
    pub fn http1(&self, last: u8) -> Client {
        Client::http1(&self.edge, from(last)).with("Content-Type", "application/json")
    }

    pub async fn http2(&self, last: u8) -> Client {
        let client = Client::http2(&self.edge, from(last)).await;
        client.with("Content-Type", "application/json")
    }

    pub async fn counts(&self) -> Counts {
        counts(&self.edge, "chat").await
    }

    /// Compares with the servers, by totals and by address.
    pub async fn agree(&self) -> Result<(), String> {
        let (truth, counts) = (self.pair.truth(), self.counts().await);
        let expected = sure(truth.chats() as u64, truth.callbacks() as u64);
        if counts != expected {
            return Err(format!(
                "the servers have {expected:?}, the gateway counts {counts:?}"
            ));
        }
        for address in truth.by_address.keys() {
            let (has, counted) = (truth.of(address) as u64, of(&self.edge, address).await);
            if has != counted {
                return Err(format!("{address} has {has}, the gateway counts {counted}"));
            }
        }
        Ok(())
    }

    /// Waits until the gateway and the servers say the same.
    pub async fn until_they_agree(&self, within: Duration) -> Truth {
        let deadline = tokio::time::Instant::now() + within;
        loop {
            match self.agree().await {
                Ok(()) => return self.pair.truth(),
                Err(why) => assert!(tokio::time::Instant::now() < deadline, "{why}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub async fn counts(edge: &Edge, pair: &str) -> Counts {
    let told = admin(edge, "/api/interactions").await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let pairs = told["pairs"].as_array().unwrap().clone();
    let pair = pairs.into_iter().find(|told| told["pair"] == pair);
    let pair = pair.unwrap_or_default();
    let number = |name: &str| pair[name].as_u64().unwrap_or_default();
    Counts {
        chats: number("chats"),
        callbacks: number("callbacks"),
        in_doubt: number("in_doubt"),
    }
}

/// What one address has, over all pairs.
pub async fn of(edge: &Edge, address: &str) -> u64 {
    let told = admin(edge, &format!("/api/limits?address={address}")).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let pairs = told["interactions"].as_array().unwrap();
    pairs
        .iter()
        .filter_map(|pair| pair["active"].as_u64())
        .sum()
}

/// A metric's value, summed over the lines that contain all labels.
pub async fn metric(edge: &Edge, name: &str, labels: &[&str]) -> f64 {
    let text = admin(edge, "/metrics").await;
    let lines = text.lines().filter(|line| line.starts_with(name));
    let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum()
}

async fn admin(edge: &Edge, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let got = Dial::plain(edge.admin()).send(request, SOON).await.unwrap();
    String::from_utf8_lossy(got.body()).into_owned()
}

/// Waits until `holds`, or panics.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + SOON;
    while !holds().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "never happened: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Remember;

impl log::Log for Remember {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// From here on every warning is kept.
pub fn watch() {
    if log::set_logger(&Remember).is_ok() {
        log::set_max_level(log::LevelFilter::Warn);
    }
}

/// The warnings with this text.
pub fn logged(text: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let found = lines.iter().filter(|line| line.contains(text));
    found.cloned().collect()
}
