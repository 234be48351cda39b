//! The access log through real sockets: every field, what must never be in it, streams, its file under load, receivers that come and go.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "../process/client.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod client;
#[path = "../command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod command;
#[path = "../command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
mod ids;
mod lines;
mod outages;
mod process;
mod receiver;
mod secrets;
#[path = "../icws/stage.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod stage;
mod streams;
mod syslog;
#[path = "../upstream/support.rs"]
mod upstream;
mod users;

use command as support;
use loadtest::edge::Edge;
use serde_json::Value;

use upstream::until;

/// The section that every file here has.
const LOG: &str = "log: { access: { file: access.log } }\n";

/// All lines that the access log has by now.
fn lines(edge: &Edge) -> Vec<Value> {
    let text = std::fs::read_to_string(edge.folder().join("access.log")).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

/// The lines, once there are so many.
async fn so_many(edge: &Edge, count: usize) -> Vec<Value> {
    until(&format!("{count} lines"), async || {
        lines(edge).len() >= count
    })
    .await;
    let lines = lines(edge);
    assert_eq!(lines.len(), count, "{lines:#?}");
    lines
}
