//! Limits that only observe: everything passes, and what would not have is counted.

use super::support::*;

async fn observed(stage: &Stage, reason: &str) -> f64 {
    let reason = format!("reason=\"{reason}\"");
    metric(
        &stage.edge,
        "portcullis_refusals_total",
        &["mode=\"observe\"", &reason],
    )
    .await
}

async fn enforced(stage: &Stage) -> f64 {
    metric(
        &stage.edge,
        "portcullis_refusals_total",
        &["mode=\"enforce\""],
    )
    .await
}

#[tokio::test]
async fn under_observe_everything_passes_and_is_counted_as_it_would_have_been_refused() {
    let limits = "{ mode: observe, requests: { rate: 1/h, burst: 2 }, new_connections: { rate: 1/h, burst: 3 }, ban: { refusals: 4, within: 10s } }";
    let stage = stage(limits).await;
    for _ in 0..10 {
        assert_eq!(status(&stage.edge, from(2), "/web/x").await, 200);
    }
    assert_eq!(observed(&stage, "request_rate").await, 8.0);
    assert_eq!(observed(&stage, "new_connections").await, 7.0);
    assert!(observed(&stage, "banned").await >= 1.0);
    assert_eq!(enforced(&stage).await, 0.0);
    assert!(
        json(&stage.edge, "GET /api/bans").await["bans"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn one_limit_may_observe_while_the_others_are_enforced() {
    let limits = "{ requests: { rate: 1/h, burst: 2, mode: observe }, new_connections: { rate: 1/h, burst: 4 }, connections: { most: 1, mode: observe } }";
    let stage = stage(limits).await;
    for expected in [200, 200, 200, 200, 0] {
        assert_eq!(status(&stage.edge, from(2), "/web/x").await, expected);
    }
    assert_eq!(observed(&stage, "request_rate").await, 2.0);
    assert_eq!(enforced(&stage).await, 1.0);
}

#[tokio::test]
async fn what_is_off_is_neither_enforced_nor_counted() {
    let limits =
        "{ requests: { rate: 1/h, burst: 1, mode: off }, ban: { refusals: 1, mode: off } }";
    let stage = stage(limits).await;
    for _ in 0..5 {
        assert_eq!(status(&stage.edge, from(2), "/nowhere").await, 404);
        assert_eq!(status(&stage.edge, from(2), "/web/x").await, 200);
    }
    assert_eq!(observed(&stage, "request_rate").await, 0.0);
}
