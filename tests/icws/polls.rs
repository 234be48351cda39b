//! Messages by short poll: reading takes them off the server's queue, so a poll is never sent twice and never half believed.

use std::time::Duration;

use loadtest::icws::{ClientError, IcwsClient, Session};
use loadtest::wire::{Fault, Record};
use serde_json::{Value, json};

use super::stage::{HOST, SOON, Stage, WAYS, Way};

fn is_poll(record: &Record) -> bool {
    record.target().ends_with("/messaging/messages")
}

/// Every message was handed out once, and whatever was not lost on the wire has come to the client, in order.
fn settle(session: &Session, got: &[Value]) {
    let truths = session.mailbox().truths();
    for truth in &truths {
        assert_eq!(truth.handed_out.len(), 1, "{truth:?}");
    }
    let kept = truths.iter().filter(|truth| !truth.lost);
    let expected: Vec<Value> = kept.map(|truth| truth.message.clone()).collect();
    assert_eq!(got, expected);
}

#[tokio::test]
async fn each_message_comes_once_and_in_order() {
    let stage = Stage::start().await;
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        let mut got = Vec::new();
        for n in 0..50 {
            for part in 0..n % 4 {
                session.mailbox().push(json!({"n": n, "part": part}));
            }
            got.extend(client.poll().await.unwrap());
        }
        settle(&session, &got);
        let truths = session.mailbox().truths();
        assert!(truths.iter().all(|truth| truth.is_delivered_once()));
    }
}

#[tokio::test]
async fn a_poll_that_meets_a_closing_connection_is_not_sent_again() {
    let stage = Stage::start().await;
    let faults = stage.icserver1().wire().faults();
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        let mut got = Vec::new();
        for round in 0..5 {
            // The connection to the server has been used before: the case in which a proxy is tempted to try again.
            got.extend(client.poll().await.unwrap());
            session.mailbox().push(json!({"round": round}));
            faults.next("/messaging/messages", 1, Fault::CloseBeforeHead);
            let before = stage.recorder.count(is_poll);
            let ClientError::Status(502, body) = client.poll().await.unwrap_err() else {
                panic!("{way:?}: no 502");
            };
            assert!(body.contains("error.gateway.upstream_broken"), "{body}");
            assert_eq!(stage.recorder.count(is_poll), before + 1, "{way:?}");
            session.mailbox().push(json!({"after": round}));
        }
        got.extend(client.poll().await.unwrap());
        settle(&session, &got);
        assert_eq!(got.len(), 5, "{way:?}");
    }
}

