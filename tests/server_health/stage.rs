//! What the tests of this program share: files with quick probes, and the gateway's own word about its servers.

use std::net::SocketAddr;

use loadtest::edge::Edge;
use loadtest::rude::client::Dial;
use loadtest::wire::Server;
use serde_json::Value;

use super::inside::{HOST, SOON, answering, edge, until};

/// Probes as quick as they may be.
pub const QUICK: &str = "interval: 100ms, timeout: 100ms";
/// The same for a server that works: a machine that is busy elsewhere for a moment does not make it ill.
pub const STEADY: &str = "interval: 100ms, timeout: 100ms, fall: 100";

/// A file with these lines below `servers`, each server reached below `/NAME/`; icws servers below `/us/NAME/`.
pub fn file(servers: &[(&str, &str)]) -> String {
    let mut text = "servers:\n".to_owned();
    for (name, rest) in servers {
        text.push_str(&format!("  {name}: {{ {rest} }}\n"));
    }
    text.push_str(&format!("hosts:\n  {HOST}:\n    routes:\n"));
    for (name, _) in servers {
        text.push_str(&format!("      - {{ path: /{name}/, server: {name} }}\n"));
    }
    text
}

/// What a path of the admin listener answers.
pub async fn admin(edge: &Edge, path: &str) -> String {
    admin_at(edge.admin(), path).await
}

/// The same of any gateway's.
pub async fn admin_at(address: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let got = Dial::plain(address).send(request, SOON).await.unwrap();
    let text = got.text();
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// What the gateway says of one server.
pub async fn server(edge: &Edge, name: &str) -> Value {
    let all: Value = serde_json::from_str(&admin(edge, "/api/servers").await).unwrap();
    let all = all["servers"].as_array().unwrap();
    let found = all.iter().find(|server| server["name"] == name);
    found.unwrap_or(&Value::Null).clone()
}

/// How one server is.
pub async fn health(edge: &Edge, name: &str) -> String {
    let server = server(edge, name).await;
    server["health"].as_str().unwrap_or_default().to_owned()
}

/// Waits until a server is in this condition, and returns what is said of it then.
pub async fn wait_for(edge: &Edge, name: &str, condition: &str) -> Value {
    until(&format!("{name} is {condition}"), async || {
        health(edge, name).await == condition
    })
    .await;
    server(edge, name).await
}

/// A value of `GET /metrics`, for a family with the label `server` alone.
pub async fn gauge(edge: &Edge, family: &str, name: &str) -> Option<f64> {
    super::inside::metric(edge, &format!("portcullis_{family}{{server=\"{name}\"}}")).await
}

/// How many probes of a server ended so.
pub async fn probes(edge: &Edge, name: &str, outcome: &str) -> f64 {
    let line =
        format!("portcullis_upstream_probes_total{{outcome=\"{outcome}\",server=\"{name}\"}}");
    super::inside::metric(edge, &line).await.unwrap_or(0.0)
}

/// Another gateway that probes a server of its own as quickly: when that has been probed so often, others had the time for it.
pub struct Clock {
    server: Server,
    _edge: Edge,
}

impl Clock {
    /// Probes every 100 ms.
    pub async fn start() -> Clock {
        let server = answering(None).await;
        let rest = format!(
            "kind: http, url: '{}', health: {{ path: /, {STEADY} }}",
            server.base_url()
        );
        let edge = edge(&file(&[("clock", &rest)])).await;
        Clock {
            server,
            _edge: edge,
        }
    }

    /// Returns after so many probes.
    pub async fn passes(&self, probes: u64) {
        let goal = self.server.accepted() + probes;
        until("the clock goes on", async || self.server.accepted() >= goal).await;
    }
}
