//! A file with mistakes is refused whole, with every mistake at once, and no word of it reaches anybody who should not read it.

use std::sync::Arc;

use portcullis::reload::Outcome;
use serde_json::Value;

use crate::support::*;

#[tokio::test]
async fn every_mistake_is_told_at_once_with_its_place_and_remedy() {
    let inside = answering().await;
    let good = servers(&[("one", &inside)]);
    let stage = Stage::start(&good).await;
    let before = stage.snapshot();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let bad = format!(
        "listeners: [{{ listen: 127.0.0.1:0, tls: {{}} }}, {{ listen: 127.0.0.1:0 }}, {{ listen: {address} }}]\n\
         servers:\n  one: {{ kind: http, url: 'https://127.0.0.1:1', server_name: one.example.com, ca: gone.pem }}\n\
         hosts:\n  {HOST}:\n    routes: [{{ path: /one/, server: one }}, {{ path: /two/, server: two }}, {{ path: /www/, files: www }}]\n"
    );
    assert_eq!(stage.reload(&bad).await, Outcome::Refused);
    assert!(Arc::ptr_eq(&before, &stage.snapshot()));
    assert_eq!(stage.get("/one/x").await.status(), Some(200));

    let told = stage.told().await;
    assert_eq!(told["generation"], 1);
    let last = &told["last"];
    assert_eq!(last["outcome"], "refused");
    assert_eq!(last["mistakes"], 4, "{last:#}");
    let found: Vec<(&Value, &str)> = last["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| (found, found["message"].as_str().unwrap()))
        .collect();
    for (message, line) in [
        ("cannot listen on", 3),
        ("cannot read gone.pem", 5),
        ("there is no server `two`", 8),
        ("cannot serve files from www", 8),
    ] {
        let (found, _) = found
            .iter()
            .find(|(_, told)| told.contains(message))
            .unwrap_or_else(|| panic!("{message}: {last:#}"));
        assert_eq!(found["place"]["line"], line, "{found:#}");
        assert!(found["remedy"].is_string(), "{found:#}");
    }
    let report = last["report"].as_str().unwrap();
    assert!(report.ends_with("p.yaml: 4 errors\n"), "{report}");

    assert_eq!(stage.counted().await, [0.0, 0.0, 1.0]);
    let successful = "portcullis_config_last_reload_successful";
    assert_eq!(stage.metric(successful).await, Some(0.0));
    assert_eq!(stage.reload(&good).await, Outcome::Unchanged);
    assert_eq!(stage.metric(successful).await, Some(1.0));
}

#[tokio::test]
async fn an_address_that_somebody_has_is_refused_with_its_place_and_nothing_of_the_rest_is_applied()
{
    let inside = answering().await;
    let good = servers(&[("one", &inside)]);
    let stage = Stage::start(&good).await;
    let before = stage.snapshot();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let more = format!(
        "listeners: [{{ listen: 127.0.0.1:0, tls: {{}} }}, {{ listen: 127.0.0.1:0 }}, {{ listen: {address} }}]\n{}",
        servers(&[("one", &inside), ("two", &inside)])
    );
    assert_eq!(stage.reload(&more).await, Outcome::Refused);
    assert!(Arc::ptr_eq(&before, &stage.snapshot()));
    let last = stage.told().await["last"].take();
    assert_eq!(last["diagnostics"][0]["place"]["line"], 3, "{last:#}");
    assert_eq!(stage.server.bound().len(), 2);
    drop(taken);
    until("the address is free", async || {
        stage.again().await == Outcome::Applied
    })
    .await;
    assert_eq!(stage.server.bound().len(), 3);
    assert_eq!(stage.get("/two/x").await.status(), Some(200));
}

#[tokio::test]
async fn what_may_be_a_secret_reaches_neither_the_admin_listener_nor_the_log() {
    let inside = answering().await;
    let stage = Stage::start(&servers(&[("one", &inside)])).await;
    for line in [
        "password: hunter2",
        "  one: { kind: http, url: 'http://127.0.0.1:1', client_secret: hunter2 }",
        "  one: { kind: http, url: 'http://me:hunter2@127.0.0.1:1' }",
        "  one: { kind: http, url: http://127.0.0.1:1, api-token: 'hunter2' }",
    ] {
        let top = if line.starts_with(' ') {
            "servers:\n"
        } else {
            ""
        };
        let bad = format!("hosts: {{ {HOST}: {{ server: one }} }}\n{top}{line}\n");
        assert_eq!(stage.reload(&bad).await, Outcome::Refused, "{line}");
        let told = stage.told().await.to_string();
        assert!(told.contains("refused"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}
