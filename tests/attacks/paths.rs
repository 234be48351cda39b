//! Path safety, header injection and leaks, end to end: the recorder shows what a server got.

use std::time::Duration;

use loadtest::rude::client::Dial;
use loadtest::wire::Reply;

use super::support::{SOON, header, logged, no_panics, ok, stage, stage_with};

/// Targets and, where one may pass, what the server may see at most: the beginning of the path.
const TRICKS: &[(&str, Option<&str>)] = &[
    ("/narrow/open/x", Some("/open/x")),
    ("/narrow/admin", None),
    ("/narrow/OPEN/x", None),
    ("/narrow/open", None),
    ("/narrow/one.css", Some("/one.css")),
    ("/narrow/one.css/", None),
    ("/narrow/one.css/x", None),
    ("/narrow/one.css;x", None),
    ("/narrow/one.css%00", None),
    ("/narrow/one.css%2f..%2fadmin", None),
    ("/narrow/one.css%3fx", None),
    ("/narrow/open/../admin", None),
    ("/narrow/open/..;/admin", None),
    ("/narrow/open/..;a=b/admin", None),
    ("/narrow/open/%2e%2e/admin", None),
    ("/narrow/open/.%2e/admin", None),
    ("/narrow/open/%252e%252e/admin", None),
    ("/narrow/open/%2e%2e%2fadmin", None),
    ("/narrow/open/%c0%ae%c0%ae/admin", None),
    ("/narrow/open/%e0%80%ae%e0%80%ae/admin", None),
    ("/narrow/open/..%5cadmin", None),
    ("/narrow/open/..\\admin", None),
    ("/narrow/open/%5c..%5cadmin", None),
    ("/narrow/open/..%252fadmin", None),
    ("/narrow/open/%u002e%u002e/admin", None),
    ("/narrow/open/..%09/admin", None),
    ("/narrow/open/..%20/admin", None),
    ("/narrow/open/..%0d%0aX:y/admin", None),
    ("/narrow/open/%", None),
    ("/narrow/open/%1", None),
    ("/narrow/open/%zz/../../admin", None),
    ("/narrow//open/x", None),
    ("/narrow/./open/x", None),
    ("/narrow/%6fpen/x", None),
    ("/narrow/open%2fx", None),
    ("/narrow/open/%2f%2fevil.example/", Some("/open/")),
    ("//narrow/open/x", None),
    ("/narrow;x/open/x", None),
    ("/narrow/;x/open/x", None),
    ("/narrow/open;x/y", None),
    ("/x/../narrow/admin", None),
    ("/gadgets/../narrow/admin", None),
    ("/us/icserver1/icws/../admin", None),
    ("/us/icserver1/icws/1/..;/..;/admin", None),
    ("/us/icserver1/admin", None),
    ("/us/icserver1/x/icws/1", Some("/icws/1")),
    ("/us/icserver1/icws%2f1", None),
    ("/us/icserver1/admin%2ficws/1", None),
    ("/us/icserver1/admin;/icws/1", None),
    ("/us/icserver1/%69cws/1", None),
    ("/us/icserver1/..%2ficserver2/icws/1", None),
    ("/I3Root/Server1/websvcs/../admin", None),
    ("/I3Root/Server1/websvcs;x/../../admin", None),
    ("/I3Root/Server1/admin", None),
    ("/I3Root/Server1%2fadmin", None),
    ("/I3Root/WebServices/Server1/..%2fadmin", None),
    // {server} and the prefix that may be anything
    ("/apps/client/api/ICSERVER1/icws/1", Some("/icws/1")),
    ("/apps/client/api/icserver3/icws/1", None),
    ("/apps/client/api/icserver1%00/icws/1", None),
    ("/apps/client/api/icserver1./icws/1", None),
    ("/apps/client/api/icserver1%20/icws/1", None),
    ("/apps/client/api/icserver%31/icws/1", None),
    ("/apps/client/api/ics%c4%b1erver1/icws/1", None),
    ("/apps/client/api//icws/1", None),
    ("/apps/client/api/../icws/1", None),
    ("/apps/client/api/icserver1;icserver2/icws/1", None),
    ("/anything/api/icserver1/icws/1", Some("/icws/1")),
    (
        "/anything/api/icserver1/api/icserver2/icws/1",
        Some("/icws/1"),
    ),
    ("/anything/api/icserver1/admin", None),
    ("//evil.example/api/icserver1/icws/1", None),
    ("/\\evil.example/api/icserver1/icws/1", None),
    ("/%2fevil.example/api/icserver1/icws/1", None),
    ("/%5cevil.example/api/icserver1/icws/1", None),
    ("/a;Domain=evil.example/api/icserver1/icws/1", None),
    ("/a%3bDomain=evil.example/api/icserver1/icws/1", None),
    ("/a%0d%0aSet-Cookie:x/api/icserver1/icws/1", None),
    ("/a%2f..%2f/api/icserver1/icws/1", None),
    ("/a/../b/api/icserver1/icws/1", None),
];

