//! Chats and callbacks of a visitor, and what the gateway counts of them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::Value;

use super::ground::{Ground, HOST, SOON};
use super::looks::patience;

pub const CHAT: &str = r#"{"supportedContentTypes":"text/plain","participant":{"name":"Wally","credentials":null},"target":"Marketing","targetType":"Workgroup","clientToken":"deprecated"}"#;
pub const USER: &str = r#"{"supportedContentTypes":"text/plain","participant":{"name":"wally","credentials":"secret"},"target":"Marketing","targetType":"Workgroup","clientToken":"deprecated"}"#;
pub const CALLBACK: &str = r#"{"target":"Marketing","targettype":"Workgroup","subject":"x","participant":{"name":"Wally","credentials":null,"telephone":"555 0100"}}"#;

/// What the gateway says of each pair.
async fn pairs(ground: &Ground) -> Vec<Value> {
    let answer = ground.admin("GET /api/interactions", "").await;
    let told: Value = serde_json::from_slice(answer.body()).unwrap();
    told["pairs"].as_array().unwrap().clone()
}

/// The pair that a new chat is counted in.
pub async fn counted_in(ground: &Ground) -> String {
    let before = pairs(ground).await;
    assert!(start(ground, CHAT).await);
    let after = pairs(ground).await;
    let more = |pair: &&Value| {
        let same = before.iter().find(|old| old["pair"] == pair["pair"]);
        same.is_some_and(|old| old["chats"] != pair["chats"])
    };
    let counted = after.iter().find(more).unwrap();
    counted["pair"].as_str().unwrap().to_owned()
}

/// How many of so many starts of one visitor the server takes.
pub async fn starts(ground: &Ground, body: &str, times: usize) -> String {
    let mut taken = 0;
    for _ in 0..times {
        taken += usize::from(start(ground, body).await);
    }
    taken.to_string()
}

/// Starts one after the other until as many as expected have gone through; what would be too many is tried four times.
pub async fn starts_until(ground: &Ground, body: &str, expected: &str) -> String {
    if expected == "1" {
        return starts(ground, body, 4).await;
    }
    let deadline = tokio::time::Instant::now() + SOON;
    let mut taken = 0;
    while taken < 3 && tokio::time::Instant::now() < deadline {
        taken += usize::from(start(ground, body).await);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    taken.to_string()
}

async fn start(ground: &Ground, body: &str) -> bool {
    let path = if body == CALLBACK {
        "callback/create"
    } else {
        "chat/start"
    };
    let request = format!(
        "POST /chat/websvcs/{path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let dial = ground.plain().from(IpAddr::V4(Ipv4Addr::new(127, 0, 3, 1)));
    let text = dial.send(request, SOON).await.unwrap().text();
    text.replace(' ', "").contains("\"type\":\"success\"")
}

/// Whether what nobody speaks of is still counted.
pub async fn silent(ground: &Arc<Ground>, what: &str, expected: &str) -> String {
    let deadline = tokio::time::Instant::now() + patience(expected);
    while tokio::time::Instant::now() < deadline {
        if pairs(ground).await[0][what] == 0 {
            return "ended".to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    "open".to_owned()
}

#[tokio::test]
async fn a_pair_that_the_file_names_no_more_is_forgotten_when_nothing_of_it_is_left() {
    let ground = Ground::start().await;
    let text = |pair: &str| {
        format!(
            "servers:\n  chat: {{ kind: webtools, url: '<chat>', pair: {pair} }}\nhosts:\n  {HOST}:\n    routes:\n      - {{ path: /chat/, server: chat }}\n"
        )
    };
    let (one, two) = (ground.file(&text("one")), ground.file(&text("two")));
    let ground = ground.open(&one).await;
    let told = async || {
        let names = pairs(&ground).await;
        let metrics = ground.admin("GET /metrics", "").await.text();
        let lines = metrics.lines();
        let shown = lines.filter(|line| line.starts_with("portcullis_interactions{"));
        (names.len(), shown.count())
    };
    assert_eq!(told().await, (1, 2));
    ground.reload(&two).await;
    let deadline = tokio::time::Instant::now() + SOON;
    while told().await != (1, 2) {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", told().await);
    }
    assert_eq!(pairs(&ground).await[0]["pair"], "two");
}
