//! Two hundred sessions at once, over every way in: each keeps its own server, cookie, messages and end.

use std::sync::Arc;

use loadtest::icws::{IcwsClient, Session, Truth};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::stage::{HOST, Stage, Way};

const SESSIONS: usize = 200;
const ROUNDS: usize = 5;
const SUBSCRIPTION: &str = "messaging/subscriptions/status/user-statuses";

/// What one client has seen.
struct Life {
    session: Arc<Session>,
    server: &'static str,
    got: Vec<Value>,
}

/// Logs in, watches a user of its own, changes that user's status, reads by poll or by stream, logs out.
async fn live(stage: Arc<Stage>, number: usize) -> Life {
    let way = [Way::Plain, Way::Tls, Way::Http2][number % 3];
    let server = ["icserver1", "icserver2"][number % 2];
    let template = ["/us/{host}", "/apps/client/api/{host}"][number / 2 % 2];
    let mut client = stage.client(way, HOST, template);
    let agent = number % 9 + 1;
    let login = client
        .login(server, &format!("agent{agent}"), &format!("secret{agent}"))
        .await
        .unwrap_or_else(|error| panic!("{number} {way:?}: {error}"));
    assert_eq!(login.body["icServer"], server);
    let session = stage.server(server).session(client.session_id().unwrap());
    let session = session.unwrap();

    let user = format!("user-{number}");
    let watched = json!({"userIds": [user]});
    let answer = client.call("PUT", SUBSCRIPTION, Some(&watched)).await;
    assert_eq!(answer.unwrap().status, 200);
    let got = if number % 4 == 3 {
        by_stream(&mut client, &session, &user).await
    } else {
        by_poll(&mut client, &user).await
    };
    client.logout().await.unwrap();
    Life {
        session,
        server,
        got,
    }
}

async fn change_status(client: &mut IcwsClient, user: &str, round: usize) {
    let path = format!("status/user-statuses/{user}");
    let status = json!({"statusId": format!("{user} in round {round}")});
    let answer = client.call("PUT", &path, Some(&status)).await.unwrap();
    assert_eq!(answer.status, 202);
}

async fn by_poll(client: &mut IcwsClient, user: &str) -> Vec<Value> {
    let mut got = client.poll().await.unwrap();
    for round in 0..ROUNDS {
        change_status(client, user, round).await;
        got.extend(client.poll().await.unwrap());
    }
    got
}

async fn by_stream(client: &mut IcwsClient, session: &Session, user: &str) -> Vec<Value> {
    let mut events = client.events().await.unwrap();
    for round in 0..ROUNDS {
        change_status(client, user, round).await;
    }
    let mut got = Vec::new();
    while got.len() < session.mailbox().truths().len() {
        let (event, _) = events.next().await.unwrap().unwrap();
        got.push(serde_json::from_str(&event.data).unwrap());
    }
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_sessions_at_once_each_have_their_own_truth() {
    let stage = Arc::new(Stage::start().await);
    let mut lives = JoinSet::new();
    for number in 0..SESSIONS {
        lives.spawn(live(stage.clone(), number));
    }
    let lives = lives.join_all().await;
    assert_eq!(lives.len(), SESSIONS);
    for Life {
        session,
        server,
        got,
    } in lives
    {
        let truths = session.mailbox().truths();
        assert!(truths.iter().all(Truth::is_delivered_once), "{truths:?}");
        let sent: Vec<Value> = truths.into_iter().map(|truth| truth.message).collect();
        // The first state, then for each round the change and its completion.
        assert_eq!(sent.len(), 1 + 2 * ROUNDS);
        assert_eq!(got, sent);
        assert_eq!(session.mailbox().open_streams(), 0);
        assert!(stage.server(server).session(&session.id).is_none());
        let strayed = |record: &loadtest::wire::Record| {
            record.target().contains(&session.id) && record.server != server
        };
        assert_eq!(stage.recorder.count(strayed), 0);
    }
    for server in ["icserver1", "icserver2", "ossm1"] {
        assert!(stage.server(server).sessions().is_empty());
    }
    let unwell = stage
        .recorder
        .matching(|r| r.status.is_none_or(|status| status >= 400));
    assert!(unwell.is_empty(), "{:?}", unwell.first());
}