fn is_plain_path(value: &str) -> bool {
    value.starts_with('/')
        && !value.starts_with("//")
        && !value.contains(|c: char| c.is_control() || matches!(c, '\\' | ';' | '#' | ' '))
}

#[tokio::test]
async fn no_path_reaches_what_is_not_exposed() {
    let stage = stage(|_| {
        Reply::new(302)
            .header("Location", "/icws/2")
            .header("Set-Cookie", "icws_1=a; Path=/icws/1; HttpOnly")
            .body("")
    })
    .await;
    let mut wrong = Vec::new();
    for (target, may) in TRICKS {
        stage.server.recorder().clear();
        let got = stage.get(target, "").await;
        let seen = stage.seen();
        match (seen.as_slice(), may) {
            ([], None) if got.status().is_some_and(|s| s == 400 || s == 404) => {}
            ([one], Some(may)) if one.target().starts_with(may) => {}
            (seen, _) => wrong.push((
                *target,
                got.status(),
                seen.iter()
                    .map(|r| r.target().to_owned())
                    .collect::<Vec<_>>(),
            )),
        }
        assert!(!got.text().contains("Pingora"), "{target}: {}", got.text());
        for location in header(&got, "location") {
            assert!(is_plain_path(&location), "{target} gave {location}");
        }
        for cookie in header(&got, "set-cookie") {
            let path = cookie
                .split("Path=")
                .nth(1)
                .unwrap()
                .split("; ")
                .next()
                .unwrap()
                .to_owned();
            assert!(
                is_plain_path(&path) && cookie.ends_with("; HttpOnly"),
                "{target} gave {cookie}"
            );
            assert!(!cookie.contains("Domain"), "{target} gave {cookie}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    no_panics();
}

#[tokio::test]
async fn a_query_of_odd_bytes_arrives_as_it_is_or_not_at_all() {
    let stage = stage(ok).await;
    for query in [
        "a=../../x",
        "a=%00",
        "a=%0d%0aX:y",
        "a=<script>",
        "a=\"b\"",
        "a={b}",
        "a='",
        "a=`b`",
        "a=|",
        "a=\\",
        "a=^",
        "a=[]",
        "?",
        "??a=b??",
        "a=//evil/",
        "a=;b",
        "&&&",
        "=",
        "a=%",
        "a=%zz",
        "a#b",
        "a=http://x/?y",
    ] {
        stage.server.recorder().clear();
        let got = stage.get(&format!("/gadgets/x?{query}"), "").await;
        assert!(!got.text().contains("Pingora"), "{query}: {}", got.text());
        match stage.seen().as_slice() {
            [] => assert_eq!(got.status(), Some(400), "{query}"),
            [one] => assert_eq!(one.target(), format!("/base/x?{query}")),
            _ => panic!("{query} twice"),
        }
    }
    for length in [8_000, 31_000, 40_000, 70_000] {
        let got = stage
            .get(&format!("/gadgets/x?{}", "a".repeat(length)), "")
            .await;
        let want = if length < 32_000 { 200 } else { 431 };
        assert_eq!(got.status(), Some(want), "{length}");
    }
    no_panics();
}

#[tokio::test]
async fn the_redirect_listener_sends_nobody_elsewhere() {
    let more = "\
admin: { listen: 127.0.0.1:0 }
listeners:
  - { listen: 127.0.0.1:0, tls: {} }
  - { listen: 127.0.0.1:0 }
  - { listen: 127.0.0.1:0, redirect: https }
tls: { certificates: [ { cert: edge.pem, key: edge.key } ] }";
    let stage = stage_with(more, ok).await;
    for (host, target) in [
        ("proxy.example.com", "/a?b"),
        ("proxy.example.com", "//evil.example/"),
        ("proxy.example.com", "/%0d%0aSet-Cookie:a"),
        ("proxy.example.com", "/\\evil.example"),
        ("PROXY.example.com.", "/"),
        ("proxy.example.com:80", "/"),
        ("evil.example", "/"),
        ("proxy.example.com.evil.example", "/"),
        ("proxy.example.com@evil.example", "/"),
        ("proxy.example.com%0d%0a", "/"),
        ("proxy.example.com/evil", "/"),
        ("proxy.example.com\tevil", "/"),
        ("[::1]", "/"),
        ("127.0.0.1", "/"),
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let got = Dial::plain(stage.edge.listener(2))
            .send(bytes, SOON)
            .await
            .unwrap();
        match header(&got, "location").as_slice() {
            [] => assert!(
                got.status().is_some_and(|s| s >= 400),
                "{host} {target}: {}",
                got.text()
            ),
            [location] => {
                let rest = location.strip_prefix("https://").unwrap();
                let (name, path) = rest.split_once('/').unwrap();
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                assert_eq!(name, "proxy.example.com", "{host}");
                assert_eq!(format!("/{path}"), target);
            }
            more => panic!("{more:?}"),
        }
        assert!(header(&got, "set-cookie").is_empty());
        assert!(!got.text().contains("<script"), "{}", got.text());
    }
    assert!(stage.seen().is_empty());
}

#[tokio::test]
async fn no_page_of_ours_repeats_what_the_client_sent() {
    let stage = stage(ok).await;
    stage.server.refuse_connections(true).await;
    for target in [
        "/gadgets/<script>alert(1)</script>",
        "/gadgets/x?<script>",
        "/nowhere/markedbyme",
        "/I3Root/markedbyme",
        "/us/icserver1/icws/markedbyme",
        "/I3Root/Server1/websvcs/markedbyme",
    ] {
        let got = stage
            .get(
                target,
                "Accept: text/html\r\nX-Marked: markedbyme\r\nCookie: markedbyme=1\r\n",
            )
            .await;
        assert!(got.status().is_some_and(|s| s >= 400), "{target}");
        for bad in ["<script", "markedbyme", "127.0.0.1", "Pingora", "pingora"] {
            assert!(!got.text().contains(bad), "{target}: {}", got.text());
        }
    }
}

#[tokio::test]
async fn no_secret_and_no_line_end_reaches_the_log() {
    let stage = stage(|record| match record.target() {
        target if target.contains("broken") => Reply::new(200)
            .header("Set-Cookie", "sid=logsecret5")
            .header("X", b"a\0b")
            .body("x"),
        _ => Reply::new(200).body("ok"),
    })
    .await;
    let secrets = "Authorization: Basic logsecret1\r\nCookie: a=logsecret2\r\nININ-ICWS-CSRF-Token: logsecret3\r\n";
    for target in [
        "/gadgets/x",
        "/gadgets/broken",
        "/nowhere",
        "/gadgets/%zz/..",
        "/us/icserver1/icws/broken",
        "/gadgets/\"x",
        "/gadgets/<x>",
    ] {
        stage
            .get(&format!("{target}?token=logsecret4"), secrets)
            .await;
        let bytes = format!(
            "POST {target}?token=logsecret4 HTTP/1.1\r\nHost: proxy.example.com\r\n{secrets}Transfer-Encoding: chunked\r\n\r\nlogsecret6\r\n"
        );
        stage.send(bytes, Duration::from_secs(2)).await;
    }
    // A kept connection that the server drops at the next request is replaced, which is worth a line of Pingora's own.
    let closing = loadtest::rude::closes_on_next_request(false).await.unwrap();
    let edge = super::support::edge(&closing.address().to_string(), "").await;
    for _ in 0..4 {
        let bytes = format!(
            "GET /gadgets/x?token=logsecret4 HTTP/1.1\r\nHost: proxy.example.com\r\n{secrets}Connection: close\r\n\r\n"
        );
        Dial::plain(edge.plain()).send(bytes, SOON).await.unwrap();
    }
    stage.server.refuse_connections(true).await;
    stage.get("/gadgets/x?token=logsecret4", secrets).await;
    assert!(
        !logged("upstream_connect").is_empty(),
        "the log is not looked at"
    );
    assert_eq!(logged("logsecret"), [""; 0]);
    assert!(logged("\n").is_empty() && logged("\r").is_empty() && logged("\x1b").is_empty());
}

#[tokio::test]
async fn what_a_client_controls_stays_inside_its_header() {
    let stage = stage(ok).await;
    let got = stage.get("/us/icserver1/icws/1?a=%0d%0aX-Evil:1&b='", "X-Forwarded-Host: evil.example\r\nX-HTTP-Method-Override: DELETE\r\nX-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\n").await;
    assert_eq!(got.status(), Some(200), "{}", got.text());
    let seen = stage.seen().pop().unwrap();
    let url = seen.header("inin-icws-original-url").unwrap();
    assert!(
        url.starts_with("http://proxy.example.com/us/icserver1/icws/1?a=%0d%0aX-Evil:1"),
        "{url}"
    );
    for name in ["x-evil", "x-original-url", "x-rewrite-url"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(
        seen.header("x-forwarded-host").as_deref(),
        Some("proxy.example.com")
    );
}

#[tokio::test]
async fn files_are_those_of_the_folder_and_no_others() {
    let stage = stage(ok).await;
    let web = stage.edge.folder().join("web");
    std::os::unix::fs::symlink(stage.edge.folder().join("secret.txt"), web.join("link.txt"))
        .unwrap();
    std::os::unix::fs::symlink(stage.edge.folder(), web.join("up")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", web.join("zero")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        web.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    for target in [
        "link.txt",
        "up/secret.txt",
        "zero",
        "pipe",
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "client/../../secret.txt",
        "client/..;/..;/secret.txt",
        "client\\..\\..\\secret.txt",
        "client%5c..%5c..%5csecret.txt",
        "%252e%252e/secret.txt",
        "client/index.html%00.txt",
        "client/index.html/",
        "client/index.html/x",
        ".%00./secret.txt",
        "%c0%ae%c0%ae/secret.txt",
        "client//index.html",
        "/etc/passwd",
        "//etc/passwd",
        "web/../../secret.txt",
        ".git/config",
        "client/.htaccess",
        "edge.key",
    ] {
        let got = stage.get(&format!("/I3Root/{target}"), "").await;
        assert!(
            got.status().is_some_and(|s| s == 400 || s == 404),
            "{target}: {}",
            got.text()
        );
        assert!(
            !got.text().contains("out of reach") && !got.text().contains("PRIVATE"),
            "{target}"
        );
    }
    let ranges = (0..2000)
        .map(|at| format!("{at}-{at}"))
        .collect::<Vec<_>>()
        .join(",");
    for range in [
        ranges.as_str(),
        "0-,0-,0-,0-",
        "-18446744073709551615",
        "18446744073709551615-",
        "9-1",
        "0-0",
        "items=0-1",
        "-0",
    ] {
        let got = stage
            .get(
                "/I3Root/client/index.html",
                &format!("Range: bytes={range}\r\n"),
            )
            .await;
        assert!(
            matches!(got.status(), Some(200 | 206 | 416)),
            "{range}: {:?}",
            got.status()
        );
        assert!(
            got.body().len() <= 100,
            "{range}: {} bytes",
            got.body().len()
        );
    }
    no_panics();
}
