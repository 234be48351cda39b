//! What a chat or a callback goes through from its start to its end, and that the count goes with it.

use std::time::Duration;

use loadtest::webtools::{Canned, Death, Reason};
use serde_json::{Value, json};

use super::support::*;

/// What a started chat or callback is known by.
struct Running {
    id: String,
    participant: String,
}

async fn started(client: &mut Client, route: &str, path: &str, body: &str) -> Running {
    let answer = client
        .got("POST", &format!("{route}/websvcs/{path}"), body)
        .await;
    let inside = answer
        .success()
        .unwrap_or_else(|| panic!("{}", answer.text()));
    ids(&inside)
}

fn ids(inside: &Value) -> Running {
    let text = |name: &str| inside[name].as_str().map(ToOwned::to_owned);
    Running {
        id: text("chatID").or(text("callbackID")).unwrap(),
        participant: text("participantID").unwrap(),
    }
}

async fn chat(client: &mut Client) -> Running {
    started(client, A, "chat/start", START).await
}

async fn callback(client: &mut Client) -> Running {
    started(client, A, "callback/create", CREATE).await
}

async fn poll(client: &mut Client, route: &str, running: &Running) -> Answer {
    let path = format!("{route}/websvcs/chat/poll/{}", running.participant);
    client.got("GET", &path, "").await
}

async fn post(client: &mut Client, route: &str, verb: &str, participant: &str) -> Answer {
    let path = format!("{route}/websvcs/{verb}/{participant}");
    client.got("POST", &path, "").await
}

/// The limit that everybody here has.
fn three() -> String {
    format!("{{ MaxInteractionsAllowedPerIP: 3, {WIDE} }}")
}

#[tokio::test]
async fn an_exit_makes_room_at_once_and_a_second_one_makes_no_more() {
    let stage = stage(&three()).await;
    for mut client in [stage.http1(2), stage.http2(3).await] {
        let first = chat(&mut client).await;
        chat(&mut client).await;
        chat(&mut client).await;
        let start = format!("{A}/websvcs/chat/start");
        for _ in 0..2 {
            assert!(client.got("POST", &start, START).await.success().is_none());
        }
        let exit = post(&mut client, A, "chat/exit", &first.participant).await;
        assert!(exit.success().is_some());
        stage.agree().await.unwrap();
        chat(&mut client).await;
        for _ in 0..2 {
            let again = post(&mut client, A, "chat/exit", &first.participant).await;
            assert_eq!(
                again.reason().as_deref(),
                Some("error.websvc.unknownEntity.session")
            );
            let late = poll(&mut client, A, &first).await;
            assert_eq!(
                late.reason().as_deref(),
                Some("error.websvc.unknownEntity.session")
            );
        }
        assert!(client.got("POST", &start, START).await.success().is_none());
        stage.agree().await.unwrap();
    }
    assert_eq!(stage.counts().await, sure(6, 0));
}

#[tokio::test]
async fn a_chat_that_is_ended_from_the_inside_goes_with_the_news_and_an_agent_who_leaves_ends_nothing()
 {
    let stage = stage(&three()).await;
    let mut client = stage.http1(2);
    let running = chat(&mut client).await;
    assert!(stage.pair.agent_says(&running.id, "Hello"));
    assert!(stage.pair.agent_leaves(&running.id));
    assert!(poll(&mut client, A, &running).await.success().is_some());
    assert_eq!(stage.counts().await, sure(1, 0));
    assert!(stage.pair.agent_joins(&running.id));
    assert!(stage.pair.end_chat(&running.id));
    // Nobody has told the gateway yet.
    assert_eq!(stage.counts().await, sure(1, 0));
    let news = poll(&mut client, A, &running).await;
    let events = news.success().unwrap()["events"].clone();
    assert_eq!(
        events.as_array().unwrap().last().unwrap()["state"],
        "disconnected"
    );
    assert_eq!(stage.counts().await, sure(0, 0));
}

