//! `portcullis users`, and the API behind it.

use std::process::Command;

use super::listed::*;
use super::stage::{Stage, Way};

async fn run(stage: &Stage, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let admin = stage.edge.admin().to_string();
    command
        .arg("users")
        .args(arguments)
        .args(["--admin", &admin]);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test]
async fn users_are_shown_as_a_table_or_as_json_all_or_in_part() {
    let stage = Stage::start().await;
    let (code, out, _) = run(&stage, &[]).await;
    assert_eq!((code, out.as_str()), (Some(0), "nobody is connected\n"));
    let (_client, _) = stage.logged_in(Way::Http2).await;
    until_listed(&stage.edge, "the name", |users| names(users) == ["agent1"]).await;
    let out = run(&stage, &["--kind", "icws", "--server", "icserver1"])
        .await
        .1;
    let lines: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        [
            "USER", "KIND", "SERVER", "ADDRESS", "SINCE", "LAST", "CHANNEL", "REQUESTS"
        ]
    );
    assert_eq!(lines[1][..4], ["agent1", "icws", "icserver1", "127.0.0.1"]);
    assert_eq!(
        run(&stage, &["--server", "icserver2"]).await.1,
        "nobody is connected\n"
    );
    let json: serde_json::Value = serde_json::from_str(&run(&stage, &["--json"]).await.1).unwrap();
    assert_eq!(
        json["connected"],
        serde_json::json!([{"kind": "icws", "server": "icserver1", "users": 1}])
    );
    assert_eq!(json["not_listed_since_start"], 0);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_there_is() {
    let stage = Stage::start().await;
    let (code, out, err) = run(&stage, &["--kind", "telegraph&x"]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(
        err,
        "portcullis: not a kind of people: `telegraph&x`; they are `icws`, `webtools`, `webchat`\n"
    );
    let told = admin(&stage.edge, "/api/users?sever=x").await;
    assert_eq!(told["error"], "`/api/users` takes `kind` and `server`");
}
