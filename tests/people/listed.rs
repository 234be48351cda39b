//! What the gateway lists and counts.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::Dial;
use serde_json::Value;

use super::support::{SOON, metric};

/// What the admin listener says.
pub async fn admin(edge: &Edge, path: &str) -> Value {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let got = Dial::plain(edge.admin()).send(request, SOON).await.unwrap();
    serde_json::from_slice(got.body()).unwrap()
}

/// Everybody who is listed. The metric has to say the same number.
pub async fn users(edge: &Edge) -> Vec<Value> {
    let told = admin(edge, "/api/users").await;
    let users = told["users"].as_array().unwrap().clone();
    let gauge = metric(edge, "portcullis_connected_users", &[]).await;
    // Somebody may have come or gone between the two questions.
    if gauge as usize != users.len() {
        let again = admin(edge, "/api/users").await;
        assert_ne!(
            again["users"].as_array().unwrap().len(),
            users.len(),
            "{told} but {gauge}"
        );
        return again["users"].as_array().unwrap().clone();
    }
    users
}

/// The only one there is.
pub async fn only(edge: &Edge) -> Value {
    let users = users(edge).await;
    assert_eq!(users.len(), 1, "{users:?}");
    users[0].clone()
}

/// Waits until `holds` of the list.
pub async fn until_listed(edge: &Edge, what: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let users = users(edge).await;
        if holds(&users) {
            return users;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "never happened: {what}: {users:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The names, `-` for those without one.
pub fn names(users: &[Value]) -> Vec<String> {
    let name = |user: &Value| user["user"].as_str().unwrap_or("-").to_owned();
    users.iter().map(name).collect()
}

/// A file with short times for people before the rest of it.
pub fn short(idle: &str, yaml: &str) -> String {
    format!("people: {{ idle: {{ icws: {idle}, webtools: {idle} }} }}\n{yaml}")
}
