//! Connections to servers that are kept for the next request, and the rules of the file that they were made under.

use std::sync::Arc;
use std::time::Duration;

use super::ground::Ground;
use super::looks::{patience, told};

/// Whether the connection that a request leaves behind is closed.
pub async fn kept(ground: Arc<Ground>, expected: &str) -> String {
    kept_by(ground, "/web/x", expected).await
}

pub async fn kept_by(ground: Arc<Ground>, path: &str, expected: &str) -> String {
    assert_eq!(told(ground.clone(), path, "server").await, "web");
    let deadline = tokio::time::Instant::now() + patience(expected);
    while tokio::time::Instant::now() < deadline {
        if ground.web.open() == 0 {
            return "closed".to_owned();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    "open".to_owned()
}

/// The gateway's own clock knows how long a connection may lie idle; the server's shorter one is what the key is for.
#[tokio::test]
async fn a_connection_kept_under_a_longer_time_is_not_used_under_a_shorter_one() {
    let ground = Ground::start().await;
    let text = |pooled: &str| {
        format!("servers:\n  web: {{ kind: http, url: '<web>', timeouts: {{ pooled: {pooled} }} }}")
    };
    let (long, short) = (ground.file(&text("1h")), ground.file(&text("1s")));
    let ground = ground.open(&long).await;
    let connection = async || told(ground.clone(), "/web/x", "connection").await;
    let old = connection().await;
    assert_eq!(connection().await, old, "it is kept");
    ground.reload(&short).await;
    let new = connection().await;
    assert_ne!(new, old);
}

/// Two routes to one server with times of their own.
#[tokio::test]
async fn a_route_with_a_shorter_time_does_not_use_what_another_route_left() {
    let ground = Ground::start().await;
    let text = "servers:\n  web: { kind: http, url: '<web>' }\nhosts:\n  proxy.example.com:\n    routes:\n      \
        - { path: /long/, server: web, timeouts: { pooled: 1h } }\n      - { path: /short/, server: web, timeouts: { pooled: 1s } }\n";
    let file = ground.file(text);
    let ground = ground.open(&file).await;
    let long = told(ground.clone(), "/long/x", "connection").await;
    assert_eq!(told(ground.clone(), "/long/x", "connection").await, long);
    assert_ne!(told(ground, "/short/x", "connection").await, long);
}
