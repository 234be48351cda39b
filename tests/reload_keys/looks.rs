//! Ways to look: each makes a word of what it sees.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loadtest::rude::client::{Dial, Ended};
use serde_json::Value;

use super::ground::{Ground, HOST, SOON};

/// How long something is watched that should not happen.
const WATCHED: Duration = Duration::from_secs(1);

/// The value of a line `name: value`, in any case of the name.
pub fn field(text: &str, name: &str) -> String {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found
        .next()
        .map_or(String::new(), |(_, value)| value.trim().to_owned())
}

/// Long where the end is expected, short where it is not.
pub fn patience(expected: &str) -> Duration {
    if matches!(expected, "open" | "waiting") {
        WATCHED
    } else {
        SOON
    }
}

pub async fn status(ground: Arc<Ground>, line: &str) -> String {
    let got = ground.ask(&ground.plain(), line, "").await;
    got.status()
        .map_or("none".to_owned(), |status| status.to_string())
}

/// A line of the server's body.
pub async fn told(ground: Arc<Ground>, path: &str, name: &str) -> String {
    let got = ground.get(path).await;
    let text = String::from_utf8_lossy(got.body()).into_owned();
    match got.status() {
        Some(200) => field(&text, name),
        other => format!("{other:?}"),
    }
}

/// A field of the answer's head.
pub async fn headed(ground: Arc<Ground>, dial: Dial, path: &str, name: &str) -> String {
    field(
        &ground.ask(&dial, &format!("GET {path}"), "").await.head(),
        name,
    )
}

/// How many of so many requests of a new client reach a server, one after the other over connections of their own.
pub async fn passes(ground: Arc<Ground>, path: &str, times: usize) -> String {
    let dial = ground.plain().from(ground.stranger());
    let mut passed = 0;
    for _ in 0..times {
        passed += usize::from(reaches(&dial, path).await);
    }
    passed.to_string()
}

/// Whether a request is answered by a server. One that is not let in at all is not.
pub async fn reaches(dial: &Dial, path: &str) -> bool {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    match dial.send(request, SOON).await {
        Ok(got) => got.text().contains("\nserver: "),
        Err(_) => false,
    }
}

/// How many of so many requests of a new client are under way at the same time.
pub async fn at_once(ground: Arc<Ground>, path: &str, times: usize) -> String {
    let dial = ground.plain().from(ground.stranger());
    let mut open = Vec::new();
    for _ in 0..times {
        let Ok(mut line) = dial.open().await else {
            continue;
        };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        // A connection that is not let in may be gone before anything is sent.
        let _ = line.write(request.as_bytes()).await;
        if let Ok(head) = line.read_until(b"\r\n\r\n", SOON).await
            && head.starts_with(b"HTTP/1.1 200 ")
        {
            open.push(line);
        }
    }
    open.len().to_string()
}

/// What becomes of a request whose server does not answer, or of a stream without events.
pub async fn waits(ground: Arc<Ground>, path: &str, expected: &str) -> String {
    let accept = if path.ends_with("/event") {
        "Accept: text/event-stream\r\n"
    } else {
        ""
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{accept}\r\n");
    let got = ground
        .plain()
        .send(request, patience(expected))
        .await
        .unwrap();
    match (got.status(), got.ended) {
        (None, Ended::Open) => "waiting".to_owned(),
        (Some(_), Ended::Open) => "open".to_owned(),
        (Some(200), _) => "cut".to_owned(),
        (Some(status), _) => status.to_string(),
        (None, _) => "none".to_owned(),
    }
}

/// Sends these bytes and nothing more: whether the gateway ends the connection.
pub async fn stays(dial: Dial, bytes: &str, expected: &str) -> String {
    let got = dial
        .send(bytes.to_owned(), patience(expected))
        .await
        .unwrap();
    let ended = if got.ended == Ended::Open {
        "open"
    } else {
        "closed"
    };
    ended.to_owned()
}

/// What is said of a server of the file.
async fn server(ground: &Ground, name: &str) -> Value {
    let got = ground.admin("GET /api/servers", "").await;
    let all: Value = serde_json::from_slice(got.body()).unwrap();
    let all = all["servers"].as_array().unwrap();
    let found = all.iter().find(|server| server["name"] == name);
    found.unwrap().clone()
}

/// How a server is, once that is as expected.
pub async fn health(ground: Arc<Ground>, name: &str, expected: &str) -> String {
    let deadline = Instant::now() + SOON;
    loop {
        let server = server(&ground, name).await;
        let seen = server["health"].as_str().unwrap();
        if seen == expected || Instant::now() > deadline {
            return seen.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How a server is probed: one value of it, as JSON.
pub async fn probe(ground: Arc<Ground>, name: &str, key: &str) -> String {
    server(&ground, name).await["probe"][key].to_string()
}
