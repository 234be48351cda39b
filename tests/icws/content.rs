//! What must pass untouched: answers of every status, pages, compressed bodies, single sign-on, chats without a session.

use loadtest::icws::{IcwsClient, Session};
use loadtest::rude::client::Got;
use serde_json::{Value, json};

use super::stage::{HOST, Stage, WAYS, Way, header, proofs};

const BASE: &str = "https://proxy.example.com/us/icserver1";

/// Status and fields without those of the connection, names in lower case, sorted. A proxy adds a Date that is missing (RFC 9110, 6.6.1),
/// and the gateway the request's id.
fn head_of(got: &Got) -> (Option<u16>, Vec<String>) {
    let head = got.head();
    let mut fields: Vec<String> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .filter(|(name, _)| !matches!(name.as_str(), "connection" | "date" | "x-request-id"))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    fields.sort();
    (got.status(), fields)
}

/// Asks the server itself and through the gateway, as if with the same public URL; the answers must be the same to the byte.
async fn same(stage: &Stage, line: &str, fields: &str, body: &str) -> Got {
    let (method, target) = line.split_once(' ').unwrap();
    let public = format!("/us/icserver1{target}");
    let through = stage
        .ask(&format!("{method} {public} HTTP/1.1{fields}"), body)
        .await;
    let original = format!("\r\nININ-ICWS-Original-URL: http://{HOST}{public}");
    let direct = stage
        .ask_directly(&format!("{line} HTTP/1.1{fields}{original}"), body)
        .await;
    assert_eq!(head_of(&through), head_of(&direct), "{line}");
    assert!(through.body() == direct.body(), "{line}");
    through
}

#[tokio::test]
async fn every_answer_of_the_application_passes_as_it_is() {
    let stage = Stage::start().await;
    let (_, session) = stage.logged_in(Way::Plain).await;
    let sid = &session.id;
    let fields = format!("\r\n{}\r\nContent-Length: 2", proofs(&session));
    for (line, status) in [
        (format!("POST /icws/{sid}/agent-quality/search"), 202),
        (
            format!("POST /icws/{sid}/interactions/email/resolve-address"),
            504,
        ),
        (format!("PUT /icws/{sid}/messaging/subscriptions/x"), 200),
        (format!("PATCH /icws/{sid}/connection"), 405),
        (format!("POST /icws/{sid}/nothing/here"), 404),
        ("POST /icws/connection".to_owned(), 400),
        ("POST /icws/web-chat/send-message/nobody".to_owned(), 400),
    ] {
        let got = same(&stage, &line, &fields, "{}").await;
        assert_eq!(got.status(), Some(status), "{line}");
    }
    for status in [200, 304, 403, 409, 410, 416, 418, 429, 500, 502, 503, 504] {
        let line = format!("POST /icws/{sid}/simulate/status/{status}");
        let got = same(&stage, &line, &fields, "{}").await;
        assert_eq!(got.status(), Some(status), "{line}");
    }
    let range = format!("\r\n{}\r\nRange: items=5000-", proofs(&session));
    let got = same(&stage, &format!("GET /icws/{sid}/wfm/data"), &range, "").await;
    assert_eq!(
        (got.status(), header(&got, "content-range")),
        (Some(416), vec!["items */1000".to_owned()])
    );
}

#[tokio::test]
async fn every_401_is_the_servers_own_with_its_challenge() {
    let stage = Stage::start().await;
    let (_, session) = stage.logged_in(Way::Plain).await;
    let (_, other) = stage.logged_in(Way::Http2).await;
    let sid = session.id.as_str();
    let token = |of: &Session| format!("\r\nININ-ICWS-CSRF-Token: {}", of.csrf_token);
    let cookie = format!("\r\nCookie: icws_{sid}={}", session.cookie_value);
    for (id, fields, code) in [
        ("notanumber", format!("{cookie}{}", token(&session)), 1),
        ("1000000000", format!("{cookie}{}", token(&session)), 2),
        (sid, cookie.clone(), 2),
        (sid, token(&session), 4),
        (
            sid,
            format!("{}\r\nCookie: icws_{sid}=wrong", token(&session)),
            -2_147_221_499,
        ),
        (sid, format!("{cookie}{}", token(&other)), -2_147_221_499),
    ] {
        let got = same(&stage, &format!("GET /icws/{id}/connection"), &fields, "").await;
        assert_eq!(
            header(&got, "www-authenticate"),
            ["ICWS realm=\"ICWS\" location=\"/ICWS/connection\""]
        );
        let body: Value = serde_json::from_slice(got.body()).unwrap();
        assert_eq!(
            (got.status(), body["errorCode"].as_i64()),
            (Some(401), Some(code))
        );
    }
}

