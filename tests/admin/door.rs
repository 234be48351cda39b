//! Who is let in, and what those hear who are not.

use loadtest::rude::client::Dial;

use super::stage::*;

const CLOSED: [&str; 12] = [
    "GET /metrics",
    "HEAD /metrics",
    "GET /",
    "GET /api/bans",
    "POST /api/bans",
    "POST /api/bans/lift",
    "GET /api/users",
    "GET /api/reload",
    "GET /nowhere",
    "GET //healthz",
    "GET /healthz/",
    "GET /%68ealthz",
];

#[tokio::test]
async fn without_the_token_nothing_but_health_is_answered() {
    let stage = Stage::with(WITH_TOKEN).await;
    for line in CLOSED {
        assert_eq!(status(&stage.plain(), line, "").await, 401, "{line}");
    }
    for line in ["GET /healthz", "GET /readyz", "HEAD /readyz"] {
        assert_eq!(status(&stage.plain(), line, "").await, 200, "{line}");
    }
}

#[tokio::test]
async fn with_the_token_everything_is_answered() {
    let stage = Stage::with(WITH_TOKEN).await;
    for fields in [
        bearer(TOKEN),
        format!("authorization: bearer {TOKEN}\r\n"),
        format!("Authorization: BEARER  {TOKEN} \r\n"),
    ] {
        let got = ask(&stage.plain(), "GET /metrics", &fields, "").await;
        assert_eq!(got.status(), Some(200), "{fields}");
        assert!(got.text().contains("portcullis_build_info"));
    }
    let json = "Content-Type: application/json\r\n";
    let fields = format!("{}{json}", bearer(TOKEN));
    let ban = r#"{"address": "192.0.2.7", "seconds": 600}"#;
    let got = ask(&stage.plain(), "POST /api/bans", &fields, ban).await;
    assert_eq!(got.status(), Some(200), "{}", got.text());
    assert_eq!(status(&stage.plain(), "GET /nowhere", &fields).await, 404);
}

#[tokio::test]
async fn what_only_looks_like_the_token_opens_nothing() {
    let stage = Stage::with(WITH_TOKEN).await;
    let short = TOKEN.trim_start_matches('c');
    for (line, fields) in [
        ("GET /metrics", "Authorization: Bearer\r\n".to_owned()),
        ("GET /metrics", "Authorization: Bearer \r\n".to_owned()),
        ("GET /metrics", bearer(short)),
        ("GET /metrics", bearer(&TOKEN.to_ascii_uppercase())),
        ("GET /metrics", bearer(&format!("{TOKEN}0"))),
        ("GET /metrics", bearer(&format!("{TOKEN}, {TOKEN}"))),
        ("GET /metrics", format!("Authorization: {TOKEN}\r\n")),
        ("GET /metrics", format!("Authorization: Basic {TOKEN}\r\n")),
        ("GET /metrics", format!("Cookie: portcullis={TOKEN}\r\n")),
        ("GET /metrics", format!("X-Token: {TOKEN}\r\n")),
    ] {
        let from = |last| stage.plain().from([127, 0, 2, last].into());
        let got = ask(&from(1), line, &fields, "").await;
        assert_eq!(got.status(), Some(401), "{fields}");
    }
    let line = format!("GET /metrics?access_token={TOKEN}&token={TOKEN}");
    assert_eq!(status(&stage.plain(), &line, "").await, 401);
}

