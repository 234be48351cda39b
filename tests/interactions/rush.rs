//! Starts that come all at once: not one too many reaches the server, and not one too few.

use std::time::Duration;

use loadtest::wire::Fault;
use tokio::task::JoinSet;

use super::support::*;

const STARTS: usize = 1000;
const WIDE_DOOR: &str = "connections: 5000, new_connections: { rate: 10000/s }, requests: { rate: 10000/s }, requests_in_flight: 5000";

/// Lets every client start until there were 1,000 starts in all, and judges what is left.
async fn rush(stage: Stage, clients: Vec<Client>) {
    // Nobody is answered by the server before everybody has asked: the first 15 are all still on their way.
    let slow = Fault::Delay(Duration::from_millis(500));
    stage.pair.a.wire().faults().set(slow);
    let each = STARTS / clients.len();
    assert_eq!(each * clients.len(), STARTS);
    let mut tasks = JoinSet::new();
    for mut client in clients {
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..each {
                let path = format!("{A}/websvcs/chat/start");
                answers.push(client.got("POST", &path, START).await);
            }
            answers
        });
    }
    let answers: Vec<Answer> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(answers.len(), STARTS);
    let (started, refused): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.success().is_some());
    assert_eq!((started.len(), refused.len()), (15, STARTS - 15));
    for answer in refused {
        assert_eq!(answer.status, 200);
        let reason = answer.reason();
        assert_eq!(reason.as_deref(), Some("error.websvc.unavailable"));
    }
    // Not one of the 985 came as far as the server.
    let seen = stage.pair.a.wire().recorder().all().len();
    assert_eq!(seen, 15);
    let truth = stage.pair.truth();
    assert_eq!((truth.chats(), truth.of("127.0.0.2")), (15, 15));
    stage.agree().await.unwrap();
    let gauge = "portcullis_interactions{";
    for (kind, expected) in [("chat", 15.0), ("callback", 0.0)] {
        let labels = ["pair=\"chat\"", &format!("type=\"{kind}\"")];
        assert_eq!(metric(&stage.edge, gauge, &labels).await, expected);
    }
    let refusals = ["reason=\"interactions\"", "mode=\"enforce\""];
    let refusals = metric(&stage.edge, "portcullis_refusals_total", &refusals).await;
    assert_eq!(refusals, (STARTS - 15) as f64);
}

#[tokio::test]
async fn of_a_thousand_starts_over_http1_exactly_fifteen_reach_the_server() {
    let stage = stage_with(&format!("{{ {WIDE} }}"), WIDE_DOOR, "").await;
    // 200 at a time, so that the test does with 1024 open files.
    let clients = (0..200).map(|_| stage.http1(2)).collect();
    rush(stage, clients).await;
}

#[tokio::test]
async fn of_a_thousand_starts_over_http2_exactly_fifteen_reach_the_server() {
    let stage = stage_with(&format!("{{ {WIDE} }}"), WIDE_DOOR, "").await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        let connection = stage.http2(2).await;
        clients.extend((0..100).map(|_| connection.another()));
    }
    rush(stage, clients).await;
}
