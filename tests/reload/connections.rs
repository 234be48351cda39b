//! Connections to servers over a reload: those of servers that stay are used on.

use std::sync::Arc;

use portcullis::reload::Outcome;

use crate::support::*;

#[tokio::test]
async fn a_change_of_one_server_leaves_the_connections_of_the_others_alone() {
    let (one, two, three) = (answering().await, answering().await, answering().await);
    let stage = Stage::start(&servers(&[("one", &one), ("two", &two)])).await;
    for path in ["/one/x", "/two/x"] {
        assert_eq!(stage.get(path).await.status(), Some(200));
    }
    let before = stage.snapshot();
    let moved = servers(&[("one", &one), ("two", &three)]);
    assert_eq!(stage.reload(&moved).await, Outcome::Applied);
    for path in ["/one/x", "/two/x"] {
        assert_eq!(stage.get(path).await.status(), Some(200));
    }
    assert_eq!(
        (one.accepted(), two.accepted(), three.accepted()),
        (1, 1, 1)
    );
    let after = stage.snapshot();
    assert!(Arc::ptr_eq(&before.upstreams[0], &after.upstreams[0]));
}
