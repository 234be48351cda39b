//! Methods, headers, directories.

use super::*;

#[tokio::test]
async fn only_get_and_head_are_answered() {
    let web = Web::new();
    web.put("a.txt", "content");
    for method in [
        "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "PROPFIND",
    ] {
        let (answer, _) = web.ask(method.parse().unwrap(), "a.txt", &[]).await;
        assert_eq!(
            (answer.status, header(&answer, ALLOW)),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"),
            "{method}"
        );
        assert_eq!(answer.refusal, Some(Refusal::Method));
    }
    let (get, content) = web.get("a.txt", &[]).await;
    let (head, nothing) = web
        .ask(Method::HEAD, "a.txt", &[(RANGE, "bytes=0-1")])
        .await;
    assert_eq!(
        (content.as_slice(), nothing.as_slice()),
        (&b"content"[..], &b""[..])
    );
    assert_eq!(
        (get.status, &get.headers),
        (head.status, &head.headers),
        "RFC 9110 section 9.3.2; 14.2: no range for HEAD"
    );
}

#[tokio::test]
async fn a_file_comes_with_everything_that_describes_it() {
    let web = Web::new();
    web.put("client/app page.js", "let x;");
    let (answer, content) = web.get("client/app%20page.js?v=3", &[]).await;
    assert_eq!(
        (answer.status, content.as_slice()),
        (StatusCode::OK, &b"let x;"[..])
    );
    for (name, value) in [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CONTENT_LENGTH, "6"),
        (LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (ACCEPT_RANGES, "bytes"),
        (CACHE_CONTROL, "no-cache"),
        (VARY, "accept-encoding"),
        (CONTENT_ENCODING, ""),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ] {
        assert_eq!(header(&answer, name.clone()), value, "{name}");
    }
    let tag = header(&answer, ETAG);
    assert!(
        tag.starts_with('"') && tag.ends_with('"') && tag.len() > 4,
        "{tag}"
    );
}

#[tokio::test]
async fn a_directory_is_its_index_or_nothing() {
    let web = Web::new();
    web.put("index.html", "root")
        .put("app/index.htm", "app")
        .put("both/index.html", "first")
        .put("both/index.htm", "second")
        .put("bare/x.txt", "x");
    for (path, status, expected) in [
        ("", 200, "root"),
        ("?q=1", 200, "root"),
        ("app/", 200, "app"),
        ("both/?x", 200, "first"),
        ("bare/", 404, ""),
        ("bare/x.txt/", 404, ""),
        ("missing/", 404, ""),
        ("missing", 404, ""),
        ("index.html/x", 404, ""),
    ] {
        let (answer, content) = web.get(path, &[]).await;
        assert_eq!(
            (answer.status.as_u16(), content.as_slice()),
            (status, expected.as_bytes()),
            "{path}"
        );
    }
    let (answer, _) = web.get("", &[]).await;
    assert_eq!(
        (
            header(&answer, CACHE_CONTROL),
            header(&answer, CONTENT_TYPE)
        ),
        ("max-age=900", "text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn a_directory_without_its_slash_is_redirected_to_itself_and_nowhere_else() {
    let web = Web::new();
    for directory in [
        "app",
        "a/evil.example",
        "javascript",
        "a b",
        "ä",
        "@evil.example",
        "http",
        "a?b",
    ] {
        fs::create_dir_all(web.root().join(directory)).unwrap();
    }
    for (path, location) in [
        ("app", "./app/"),
        ("app?x=//evil.example", "./app/?x=//evil.example"),
        ("a/evil.example", "./evil.example/"),
        ("javascript", "./javascript/"),
        ("a%20b", "./a%20b/"),
        ("%c3%a4", "./%C3%A4/"),
        ("@evil.example", "./%40evil.example/"),
        ("a%3fb", "./a%3Fb/"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let (answer, content) = web.ask(method, path, &[]).await;
            assert_eq!(
                (answer.status, header(&answer, LOCATION)),
                (StatusCode::PERMANENT_REDIRECT, location),
                "{path}"
            );
            assert_eq!(
                (content.len(), header(&answer, CACHE_CONTROL)),
                (0, "no-cache")
            );
        }
    }
}