#[tokio::test]
async fn compressed_bodies_pass_as_they_are_and_nothing_else_gets_compressed() {
    let stage = Stage::start().await;
    let (_, session) = stage.logged_in(Way::Plain).await;
    let line = format!(
        "GET /icws/{}/configuration/users?select=extension",
        session.id
    );
    for (asked, coding) in [
        ("", None),
        ("\r\nAccept-Encoding: gzip, deflate, br", Some("gzip")),
        ("\r\nAccept-Encoding: deflate", Some("deflate")),
        ("\r\nAccept-Encoding: br", None),
    ] {
        let fields = format!("\r\n{}{asked}", proofs(&session));
        let got = same(&stage, &line, &fields, "").await;
        assert_eq!(
            header(&got, "content-encoding").first().map(String::as_str),
            coding
        );
        let seen = stage.recorder.all();
        let through = &seen[seen.len() - 2];
        assert_eq!(
            through.header("accept-encoding").unwrap_or_default(),
            asked.trim_start_matches("\r\nAccept-Encoding: ")
        );
    }
}

/// Reads all users page by page, and the total that the server says.
async fn all_users(client: &mut IcwsClient, status: u16) -> (Vec<String>, usize) {
    let mut seen: Vec<String> = Vec::new();
    loop {
        let range = format!("items={}-{}", seen.len(), seen.len() + 199);
        let more = [("Range", range.as_str())];
        let mut page = client
            .call_with("GET", "configuration/users", &more, Vec::new())
            .await
            .unwrap();
        assert_eq!(page.status, status);
        let items = page.json().await.unwrap()["items"].clone();
        let first = seen.len();
        seen.extend(
            items
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["configurationId"]["id"].as_str().unwrap().to_owned()),
        );
        let expected = format!("items {first}-{}/1234", seen.len() - 1);
        assert_eq!(page.header("content-range").unwrap(), expected);
        if seen.len() == 1234 || items.as_array().unwrap().is_empty() {
            return (seen, 1234);
        }
    }
}

#[tokio::test]
async fn lists_are_paged_in_items_both_ways() {
    let stage = Stage::start().await;
    for way in WAYS {
        let (mut client, _) = stage.logged_in(way).await;
        for status in [200, 206] {
            stage.icserver1().change(|b| b.paged_status = status);
            let (users, total) = all_users(&mut client, status).await;
            assert_eq!(users.len(), total);
            assert_eq!(
                (users[0].as_str(), users[1233].as_str()),
                ("user0000", "user1233")
            );
        }
        let past = [("Range", "items=5000-5199")];
        let past = client
            .call_with("GET", "configuration/users", &past, Vec::new())
            .await
            .unwrap();
        assert_eq!(
            (past.status, past.header("content-range").unwrap().as_str()),
            (416, "items */1234")
        );
    }
}

