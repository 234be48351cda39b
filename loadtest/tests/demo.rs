//! The demo is a gateway like any other: it runs a file, and follows it.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use loadtest::demo::{Demo, Ports};
use loadtest::rude::client::Dial;
use portcullis::reload::Outcome;
use serde_json::Value;

/// Longer than anything here takes on a busy machine.
const SOON: Duration = Duration::from_secs(20);

async fn told(demo: &Demo) -> Value {
    let request = "GET /api/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let got = Dial::plain(demo.admin()).send(request, SOON).await.unwrap();
    serde_json::from_slice(got.body()).unwrap()
}

#[tokio::test]
async fn the_demo_runs_its_file_and_reads_it_again() {
    let demo = Demo::start(Ports::System).await.unwrap();
    let at_first = told(&demo).await;
    assert!(at_first["hash"].is_string(), "{at_first}");
    assert_eq!(demo.reload().await, Outcome::Unchanged);

    let good = std::fs::read_to_string(demo.configuration()).unwrap();
    std::fs::write(
        demo.configuration(),
        good.replace("kind: icws", "kind: icwz"),
    )
    .unwrap();
    assert_eq!(demo.reload().await, Outcome::Refused);
    assert_eq!(told(&demo).await["hash"], at_first["hash"]);

    std::fs::write(demo.configuration(), good.replace("Primary", "First")).unwrap();
    assert_eq!(demo.reload().await, Outcome::Applied);
    let now = told(&demo).await;
    assert_eq!(now["generation"], 2, "{now}");
    assert_ne!(now["hash"], at_first["hash"], "{now}");
}

#[tokio::test]
async fn the_key_of_the_demo_is_readable_by_its_user_alone() {
    let demo = Demo::start(Ports::System).await.unwrap();
    let key = demo.configuration().with_file_name("demo.key");
    let mode = std::fs::metadata(key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
