//! A gateway before one quick server, asked from many addresses.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Got};
use loadtest::wire::{Reply, Respond, Server, ServerOptions};
use serde_json::Value;

/// Longer than anything here should take.
pub const SOON: Duration = Duration::from_secs(10);
pub const HOST: &str = "proxy.example.com";

pub struct Stage {
    pub edge: Edge,
    pub server: Server,
}

/// A gateway with `limits`, and `http`, `webtools` and `icws` routes to one server that answers at once.
pub async fn stage(limits: &str) -> Stage {
    stage_with(limits, "").await
}

/// The same with more keys at the top.
pub async fn stage_with(limits: &str, more: &str) -> Stage {
    let server = Server::start(
        ServerOptions::default(),
        Respond(|_| Reply::new(200).body("ok")),
    )
    .await
    .unwrap();
    let edge = Edge::start(&file(&server, limits, more), &[HOST]).await;
    Stage {
        edge: edge.unwrap_or_else(|error| panic!("{error}")),
        server,
    }
}

pub fn file(server: &Server, limits: &str, more: &str) -> String {
    let url = server.base_url();
    format!(
        "limits: {limits}\n{more}
servers:
  web: {{ kind: http, url: '{url}', websocket: true }}
  chat: {{ kind: webtools, url: '{url}' }}
  ic: {{ kind: icws, url: '{url}' }}
hosts:
  {HOST}:
    routes:
      - {{ path: /web/, server: web }}
      - {{ path: /narrow/, server: web, limits: {{ requests: {{ rate: 1/h, burst: 2 }} }} }}
      - {{ path: /wide/, server: web, limits: {{ requests: {{ rate: 1000/s }} }} }}
      - {{ path: /chat/, server: chat }}
      - {{ path: /ic/, server: ic }}
"
    )
}

/// The address 127.0.0.`last`.
pub fn from(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
}

/// Sends these bytes over a plain connection of its own.
pub async fn send(edge: &Edge, client: IpAddr, bytes: String) -> std::io::Result<Got> {
    Dial::plain(edge.plain())
        .from(client)
        .send(bytes, SOON)
        .await
}

/// One request; 0 where the connection was closed without an answer.
pub async fn status(edge: &Edge, client: IpAddr, target: &str) -> u16 {
    got(edge, client, target)
        .await
        .and_then(|got| got.status())
        .unwrap_or(0)
}

/// The same with all that came back.
pub async fn got(edge: &Edge, client: IpAddr, target: &str) -> Option<Got> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    send(edge, client, request).await.ok()
}

/// A field of an answer's head.
pub fn field(got: &Got, name: &str) -> Option<String> {
    let head = got.head();
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
}

/// A metric's value, summed over what follows `name` and contains every one of `labels`.
pub async fn metric(edge: &Edge, name: &str, labels: &[&str]) -> f64 {
    let text = admin(edge, "GET /metrics", "").await.text();
    let lines = text.lines().filter(|line| line.starts_with(name));
    let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// Asks the admin listener.
pub async fn admin(edge: &Edge, line: &str, body: &str) -> Got {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    Dial::plain(edge.admin()).send(request, SOON).await.unwrap()
}

/// What the admin listener answered as JSON.
pub async fn json(edge: &Edge, line: &str) -> Value {
    let got = admin(edge, line, "").await;
    serde_json::from_slice(got.body()).unwrap_or_else(|_| panic!("no JSON: {}", got.text()))
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
