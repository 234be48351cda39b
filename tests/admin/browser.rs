//! A browser at the listener: the page, the session and its cookie, and pages of other sites.

use loadtest::rude::client::Dial;

use super::stage::*;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

async fn set_cookie(dial: &Dial, body: &str) -> String {
    let got = ask(dial, "POST /sign-in", FORM, body).await;
    assert_eq!(got.status(), Some(303), "{}", got.text());
    assert_eq!(field(&got, "location").unwrap(), "/");
    field(&got, "set-cookie").unwrap()
}

#[tokio::test]
async fn a_browser_signs_in_is_let_in_by_its_cookie_and_signs_out() {
    let stage = Stage::with(WITH_TLS).await;
    let dial = stage.tls();
    let cookie = sign_in(&dial, TOKEN).await.unwrap();
    for line in ["GET /metrics", "GET /api/bans"] {
        assert_eq!(status(&dial, line, &cookie).await, 200, "{line}");
    }
    assert_ne!(status(&dial, "GET /", &cookie).await, 401);
    let got = ask(&dial, "POST /sign-out", &cookie, "").await;
    assert_eq!(got.status(), Some(303));
    assert_eq!(field(&got, "location").unwrap(), "/sign-in");
    assert!(
        field(&got, "set-cookie")
            .unwrap()
            .contains("=; Path=/; Max-Age=0")
    );
    assert_eq!(status(&dial, "GET /metrics", &cookie).await, 401);
    // Only by a form: a picture somewhere must not sign anybody out.
    assert_eq!(status(&dial, "GET /sign-out", &cookie).await, 405);
}

#[tokio::test]
async fn the_cookie_is_for_this_host_alone_and_no_script_reads_it() {
    let stage = Stage::with(WITH_TLS).await;
    let cookie = set_cookie(&stage.tls(), &format!("token={TOKEN}")).await;
    let (pair, flags) = cookie.split_once("; ").unwrap();
    let (name, id) = pair.split_once('=').unwrap();
    assert_eq!(name, "__Host-portcullis");
    assert_eq!(
        flags,
        "Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
    );
    assert_eq!(id.len(), 64);
    let other = set_cookie(&stage.tls(), &format!("token={TOKEN}")).await;
    assert_ne!(cookie, other);
    // Whoever can set a cookie by plain HTTP cannot give it that name.
    let plain = format!("Cookie: portcullis={id}\r\n");
    assert_eq!(status(&stage.tls(), "GET /metrics", &plain).await, 401);

    let stage = Stage::with(WITH_TOKEN).await;
    let cookie = set_cookie(&stage.plain(), &format!("token={TOKEN}")).await;
    assert!(cookie.starts_with("portcullis="), "{cookie}");
    assert!(cookie.ends_with("HttpOnly; SameSite=Strict"), "{cookie}");
}

#[tokio::test]
async fn a_new_sign_in_ends_the_session_before_it() {
    let stage = Stage::with(WITH_TOKEN).await;
    let dial = stage.plain();
    let first = sign_in(&dial, TOKEN).await.unwrap();
    let fields = format!("{FORM}{first}");
    let got = ask(&dial, "POST /sign-in", &fields, &format!("token={TOKEN}")).await;
    assert_eq!(got.status(), Some(303));
    assert_eq!(status(&dial, "GET /metrics", &first).await, 401);
}

#[tokio::test]
async fn a_form_that_is_wrong_broken_or_too_large_begins_no_session() {
    let stage = Stage::with(WITH_TOKEN).await;
    let large = format!("token={TOKEN}&filler={}", "x".repeat(64 * 1024));
    for (body, expected) in [
        (format!("token={OTHER_TOKEN}"), 401),
        ("token=".to_owned(), 401),
        (format!("tok={TOKEN}"), 400),
        (String::new(), 400),
        ("token=%ff%fe".to_owned(), 400),
        (large, 400),
    ] {
        let got = ask(&stage.plain(), "POST /sign-in", FORM, &body).await;
        assert_eq!(got.status(), Some(expected), "{}", got.text());
        assert_eq!(field(&got, "set-cookie"), None);
        assert!(got.text().contains("role=\"alert\""), "{}", got.text());
        assert!(!got.text().contains(OTHER_TOKEN));
    }
    // As it comes out of the clipboard, and as forms write what is not a letter.
    for body in [
        format!("user=x&token=+{TOKEN}%0D%0A"),
        format!("token=%63{}", TOKEN.trim_start_matches('c')),
    ] {
        set_cookie(&stage.plain(), &body).await;
    }
}

