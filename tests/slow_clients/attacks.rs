//! Every attack of the table, over HTTP/1.1 and HTTP/2, plain and TLS.

use std::time::Instant;

use loadtest::rude::client::{Dial, Ended};
use loadtest::slow::{self, Attack};

use crate::support::*;

/// Clients of each attack.
const CLIENTS: u64 = 3;

/// Runs one attack with several clients against a gateway of its own.
async fn run(attack: Attack, dial: impl FnOnce(&Stage) -> Dial) {
    let name = attack.name;
    let stage = stage(SHORT).await;
    let dial = dial(&stage);
    let mut holding = Vec::new();
    for _ in 0..CLIENTS {
        let (attack, dial) = (attack.clone(), dial.clone());
        holding.push(tokio::spawn(async move {
            let began = Instant::now();
            let mut line = attack.begin(&dial).await.unwrap();
            let patience = if attack.leaves_unread() {
                DEADLINE * 3
            } else {
                SOON
            };
            let ended = attack.hold(&mut line, patience).await;
            (line, ended, began)
        }));
    }
    stage.serves_others().await;
    let mut clients = Vec::new();
    for client in holding {
        clients.push(client.await.unwrap());
    }
    if let Some(reason) = attack.reason {
        stage.until_refused(reason, CLIENTS).await;
    }
    for (mut line, mut ended, began) in clients {
        let took = began.elapsed();
        if ended == Ended::Open && attack.leaves_unread() {
            ended = line.read_to_end(SOON).await.1;
        }
        assert!(
            matches!(ended, Ended::Closed | Ended::Reset),
            "{name}: {ended:?}"
        );
        assert!(!attack.waits || took >= DEADLINE, "{name} after {took:?}");
    }
    // The requests on a connection that is ended for its reason have no better word than that the client is gone.
    let mut others = stage.refusals().await;
    others.retain(|(name, _)| name != "client_gone");
    match (attack.reason, &*others) {
        (None, []) => {}
        // A connection that takes nothing and a request on it that gets no further may both come to their end.
        (Some(reason), [(only, count)]) => {
            let most = CLIENTS * (1 + u64::from(attack.leaves_unread()));
            let counted = reason == only && (CLIENTS..=most).contains(count);
            assert!(counted, "{name}: {others:?}");
        }
        _ => panic!("{name}: {others:?}"),
    }
    stage.serves_others().await;
}

/// All at the same time: each has a gateway of its own, and most of them wait.
async fn run_all(attacks: Vec<Attack>, dial: fn(&Stage) -> Dial) {
    let mut running = tokio::task::JoinSet::new();
    for attack in attacks {
        running.spawn(run(attack, dial));
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn each_over_plain_http1_is_ended_and_counted() {
    run_all(slow::http1(), Stage::plain).await;
}

#[tokio::test]
async fn each_over_http1_and_tls_is_ended_and_counted() {
    run_all(slow::http1(), |stage| stage.tls("http/1.1")).await;
}

#[tokio::test]
async fn each_over_http2_is_ended_and_counted() {
    run_all(slow::http2(), |stage| stage.tls("h2")).await;
}
