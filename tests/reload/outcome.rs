//! How a reload ended, for people and for machines.

use portcullis::reload::Outcome;
use serde_json::Value;

use crate::support::*;

#[tokio::test]
async fn before_any_reload_there_is_a_first_generation_and_nothing_to_worry_about() {
    let inside = answering().await;
    let stage = Stage::start(&servers(&[("one", &inside)])).await;
    let told = stage.told().await;
    assert_eq!(
        (&told["generation"], &told["last"]),
        (&1.into(), &Value::Null)
    );
    assert_eq!(told["hash"], stage.hash().await.as_str());
    assert_eq!(stage.counted().await, [0.0; 3]);
    for (name, least) in [
        ("portcullis_config_last_reload_successful", 1.0),
        (
            "portcullis_config_last_reload_success_timestamp_seconds",
            1.7e9,
        ),
        ("portcullis_config_generation", 1.0),
    ] {
        assert!(stage.metric(name).await.unwrap() >= least, "{name}");
    }
}

#[tokio::test]
async fn a_change_is_a_new_generation_with_what_changed() {
    let (one, two) = (answering().await, answering().await);
    let stage = Stage::start(&servers(&[("one", &one)])).await;
    let hash = stage.hash().await;
    let both = servers(&[("one", &one), ("two", &two)]);
    assert_eq!(stage.reload(&both).await, Outcome::Applied);
    assert_eq!(stage.get("/two/x").await.status(), Some(200));
    let told = stage.told().await;
    assert_eq!(told["generation"], 2);
    assert_ne!(told["hash"], hash.as_str());
    let last = &told["last"];
    assert_eq!(last["outcome"], "applied");
    assert!(last["took_seconds"].as_f64().unwrap() > 0.0);
    let changes = [
        "host proxy.example.com: routes[/two/] added",
        "servers added: two",
    ];
    assert_eq!(last["changes"], Value::from(changes.to_vec()));
    assert_eq!(
        stage.metric("portcullis_config_generation").await,
        Some(2.0)
    );
    assert_eq!(stage.counted().await, [1.0, 0.0, 0.0]);
}

#[tokio::test]
async fn a_reload_gives_back_what_it_replaced_when_the_last_request_is_over() {
    let (one, two) = (answering().await, answering().await);
    let stage = Stage::start(&servers(&[("one", &one)])).await;
    let held = stage.snapshot();
    let weak = std::sync::Arc::downgrade(&held);
    assert_eq!(
        stage.reload(&servers(&[("one", &two)])).await,
        Outcome::Applied
    );
    assert!(stage.server.retired() > 0);
    assert!(weak.upgrade().is_some());
    drop(held);
    until("the old snapshot is given back", async || {
        stage.server.retired() == 0 && weak.upgrade().is_none()
    })
    .await;
}
