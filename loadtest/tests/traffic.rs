//! The traffic notices what it is there to notice.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::traffic::{Amount, Behind, Doors, HOST, Traffic};
use loadtest::wire::Authority;

const FEW: Amount = Amount {
    http1: 2,
    http2: 1,
    fresh: 2,
    websockets: 4,
    event_streams: 4,
    icws_streams: 4,
    icws_polls: 2,
    chats: 0,
};

async fn start(amount: Amount) -> (Edge, Traffic) {
    let authority = Authority::new("Behind").unwrap();
    let behind = Behind::start(&authority).await.unwrap();
    let yaml = format!(
        "limits: {{ exempt: [127.0.0.0/8] }}\nservers:\n{}hosts:\n  {HOST}:\n    routes:\n{}",
        behind.servers("").replace("authority.pem", "behind.pem"),
        behind.routes()
    );
    let edge = Edge::with(&yaml, &[HOST], |folder| {
        std::fs::write(folder.join("behind.pem"), authority.pem())
    });
    let edge = edge.await.unwrap();
    let doors = Doors {
        https: edge.https(),
        plain: edge.plain(),
        authority: edge.authority().pem(),
    };
    let traffic = Traffic::start(behind, doors, amount).await.unwrap();
    (edge, traffic)
}

#[tokio::test]
async fn nothing_is_lost_while_nothing_happens() {
    let (_edge, traffic) = start(Amount { chats: 2, ..FEW }).await;
    let outcome = traffic.finish().await;
    assert!(outcome.is_clean(), "{outcome}");
    assert!(
        outcome.requests > 0 && outcome.echoes >= 8 && outcome.events >= 20,
        "{outcome}"
    );
}

#[tokio::test]
async fn a_gateway_that_is_cut_off_drops_every_stream_and_fails_everybody_else() {
    let (edge, traffic) = start(FEW).await;
    assert!(edge.stop(Duration::ZERO).await > 0);
    let outcome = traffic.finish().await;
    assert_eq!(outcome.dropped.len(), 12, "{outcome}");
    for who in [
        "kept connection 1",
        "HTTP/2 connection 0",
        "new connections 1",
        "ICWS poll 1",
    ] {
        assert!(
            outcome.failures.iter().any(|failure| failure.who == who),
            "{who}: {outcome}"
        );
    }
}
