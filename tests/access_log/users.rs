//! Who is signed in, in the lines of his requests and of nobody else's.

use loadtest::edge::Edge;
use serde_json::Value;

use super::stage::{Stage, Way};
use super::upstream::until;
use super::{LOG, lines};

/// The lines of these requests, by the end of their paths, once all of them are there.
async fn about(edge: &Edge, ends: &[&str]) -> Vec<Value> {
    let found = || -> Vec<Value> {
        let all = lines(edge);
        let of = |end: &&str| {
            let ends = |line: &&Value| {
                line["path"]
                    .as_str()
                    .is_some_and(|path| path.ends_with(*end))
            };
            all.iter().rfind(ends).cloned()
        };
        ends.iter().filter_map(of).collect()
    };
    until("the lines", async || found().len() == ends.len()).await;
    found()
}

#[tokio::test]
async fn a_user_is_named_from_the_sign_in_to_the_sign_out_and_by_no_request_that_fails() {
    let stage = Stage::start().await;
    stage
        .edge
        .reload(&(stage.yaml.clone() + LOG))
        .await
        .unwrap();
    let (mut client, session) = stage.logged_in(Way::Http2).await;
    client.poll().await.unwrap();
    let within = format!("/icws/{}", session.id);
    // Somebody who knows the session and nothing else.
    let stranger = format!("GET /us/icserver1{within}/status HTTP/1.1");
    assert_eq!(stage.ask(&stranger, "").await.status(), Some(401));
    stage
        .ask("GET /us/icserver1/icws/connection/version HTTP/1.1", "")
        .await;
    let ends = [
        "/icws/connection",
        "/messaging/messages",
        "/status",
        "/version",
    ];
    let users: Vec<Value> = about(&stage.edge, &ends)
        .await
        .iter()
        .map(|line| line["user"].clone())
        .collect();
    assert_eq!(
        users,
        [
            Value::from("agent1"),
            "agent1".into(),
            Value::Null,
            Value::Null
        ]
    );
    client.logout().await.unwrap();
    let out = format!("{within}/connection");
    assert_eq!(about(&stage.edge, &[&out]).await[0]["user"], "agent1");
}

#[tokio::test]
async fn both_lines_of_an_event_stream_name_the_user() {
    let stage = Stage::start().await;
    stage
        .edge
        .reload(&(stage.yaml.clone() + LOG))
        .await
        .unwrap();
    let (mut client, _) = stage.logged_in(Way::Tls).await;
    drop(client.events().await.unwrap());
    let streams = || -> Vec<Value> {
        let of = |line: &Value| line.get("stream").is_some();
        lines(&stage.edge).into_iter().filter(of).collect()
    };
    until("both lines", async || streams().len() == 2).await;
    for line in streams() {
        assert_eq!(line["user"], "agent1", "{line}");
    }
}

#[tokio::test]
async fn the_combined_format_has_the_user_in_its_third_column_and_a_key_leaves_users_out() {
    let stage = Stage::start().await;
    let with = |access: &str| format!("{}log: {{ access: {access} }}\n", stage.yaml);
    let combined = with("{ file: combined.log, format: combined }");
    stage.edge.reload(&combined).await.unwrap();
    let (mut client, _) = stage.logged_in(Way::Plain).await;
    let path = stage.edge.folder().join("combined.log");
    let text = || std::fs::read_to_string(&path).unwrap_or_default();
    until("the line", async || {
        text().contains("/icws/connection HTTP")
    })
    .await;
    assert!(text().starts_with("127.0.0.1 - agent1 ["), "{}", text());
    let without = with("{ file: access.log, users: false }");
    stage.edge.reload(&without).await.unwrap();
    client.poll().await.unwrap();
    let line = &about(&stage.edge, &["/messaging/messages"]).await[0];
    assert!(line.get("user").is_none(), "{line}");
    assert!(!line.to_string().contains("agent1"), "{line}");
}
