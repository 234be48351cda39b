//! Messages as server-sent events: at once, each once, and no reader left behind when the client goes.

use std::time::{Duration, Instant};

use loadtest::icws::{Channel, EventStream, IcwsClient, Session};
use loadtest::rude::client::Dial;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::stage::{HOST, SOON, Stage, WAYS, Way};

/// What is promised for each event, from the server's write to the client's read.
const PROMISED: Duration = Duration::from_millis(50);
/// A lump would be late by the length of a buffer or a timer; a busy machine is late by less than this.
const NEVER: Duration = Duration::from_secs(1);

async fn next(events: &mut EventStream) -> (u64, Value, Instant) {
    let next = timeout(SOON, events.next())
        .await
        .expect("an event in time");
    let (event, arrived) = next.unwrap().expect("an event, not the end");
    assert_eq!(event.event, "message");
    let message = serde_json::from_str(&event.data).unwrap();
    (event.id.parse().unwrap(), message, arrived)
}

/// How long each event was on its way, in the order of their arrival.
async fn delays(session: &Session, arrivals: &[(u64, Instant)]) -> Vec<Duration> {
    let mut delays = Vec::new();
    for &(number, arrived) in arrivals {
        let written = session.mailbox().written(number, SOON).await.unwrap();
        delays.push(arrived.saturating_duration_since(written));
    }
    delays
}

fn judge(label: &str, mut delays: Vec<Duration>) {
    delays.sort();
    let at = |share: usize| delays[(delays.len() - 1) * share / 100];
    println!(
        "{label}: {} events, median {:?}, 90 % {:?}, 99 % {:?}, most {:?}",
        delays.len(),
        at(50),
        at(90),
        at(99),
        at(100)
    );
    assert!(at(50) < PROMISED, "{label}: median {:?}", at(50));
    assert!(at(100) < NEVER, "{label}: most {:?}", at(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_arrives_when_it_is_sent_and_not_in_lumps() {
    let stage = Stage::start().await;
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        let mut events = client.events().await.unwrap();
        let mut arrivals = Vec::new();
        // One at a time: nothing that comes after pushes an event out of a buffer.
        for n in 0..100 {
            let sent = session.mailbox().push(json!({"n": n}));
            let (number, message, arrived) = next(&mut events).await;
            assert_eq!((number, message), (sent, json!({"n": n})));
            arrivals.push((number, arrived));
        }
        judge(
            &format!("{way:?}, one by one"),
            delays(&session, &arrivals).await,
        );

        let mut arrivals = Vec::new();
        let text = "x".repeat(200);
        let sent: Vec<u64> = (0..200)
            .map(|n| session.mailbox().push(json!({"n": n, "text": text})))
            .collect();
        for (n, expected) in sent.into_iter().enumerate() {
            let (number, message, arrived) = next(&mut events).await;
            assert_eq!((number, &message["n"]), (expected, &json!(n)));
            arrivals.push((number, arrived));
        }
        judge(
            &format!("{way:?}, all at once"),
            delays(&session, &arrivals).await,
        );
        let large = json!({"text": "y".repeat(1_000_000)});
        session.mailbox().push(large.clone());
        assert!(next(&mut events).await.1 == large, "{way:?}");
        let truths = session.mailbox().truths();
        assert!(truths.iter().all(|truth| truth.is_delivered_once()));
    }
}

#[tokio::test]
async fn a_stream_outlives_a_reload_that_takes_its_route_away() {
    let stage = Stage::start().await;
    for way in WAYS {
        let (mut client, session, mut events) = with_a_reader(&stage, way).await;
        for (round, file) in [&stage.yaml, &Stage::without_routes(), &stage.yaml]
            .into_iter()
            .enumerate()
        {
            stage.edge.reload(file).await.unwrap();
            session.mailbox().push(json!({"round": round}));
            let message = next(&mut events).await.1;
            assert_eq!(message, json!({"round": round}), "{way:?}");
        }
        assert_eq!(session.mailbox().open_streams(), 1);
        drop(events);
        assert!(session.mailbox().streams_are(0, SOON).await);
        let next = client.call("GET", "connection", None).await.unwrap();
        assert_eq!(next.status, 200);
    }
}

#[tokio::test]
async fn an_event_stream_has_its_own_type_and_is_never_compressed_or_stored() {
    let stage = Stage::start().await;
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        session.mailbox().push(json!({"n": 1}));
        let url = format!(
            "{}://{HOST}/us/icserver1/icws/{}/messaging/messages",
            way.scheme(),
            session.id
        );
        let headers = [
            ("Accept", "text/event-stream"),
            ("Accept-Encoding", "gzip, deflate, br"),
            ("Last-Event-ID", "41"),
        ];
        let mut answer = client.get(&url, &headers).await.unwrap();
        assert_eq!(answer.header("content-type").unwrap(), "text/event-stream");
        assert_eq!(answer.header("cache-control").unwrap(), "no-cache");
        assert_eq!(answer.header("content-encoding"), None);
        assert_eq!(answer.header("content-length"), None);
        let piece = timeout(SOON, answer.body.next_piece()).await.unwrap();
        assert_eq!(
            piece.unwrap().unwrap().as_ref(),
            b"id: 1\nevent: message\ndata: {\"n\":1}\n\n"
        );
        let seen = stage.recorder.last(|r| r.method() == "GET").unwrap();
        assert_eq!(seen.header("last-event-id").as_deref(), Some("41"));
    }
}

#[tokio::test]
async fn pings_pass_through_silence() {
    let stage = Stage::with(|_, b| b.ping_every = Duration::from_millis(20)).await;
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        let mut events = client.events().await.unwrap();
        for _ in 0..5 {
            let ping = timeout(SOON, events.comment()).await.unwrap().unwrap();
            assert_eq!(ping.as_deref(), Some("ping"), "{way:?}");
        }
        session.mailbox().push(json!({"n": 1}));
        assert_eq!(next(&mut events).await.1, json!({"n": 1}));
    }
}