#[tokio::test]
async fn a_server_that_knows_the_session_no_more_has_ended_it() {
    let stage = stage(&three()).await;
    let mut client = stage.http1(2);
    for verb in ["chat/poll", "chat/sendMessage", "chat/exit"] {
        let running = chat(&mut client).await;
        assert_eq!(stage.counts().await, sure(1, 0));
        assert!(stage.pair.end_chat(&running.id));
        // The page misses the news: its answer is lost.
        stage
            .pair
            .a
            .next_answer("/chat/poll/", 1, Canned::Status(503));
        assert_eq!(poll(&mut client, A, &running).await.status, 503);
        assert_eq!(stage.counts().await, sure(1, 0), "{verb}");
        stage.pair.site().chat(&running.id).unwrap();
        stage
            .pair
            .a
            .next_answer(verb, 1, Canned::Failure(Reason::UnknownSession));
        let method = if verb == "chat/poll" { "GET" } else { "POST" };
        let path = format!("{A}/websvcs/{verb}/{}", running.participant);
        let answer = client.got(method, &path, r#"{"message":"x"}"#).await;
        assert_eq!(
            answer.reason().as_deref(),
            Some("error.websvc.unknownEntity.session")
        );
        assert_eq!(stage.counts().await, sure(0, 0), "{verb}");
    }
}

#[tokio::test]
async fn other_failures_and_the_other_servers_word_end_nothing() {
    let stage = stage(&three()).await;
    let mut client = stage.http1(2);
    let running = chat(&mut client).await;
    for canned in [
        Canned::Failure(Reason::UnknownParticipant),
        Canned::Failure(Reason::Unavailable),
        Canned::Failure(Reason::NotConnected),
        Canned::Status(404),
        Canned::Status(500),
        Canned::Html,
        Canned::Moved("/elsewhere".into()),
    ] {
        for verb in ["chat/poll", "chat/exit", "partyInfo"] {
            stage.pair.a.next_answer(verb, 1, canned.clone());
            let method = if verb == "chat/poll" { "GET" } else { "POST" };
            let path = format!("{A}/websvcs/{verb}/{}", running.participant);
            client.got(method, &path, "").await;
            assert_eq!(stage.counts().await, sure(1, 0), "{verb} {canned:?}");
        }
    }
    // During a fail-over a page talks to the other server before it has reconnected.
    stage.pair.b.set_mode(loadtest::webtools::Mode::Active);
    stage
        .pair
        .b
        .next_answer("", 2, Canned::Failure(Reason::UnknownSession));
    for verb in ["chat/sendMessage", "chat/exit"] {
        post(&mut client, B, verb, &running.participant).await;
    }
    assert_eq!(stage.counts().await, sure(1, 0));
    // Of somebody else in the chat nothing follows for the chat.
    stage
        .pair
        .a
        .next_answer("partyInfo", 1, Canned::Failure(Reason::UnknownSession));
    post(&mut client, A, "partyInfo", &running.participant).await;
    assert_eq!(stage.counts().await, sure(1, 0));
}

#[tokio::test]
async fn after_a_switchover_the_chat_is_the_same_and_its_owner_too_wherever_the_page_is_now() {
    for death in [Death::Reset, Death::Unavailable] {
        let stage = stage(&three()).await;
        let mut client = stage.http1(2);
        let before = chat(&mut client).await;
        stage.pair.switch_over(death).await;
        assert_ne!(poll(&mut client, A, &before).await.status, 200);
        // The page is in another network meanwhile.
        let mut elsewhere = stage.http2(9).await;
        let body = json!({"chatID": before.id}).to_string();
        let path = format!("{B}/websvcs/chat/reconnect");
        let answer = elsewhere.got("POST", &path, &body).await;
        let after = ids(&answer.success().unwrap());
        assert_eq!(after.id, before.id);
        assert_ne!(after.participant, before.participant);
        stage.agree().await.unwrap();
        assert_eq!(of(&stage.edge, "127.0.0.2").await, 1);
        assert_eq!(of(&stage.edge, "127.0.0.9").await, 0);
        // The old participant is nobody, on either server; the new one ends the chat.
        stage.pair.switch_back().await;
        post(&mut client, A, "chat/exit", &before.participant).await;
        assert_eq!(stage.counts().await, sure(1, 0));
        stage.pair.switch_over(Death::Unavailable).await;
        let exit = post(&mut elsewhere, B, "chat/exit", &after.participant).await;
        assert!(exit.success().is_some());
        stage.agree().await.unwrap();
        assert_eq!(stage.counts().await, sure(0, 0));
    }
}

#[tokio::test]
async fn silence_ends_a_chat_and_a_page_that_polls_is_never_silent() {
    let stage = stage(&format!("{{ silence: {{ chat: 2s }}, {WIDE} }}")).await;
    stage.pair.site().parameters.poll_silence = Duration::from_secs(1);
    let (mut loud, mut quiet) = (stage.http1(2), stage.http1(3));
    let lives = chat(&mut loud).await;
    // Closed without a word.
    chat(&mut quiet).await;
    drop(quiet);
    until("the silent one is gone", async || {
        assert!(poll(&mut loud, A, &lives).await.success().is_some());
        stage.counts().await == sure(1, 0)
    })
    .await;
    assert_eq!(of(&stage.edge, "127.0.0.3").await, 0);
    stage.agree().await.unwrap();
}

#[tokio::test]
async fn a_callback_is_counted_from_its_creation_to_its_end() {
    let stage = stage(&three()).await;
    for mut client in [stage.http1(2), stage.http2(2).await] {
        let first = callback(&mut client).await;
        assert_eq!(stage.counts().await, sure(0, 1));
        let status = format!("{A}/websvcs/callback/status/{}", first.participant);
        assert!(stage.pair.agent_takes_callback(&first.id));
        assert!(client.got("GET", &status, "").await.success().is_some());
        let body = json!({"callbackID": first.id}).to_string();
        let again = client
            .got("POST", &format!("{A}/websvcs/callback/reconnect"), &body)
            .await;
        let second = ids(&again.success().unwrap());
        assert_eq!(stage.counts().await, sure(0, 1));
        let cancel = post(&mut client, A, "callback/disconnect", &second.participant).await;
        assert!(cancel.success().is_some());
        assert_eq!(stage.counts().await, sure(0, 0));

        // From the inside: the server knows it no more.
        let ended = callback(&mut client).await;
        assert!(stage.pair.end_callback(&ended.id));
        let status = format!("{A}/websvcs/callback/status/{}", ended.participant);
        let answer = client.got("GET", &status, "").await;
        assert_eq!(
            answer.reason().as_deref(),
            Some("error.websvc.unknownEntity.session")
        );
        assert_eq!(stage.counts().await, sure(0, 0));
        // Or it says first what has become of it.
        let told = callback(&mut client).await;
        stage
            .pair
            .site()
            .change_callback(&told.id, |callback| callback.state = "Disconnected".into());
        let status = format!("{A}/websvcs/callback/status/{}", told.participant);
        assert!(client.got("GET", &status, "").await.success().is_some());
        assert_eq!(stage.counts().await, sure(0, 0));
        assert!(stage.pair.end_callback(&told.id));
    }
    stage.agree().await.unwrap();
}

#[tokio::test]
async fn a_reload_forgets_no_chat_and_changes_the_limit_for_the_next_start() {
    let stage = stage(&three()).await;
    let mut client = stage.http1(2);
    let mut chats = Vec::new();
    for _ in 0..3 {
        chats.push(chat(&mut client).await);
    }
    let start = format!("{A}/websvcs/chat/start");
    let starts =
        async |client: &mut Client| client.got("POST", &start, START).await.success().is_some();
    let reload = async |section: &str| {
        let yaml = file(&stage.pair, section, "", "");
        stage.edge.reload(&yaml).await.unwrap();
    };
    reload(&three()).await;
    stage.agree().await.unwrap();
    assert!(!starts(&mut client).await);
    reload(&three().replace(": 3", ": 4")).await;
    assert!(starts(&mut client).await);
    assert!(!starts(&mut client).await);
    reload(&three().replace(": 3", ": 1")).await;
    assert!(!starts(&mut client).await);
    for running in &chats {
        post(&mut client, A, "chat/exit", &running.participant).await;
    }
    stage.agree().await.unwrap();
    assert!(!starts(&mut client).await, "one of one still runs");
    reload("").await;
    assert!(starts(&mut client).await);
    assert_eq!(stage.counts().await, sure(2, 0));
    stage.agree().await.unwrap();
}

#[tokio::test]
async fn a_reconnect_of_what_nobody_knows_counts_it_for_whoever_asks() {
    let stage = stage(&three()).await;
    // Started before the gateway was there.
    let direct = stage.pair.a.wire().address();
    let request = format!(
        "POST /websvcs/chat/start HTTP/1.1\r\nHost: {direct}\r\nX-Forwarded-For: 127.0.0.2\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{START}",
        START.len()
    );
    let got = loadtest::rude::client::Dial::plain(direct)
        .send(request, SOON)
        .await
        .unwrap();
    let answer: Value = serde_json::from_slice(got.body()).unwrap();
    assert_eq!(stage.counts().await, sure(0, 0));
    let mut client = stage.http1(2);
    let body = json!({"chatID": answer["chat"]["chatID"]}).to_string();
    let path = format!("{A}/websvcs/chat/reconnect");
    for _ in 0..2 {
        let again = client.got("POST", &path, &body).await;
        assert!(again.success().is_some());
        stage.agree().await.unwrap();
        assert_eq!(stage.counts().await, sure(1, 0));
    }
}
