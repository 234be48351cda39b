//! Visitors in chats, or waiting for a callback: as the registry of chats hears of them.

use serde_json::{Value, json};

use super::listed::*;
use super::stage::{HOST, SOON, Stage as Sessions};
use super::support::*;

async fn begun(client: &mut Client, path: &str, body: &str) -> (String, String) {
    let answer = client
        .got("POST", &format!("{A}/websvcs/{path}"), body)
        .await;
    let inside = answer
        .success()
        .unwrap_or_else(|| panic!("{}", answer.text()));
    let text = |name: &str| inside[name].as_str().map(ToOwned::to_owned);
    let id = text("chatID").or(text("callbackID")).unwrap();
    (id, text("participantID").unwrap())
}

fn is_visitor(user: &Value, server: &str, address: &str) -> bool {
    let nameless = user["user"].is_null() && user["kind"] == "webtools";
    nameless && user["server"] == server && user["address"] == address && user["live"] == false
}

#[tokio::test]
async fn a_visitor_is_listed_from_the_start_of_his_chat_to_its_end_on_the_server_where_he_is() {
    let stage = stage("").await;
    for mut client in [stage.http1(2), stage.http2(3).await] {
        let (chat, participant) = begun(&mut client, "chat/start", START).await;
        let user = only(&stage.edge).await;
        let address = user["address"].as_str().unwrap().to_owned();
        assert!(is_visitor(&user, "chat1", &address), "{user}");
        let told = user.to_string();
        assert!(
            !told.contains(&chat) && !told.contains(&participant) && !told.contains("Wally"),
            "{told}"
        );
        client
            .got("GET", &format!("{A}/websvcs/chat/poll/{participant}"), "")
            .await;
        assert_eq!(only(&stage.edge).await["requests"], 2);
        let body = json!({ "chatID": chat }).to_string();
        let answer = client
            .got("POST", &format!("{A}/websvcs/chat/reconnect"), &body)
            .await;
        let participant = answer.success().unwrap()["participantID"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(only(&stage.edge).await["requests"], 3);
        client
            .got("POST", &format!("{A}/websvcs/chat/exit/{participant}"), "")
            .await;
        assert!(users(&stage.edge).await.is_empty());
    }
}

#[tokio::test]
async fn who_waits_for_a_callback_with_the_page_closed_is_not_here_and_his_callback_still_runs() {
    let stage = stage_with("", "", "people: { idle: { webtools: 500ms } }").await;
    let mut client = stage.http1(2);
    let (_, participant) = begun(&mut client, "callback/create", CREATE).await;
    let listed = until_listed(&stage.edge, "silence", |users| users.is_empty()).await;
    assert!(listed.is_empty());
    assert_eq!(
        metric(&stage.edge, "portcullis_interactions", &["callback"]).await,
        1.0
    );
    let status = format!("{A}/websvcs/callback/status/{participant}");
    until("he asks again", async || {
        assert!(client.got("GET", &status, "").await.success().is_some());
        let users = users(&stage.edge).await;
        users.len() == 1 && is_visitor(&users[0], "chat1", "127.0.0.2")
    })
    .await;
}

#[tokio::test]
async fn how_long_a_visitor_may_be_silent_changes_with_a_reload() {
    let people = |idle: &str| format!("people: {{ idle: {{ webtools: {idle} }} }}");
    let stage = stage_with("", "", &people("1h")).await;
    let mut client = stage.http1(2);
    begun(&mut client, "callback/create", CREATE).await;
    assert_eq!(users(&stage.edge).await.len(), 1);
    let yaml = |idle: &str| file(&stage.pair, "", "", &people(idle));
    stage.edge.reload(&yaml("300ms")).await.unwrap();
    until_listed(&stage.edge, "silence", |users| users.is_empty()).await;
    stage.edge.reload(&yaml("1h")).await.unwrap();
    assert_eq!(users(&stage.edge).await.len(), 1, "and back");
}

#[tokio::test]
async fn invented_chats_are_nobody() {
    let stage = stage("").await;
    let mut client = stage.http1(2);
    for number in 0..100 {
        for path in [
            format!("{A}/websvcs/chat/poll/{number:032x}"),
            format!("{A}/websvcs/callback/status/{number:032x}"),
        ] {
            client.got("GET", &path, "").await;
        }
        let body = json!({ "chatID": format!("{number:032x}") }).to_string();
        client
            .got("POST", &format!("{A}/websvcs/chat/reconnect"), &body)
            .await;
    }
    assert!(users(&stage.edge).await.is_empty());
}

#[tokio::test]
async fn a_chat_by_the_calls_of_icws_is_a_visitor_and_no_user() {
    let stage = Sessions::start().await;
    let body = r#"{"participantName":"Wally","targetName":"Marketing","targetType":"Workgroup","language":"en-us"}"#;
    let request = format!(
        "POST /us/icserver1/icws/web-chat/start HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let dial = loadtest::rude::client::Dial::plain(stage.edge.plain());
    let got = dial.send(request, SOON).await.unwrap();
    assert_eq!(got.status(), Some(200), "{}", got.text());
    let user = only(&stage.edge).await;
    assert_eq!(
        (&user["kind"], &user["server"]),
        (&json!("webchat"), &json!("icserver1"))
    );
    let narrowed = |query: &'static str| async {
        admin(&stage.edge, query).await["users"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(narrowed("/api/users?kind=webchat").await, 1);
    assert_eq!(narrowed("/api/users?kind=icws&server=icserver1").await, 0);
    assert_eq!(narrowed("/api/users?server=ICSERVER1").await, 1);
    assert_eq!(narrowed("/api/users?server=icserver2").await, 0);
}
