//! Log in, be known on the next call, log out: under every prefix and by every way in.

use loadtest::icws::{CookieOrder, CsrfToken, IcwsClient};
use loadtest::rude::client::Dial;
use serde_json::json;

use super::stage::{ANYWHERE, HOST, SOON, Stage, WAYS, Way, proofs};

/// One whole session: what the server calls `name` lies below `base` for the client.
async fn live_a_session(stage: &Stage, mut client: IcwsClient, base: &str, host: &str, name: &str) {
    let login = client
        .login(host, "agent1", "secret1")
        .await
        .unwrap_or_else(|error| panic!("{base}: {error}"));
    assert_eq!(login.body["icServer"], name, "{base}");
    let sid = client.session_id().unwrap().to_owned();
    let cookie = client.jar().all()[0].clone();
    let path = base.split_once("example.com").unwrap().1;
    assert_eq!(
        (cookie.path, cookie.http_only),
        (format!("{path}/icws/{sid}"), true)
    );
    assert_eq!(
        client.location().unwrap(),
        format!("{base}/icws/{sid}/connection")
    );

    let mut next = client.call("GET", "connection", None).await.unwrap();
    let text = next.text().await.unwrap();
    assert_eq!(next.status, 200, "{base}: {text}");
    let mut echo = client
        .call("GET", "echo/a%2Fb?x=%20&y=..", None)
        .await
        .unwrap();
    let echo = echo.json().await.unwrap();
    assert_eq!(
        echo["originalUrls"],
        json!([format!("{base}/icws/{sid}/echo/a%2Fb?x=%20&y=..")])
    );
    assert_eq!(
        echo["uri"],
        format!("{base}/icws/{sid}/configuration/users/agent1")
    );
    assert_eq!(
        echo["requestLine"],
        format!("GET /icws/{sid}/echo/a%2Fb?x=%20&y=.. HTTP/1.1")
    );

    let session = stage.server(name).session(&sid).unwrap();
    client.logout().await.unwrap();
    let last = stage
        .recorder
        .last(|record| record.method() == "DELETE")
        .unwrap();
    assert_eq!(
        (last.target(), last.server.as_str()),
        (format!("/icws/{sid}/connection").as_str(), name)
    );
    assert!(stage.server(name).session(&sid).is_none());
    let token = [("ININ-ICWS-CSRF-Token", session.csrf_token.as_str())];
    let mut after = client
        .get(&format!("{base}/icws/{sid}/connection"), &token)
        .await
        .unwrap();
    assert_eq!(after.status, 401, "{base}");
    assert_eq!(after.json().await.unwrap()["errorCode"], 2);
}

#[tokio::test]
async fn a_session_lives_from_log_in_to_log_out_under_every_prefix_and_by_every_way_in() {
    let stage = Stage::start().await;
    for way in WAYS {
        for (public, template, host, name) in [
            (HOST, "/us/{host}", "icserver1", "icserver1"),
            (HOST, "/us/{host}/deeper/still", "icserver1", "icserver1"),
            (HOST, "/apps/client/api/{host}", "icserver1", "icserver1"),
            (HOST, "/apps/client/api/{host}", "ICServer2", "icserver2"),
            (ANYWHERE, "/api/{host}", "icserver1", "icserver1"),
            (ANYWHERE, "/apps/admin/api/{host}", "IcServer2", "icserver2"),
            (
                ANYWHERE,
                "/a/api/icserver1/b/api/{host}",
                "icserver2",
                "icserver2",
            ),
        ] {
            let client = stage.client(way, public, template);
            let base = format!(
                "{}://{public}{}",
                way.scheme(),
                template.replace("{host}", host)
            );
            live_a_session(&stage, client, &base, host, name).await;
        }
    }
}

#[tokio::test]
async fn a_server_with_tls_sets_secure_cookies_and_they_work_over_https() {
    let stage = Stage::with(|_, behaviour| {
        behaviour.cookie_order = CookieOrder::PathLast;
        behaviour.cookie_language = true;
    })
    .await;
    for way in [Way::Tls, Way::Http2] {
        let client = stage.client(way, HOST, "/apps/client/api/{host}");
        let base = format!("https://{HOST}/apps/client/api/ossm1");
        live_a_session(&stage, client, &base, "ossm1", "ossm1").await;
    }
    let seen = stage.recorder.last(|_| true).unwrap().connected;
    assert_eq!((seen.tls, seen.sni.as_deref()), (true, Some("ossm1")));
}

