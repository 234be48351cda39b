//! `portcullis servers`, `explain` for servers that stand in for one another, and a new process that takes over.

use loadtest::wire::Server;
use serde_json::Value;

use super::gateway::{Gateway, get, until};
use super::inside::{HOST, answering, edge};
use super::stage::{STEADY, file, wait_for};
use super::support::{Ran, World};

async fn ran(mut command: std::process::Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output());
    Ran::from(output.await.unwrap().unwrap())
}

#[tokio::test]
async fn servers_are_shown_as_a_table_or_as_json() {
    let (web, dead) = (answering(None).await, answering(None).await);
    dead.refuse_connections(true).await;
    let edge = edge(&file(&[
        (
            "web",
            &format!(
                "kind: http, url: '{}', health: {{ path: /, {STEADY} }}",
                web.base_url()
            ),
        ),
        (
            "dead",
            &format!(
                "kind: http, url: '{}', health: {{ {STEADY} }}",
                dead.base_url()
            ),
        ),
        (
            "off",
            &format!("kind: http, url: '{}', health: off", web.base_url()),
        ),
    ]))
    .await;
    wait_for(&edge, "web", "up").await;
    wait_for(&edge, "dead", "down").await;
    let world = World::new();
    let admin = edge.admin().to_string();
    let table = ran(world.command(&["servers", "--admin", &admin])).await;
    assert_eq!(table.code, Some(0), "{table:?}");
    let lines: Vec<&str> = table.out.lines().collect();
    let begins = |line: usize, cells: &[&str]| {
        let found: Vec<&str> = lines[line].split_whitespace().take(cells.len()).collect();
        assert_eq!(found, cells, "{table:?}");
    };
    begins(
        0,
        &["SERVER", "KIND", "HEALTH", "SINCE", "LAST", "PROBE", "WHY"],
    );
    begins(1, &["web", "http", "up"]);
    begins(2, &["dead", "http", "down"]);
    assert!(lines[2].ends_with("connection refused"), "{table:?}");
    begins(3, &["off", "http", "unchecked"]);
    let json = ran(world.command(&["servers", "--json", "--admin", &admin])).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["servers"][0]["health"], "up");
    assert_eq!(json["servers"][0]["url"], format!("{}/", web.base_url()));
}

/// A file whose `/web/` is behind `a` and then `b`.
fn in_turn(admin: &str, a: &Server, b: &Server) -> String {
    format!(
        "admin: {{ listen: '{admin}' }}\nlisteners: [ {{ listen: 127.0.0.1:0 }} ]\nupgrade: {{ socket: up.sock }}\nservers:\n  \
         a: {{ kind: http, url: '{}', health: {{ path: /, {STEADY} }} }}\n  b: {{ kind: http, url: '{}', health: {{ path: /, {STEADY} }} }}\n\
         hosts: {{ {HOST}: {{ routes: [ {{ path: /web/, servers: [a, b] }} ] }} }}\n",
        a.base_url(),
        b.base_url()
    )
}

#[tokio::test]
async fn explain_says_which_server_it_would_be_and_why() {
    let (a, b) = (answering(None).await, answering(None).await);
    a.refuse_connections(true).await;
    let world = World::new();
    let explain = || {
        world.command(&[
            "explain",
            "-c",
            "p.yaml",
            &format!("http://{HOST}:8080/web/x"),
        ])
    };
    let written = |admin: &str| {
        in_turn(admin, &a, &b).replace(
            "listeners: [ { listen: 127.0.0.1:0 }",
            "listeners: [ { listen: 127.0.0.1:8080 }",
        )
    };
    world.write("p.yaml", &written("127.0.0.1:1"));
    let alone = ran(explain()).await;
    assert!(
        alone
            .out
            .contains("  servers   a, b: the first that is not down\n"),
        "{alone:?}"
    );
    assert!(
        alone
            .out
            .contains("how they are is not known: no gateway with them answers on 127.0.0.1:1\n"),
        "{alone:?}"
    );
    assert!(alone.out.contains("  server    a (kind http"), "{alone:?}");
    let edge = edge(&in_turn("127.0.0.1:0", &a, &b)).await;
    wait_for(&edge, "a", "down").await;
    wait_for(&edge, "b", "up").await;
    world.write("p.yaml", &written(&edge.admin().to_string()));
    let told = ran(explain()).await;
    assert!(
        told.out.contains("            a is down since "),
        "{told:?}"
    );
    assert!(
        told.out
            .contains("s: connection refused\n            b is up since "),
        "{told:?}"
    );
    assert!(told.out.contains("  server    b (kind http"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_takes_over_probes_anew_and_the_old_one_no_more() {
    let (a, b) = (answering(None).await, answering(None).await);
    let world = World::new();
    world.write("p.yaml", &in_turn("127.0.0.1:0", &a, &b));
    let old = Gateway::start(&world);
    let (_, admin) = old.addresses();
    let up = move || {
        let told = get(admin, "localhost", "/api/servers").ok()?;
        (told.matches("\"health\":\"up\"").count() == 2).then_some(())
    };
    until("both are up", up).unwrap();
    // A request keeps the old process alive after the other has taken over.
    let new = Gateway::run(&world, &["run", "--take-over", "-c", "p.yaml"], &[]);
    until("the new process has both up", || {
        (new.said("a is up") + new.said("b is up") == 2).then_some(())
    })
    .unwrap();
    let (status, log) = old.end();
    assert_eq!(status.code(), Some(0), "{log}");
    // The new one began with knowing nothing: it says of each what it found, once.
    assert_eq!((new.said("a is up"), new.said("b is up")), (1, 1));
    until("both are up in the new process", up).unwrap();
}