#[tokio::test]
async fn a_poll_whose_answer_is_cut_is_an_error_to_the_client_too() {
    let stage = Stage::start().await;
    let faults = stage.icserver1().wire().faults();
    for way in WAYS {
        for fault in [
            Fault::CloseInBody(3),
            Fault::CloseInBody(0),
            Fault::ResetAfter(20),
            Fault::ResetAfter(200),
        ] {
            let (mut client, session) = stage.logged_in(way).await;
            let message = json!({"n": 1, "text": "x".repeat(500)});
            session.mailbox().push(message);
            faults.next("/messaging/messages", 1, fault);
            let before = stage.recorder.count(is_poll);
            let error = client.poll().await.unwrap_err();
            assert!(
                matches!(error, ClientError::Io(_) | ClientError::Status(502, _)),
                "{way:?} {fault:?}: {error}"
            );
            let sent = stage.recorder.count(is_poll) - before;
            assert_eq!(sent, 1, "{way:?} {fault:?}");
            session.mailbox().push(json!({"n": 2}));
            let got = client.poll().await.unwrap();
            assert_eq!(got, [json!({"n": 2})]);
            settle(&session, &got);
        }
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_costs_nobody_a_request() {
    let stage = Stage::start().await;
    let wire = stage.icserver1().wire();
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        for round in 0..10 {
            client.poll().await.unwrap();
            wire.reset_connections();
            while wire.open() > 0 {
                tokio::task::yield_now().await;
            }
            session.mailbox().push(json!({"round": round}));
            let got = client.poll().await.unwrap();
            assert_eq!(got, [json!({"round": round})], "{way:?}");
            let next = client.call("GET", "connection", None).await.unwrap();
            assert_eq!(next.status, 200);
        }
    }
}

#[tokio::test]
async fn only_what_is_safe_is_sent_again_on_a_connection_that_was_just_closed() {
    let stage = Stage::start().await;
    let faults = stage.icserver1().wire().faults();
    let (mut client, session) = stage.logged_in(Way::Plain).await;
    for (method, path, again) in [
        ("GET", "messaging/messages", false),
        ("GET", "messaging/m%65ssages", false),
        ("GET", "Messaging/Messages", false),
        ("POST", "messaging/heartbeat", false),
        ("POST", "agent-quality/search", false),
        ("GET", "connection", true),
        ("GET", "status/user-statuses/agent1", true),
        ("PUT", "messaging/subscriptions/x", false),
        ("DELETE", "messaging/subscriptions/x", false),
    ] {
        // So that the next request goes over a connection that was used.
        client.call("GET", "connection", None).await.unwrap();
        let before = stage.recorder.count(|_| true);
        faults.next(path, 1, Fault::CloseBeforeHead);
        let answer = client.call(method, path, None).await.unwrap();
        let sent = stage.recorder.count(|_| true) - before;
        let expected = if again { (200, 2) } else { (502, 1) };
        assert_eq!((answer.status, sent), expected, "{method} {path}");
    }
    assert!(stage.icserver1().session(&session.id).is_some());
    // A log-in makes a session, a start makes a chat: once. The poll of a chat takes its events.
    for (method, path) in [
        ("POST", "connection"),
        ("POST", "web-chat/start"),
        ("POST", "web-callback/create"),
        ("GET", "web-chat/poll/1f"),
    ] {
        client.call("GET", "connection", None).await.unwrap();
        faults.next(path, 1, Fault::CloseBeforeHead);
        let url = format!("http://{HOST}/us/icserver1/icws/{path}");
        let before = stage.recorder.count(|_| true);
        let headers = [("Accept-Language", "en")];
        let answer = match method {
            "GET" => client.get(&url, &headers).await.unwrap(),
            _ => client.post(&url, &headers, b"{}".to_vec()).await.unwrap(),
        };
        let sent = stage.recorder.count(|_| true) - before;
        assert_eq!((answer.status, sent), (502, 1), "{path}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_a_waiting_call_is_not_waited_for_at_the_server() {
    let stage = Stage::start().await;
    let faults = stage.icserver1().wire().faults();
    for way in WAYS {
        let (mut client, _) = stage.logged_in(way).await;
        faults.next("/slow", 1, Fault::HangBeforeHead);
        let waiting = tokio::spawn(async move { call_slow(&mut client).await });
        let is_slow = |record: &Record| record.target().ends_with("/slow") && !record.over;
        let slow = stage.recorder.wait_for(is_slow, SOON).await.unwrap();
        waiting.abort();
        let over = |record: &Record| record.number == slow.number && record.over;
        stage.recorder.wait_for(over, SOON).await.unwrap();
    }
}

async fn call_slow(client: &mut IcwsClient) {
    let _ = client.call("GET", "slow", None).await;
}

#[tokio::test]
async fn a_server_that_thinks_for_longer_than_the_limit_is_a_504_in_icws_words() {
    let stage = Stage::start().await;
    let yaml = format!(
        "servers: {{ icserver1: {{ kind: icws, url: '{}', timeouts: {{ response: 300ms }} }} }}
hosts: {{ {HOST}: {{ routes: [ {{ path: /us/icserver1/, server: icserver1 }} ] }} }}
",
        stage.icserver1().wire().base_url()
    );
    stage.edge.reload(&yaml).await.unwrap();
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        let faults = stage.icserver1().wire().faults();
        faults.next("/slow", 1, Fault::HangBeforeHead);
        let mut answer = client.call("GET", "slow", None).await.unwrap();
        assert_eq!(answer.status, 504, "{way:?}");
        assert_eq!(
            answer.json().await.unwrap()["errorId"],
            "error.gateway.upstream_timeout"
        );
        // The silence of a stream is not the silence of a call, so this waits for longer than a call may.
        let mut events = client.events().await.unwrap();
        tokio::time::sleep(Duration::from_millis(600)).await;
        session.mailbox().push(json!({"n": 1}));
        let next = tokio::time::timeout(SOON, events.next()).await.unwrap();
        assert_eq!(next.unwrap().unwrap().0.data, "{\"n\":1}", "{way:?}");
    }
}