#[tokio::test]
async fn a_page_of_another_site_can_neither_sign_in_nor_out_nor_change_anything() {
    let stage = Stage::with(WITH_TLS).await;
    let cookie = sign_in(&stage.tls(), TOKEN).await.unwrap();
    let json = "Content-Type: application/json\r\n";
    let ban = r#"{"address": "192.0.2.7", "seconds": 600}"#;
    let form = format!("token={TOKEN}");
    for site in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        // The same name without TLS is another site.
        "Origin: http://localhost\r\n",
        "Origin: https://localhost:8443\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Origin: https://localhost\r\nSec-Fetch-Site: cross-site\r\n",
    ] {
        for (line, fields, body) in [
            ("POST /sign-in", FORM, form.as_str()),
            ("POST /sign-out", "", ""),
            ("POST /api/bans", json, ban),
            ("DELETE /metrics", "", ""),
        ] {
            let fields = format!("{site}{cookie}{fields}");
            let got = ask(&stage.tls(), line, &fields, body).await;
            assert_eq!(got.status(), Some(403), "{line} {site}");
            assert_eq!(field(&got, "set-cookie"), None);
        }
    }
    let ours = "Origin: https://localhost\r\nSec-Fetch-Site: same-origin\r\n";
    let fields = format!("{ours}{cookie}{json}");
    let got = ask(&stage.tls(), "POST /api/bans", &fields, ban).await;
    assert_eq!(got.status(), Some(200), "{}", got.text());
    let fields = format!("{ours}{cookie}");
    assert_eq!(status(&stage.tls(), "POST /sign-out", &fields).await, 303);
}

#[tokio::test]
async fn a_page_of_another_site_has_nothing_made_that_it_cannot_read_but_may_link_here() {
    let stage = Stage::with(PLAIN).await;
    for (mode, expected) in [
        (
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n",
            403,
        ),
        ("Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n", 403),
        (
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n",
            200,
        ),
        (
            "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n",
            200,
        ),
        ("Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n", 200),
    ] {
        for line in ["GET /api/users", "GET /metrics"] {
            assert_eq!(
                status(&stage.plain(), line, mode).await,
                expected,
                "{line} {mode}"
            );
        }
    }
}

#[tokio::test]
async fn the_page_loads_its_own_style_and_nothing_else() {
    let stage = Stage::with(WITH_TOKEN).await;
    let page = ask(&stage.plain(), "GET /sign-in", "", "").await;
    assert_eq!(page.status(), Some(200));
    let policy = field(&page, "content-security-policy").unwrap();
    assert_eq!(
        policy,
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let text = page.text();
    for mark in ["src=\"", "href=\"", "action=\""] {
        for to in text.split(mark).skip(1) {
            let to = to.split('"').next().unwrap();
            assert!(["/sign-in.css", "/sign-in", "data:,"].contains(&to), "{to}");
        }
    }
    for none in ["<script", "<style", " style=", " on", "http"] {
        let body = String::from_utf8_lossy(page.body()).into_owned();
        assert!(
            !body.contains(none) || none == " on" && !body.contains(" onc"),
            "{none}"
        );
    }
    let style = ask(&stage.plain(), "GET /sign-in.css", "", "").await;
    assert_eq!(
        field(&style, "content-type").unwrap(),
        "text/css; charset=utf-8"
    );
    assert!(!style.text().contains("url("));
    assert!(style.text().contains("prefers-color-scheme: dark"));
    for got in [page, style] {
        assert_eq!(field(&got, "x-frame-options").unwrap(), "DENY");
        assert_eq!(field(&got, "x-content-type-options").unwrap(), "nosniff");
        // With `no-referrer` the form would come from the origin `null`.
        assert_eq!(field(&got, "referrer-policy").unwrap(), "same-origin");
    }
}