#[tokio::test]
async fn single_sign_on_leads_out_to_the_provider_and_back_through_the_public_url() {
    let stage = Stage::start().await;
    for way in [Way::Tls, Way::Http2] {
        let mut client = stage.client(way, HOST, "/us/{host}");
        let sso = format!("{BASE}/icws/connection/single-sign-on");
        let query = "singleSignOnCapabilities=saml2Post%2Csaml2Redirect&returnUri=https%3A%2F%2Fproxy.example.com%2Fclient%2F%23a";
        let url = format!("{sso}/identity-providers/1?{query}");
        let away = client.get(&url, &[("Accept", "text/html")]).await.unwrap();
        assert_eq!(away.status, 302);
        let location = away.header("location").unwrap();
        assert!(
            location.starts_with("https://idp.example.com/saml/login?SAMLRequest=PHNhbWw%2B&"),
            "{location}"
        );
        let consumer = "https%3A%2F%2Fproxy%2Eexample%2Ecom%2Fus%2Ficserver1%2Ficws%2Fconnection%2Fsingle%2Dsign%2Don%2Freturn";
        assert!(location.ends_with(consumer), "{location}");
        let relay = location.split("RelayState=").nth(1).unwrap();
        let relay = relay.split('&').next().unwrap();

        let form = format!("SAMLResponse={}&RelayState={relay}", "A".repeat(100_000));
        let headers = [
            ("Origin", "null"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let back = client
            .post(&format!("{sso}/return"), &headers, form.into_bytes())
            .await
            .unwrap();
        assert_eq!(back.status, 302);
        assert_eq!(
            back.header("location").unwrap(),
            "https://proxy.example.com/client/#a"
        );
        let seen = stage.recorder.last(|_| true).unwrap();
        assert_eq!(seen.header("origin").as_deref(), Some("null"));
        let cookie = client.jar().all()[0].clone();
        assert_eq!(
            (cookie.name.as_str(), cookie.path.as_str()),
            (
                "icws_sso_response",
                "/us/icserver1/icws/connection/single-sign-on"
            )
        );
        let mut token = client.get(&format!("{sso}/response"), &[]).await.unwrap();
        let token = token.json().await.unwrap()["singleSignOnToken"].clone();
        let body = json!({
            "__type": "urn:inin.com:connection:singleSignOnTokenConnectionRequestSettings",
            "applicationName": "app", "singleSignOnToken": token,
        });
        let login = client.login_with("icserver1", &body, "").await.unwrap();
        assert_eq!(login.body["userID"], "sso.user");
    }
}

#[tokio::test]
async fn chats_and_callbacks_without_a_session_pass() {
    let stage = Stage::start().await;
    let server = stage.icserver1();
    for way in WAYS {
        let mut client = stage.client(way, HOST, "/us/{host}");
        let base = format!("{}://{HOST}/us/icserver1/icws", way.scheme());
        let visitor =
            json!({"participantName": "V", "targetName": "Support", "targetType": "Workgroup"});
        let start = post(&mut client, &format!("{base}/web-chat/start"), &visitor).await;
        assert_eq!((start.0, server.active_chats()), (200, 1));
        let (pid, chat) = (
            start.1["participantId"].as_str().unwrap(),
            &start.1["chatId"],
        );
        for (path, body, status) in [
            (
                format!("send-message/{pid}"),
                json!({"message": "h\u{e9}llo"}),
                204,
            ),
            (
                "reconnect".to_owned(),
                json!({"chatId": chat, "participantId": pid}),
                204,
            ),
            (
                "reconnect".to_owned(),
                json!({"chatId": "x", "participantId": pid}),
                400,
            ),
        ] {
            let answer = post(&mut client, &format!("{base}/web-chat/{path}"), &body).await;
            assert_eq!(answer.0, status, "{path}");
        }
        let url = format!("{base}/web-chat/poll/{pid}");
        let events = client.get(&url, &[]).await.unwrap().json().await.unwrap();
        assert_eq!(events["events"][1]["value"], "h\u{e9}llo");
        let exit = post(
            &mut client,
            &format!("{base}/web-chat/exit/{pid}"),
            &json!({}),
        )
        .await;
        assert_eq!((exit.0, server.active_chats()), (204, 0));

        let create = post(
            &mut client,
            &format!("{base}/web-callback/create"),
            &json!({}),
        )
        .await;
        assert_eq!((create.0, server.active_callbacks()), (200, 1));
        let pid = create.1["participantID"].as_str().unwrap();
        let url = format!("{base}/web-callback/status/{pid}");
        assert_eq!(client.get(&url, &[]).await.unwrap().status, 202);
        let again = json!({"callbackID": create.1["callbackID"]});
        let again = post(
            &mut client,
            &format!("{base}/web-callback/reconnect"),
            &again,
        )
        .await;
        assert_eq!(again.0, 204);
        let url = format!("{base}/web-callback/disconnect/{pid}");
        let end = post(&mut client, &url, &json!({})).await;
        assert_eq!((end.0, server.active_callbacks()), (204, 0));
    }
}

async fn post(client: &mut IcwsClient, url: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string().into_bytes();
    let mut answer = client.post(url, &[], body).await.unwrap();
    let text = answer.text().await.unwrap();
    (
        answer.status,
        serde_json::from_str(&text).unwrap_or_default(),
    )
}
