//! Users of ICWS: from the sign-in to the end, whichever way it ends.

use loadtest::icws::{IcwsClient, Role};
use serde_json::{Value, json};

use super::listed::*;
use super::stage::{HOST, Stage, WAYS, Way, header};
use super::support::until;

#[tokio::test]
async fn a_user_is_listed_from_sign_in_to_sign_out_by_every_way_in() {
    let stage = Stage::start().await;
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        // The name comes with the body, which the client may have had before the gateway has looked at it.
        let users = until_listed(&stage.edge, "the name", |users| names(users) == ["agent1"]).await;
        let user = &users[0];
        for (key, value) in [
            ("kind", json!("icws")),
            ("server", json!("icserver1")),
            ("address", json!("127.0.0.1")),
            ("live", json!(false)),
            ("requests", json!(1)),
        ] {
            assert_eq!(user[key], value, "{way:?} {key}");
        }
        let told = user.to_string();
        for secret in [&session.id, &session.cookie_value, &session.csrf_token] {
            assert!(!told.contains(secret.as_str()), "{told}");
        }
        client.call("GET", "connection", None).await.unwrap();
        client.poll().await.unwrap();
        assert_eq!(only(&stage.edge).await["requests"], 3, "{way:?}");
        client.logout().await.unwrap();
        until_listed(&stage.edge, "nobody", |users| users.is_empty()).await;
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_backup_sign_nobody_in_and_the_next_server_does() {
    let stage = Stage::with(|name, behaviour| {
        if name == "icserver2" {
            behaviour.role = Role::Backup;
            behaviour.alternates = vec!["icserver1".to_owned()];
        }
    })
    .await;
    let mut client = stage.client(Way::Http2, HOST, "/apps/client/api/{host}");
    client
        .login("icserver1", "agent1", "wrong")
        .await
        .unwrap_err();
    assert!(users(&stage.edge).await.is_empty());
    let login = client
        .login("icserver2", "agent2", "secret2")
        .await
        .unwrap();
    assert_eq!(login.hops, ["icserver2", "icserver1"]);
    let users = until_listed(&stage.edge, "the name", |users| names(users) == ["agent2"]).await;
    assert_eq!(users[0]["server"], "icserver1");
}

#[tokio::test]
async fn a_user_of_single_sign_on_is_listed_by_the_name_that_the_server_has_for_him() {
    let stage = Stage::start().await;
    let base = "/us/icserver1/icws/connection/single-sign-on";
    let begin =
        format!("GET {base}/identity-providers/1?singleSignOnCapabilities=saml2Redirect HTTP/1.1");
    let location = header(&stage.ask(&begin, "").await, "Location").remove(0);
    let relay = location
        .split("RelayState=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let back = format!("GET {base}/return?SAMLResponse=x&RelayState={relay} HTTP/1.1");
    let token = header(&stage.ask(&back, "").await, "ININ-STS-Token").remove(0);
    assert!(users(&stage.edge).await.is_empty());
    let mut client = stage.client(Way::Tls, HOST, "/us/{host}");
    let body = json!({
        "__type": "urn:inin.com:connection:singleSignOnTokenConnectionRequestSettings",
        "applicationName": "Interaction Connect",
        "singleSignOnToken": token,
    });
    client
        .login_with("icserver1", &body, "version")
        .await
        .unwrap();
    until_listed(&stage.edge, "the name", |users| {
        names(users) == ["sso.user"]
    })
    .await;
}

#[tokio::test]
async fn a_name_is_read_from_a_compressed_answer() {
    let stage = Stage::with(|_, behaviour| behaviour.compress_from = 1).await;
    for coding in ["gzip", "deflate"] {
        let options = stage
            .options(Way::Http2, HOST, "/us/{host}")
            .accept_encoding(coding);
        let mut client = IcwsClient::new(options);
        client
            .login("icserver1", "agent1", "secret1")
            .await
            .unwrap();
        until_listed(&stage.edge, "the name", |users| names(users) == ["agent1"]).await;
        client.logout().await.unwrap();
        until_listed(&stage.edge, "nobody", |users| users.is_empty()).await;
    }
}

#[tokio::test]
async fn a_session_that_has_expired_ends_when_its_own_client_hears_of_it() {
    let stage = Stage::start().await;
    for way in [Way::Plain, Way::Http2] {
        for poll in [false, true] {
            let (mut client, session) = stage.logged_in(way).await;
            client.call("GET", "connection", None).await.unwrap();
            assert!(stage.icserver1().end_session(&session.id));
            assert_eq!(users(&stage.edge).await.len(), 1, "nobody has said so yet");
            if poll {
                client.poll().await.unwrap_err();
            } else {
                let answer = client.call("GET", "connection", None).await.unwrap();
                assert_eq!(answer.status, 401);
            }
            until_listed(&stage.edge, "nobody", |users| users.is_empty()).await;
        }
    }
}

#[tokio::test]
async fn who_is_silent_counts_as_gone_and_comes_back_with_his_name_and_a_reload_forgets_nobody() {
    let stage = Stage::start().await;
    let (mut client, _) = stage.logged_in(Way::Http2).await;
    until_listed(&stage.edge, "the name", |users| names(users) == ["agent1"]).await;
    stage.edge.reload(&short("1h", &stage.yaml)).await.unwrap();
    assert_eq!(names(&users(&stage.edge).await), ["agent1"]);
    stage
        .edge
        .reload(&short("500ms", &stage.yaml))
        .await
        .unwrap();
    until_listed(&stage.edge, "silence", |users| users.is_empty()).await;
    until("he is back, and his name with him", async || {
        client.call("GET", "connection", None).await.unwrap();
        let back = users(&stage.edge).await;
        names(&back) == ["agent1"] && back[0]["requests"].as_u64() >= Some(2)
    })
    .await;
    // A longer time is in force at once, for sessions that run too.
    until_listed(&stage.edge, "silence", |users| users.is_empty()).await;
    stage.edge.reload(&short("1h", &stage.yaml)).await.unwrap();
    assert_eq!(names(&users(&stage.edge).await), ["agent1"]);
    // The server leaves the file, and the user is still there.
    stage.edge.reload(&Stage::without_routes()).await.unwrap();
    assert_eq!(names(&users(&stage.edge).await), ["agent1"]);
}

#[tokio::test]
async fn an_open_event_stream_is_no_silence_and_shows_as_a_channel() {
    let stage = Stage::start().await;
    stage
        .edge
        .reload(&short("300ms", &stage.yaml))
        .await
        .unwrap();
    for way in WAYS {
        let (mut client, session) = stage.logged_in(way).await;
        let events = client.events().await.unwrap();
        let quiet = |users: &[Value]| {
            users
                .first()
                .is_some_and(|user| user["seconds_idle"].as_u64() >= Some(1))
        };
        let users = until_listed(&stage.edge, "a second of silence", quiet).await;
        assert_eq!(
            (users.len(), &users[0]["live"]),
            (1, &json!(true)),
            "{way:?}"
        );
        drop(events);
        drop(client);
        until_listed(&stage.edge, "silence", |users| users.is_empty()).await;
        assert!(stage.icserver1().end_session(&session.id));
    }
}

#[tokio::test]
async fn a_session_that_began_before_the_gateway_appears_without_a_name() {
    let stage = Stage::start().await;
    let at = stage.icserver1().wire().address();
    let options = loadtest::icws::ClientOptions::new("http://ic").resolve("ic", at);
    let mut elsewhere = IcwsClient::new(options);
    elsewhere
        .login("icserver1", "agent1", "secret1")
        .await
        .unwrap();
    let session = stage
        .icserver1()
        .session(elsewhere.session_id().unwrap())
        .unwrap();
    assert!(users(&stage.edge).await.is_empty());
    let proofs = super::stage::proofs(&session);
    let head = format!(
        "GET /us/icserver1/icws/{}/connection HTTP/1.1\r\n{proofs}",
        session.id
    );
    assert_eq!(stage.ask(&head, "").await.status(), Some(200));
    assert_eq!(names(&users(&stage.edge).await), ["-"]);
    // Its end is known like any other's.
    stage.icserver1().end_session(&session.id);
    assert_eq!(stage.ask(&head, "").await.status(), Some(401));
    until_listed(&stage.edge, "nobody", |users| users.is_empty()).await;
}
