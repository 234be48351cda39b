//! The SDK-like client against the simulated ICWS, directly and over HTTP/2 below a prefix.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "common/front.rs"]
mod front;

use std::time::Duration;

use loadtest::icws::{
    Behaviour, Channel, ClientError, ClientOptions, CookieOrder, CsrfToken, IcwsClient,
    IcwsOptions, IcwsServer, Protocol, Role, Trust,
};
use loadtest::wire::{Authority, Fault, Recorder, ServerTls};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(10);

async fn start(name: &str, change: impl FnOnce(&mut Behaviour)) -> IcwsServer {
    let mut options = IcwsOptions::named(name);
    change(&mut options.behaviour);
    IcwsServer::start(options).await.unwrap()
}

fn options(servers: &[(&str, &IcwsServer)]) -> ClientOptions {
    let base = ClientOptions::new("http://{host}:8018");
    servers.iter().fold(base, |options, (name, server)| {
        options.resolve(name, server.wire().address())
    })
}

async fn logged_in(server: &IcwsServer) -> IcwsClient {
    let mut client = IcwsClient::new(options(&[("ic", server)]));
    client.login("ic", "agent1", "secret1").await.unwrap();
    client
}

/// One request as exact bytes on a connection of its own; the answer's bytes up to the end.
async fn raw(server: &IcwsServer, request: &str) -> String {
    let mut stream = TcpStream::connect(server.wire().address()).await.unwrap();
    let closing = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    stream.write_all(closing.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

fn login_request(target: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: ic:8018\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn credentials(user: &str, password: &str) -> String {
    let kind = "urn:inin.com:connection:icAuthConnectionRequestSettings";
    json!({"__type": kind, "applicationName": "app", "userID": user, "password": password})
        .to_string()
}

fn body_of(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn field<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer
        .lines()
        .find(|line| line.starts_with(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("{name} in this spelling is missing: {answer}"))
        .split_once(": ")
        .unwrap()
        .1
}

#[tokio::test]
async fn a_login_is_answered_with_the_exact_headers_of_the_real_server() {
    let server = start("icserver1", |_| {}).await;
    let answer = raw(
        &server,
        &login_request(
            "/icws/connection",
            "Accept-Language: en-us\r\n",
            &credentials("agent1", "secret1"),
        ),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    let sid = field(&answer, "ININ-ICWS-Session-ID");
    assert_eq!(
        field(&answer, "Location"),
        format!("/icws/{sid}/connection")
    );
    assert_eq!(
        field(&answer, "Content-Type"),
        "application/vnd.inin.icws+JSON; charset=utf-8"
    );
    let session = server.session(sid).unwrap();
    let cookie = format!(
        "icws_{sid}={}; Path=/icws/{sid}; HttpOnly",
        session.cookie_value
    );
    assert_eq!(field(&answer, "Set-Cookie"), cookie);
    let token = CsrfToken::decode(field(&answer, "ININ-ICWS-CSRF-Token")).unwrap();
    assert_eq!(
        (
            token.user.as_str(),
            token.application.as_str(),
            token.peer.as_str()
        ),
        ("agent1", "app", "127.0.0.1")
    );
    let body = body_of(&answer);
    assert_eq!(body["sessionId"], sid);
    assert_eq!(body["csrfToken"], session.csrf_token);
    assert_eq!(
        (body["userID"].as_str(), body["icServer"].as_str()),
        (Some("agent1"), Some("icserver1"))
    );
    assert!(body.get("features").is_none() && body.get("alternateHostList").is_none());
    assert_eq!(session.language, "en-us");
}

#[tokio::test]
async fn the_cookie_has_its_variants() {
    let authority = Authority::new("CA").unwrap();
    let mut secure = IcwsOptions::named("ic");
    secure.tls = Some(ServerTls::new(authority.issue(&["ic"]).unwrap()));
    secure.behaviour.cookie_order = CookieOrder::PathLast;
    secure.behaviour.cookie_language = true;
    secure.behaviour.alternates = vec!["icserver2".into()];
    let server = IcwsServer::start(secure).await.unwrap();
    let options = ClientOptions::new("https://{host}:8019")
        .resolve("ic", server.wire().address())
        .trust(Trust::Authority(authority.pem()));
    let mut client = IcwsClient::new(options);
    let login = client.login("ic", "agent1", "secret1").await.unwrap();
    let (_, cookie) = login
        .headers
        .iter()
        .find(|(name, _)| name == "Set-Cookie")
        .unwrap();
    let sid = client.session_id().unwrap().to_owned();
    assert!(
        cookie.ends_with(&format!(
            "|languageId=en-us; HttpOnly; Secure; Path=/icws/{sid}"
        )),
        "{cookie}"
    );
    assert_eq!(login.body["alternateHostList"], json!(["icserver2"]));
    assert!(login.body["features"].is_array() && login.body["version"].is_object());
    assert_eq!(
        client.call("GET", "connection", None).await.unwrap().status,
        200
    );
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_for_another_name_is_not_believed() {
    let authority = Authority::new("CA").unwrap();
    let other = Authority::new("Other CA").unwrap();
    let mut secure = IcwsOptions::named("ic");
    let names = ["ic", "127.0.0.1"];
    secure.tls = Some(ServerTls::new(authority.issue(&names).unwrap()));
    let server = IcwsServer::start(secure).await.unwrap();
    let port = server.wire().address().port();
    for (host, trust, believed) in [
        ("ic", Trust::Authority(authority.pem()), true),
        ("127.0.0.1", Trust::Authority(authority.pem()), true),
        ("stranger", Trust::Authority(authority.pem()), false),
        ("127.0.0.2", Trust::Authority(authority.pem()), false),
        ("ic", Trust::Authority(other.pem()), false),
        ("stranger", Trust::Anything, true),
    ] {
        let options = ClientOptions::new(&format!("https://{{host}}:{port}"))
            .resolve(host, server.wire().address())
            .trust(trust);
        let login = IcwsClient::new(options)
            .login(host, "agent1", "secret1")
            .await;
        assert_eq!(login.is_ok(), believed, "{host}");
    }
}

#[tokio::test]
async fn a_login_that_is_not_acceptable_is_refused_as_the_real_server_does() {
    let server = start("ic", |_| {}).await;
    let language = "Accept-Language: en-us\r\n";
    let missing = "error.request.invalidRepresentation.missingRequiredParameter";
    let table = [
        (language, credentials("agent1", "wrong"), "error.request.connection.authenticationFailure"),
        (language, credentials("nobody", "secret1"), "error.request.connection.authenticationFailure"),
        ("", credentials("agent1", "secret1"), missing),
        (language, r#"{"__type":"urn:inin.com:connection:icAuthConnectionRequestSettings","applicationName":"a","userID":"u"}"#.into(), missing),
        (language, r#"{"applicationName":"a","userID":"u","password":"p"}"#.into(), missing),
        (language, "{".into(), "error.request.invalidRepresentation"),
        (language, "[]".into(), "error.request.invalidRepresentation"),
    ];
    for (headers, body, expected) in table {
        let answer = raw(&server, &login_request("/icws/connection", headers, &body)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{body}: {answer}");
        assert_eq!(body_of(&answer)["errorId"], expected, "{body}");
    }
    let answer = raw(
        &server,
        &login_request(
            "/icws/connection",
            language,
            &credentials("agent1", "wrong"),
        ),
    )
    .await;
    let exact = r#"{"errorCode":-2147221503,"errorId":"error.request.connection.authenticationFailure","message":"The authentication process failed."}"#;
    assert_eq!(
        body_of(&answer),
        serde_json::from_str::<Value>(exact).unwrap()
    );
    assert_eq!(server.sessions().len(), 0);
}

#[tokio::test]
async fn include_adds_what_it_names_and_nothing_else() {
    let server = start("ic", |_| {}).await;
    let mut client = IcwsClient::new(options(&[("ic", &server)]));
    let body: Value = serde_json::from_str(&credentials("agent1", "secret1")).unwrap();
    for (include, present, absent) in [
        ("features", "features", "version"),
        ("version,effective-station", "effectiveStation", "features"),
    ] {
        let login = client.login_with("ic", &body, include).await.unwrap();
        assert!(
            login.body.get(present).is_some() && login.body.get(absent).is_none(),
            "{include}: {}",
            login.body
        );
    }
}

#[tokio::test]
async fn the_client_follows_alternate_hosts_until_one_accepts() {
    let ossm = start("ossm1", |b| b.role = Role::OffServer).await;
    let primary = start("icserver1", |b| {
        b.role = Role::OnServerWithOssm;
        b.alternates = vec!["ossm1".into(), "icserver2".into()];
    })
    .await;
    let backup = start("icserver2", |b| {
        b.role = Role::Backup;
        b.alternates = vec!["icserver1".into()];
    })
    .await;
    let mut client = IcwsClient::new(options(&[
        ("ossm1", &ossm),
        ("icserver1", &primary),
        ("icserver2", &backup),
    ]));
    let login = client
        .login("icserver2", "agent1", "secret1")
        .await
        .unwrap();
    assert_eq!(login.hops, ["icserver2", "icserver1", "ossm1"]);
    assert_eq!(
        (login.host.as_str(), login.body["icServer"].as_str()),
        ("ossm1", Some("ossm1"))
    );
    assert_eq!(
        client.call("GET", "connection", None).await.unwrap().status,
        200
    );

    let answer = raw(
        &backup,
        &login_request("/icws/connection", "Accept-Language: en\r\n", "{}"),
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
        "{answer}"
    );
    let message = "This Session Manager is not currently accepting connections.";
    let exact = json!({"alternateHostList": ["icserver1"], "errorId": "error.server.notAcceptingConnections", "message": message});
    assert_eq!(body_of(&answer), exact);
    backup.change(|b| b.switchover = true);
    let answer = raw(
        &backup,
        &login_request("/icws/connection", "Accept-Language: en\r\n", "{}"),
    )
    .await;
    assert_eq!(body_of(&answer)["errorId"], "error.server.unavailable");
    backup.change(|b| (b.switchover, b.role) = (false, Role::Primary));
    assert_eq!(
        client
            .login("icserver2", "agent1", "secret1")
            .await
            .unwrap()
            .hops,
        ["icserver2"]
    );
}

#[tokio::test]
async fn hosts_that_point_at_each_other_end_the_login_after_eight_hops() {
    let loops = start("a", |b| {
        (b.role, b.alternates) = (Role::Backup, vec!["a".into()]);
    })
    .await;
    let mut client = IcwsClient::new(options(&[("a", &loops)]));
    let refused = client.login("a", "agent1", "secret1").await.unwrap_err();
    assert!(matches!(refused, ClientError::Status(503, _)), "{refused}");
    assert_eq!(
        loops
            .wire()
            .recorder()
            .count(|r| r.target().starts_with("/icws/connection")),
        9
    );
}

#[tokio::test]
async fn each_missing_proof_has_its_own_401() {
    let server = start("ic", |_| {}).await;
    let client = logged_in(&server).await;
    let sid = client.session_id().unwrap();
    let session = server.session(sid).unwrap();
    let other = logged_in(&server).await;
    let cookie = format!("Cookie: icws_{sid}={}\r\n", session.cookie_value);
    let token = format!("ININ-ICWS-CSRF-Token: {}\r\n", session.csrf_token);
    let foreign = format!("ININ-ICWS-CSRF-Token: {}\r\n", other.csrf_token().unwrap());
    let table = [
        (sid.to_owned(), format!("{cookie}{token}"), 0),
        ("notanumber".into(), format!("{cookie}{token}"), 1),
        ("10012345678".into(), format!("{cookie}{token}"), 1),
        ("1000000000".into(), format!("{cookie}{token}"), 2),
        (sid.to_owned(), cookie.clone(), 2),
        (
            sid.to_owned(),
            format!("{cookie}ININ-ICWS-CSRF-Token: ABC7uiitfghnWR0NG\r\n"),
            2,
        ),
        (sid.to_owned(), token.clone(), 4),
        (
            sid.to_owned(),
            format!("{token}Cookie: icws_{sid}=wrong\r\n"),
            -2_147_221_499,
        ),
        (sid.to_owned(), format!("{cookie}{foreign}"), -2_147_221_499),
    ];
    for (id, headers, code) in table {
        let answer = raw(
            &server,
            &format!("GET /icws/{id}/connection HTTP/1.1\r\nHost: h\r\n{headers}\r\n"),
        )
        .await;
        if code == 0 {
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            assert_eq!(body_of(&answer)["connectionState"], 1);
            continue;
        }
        assert!(
            answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"),
            "{headers}: {answer}"
        );
        assert_eq!(body_of(&answer)["errorCode"], code, "{headers}");
        assert_eq!(
            field(&answer, "WWW-Authenticate"),
            "ICWS realm=\"ICWS\" location=\"/ICWS/connection\""
        );
        assert_eq!(
            field(&answer, "Content-Type"),
            "application/vnd.inin.icws+JSON; charset=utf-8"
        );
    }
}

#[tokio::test]
async fn sloppy_cookies_are_understood_and_recorded_verbatim() {
    let server = start("ic", |b| b.cookie_language = true).await;
    let client = logged_in(&server).await;
    let sid = client.session_id().unwrap();
    let session = server.session(sid).unwrap();
    let value = &session.cookie_value;
    assert!(value.ends_with("|languageId=en-us"));
    let sloppy = [
        format!("2444387001; icws_{sid}={value}"),
        format!("icws_{sid}={value}; Path=/icws/{sid}; HttpOnly"),
        format!("a=\"b;c\"; icws_{sid}={value};; =x;"),
    ];
    for cookie in sloppy {
        let token = &session.csrf_token;
        let request = format!(
            "GET /icws/{sid}/connection HTTP/1.1\r\nCookie: {cookie}\r\nININ-ICWS-CSRF-Token: {token}\r\n\r\n"
        );
        assert!(
            raw(&server, &request).await.starts_with("HTTP/1.1 200 "),
            "{cookie}"
        );
        assert_eq!(
            server
                .wire()
                .recorder()
                .last(|_| true)
                .unwrap()
                .header("cookie")
                .unwrap(),
            cookie
        );
    }
}

#[tokio::test]
async fn a_short_poll_takes_each_message_once() {
    let server = start("ic", |_| {}).await;
    let mut client = logged_in(&server).await;
    let sid = client.session_id().unwrap().to_owned();
    assert_eq!(client.poll().await.unwrap(), Vec::<Value>::new());
    let first = server.push(&sid, json!({"n": 1})).unwrap();
    let second = server.push(&sid, json!({"n": 2})).unwrap();
    assert_eq!(
        client.poll().await.unwrap(),
        [json!({"n": 1}), json!({"n": 2})]
    );
    assert_eq!(client.poll().await.unwrap(), Vec::<Value>::new());
    let session = server.session(&sid).unwrap();
    assert!(session.mailbox().written(second, SOON).await.is_some());
    let truth = session.mailbox().truth(first).unwrap();
    assert!(truth.is_delivered_once());
    let poll = server
        .wire()
        .recorder()
        .last(|r| r.number == truth.handed_out[0].1)
        .unwrap();
    assert_eq!(
        (truth.handed_out[0].0, poll.header("ININ-ICWS-CSRF-Token")),
        (Channel::Poll, None)
    );
}

#[tokio::test]
async fn a_poll_whose_answer_breaks_loses_its_messages_and_that_is_known() {
    let server = start("ic", |_| {}).await;
    let mut client = logged_in(&server).await;
    let sid = client.session_id().unwrap().to_owned();
    let number = server.push(&sid, json!({"n": 1})).unwrap();
    server
        .wire()
        .faults()
        .next("/messaging/messages", 1, Fault::CloseInBody(3));
    assert!(client.poll().await.is_err());
    server
        .wire()
        .recorder()
        .wait_for(|r| r.target().ends_with("/messages") && r.over, SOON)
        .await
        .unwrap();
    let truth = server
        .session(&sid)
        .unwrap()
        .mailbox()
        .truth(number)
        .unwrap();
    assert!(truth.lost && truth.handed_out.len() == 1);
    assert_eq!(client.poll().await.unwrap(), Vec::<Value>::new());
}

#[tokio::test]
async fn events_arrive_one_by_one_and_the_stream_is_silent_but_for_pings() {
    let server = start("ic", |b| b.ping_every = Duration::from_millis(20)).await;
    let mut client = logged_in(&server).await;
    let sid = client.session_id().unwrap().to_owned();
    let session = server.session(&sid).unwrap();
    let mut events = client.events().await.unwrap();
    assert!(session.mailbox().streams_are(1, SOON).await);
    for n in 1..=3 {
        let number = server.push(&sid, json!({"n": n})).unwrap();
        let (event, arrived) = tokio::time::timeout(SOON, events.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(
            (event.id, event.event, event.data),
            (
                number.to_string(),
                "message".to_owned(),
                json!({"n": n}).to_string()
            )
        );
        let truth = session.mailbox().truth(number).unwrap();
        assert!(arrived >= truth.pushed);
        assert!(session.mailbox().written(number, SOON).await.is_some());
    }
    let ping = tokio::time::timeout(SOON, events.comment())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ping.as_deref(), Some("ping"));
    drop(events);
    assert!(
        session.mailbox().streams_are(0, SOON).await,
        "the server notices that the reader has gone"
    );
    server.push(&sid, json!({"n": 4})).unwrap();
    assert_eq!(client.poll().await.unwrap(), [json!({"n": 4})]);
    assert!(
        session
            .mailbox()
            .truths()
            .iter()
            .all(|truth| truth.handed_out.len() == 1 && !truth.lost)
    );
}

#[tokio::test]
async fn the_bytes_of_an_event_stream_are_those_of_the_real_server() {
    let server = start("ic", |_| {}).await;
    let client = logged_in(&server).await;
    let sid = client.session_id().unwrap().to_owned();
    let session = server.session(&sid).unwrap();
    server.push(&sid, json!({"isDelta": true})).unwrap();
    let mut stream = TcpStream::connect(server.wire().address()).await.unwrap();
    let cookie = format!("icws_{sid}={}", session.cookie_value);
    let request = format!(
        "GET /icws/{sid}/messaging/messages HTTP/1.1\r\nAccept: text/event-stream\r\nCookie: {cookie}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
    let event = "id: 1\nevent: message\ndata: {\"isDelta\":true}\n\n";
    let expected = format!("{head}{:x}\r\n{event}\r\n", event.len());
    let mut got = vec![0; expected.len()];
    tokio::time::timeout(SOON, stream.read_exact(&mut got))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(String::from_utf8(got).unwrap(), expected);
    server.end_session(&sid);
    let mut rest = vec![0; 5];
    tokio::time::timeout(SOON, stream.read_exact(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rest, b"0\r\n\r\n");
}

#[tokio::test]
async fn a_status_change_reaches_those_who_subscribed_as_a_delta() {
    let server = start("ic", |_| {}).await;
    let mut watcher = logged_in(&server).await;
    let subscription = "messaging/subscriptions/status/user-statuses";
    let mut answer = watcher
        .call(
            "PUT",
            subscription,
            Some(&json!({"userIds": ["agent 1/x"]})),
        )
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.text().await.unwrap().as_str()),
        (200, "")
    );
    assert_eq!(
        answer.header("content-type").unwrap(),
        "application/vnd.inin.icws+JSON; charset=utf-8"
    );
    let initial = watcher.poll().await.unwrap();
    assert_eq!(
        (initial.len(), initial[0]["isDelta"].as_bool()),
        (1, Some(false))
    );

    let mut agent = IcwsClient::new(options(&[("ic", &server)]));
    agent.login("ic", "agent2", "secret2").await.unwrap();
    let path = "status/user-statuses/agent%201%2Fx";
    let answer = agent
        .call("PUT", path, Some(&json!({"statusId": "At Lunch"})))
        .await
        .unwrap();
    assert_eq!(answer.status, 202);
    assert_eq!(
        agent.poll().await.unwrap()[0]["__type"],
        "urn:inin.com:messaging:asyncOperationCompletedMessage"
    );
    let delta = watcher.poll().await.unwrap();
    assert_eq!(delta[0]["isDelta"], true);
    assert_eq!(delta[0]["userStatusList"][0]["userId"], "agent 1/x");
    assert_eq!(delta[0]["userStatusList"][0]["statusId"], "At Lunch");
    assert_eq!(
        agent
            .call("GET", path, None)
            .await
            .unwrap()
            .json()
            .await
            .unwrap()["statusId"],
        "At Lunch"
    );

    assert_eq!(
        watcher
            .call("DELETE", subscription, None)
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        watcher
            .call("DELETE", subscription, None)
            .await
            .unwrap()
            .status,
        404
    );
    agent
        .call("PUT", path, Some(&json!({"statusId": "Available"})))
        .await
        .unwrap();
    assert_eq!(watcher.poll().await.unwrap(), Vec::<Value>::new());
    assert_eq!(
        agent
            .call("PUT", path, Some(&json!({})))
            .await
            .unwrap()
            .status,
        400
    );
}

#[tokio::test]
async fn uris_are_built_from_the_original_url_else_from_host() {
    let server = start("ic", |_| {}).await;
    let mut client = logged_in(&server).await;
    let sid = client.session_id().unwrap().to_owned();
    let direct = client
        .call("GET", "echo/x?a=%2F", None)
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(direct["fromOriginalUrl"], false);
    assert_eq!(
        direct["url"],
        format!("http://ic:8018/icws/{sid}/echo/x?a=%2F")
    );
    assert_eq!(
        direct["uri"],
        format!("http://ic:8018/icws/{sid}/configuration/users/agent1")
    );
    let original = format!("https://proxy/us/ic/icws/{sid}/echo/%41");
    let header = [("ININ-ICWS-Original-URL", original.as_str())];
    let behind = client
        .call_with("GET", "echo/%41", &header, Vec::new())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (behind["url"].as_str(), behind["fromOriginalUrl"].as_bool()),
        (Some(original.as_str()), Some(true))
    );
    assert_eq!(
        behind["uri"],
        format!("https://proxy/us/ic/icws/{sid}/configuration/users/agent1")
    );
    let export = client
        .call_with("GET", "recordings/a%2Fb/export-uri", &header, Vec::new())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        export["uri"],
        format!("https://proxy/us/ic/icws/{sid}/recordings/a%2Fb/file")
    );
    let record = server.wire().recorder().last(|_| true).unwrap();
    assert_eq!(
        record.request.line(),
        format!("GET /icws/{sid}/recordings/a%2Fb/export-uri HTTP/1.1")
    );
}

#[tokio::test]
async fn users_are_read_page_by_page_with_either_status() {
    let server = start("ic", |_| {}).await;
    let mut client = logged_in(&server).await;
    for status in [200, 206] {
        server.change(|b| b.paged_status = status);
        let (mut seen, mut next, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let range = [("Range", next.as_str())];
            let more: &[(&str, &str)] = if next.is_empty() { &[] } else { &range };
            let mut answer = client
                .call_with(
                    "GET",
                    "configuration/users?select=extension",
                    more,
                    Vec::new(),
                )
                .await
                .unwrap();
            assert_eq!(answer.status, status);
            pages += 1;
            let items = answer.json().await.unwrap()["items"]
                .as_array()
                .unwrap()
                .clone();
            seen.extend(
                items
                    .iter()
                    .map(|item| item["configurationId"]["id"].as_str().unwrap().to_owned()),
            );
            let (range, total) = answer
                .header("Content-Range")
                .unwrap()
                .strip_prefix("items ")
                .unwrap()
                .split_once('/')
                .map(|(r, t)| (r.to_owned(), t.parse::<usize>().unwrap()))
                .unwrap();
            let last: usize = range.split_once('-').unwrap().1.parse().unwrap();
            assert_eq!(last + 1, seen.len());
            if last + 1 >= total {
                break;
            }
            next = format!("items={}-{}", last + 1, last + 200);
        }
        assert_eq!((pages, seen.len()), (7, 1234));
        assert_eq!(
            (seen[0].as_str(), seen[1233].as_str()),
            ("user0000", "user1233")
        );
    }
    let past = client
        .call_with(
            "GET",
            "configuration/users",
            &[("Range", "items=5000-5199")],
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(
        (past.status, past.header("Content-Range").unwrap().as_str()),
        (416, "items */1234")
    );
    assert_eq!(
        client
            .call("GET", "configuration/users/user0007", None)
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        client
            .call("GET", "configuration/users/user7", None)
            .await
            .unwrap()
            .status,
        404
    );
}

#[tokio::test]
async fn large_answers_are_compressed_as_asked() {
    let server = start("ic", |_| {}).await;
    let mut sizes = Vec::new();
    for (asked, expected) in [
        ("", None),
        ("gzip,deflate", Some("gzip")),
        ("deflate", Some("deflate")),
        ("br", None),
    ] {
        let mut options = options(&[("ic", &server)]);
        if !asked.is_empty() {
            options = options.accept_encoding(asked);
        }
        let mut client = IcwsClient::new(options);
        client.login("ic", "agent1", "secret1").await.unwrap();
        let mut answer = client
            .call("GET", "configuration/users", None)
            .await
            .unwrap();
        assert_eq!(
            answer.header("content-encoding").as_deref(),
            expected,
            "{asked}"
        );
        assert_eq!(
            answer.json().await.unwrap()["items"]
                .as_array()
                .unwrap()
                .len(),
            200
        );
        sizes.push(answer.raw().await.unwrap().len());
        // The zlib format, not a bare deflate stream.
        if expected == Some("deflate") {
            assert_eq!(answer.raw().await.unwrap()[0] & 0x0f, 8);
        }
    }
    assert!(
        sizes[1] < sizes[0] / 4 && sizes[2] < sizes[0] / 4 && sizes[3] == sizes[0],
        "{sizes:?}"
    );
}

#[tokio::test]
async fn applications_see_every_status_of_real_life() {
    let server = start("ic", |_| {}).await;
    let mut client = logged_in(&server).await;
    let table = [
        ("POST", "messaging/heartbeat", 200, true),
        ("POST", "agent-quality/search", 202, false),
        ("GET", "simulate/status/410", 410, false),
        ("POST", "interactions/email/resolve-address", 504, false),
        ("GET", "wfm/data", 200, false),
        ("GET", "simulate/status/409", 409, false),
        ("GET", "simulate/status/503", 503, false),
        ("GET", "simulate/status/204", 204, true),
        ("GET", "simulate/status/99", 400, false),
        ("GET", "no/such/thing", 404, false),
        ("PATCH", "connection", 405, false),
        ("GET", "connection/switchover-status", 200, false),
    ];
    for (method, path, status, empty) in table {
        let mut answer = client.call(method, path, None).await.unwrap();
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(
            answer.header("content-type").unwrap(),
            "application/vnd.inin.icws+JSON; charset=utf-8"
        );
        assert_eq!(
            answer.text().await.unwrap().is_empty(),
            empty,
            "{method} {path}"
        );
    }
    let past = client
        .call_with(
            "GET",
            "wfm/data",
            &[("Range", "items=1000-1100")],
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(past.status, 416);
}

#[tokio::test]
async fn sessionless_calls_answer_on_every_role() {
    for role in [
        Role::Primary,
        Role::Backup,
        Role::OnServerWithOssm,
        Role::OffServer,
    ] {
        let server = start("ic", |b| b.role = role).await;
        let mut client = IcwsClient::new(options(&[("ic", &server)]));
        for (path, field) in [
            ("version", "majorVersion"),
            ("features", "featureInfoList"),
            ("features/messaging", "featureId"),
            ("server-info", "icServer"),
            ("server-time", "serverTime"),
        ] {
            let mut answer = client
                .get(&format!("http://ic:8018/icws/connection/{path}"), &[])
                .await
                .unwrap();
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.json().await.unwrap().get(field).is_some(), "{path}");
        }
        let outside = client
            .get("http://ic:8018/WebHTMLService/doHTMLRequest", &[])
            .await
            .unwrap();
        assert_eq!(outside.status, 404);
    }
}

#[tokio::test]
async fn the_station_is_kept_per_session() {
    let server = start("ic", |_| {}).await;
    let mut client = logged_in(&server).await;
    assert_eq!(
        client
            .call("GET", "connection/station", None)
            .await
            .unwrap()
            .status,
        404
    );
    let station =
        json!({"__type": "urn:inin.com:connection:workstationSettings", "workstation": "W1"});
    assert_eq!(
        client
            .call("PUT", "connection/station", Some(&station))
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        client
            .call("GET", "connection/station", None)
            .await
            .unwrap()
            .json()
            .await
            .unwrap(),
        station
    );
    assert_eq!(
        client
            .call("DELETE", "connection/station", None)
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        client
            .call("GET", "connection/station", None)
            .await
            .unwrap()
            .status,
        404
    );
}

#[tokio::test]
async fn uploads_are_hashed_and_downloads_are_whole() {
    let server = start("ic", |_| {}).await;
    let mut client = logged_in(&server).await;
    let file: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let digest: String = openssl::sha::sha256(&file)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for (path, status) in [
        ("interactions/1001/chat/send-file", 200),
        ("interactions/email/1001/attachments/file/upload", 202),
        ("response-management/file", 200),
    ] {
        let mut answer = client
            .call_with("POST", path, &[], file.clone())
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.json().await.unwrap(),
            json!({"size": 3_000_000, "sha256": digest})
        );
    }
    let mut download = client
        .call("GET", "simulate/download/100000", None)
        .await
        .unwrap();
    let bytes = download.raw().await.unwrap();
    assert!(
        bytes.len() == 100_000
            && bytes
                .iter()
                .enumerate()
                .all(|(n, &byte)| byte == (n % 256) as u8)
    );
}

#[tokio::test]
async fn single_sign_on_goes_to_the_provider_and_comes_back_with_a_cookie() {
    let server = start("ic", |_| {}).await;
    let mut client = IcwsClient::new(options(&[("ic", &server)]));
    let base = "http://ic:8018/icws/connection/single-sign-on";
    let query = "singleSignOnCapabilities=saml2Post%2Csaml2Redirect&returnUri=https%3A%2F%2Fcc.example.com%2Fclient%2F%23a";
    let original = format!(
        "https://cc.example.com/api/ic/icws/connection/single-sign-on/identity-providers/1?{query}"
    );
    let url = format!("{base}/identity-providers/1?{query}");
    let away = client
        .get(&url, &[("ININ-ICWS-Original-URL", &original)])
        .await
        .unwrap();
    assert_eq!(away.status, 302);
    let location = away.header("Location").unwrap();
    assert!(
        location.starts_with("https://idp.example.com/saml/login?SAMLRequest="),
        "{location}"
    );
    assert!(location.contains("https%3A%2F%2Fcc%2Eexample%2Ecom%2Fapi%2Fic%2Ficws%2Fconnection%2Fsingle%2Dsign%2Don%2Freturn"), "{location}");
    let relay = location
        .split("RelayState=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();

    let form = format!("SAMLResponse={}&RelayState={relay}", "A".repeat(100_000));
    let back = client
        .post(
            &format!("{base}/return"),
            &[("Origin", "null")],
            form.clone().into_bytes(),
        )
        .await
        .unwrap();
    assert_eq!(
        (back.status, back.header("Location").unwrap().as_str()),
        (302, "https://cc.example.com/client/#a")
    );
    assert!(
        back.header("Set-Cookie")
            .unwrap()
            .starts_with("icws_sso_response=")
    );
    let again = client
        .post(&format!("{base}/return"), &[], form.into_bytes())
        .await
        .unwrap();
    assert_eq!(again.status, 400, "an assertion works once");

    let token = client
        .get(&format!("{base}/response"), &[])
        .await
        .unwrap()
        .json()
        .await
        .unwrap()["singleSignOnToken"]
        .clone();
    let body = json!({
        "__type": "urn:inin.com:connection:singleSignOnTokenConnectionRequestSettings",
        "applicationName": "app", "singleSignOnToken": token,
    });
    let login = client.login_with("ic", &body, "").await.unwrap();
    assert_eq!(login.body["userID"], "sso.user");
    assert!(
        client.login_with("ic", &body, "").await.is_err(),
        "a token works once"
    );
    let shown = client
        .get(
            &format!("{base}/identity-providers/1?singleSignOnCapabilities=saml2Post"),
            &[],
        )
        .await
        .unwrap();
    let relay = shown
        .header("Location")
        .unwrap()
        .split("RelayState=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    let page = client
        .get(
            &format!("{base}/return?SAMLResponse=A&RelayState={relay}"),
            &[],
        )
        .await
        .unwrap();
    assert_eq!(page.status, 200);
    assert!(page.header("ININ-STS-Token").is_some());
}

#[tokio::test]
async fn logging_out_happens_at_the_location_and_ends_the_session() {
    let server = start("ic", |_| {}).await;
    let mut client = logged_in(&server).await;
    let sid = client.session_id().unwrap().to_owned();
    assert_eq!(
        client.location().unwrap(),
        format!("http://ic:8018/icws/{sid}/connection")
    );
    let mut events = client.events().await.unwrap();
    client.logout().await.unwrap();
    let last = server
        .wire()
        .recorder()
        .last(|r| r.method() == "DELETE")
        .unwrap();
    assert_eq!(last.target(), format!("/icws/{sid}/connection"));
    assert!(server.session(&sid).is_none());
    assert!(
        tokio::time::timeout(SOON, events.next())
            .await
            .unwrap()
            .unwrap()
            .is_none(),
        "the stream ends with the session"
    );
    assert!(client.call("GET", "connection", None).await.is_err());
}

#[tokio::test]
async fn a_strict_server_ends_a_session_whose_address_changes() {
    let server = start("ic", |b| b.strict_peer = true).await;
    let client = logged_in(&server).await;
    let sid = client.session_id().unwrap();
    let session = server.session(sid).unwrap();
    let request = format!(
        "GET /icws/{sid}/connection HTTP/1.1\r\nConnection: close\r\nCookie: icws_{sid}={}\r\nININ-ICWS-CSRF-Token: {}\r\n\r\n",
        session.cookie_value, session.csrf_token
    );
    for (from, strict, status) in [
        ("127.0.0.1", true, "200"),
        ("127.0.0.2", true, "401"),
        ("127.0.0.2", false, "200"),
    ] {
        server.change(|b| b.strict_peer = strict);
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        let mut stream = socket.connect(server.wire().address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(SOON, stream.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            answer.split(' ').nth(1),
            Some(status),
            "{from} {strict}: {answer}"
        );
    }
}

#[tokio::test]
async fn chats_and_callbacks_need_no_session() {
    let server = start("ic", |_| {}).await;
    let mut client = IcwsClient::new(options(&[("ic", &server)]));
    let base = "http://ic:8018/icws";
    let body = json!({"participantName": "V", "targetName": "Support", "targetType": "Workgroup", "language": "en-us"});
    let start = client
        .post(
            &format!("{base}/web-chat/start"),
            &[],
            body.to_string().into_bytes(),
        )
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(start["pollWaitSuggestion"], 2000);
    let (pid, chat) = (
        start["participantId"].as_str().unwrap().to_owned(),
        start["chatId"].clone(),
    );
    assert_eq!(server.active_chats(), 1);
    let say = json!({"message": "hello"}).to_string();
    for (path, body, status) in [
        (format!("send-message/{pid}"), say.clone(), 204),
        ("send-message/unknown".to_owned(), say, 400),
        (
            "reconnect".to_owned(),
            json!({"chatId": chat, "participantId": pid}).to_string(),
            204,
        ),
        (
            "reconnect".to_owned(),
            json!({"chatId": "x", "participantId": pid}).to_string(),
            400,
        ),
        ("start".to_owned(), "{}".to_owned(), 400),
    ] {
        let answer = client
            .post(&format!("{base}/web-chat/{path}"), &[], body.into_bytes())
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{path}");
    }
    let poll = client
        .get(&format!("{base}/web-chat/poll/{pid}"), &[])
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(poll["events"].as_array().unwrap().len(), 2);
    assert_eq!(
        client
            .post(&format!("{base}/web-chat/exit/{pid}"), &[], Vec::new())
            .await
            .unwrap()
            .status,
        204
    );
    assert_eq!(server.active_chats(), 0);

    let create = client
        .post(&format!("{base}/web-callback/create"), &[], b"{}".to_vec())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let pid = create["participantID"].as_str().unwrap().to_owned();
    let status = client
        .get(&format!("{base}/web-callback/status/{pid}"), &[])
        .await
        .unwrap();
    assert_eq!(status.status, 202);
    let again = json!({"callbackID": create["callbackID"]}).to_string();
    assert_eq!(
        client
            .post(
                &format!("{base}/web-callback/reconnect"),
                &[],
                again.into_bytes()
            )
            .await
            .unwrap()
            .status,
        204
    );
    assert_eq!(server.active_callbacks(), 1);
    assert_eq!(
        client
            .post(
                &format!("{base}/web-callback/disconnect/{pid}"),
                &[],
                Vec::new()
            )
            .await
            .unwrap()
            .status,
        204
    );
    assert_eq!(server.active_callbacks(), 0);
}

#[tokio::test]
async fn the_client_works_over_http2_below_a_prefix() {
    let server = start("ic", |b| b.cookie_language = true).await;
    let authority = Authority::new("CA").unwrap();
    let front = front::start(
        &authority.issue(&["cc.example.com"]).unwrap(),
        server.wire().address(),
        "/us/ic",
        true,
    )
    .await;
    let options = ClientOptions::new("https://cc.example.com/us/{host}")
        .resolve("cc.example.com", front.address)
        .trust(Trust::Authority(authority.pem()))
        .protocol(Protocol::Http2);
    let mut client = IcwsClient::new(options);
    client.login("ic", "agent1", "secret1").await.unwrap();
    client
        .get("https://cc.example.com/us/ic/icws/connection/version", &[])
        .await
        .unwrap();
    let sid = client.session_id().unwrap().to_owned();
    assert_eq!(
        client.location().unwrap(),
        format!("https://cc.example.com/us/ic/icws/{sid}/connection")
    );
    let mut events = client.events().await.unwrap();
    server.push(&sid, json!({"n": 1})).unwrap();
    let (event, _) = tokio::time::timeout(SOON, events.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(event.data, r#"{"n":1}"#);
    drop(events);
    let mut upload = client
        .call_with(
            "POST",
            "interactions/1/chat/send-file",
            &[],
            vec![7; 500_000],
        )
        .await
        .unwrap();
    assert_eq!(upload.json().await.unwrap()["size"], 500_000);
    client.logout().await.unwrap();
    assert!(server.session(&sid).is_none());
}

#[tokio::test]
async fn a_cookie_whose_path_was_not_mapped_is_lost_and_the_next_call_is_401_code_4() {
    let server = start("ic", |_| {}).await;
    let authority = Authority::new("CA").unwrap();
    let front = front::start(
        &authority.issue(&["cc.example.com"]).unwrap(),
        server.wire().address(),
        "/us/ic",
        false,
    )
    .await;
    let options = ClientOptions::new("https://cc.example.com/us/{host}")
        .resolve("cc.example.com", front.address)
        .protocol(Protocol::Http2);
    let mut client = IcwsClient::new(options);
    client.login("ic", "agent1", "secret1").await.unwrap();
    assert_eq!(client.jar().all().len(), 1);
    let mut answer = client.call("GET", "connection", None).await.unwrap();
    assert_eq!(
        (
            answer.status,
            answer.json().await.unwrap()["errorCode"].as_i64()
        ),
        (401, Some(4))
    );
    let location = client.location().unwrap();
    assert!(
        location.starts_with("https://cc.example.com/icws/"),
        "an unmapped Location leads out of the prefix: {location}"
    );
}

#[tokio::test]
async fn the_client_reads_a_body_that_ends_with_the_connection() {
    use loadtest::wire::{Exchange, Reply, Server, ServerOptions, Service};
    struct UntilClose;
    impl Service for UntilClose {
        async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
            let (_, stream) = exchange.upgrade(Reply::new(200)).await?;
            stream.write_all(b"to the end").await
        }
    }
    let server = Server::start(ServerOptions::default(), UntilClose)
        .await
        .unwrap();
    let mut client = IcwsClient::new(ClientOptions::new("http://{host}"));
    for _ in 0..2 {
        let mut answer = client
            .get(&format!("{}/x", server.base_url()), &[])
            .await
            .unwrap();
        assert_eq!(answer.text().await.unwrap(), "to the end");
    }
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn several_servers_can_share_one_recorder() {
    let recorder = Recorder::new(100);
    let mut servers = Vec::new();
    for name in ["icserver1", "icserver2"] {
        let options = IcwsOptions {
            recorder: recorder.clone(),
            ..IcwsOptions::named(name)
        };
        servers.push(IcwsServer::start(options).await.unwrap());
    }
    let mut client = IcwsClient::new(options(&[
        ("icserver1", &servers[0]),
        ("icserver2", &servers[1]),
    ]));
    client
        .login("icserver2", "agent1", "secret1")
        .await
        .unwrap();
    client
        .login("icserver1", "agent1", "secret1")
        .await
        .unwrap();
    let names: Vec<String> = recorder
        .all()
        .into_iter()
        .map(|record| record.server)
        .collect();
    assert_eq!(names, ["icserver2", "icserver1"]);
}
