//! `portcullis bans` and `portcullis limits` against a running gateway.

use std::process::Command;

use loadtest::edge::Edge;

use super::support::*;

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs the program with the gateway's admin listener.
async fn run(edge: &Edge, arguments: &[&str]) -> Ran {
    run_with(arguments, &["--admin", &edge.admin().to_string()]).await
}

async fn run_with(arguments: &[&str], more: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    // What the environment says of proxies is for the world outside.
    command
        .env("http_proxy", "http://192.0.2.1:1")
        .args(arguments)
        .args(more);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn bans_are_added_listed_and_lifted() {
    let stage = stage("{}").await;
    let edge = &stage.edge;
    assert_eq!(
        run(edge, &["bans", "list"]).await.out,
        "no address is banned\n"
    );
    let added = run(edge, &["bans", "add", "127.0.0.2", "--for", "10m"]).await;
    assert_eq!(
        (added.code, added.out.as_str()),
        (Some(0), "127.0.0.2 is banned for 10m\n"),
        "{}",
        added.err
    );
    run(edge, &["bans", "add", "2001:db8:1:2::9"]).await;
    assert_eq!(status(edge, from(2), "/web/x").await, 0);
    let list = run(edge, &["bans", "list"]).await.out;
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 3, "{list}");
    assert!(
        lines[1].starts_with("127.0.0.2 ") && lines[1].ends_with("an operator"),
        "{list}"
    );
    assert!(lines[2].starts_with("2001:db8:1:2::/64 "), "{list}");
    let json = run(edge, &["bans", "list", "--json"]).await.out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["bans"][0]["refused_since"], 1, "{json}");
    let cut = run(edge, &["bans", "add", "127.0.0.2", "--for", "10m", "--cut"]).await;
    assert_eq!(
        cut.out,
        "127.0.0.2 is banned for 10m, and what it had open ends\n"
    );
    let lifted = run(edge, &["bans", "lift", "127.0.0.2"]).await;
    assert_eq!(lifted.out, "the ban of 127.0.0.2 is lifted\n");
    assert_eq!(status(edge, from(2), "/web/x").await, 200);
    let again = run(edge, &["bans", "lift", "127.0.0.2"]).await;
    assert_eq!(
        (again.code, again.err.as_str()),
        (Some(1), "portcullis: 127.0.0.2 is not banned\n")
    );
}

#[tokio::test]
async fn an_address_shows_what_it_has_used() {
    let stage =
        stage("{ requests: { rate: 1/h, burst: 9 }, connections: { most: 5, mode: observe } }")
            .await;
    assert_eq!(status(&stage.edge, from(2), "/web/x").await, 200);
    let shown = run(&stage.edge, &["limits", "show", "127.0.0.2"]).await.out;
    for line in [
        "127.0.0.2\n",
        "banned              no; 0 refusals within the window, 500 lead to a ban\n",
        "connections         0 open, at most 5 (observed only)\n",
        "requests            8 left of 9 at once\n",
    ] {
        assert!(shown.contains(line), "{line:?} is not in:\n{shown}");
    }
    let unknown = run(&stage.edge, &["limits", "show", "192.0.2.9"]).await.out;
    assert!(
        unknown.starts_with("192.0.2.9 (nothing is known of it now)\n"),
        "{unknown}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_to_do() {
    let wrong = run_with(&["bans", "add", "kiosk"], &["--admin", "127.0.0.1:9"]).await;
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.err.contains("write one such as `192.0.2.7`"),
        "{}",
        wrong.err
    );
    let nobody = run_with(&["bans", "list"], &["--admin", "127.0.0.1:9"]).await;
    assert_eq!(nobody.code, Some(1));
    assert!(
        nobody.err.contains("no gateway answers on 127.0.0.1:9"),
        "{}",
        nobody.err
    );
    let no_file = run_with(&["bans", "list"], &["-c", "/nowhere/p.yaml"]).await;
    assert_eq!(no_file.code, Some(1));
    assert!(
        no_file.err.contains("`--admin ADDRESS:PORT`"),
        "{}",
        no_file.err
    );
}