#[tokio::test]
async fn a_stream_ends_properly_when_the_server_ends_it() {
    let stage = Stage::start().await;
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        let mut events = client.events().await.unwrap();
        session.mailbox().push(json!({"n": 1}));
        next(&mut events).await;
        client.logout().await.unwrap();
        let end = timeout(SOON, events.next()).await.unwrap();
        assert!(end.unwrap().is_none(), "{way:?}");
    }
}

#[tokio::test]
async fn a_stream_that_the_server_breaks_does_not_look_complete() {
    let stage = Stage::start().await;
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        let mut events = client.events().await.unwrap();
        session.mailbox().push(json!({"n": 1}));
        next(&mut events).await;
        stage.icserver1().wire().reset_connections();
        let end = timeout(SOON, events.next()).await.unwrap();
        assert!(end.is_err(), "{way:?}");
        // The browser comes again by itself and goes on where it was.
        let mut events = client.events().await.unwrap();
        session.mailbox().push(json!({"n": 2}));
        assert_eq!(next(&mut events).await.1, json!({"n": 2}));
    }
}

/// A client with an open, silent stream, whose reader at the server is there.
async fn with_a_reader(
    stage: &Stage,
    way: Way,
) -> (IcwsClient, std::sync::Arc<Session>, EventStream) {
    let (mut client, session) = stage.logged_in(way).await;
    let events = client.events().await.unwrap();
    assert!(session.mailbox().streams_are(1, SOON).await);
    (client, session, events)
}

#[tokio::test]
async fn when_the_client_leaves_the_servers_reader_is_closed_and_eats_no_message() {
    let stage = Stage::start().await;
    for way in WAYS {
        let (mut client, session, events) = with_a_reader(&stage, way).await;
        drop(events);
        assert!(session.mailbox().streams_are(0, SOON).await, "{way:?}");
        session.mailbox().push(json!({"n": 1}));
        assert_eq!(client.poll().await.unwrap(), [json!({"n": 1})], "{way:?}");
        let truth = session.mailbox().truth(1).unwrap();
        assert!(truth.is_delivered_once() && truth.handed_out[0].0 == Channel::Poll);

        // The whole browser goes: over HTTP/2 the connection with its streams.
        let (client, session, events) = with_a_reader(&stage, way).await;
        drop((client, events));
        assert!(session.mailbox().streams_are(0, SOON).await, "{way:?}");
    }
}

#[tokio::test]
async fn a_client_that_vanishes_by_reset_or_half_way_takes_its_reader_along() {
    let stage = Stage::start().await;
    let (_, session) = stage.logged_in(Way::Plain).await;
    let request = format!(
        "GET /us/icserver1/icws/{0}/messaging/messages HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\nCookie: icws_{0}={1}\r\n\r\n",
        session.id, session.cookie_value
    );
    for round in 0..3 {
        let mut line = Dial::plain(stage.edge.plain()).open().await.unwrap();
        line.write(request.as_bytes()).await.unwrap();
        session.mailbox().push(json!({"round": round}));
        line.read_until(b"\n\n", SOON).await.unwrap();
        assert!(session.mailbox().streams_are(1, SOON).await);
        line.reset();
        assert!(session.mailbox().streams_are(0, SOON).await);
    }
    // Many come and go at once; none leaves a reader.
    let mut lines = Vec::new();
    for _ in 0..20 {
        let mut line = Dial::plain(stage.edge.plain()).open().await.unwrap();
        line.write(request.as_bytes()).await.unwrap();
        lines.push(line);
    }
    assert!(session.mailbox().streams_are(20, SOON).await);
    drop(lines);
    assert!(session.mailbox().streams_are(0, SOON).await);
}

#[tokio::test]
async fn a_stream_and_calls_share_one_http2_connection_without_waiting_for_each_other() {
    let stage = Stage::start().await;
    let (mut client, session, mut events) = with_a_reader(&stage, Way::Http2).await;
    let subscription = "messaging/subscriptions/status/user-statuses";
    let users = json!({"userIds": ["agent1"]});
    let subscribed = client
        .call("PUT", subscription, Some(&users))
        .await
        .unwrap();
    assert_eq!(subscribed.status, 200);
    assert_eq!(next(&mut events).await.1["isDelta"], false);
    for status in ["At Lunch", "Available", "In a Meeting"] {
        let path = "status/user-statuses/agent1";
        let body = json!({"statusId": status});
        let change = client.call("PUT", path, Some(&body)).await.unwrap();
        assert_eq!(change.status, 202);
        let delta = next(&mut events).await.1;
        assert_eq!(delta["userStatusList"][0]["statusId"], status);
        let done = next(&mut events).await.1;
        assert_eq!(
            done["__type"],
            "urn:inin.com:messaging:asyncOperationCompletedMessage"
        );
    }
    assert_eq!(session.mailbox().open_streams(), 1);
}
