//! Attacks on the limits: getting around one, turning one against somebody else, making one cost more than it saves, and the
//! operator's listener. One gateway each, asked from many addresses of loopback.

mod addresses;
mod bans;
mod bodies;
mod endings;
mod interactions;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Got};
use loadtest::wire::{Record, Reply, Respond, Server, ServerOptions};
use serde_json::Value;

use super::support::{SOON, watch};

const HOST: &str = "proxy.example.com";

/// A gateway in front of one server that knows chats.
struct Stage {
    edge: Edge,
    server: Server,
}

/// With these limits, and more keys at the top of the file.
async fn stage(limits: &str, more: &str) -> Stage {
    stage_of(limits, more, chats()).await
}

/// The same before a server that answers as `reply` says.
async fn stage_of(
    limits: &str,
    more: &str,
    reply: impl Fn(&Record) -> Reply + Send + Sync + 'static,
) -> Stage {
    watch();
    let server = Server::start(ServerOptions::default(), Respond(reply)).await;
    let server = server.unwrap();
    let yaml = file(&server, limits, more);
    let edge = Edge::start(&yaml, &[HOST]).await;
    Stage {
        edge: edge.unwrap_or_else(|error| panic!("{error}")),
        server,
    }
}

fn file(server: &Server, limits: &str, more: &str) -> String {
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
      - {{ path: /chat/, server: chat }}
      - {{ path: /ic/, server: ic }}
"
    )
}

/// A server that starts every chat and every callback it is asked for, each with ids of its own.
fn chats() -> impl Fn(&Record) -> Reply + Send + Sync + 'static {
    let number = AtomicUsize::new(0);
    move |record| {
        let target = record.target().to_ascii_lowercase();
        let number = number.fetch_add(1, Ordering::SeqCst);
        let said = match () {
            () if target.contains("websvcs/chat/start") => format!(
                r#"{{"chat":{{"participantID":"p{number}","chatID":"c{number}","status":{{"type":"success"}}}}}}"#
            ),
            () if target.contains("websvcs/callback/create") => format!(
                r#"{{"callback":{{"participantID":"p{number}","callbackID":"c{number}","status":{{"type":"success"}}}}}}"#
            ),
            () if target.contains("/web-chat/start") => {
                format!(r#"{{"participantId":"p{number}","chatId":"c{number}"}}"#)
            }
            () if target.contains("reconnect") || target.contains("/web-chat/exit") => {
                return Reply::new(204);
            }
            () if target.contains("websvcs/") => {
                r#"{"chat":{"status":{"type":"success"}}}"#.to_owned()
            }
            () => "ok".to_owned(),
        };
        Reply::new(200)
            .header("Content-Type", "application/json; charset=utf-8")
            .body(said)
    }
}

/// The address 127.0.0.`last`.
fn from(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
}

/// A GET of its own connection with these fields, each with its line end.
fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\n{fields}Connection: close\r\n\r\n")
}

/// A POST of its own connection.
fn post(target: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n{body}"
    )
}

impl Stage {
    /// Sends this from 127.0.0.`last` in the clear, and waits for the end of the answer.
    async fn send(&self, last: u8, bytes: impl Into<Vec<u8>>) -> Option<Got> {
        let dial = Dial::plain(self.edge.plain()).from(from(last));
        dial.send(bytes.into(), SOON).await.ok()
    }

    /// Asks the admin listener.
    async fn admin(&self, line: &str, body: &str) -> Got {
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let dial = Dial::plain(self.edge.admin());
        dial.send(request, SOON).await.unwrap()
    }

    async fn json(&self, line: &str) -> Value {
        let got = self.admin(line, "").await;
        serde_json::from_slice(got.body()).unwrap_or_else(|_| panic!("no JSON: {}", got.text()))
    }

    /// What the table knows of 127.0.0.`last`.
    async fn used(&self, last: u8) -> Value {
        self.json(&format!("GET /api/limits?address=127.0.0.{last}"))
            .await
    }

    /// Refusals counted with this reason and mode.
    async fn refusals(&self, reason: &str, mode: &str) -> f64 {
        let text = self.admin("GET /metrics", "").await.text();
        let wanted = format!("portcullis_refusals_total{{mode=\"{mode}\",reason=\"{reason}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&wanted));
        line.unwrap_or_else(|| panic!("no {wanted}"))
            .parse()
            .unwrap()
    }

    /// What the pair of the route `chat` or `ic` counts: active, starting, in doubt.
    async fn counts(&self, pair: &str) -> [u64; 3] {
        let told = self.json("GET /api/interactions").await;
        let pairs = told["pairs"].as_array().unwrap();
        let Some(told) = pairs.iter().find(|told| told["pair"] == pair) else {
            return [0; 3];
        };
        let number = |name: &str| told[name].as_u64().unwrap();
        [
            number("chats") + number("callbacks"),
            number("starting"),
            number("in_doubt"),
        ]
    }

    /// Waits until the pair counts this.
    async fn until_counts(&self, pair: &str, wanted: [u64; 3], what: &str) {
        let mut last = [0; 3];
        let deadline = tokio::time::Instant::now() + SOON;
        while tokio::time::Instant::now() < deadline {
            last = self.counts(pair).await;
            if last == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{what}: [active, starting, in doubt] is {last:?} and not {wanted:?}");
    }
}

/// Waits until `holds`, or panics.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + SOON;
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