#[tokio::test]
async fn a_call_is_refused_in_json_a_scraper_in_text_and_a_browser_by_the_sign_in_page() {
    let stage = Stage::with(WITH_TOKEN).await;
    let html = "Accept: text/html,application/xhtml+xml;q=0.9\r\n";
    let api = ask(&stage.plain(), "GET /api/bans", html, "").await;
    assert_eq!(field(&api, "content-type").unwrap(), "application/json");
    let error: serde_json::Value = serde_json::from_slice(api.body()).unwrap();
    assert!(error["error"].as_str().unwrap().contains("Bearer TOKEN"));
    let scrape = ask(&stage.plain(), "GET /metrics", html, "").await;
    assert!(
        field(&scrape, "content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    for line in ["GET /", "GET /dashboard/x"] {
        let page = ask(&stage.plain(), line, html, "").await;
        assert_eq!(
            field(&page, "content-type").unwrap(),
            "text/html; charset=utf-8"
        );
        assert!(
            page.text()
                .contains("<form method=\"post\" action=\"/sign-in\">")
        );
        assert_eq!(page.status(), Some(401));
    }
    let program = ask(&stage.plain(), "GET /", "Accept: */*\r\n", "").await;
    assert!(
        field(&program, "content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    for got in [api, scrape, program] {
        assert_eq!(got.status(), Some(401));
        let scheme = field(&got, "www-authenticate").unwrap();
        assert!(scheme.starts_with("Bearer"), "{scheme}");
        assert_eq!(field(&got, "cache-control").unwrap(), "no-store");
    }
}

#[tokio::test]
async fn everything_but_metrics_is_plain_text_or_below_api_json_whatever_goes_wrong() {
    let stage = Stage::with(PLAIN).await;
    let stranger = "Host: evil.example\r\n";
    let elsewhere = "Sec-Fetch-Site: cross-site\r\n";
    let text = "text/plain; charset=utf-8";
    let json = "application/json";
    for (line, fields, expected, media, allowed) in [
        ("GET /healthz", "", 200, text, None),
        ("GET /readyz", "", 200, text, None),
        ("GET /nowhere", "", 404, text, None),
        ("GET /apis", "", 404, text, None),
        ("GET /dashboard/nowhere", "", 404, text, None),
        ("GET /healthz", stranger, 421, text, None),
        ("POST /sign-out", elsewhere, 403, text, None),
        (
            "GET /metrics",
            "",
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            None,
        ),
        ("GET /api/nope", "", 404, json, None),
        ("GET /api/", "", 404, json, None),
        ("POST /api/bans/nope", "", 404, json, None),
        ("POST /api/bans", elsewhere, 403, json, None),
        ("DELETE /api/bans", "", 405, json, Some("GET,HEAD,POST")),
        ("GET /api/bans/lift", "", 405, json, Some("POST")),
        ("POST /api/live", "", 405, json, Some("GET,HEAD")),
    ] {
        let got = ask(&stage.plain(), line, fields, "").await;
        assert_eq!(got.status(), Some(expected), "{line}");
        assert_eq!(field(&got, "content-type").unwrap(), media, "{line}");
        assert_eq!(field(&got, "allow").as_deref(), allowed, "{line}");
        if media == json {
            let told: serde_json::Value = serde_json::from_slice(got.body()).unwrap();
            assert!(told["error"].is_string(), "{line}: {told}");
        }
    }
}

#[tokio::test]
async fn an_address_with_too_many_wrong_tokens_waits_and_others_do_not() {
    let stage = Stage::with(WITH_TOKEN).await;
    let guesser = stage.plain().from([127, 0, 2, 7].into());
    let cookie = sign_in(&guesser, TOKEN).await.unwrap();
    let metrics = async |dial: &Dial, fields: &str| ask(dial, "GET /metrics", fields, "").await;
    for number in 0..10 {
        let guess = bearer(&format!("guess-number-{number:08}"));
        assert_eq!(metrics(&guesser, &guess).await.status(), Some(401));
    }
    // Even the right one is not looked at, or the waiting would keep nobody from guessing on.
    let got = metrics(&guesser, &bearer(TOKEN)).await;
    assert_eq!(got.status(), Some(429), "{}", got.text());
    let wait: u64 = field(&got, "retry-after").unwrap().parse().unwrap();
    assert!((1..=7).contains(&wait), "{wait}");
    assert_eq!(
        sign_in(&guesser, TOKEN).await.unwrap_err().status(),
        Some(429)
    );
    assert_eq!(metrics(&guesser, &cookie).await.status(), Some(200));
    assert_eq!(metrics(&guesser, "").await.status(), Some(401));
    let got = metrics(&stage.plain(), &bearer(TOKEN)).await;
    let text = got.text();
    for (reason, times) in [("wrong_token", 10), ("attempts", 2), ("stranger", 1)] {
        let line = format!("portcullis_admin_refusals_total{{reason=\"{reason}\"}} {times}\n");
        assert!(text.contains(&line), "{line} is not in {text}");
    }
}

#[tokio::test]
async fn only_the_address_that_was_called_and_listed_names_are_answered() {
    let stage = Stage::with(WITH_TLS).await;
    let mut counted = 0;
    for (host, expected) in [
        ("localhost", 200),
        ("LOCALHOST:9145", 200),
        ("127.0.0.1", 200),
        ("127.0.0.1:1", 200),
        (NAME, 200),
        ("Portcullis.Example.Com:443", 200),
        ("evil.example", 421),
        ("portcullis.example.com.evil.example", 421),
        ("x.portcullis.example.com", 421),
        ("proxy.example.com", 421),
        ("portcullis.example.com.", 421),
        ("192.0.2.1", 421),
        ("portcullis.example.com@evil.example", 421),
    ] {
        let fields = format!("Host: {host}\r\n{}", bearer(TOKEN));
        for line in ["GET /metrics", "GET /healthz", "GET /sign-in"] {
            let got = status(&stage.tls(), line, &fields).await;
            assert_eq!(got, expected, "{host}: {line}");
            counted += usize::from(got == 421);
        }
    }
    let got = ask(&stage.tls(), "GET /metrics", &bearer(TOKEN), "").await;
    let line = format!("portcullis_admin_refusals_total{{reason=\"host\"}} {counted}\n");
    assert!(got.text().contains(&line), "{line}");
}

#[tokio::test]
async fn on_loopback_without_a_token_everything_is_open_and_there_is_nothing_to_sign_in_to() {
    let stage = Stage::with(PLAIN).await;
    assert_eq!(status(&stage.plain(), "GET /metrics", "").await, 200);
    assert_eq!(status(&stage.plain(), "GET /api/bans", "").await, 200);
    assert_eq!(status(&stage.plain(), "GET /sign-in", "").await, 404);
    let out = ask(&stage.plain(), "POST /sign-out", "", "").await;
    assert_eq!(out.status(), Some(303));
    assert_eq!(field(&out, "location").unwrap(), "/");
    assert_eq!(
        sign_in(&stage.plain(), TOKEN).await.unwrap_err().status(),
        Some(404)
    );
    // A token that nobody asked for is nobody's business.
    assert_eq!(
        status(&stage.plain(), "GET /metrics", &bearer("any")).await,
        200
    );
}

#[tokio::test]
async fn a_mistake_in_the_listener_is_told_with_all_others_and_nothing_starts() {
    let stage = Stage::with(WITH_TOKEN).await;
    stage.write("token", "short\n");
    stage.write("admin.key", &stage.read("next.key"));
    let wrong = file(&WITH_ALL.replace("operators.pem", "none.pem"));
    let report = stage.edge.reload(&wrong).await.unwrap_err().to_string();
    for mistake in [
        "the token is shorter than 16 characters",
        "the key in admin.key does not belong",
        "cannot read none.pem",
    ] {
        assert!(report.contains(mistake), "{mistake} is not in {report}");
    }
    assert!(!report.contains("short\n"), "{report}");
    assert_eq!(
        status(&stage.plain(), "GET /metrics", &bearer(TOKEN)).await,
        200
    );
}