#[tokio::test]
async fn two_tabs_of_one_browser_do_not_take_each_others_cookie() {
    let stage = Stage::start().await;
    let mut client = stage.client(Way::Http2, HOST, "/us/{host}");
    client
        .login("icserver1", "agent1", "secret1")
        .await
        .unwrap();
    let first = client.session_id().unwrap().to_owned();
    client
        .login("icserver2", "agent2", "secret2")
        .await
        .unwrap();
    let second = client.session_id().unwrap().to_owned();
    assert_eq!(
        client.call("GET", "connection", None).await.unwrap().status,
        200
    );
    let sent = stage.recorder.last(|_| true).unwrap();
    let cookie = sent.header("cookie").unwrap();
    assert!(
        cookie.contains(&second) && !cookie.contains(&first),
        "{cookie}"
    );
}

#[tokio::test]
async fn cookies_in_several_http2_fields_reach_the_server_as_one_line() {
    let stage = Stage::start().await;
    let (mut client, session) = stage.logged_in(Way::Http2).await;
    for number in 0..3 {
        let cookie = format!("pref{number}=v{number}|x; Path=/us/icserver1");
        client.jar().store("https", HOST, "/", &cookie);
    }
    assert_eq!(
        client.call("GET", "connection", None).await.unwrap().status,
        200
    );
    let seen = stage.recorder.last(|_| true).unwrap();
    let expected = format!(
        "{}={}; pref0=v0|x; pref1=v1|x; pref2=v2|x",
        session.cookie_name(),
        session.cookie_value
    );
    assert_eq!(seen.request.all("cookie"), [expected]);
}

#[tokio::test]
async fn a_browser_with_many_cookies_is_not_taken_for_a_flood_of_fields() {
    let stage = Stage::start().await;
    let (mut client, _) = stage.logged_in(Way::Http2).await;
    for number in 0..150 {
        let cookie = format!("p{number}=v; Path=/us/icserver1");
        client.jar().store("https", HOST, "/", &cookie);
    }
    let mut answer = client.call("GET", "connection", None).await.unwrap();
    let status = answer.status;
    assert_eq!(status, 200, "{}", answer.text().await.unwrap());
    let seen = stage.recorder.last(|_| true).unwrap();
    assert_eq!(seen.request.all("cookie").len(), 1);
}

#[tokio::test]
async fn sloppy_cookies_pass_to_the_byte() {
    let stage = Stage::with(|_, behaviour| behaviour.cookie_language = true).await;
    let (_, session) = stage.logged_in(Way::Plain).await;
    let (sid, value) = (&session.id, &session.cookie_value);
    for cookie in [
        format!("2444387001; icws_{sid}={value}"),
        format!("icws_{sid}={value}; Path=/us/icserver1/icws/{sid}; HttpOnly; Secure"),
        format!("a=\"b;c\"; icws_{sid}={value};; =x;"),
        format!("\t k=\u{fc};icws_{sid}={value},,")
            .trim()
            .to_owned(),
    ] {
        let head = format!(
            "GET /us/icserver1/icws/{sid}/connection HTTP/1.1\r\nCookie: {cookie}\r\nININ-ICWS-CSRF-Token: {}",
            session.csrf_token
        );
        stage.ask(&head, "").await;
        let seen = stage.recorder.last(|_| true).unwrap();
        assert_eq!(seen.request.all("cookie"), [cookie]);
    }
}

#[tokio::test]
async fn a_server_that_binds_sessions_to_an_address_always_sees_the_gateways() {
    let stage = Stage::with(|_, behaviour| behaviour.strict_peer = true).await;
    let (mut client, session) = stage.logged_in(Way::Http2).await;
    let token = CsrfToken::decode(client.csrf_token().unwrap()).unwrap();
    assert_eq!(token.peer, session.peer.to_string());
    for _ in 0..5 {
        let answer = client.call("GET", "connection", None).await.unwrap();
        assert_eq!(answer.status, 200);
        // Another connection to the server, for a client that has changed its address.
        stage.icserver1().wire().reset_connections();
        let request = format!(
            "GET /us/icserver1/icws/{}/connection HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{}\r\n\r\n",
            session.id,
            proofs(&session)
        );
        let dial = Dial::plain(stage.edge.plain()).from([127, 0, 0, 7].into());
        let got = dial.send(request, SOON).await.unwrap();
        assert_eq!(got.status(), Some(200), "{}", got.text());
    }
}
