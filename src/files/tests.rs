//! The site as a whole, on real directories.

use super::*;
use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, LOCATION, RANGE, VARY,
};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const SECRET: &str = "the secret that lies outside";
const HIDDEN: &str = "the secret that lies hidden inside";

/// 06 Nov 1994 08:49:37 GMT.
const AT: u64 = 784_111_777;

struct Web {
    dir: TempDir,
    site: Site,
}

impl Web {
    fn with(rules: SiteRules) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("root")).unwrap();
        let site = Site::open(dir.path().join("root"), rules).unwrap();
        Web { dir, site }
    }

    fn new() -> Self {
        Web::with(SiteRules::default())
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("root")
    }

    /// Writes a file beneath the root, last changed at [`AT`].
    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        set_time(&path, AT);
        self
    }

    async fn get(&self, path: &str, headers: &[(HeaderName, &str)]) -> (Answer, Vec<u8>) {
        self.ask(Method::GET, path, headers).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
    ) -> (Answer, Vec<u8>) {
        let headers = headers
            .iter()
            .map(|(n, v)| (n.clone(), HeaderValue::from_str(v).unwrap()))
            .collect();
        let mut answer = self.site.answer(&method, path, &headers).await;
        let mut content = Vec::new();
        while let Some(chunk) = answer.body.next_chunk().await.unwrap() {
            assert!(chunk.len() <= 64 * 1024 && !chunk.is_empty());
            content.extend_from_slice(&chunk);
        }
        (answer, content)
    }
}

fn set_time(path: &Path, seconds: u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .unwrap();
}

fn header(answer: &Answer, name: HeaderName) -> &str {
    answer
        .headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn no_path_reaches_what_is_outside_or_hidden() {
    let web = Web::new();
    let outside = web.dir.path();
    fs::write(outside.join("secret.txt"), SECRET).unwrap();
    fs::create_dir(outside.join("private")).unwrap();
    fs::write(outside.join("private/secret.txt"), SECRET).unwrap();
    fs::create_dir(outside.join("root-old")).unwrap();
    fs::write(outside.join("root-old/secret.txt"), SECRET).unwrap();
    for hidden in [
        ".htaccess",
        ".git/config",
        "web.config",
        "a/web.config",
        "a.bak",
        "a~",
        "a/.env",
        "page.aspx",
        "a/x.key",
        "#a#",
    ] {
        web.put(hidden, HIDDEN);
    }
    web.put("a/plain.txt", "plain")
        .put("index.html", "start")
        .put("a/b/c.txt", "c");
    let link = |to: &Path, name: &str| symlink(to, web.root().join(name)).unwrap();
    link(&outside.join("secret.txt"), "absolute.txt");
    link(Path::new("../secret.txt"), "relative.txt");
    link(&outside.join("private"), "dir");
    link(Path::new("../private"), "a/up");
    link(Path::new("../../private"), "a/upup");
    link(Path::new("../root/../secret.txt"), "around.txt");
    link(Path::new("relative.txt"), "twice.txt");
    link(Path::new("/proc/self/root"), "proc");
    link(Path::new("/proc/self/cwd"), "cwd");
    link(Path::new("loop"), "loop");
    link(&outside.join("secret.txt"), "a/plain.txt.gz");
    link(&outside.join("secret.txt"), "a/plain.txt.br");
    fs::create_dir(web.root().join("indexed")).unwrap();
    link(&outside.join("secret.txt"), "indexed/index.html");
    let absolute_secret = outside.join("secret.txt").to_str().unwrap().to_owned();
    let encoded_secret = absolute_secret.replace('/', "%2f");
    let through_proc = format!("proc{absolute_secret}");
    let file_url = format!("file://{absolute_secret}");
    let back = format!(
        "{}{}",
        "../".repeat(20),
        absolute_secret.trim_start_matches('/')
    );
    let long = format!("{}secret.txt", "a/../".repeat(2000));

    let attempts = [
        // dot segments, plain and encoded once, twice, half, over-long
        "../secret.txt",
        "..",
        "../",
        "./../secret.txt",
        "a/../../secret.txt",
        "a/b/../../../secret.txt",
        "../root/../secret.txt",
        "%2e%2e/secret.txt",
        "%2E%2E/secret.txt",
        ".%2e/secret.txt",
        "%2e./secret.txt",
        "a/%2e%2e/%2e%2e/secret.txt",
        "%252e%252e/secret.txt",
        "%25%32%65%25%32%65/secret.txt",
        "%%32%65%%32%65/secret.txt",
        "..%252fsecret.txt",
        "%c0%ae%c0%ae/secret.txt",
        "%c0%ae%c0%ae%c0%afsecret.txt",
        "%e0%80%ae%e0%80%ae/secret.txt",
        "%uff0e%uff0e/secret.txt",
        "%u002e%u002e/secret.txt",
        "\u{ff0e}\u{ff0e}/secret.txt",
        "\u{2025}/secret.txt",
        ".../secret.txt",
        "..../secret.txt",
        "..../",
        "./secret.txt",
        // slashes of other kinds
        "..%2fsecret.txt",
        "..%2Fsecret.txt",
        "%2e%2e%2fsecret.txt",
        "a%2f..%2f..%2fsecret.txt",
        "..\\secret.txt",
        "..%5csecret.txt",
        "..%5Csecret.txt",
        "a\\..\\..\\secret.txt",
        "%5c..%5c..%5csecret.txt",
        "..%c0%afsecret.txt",
        "..%c1%9csecret.txt",
        "..%e2%88%95secret.txt",
        "..\u{2215}secret.txt",
        "..//secret.txt",
        "..///secret.txt",
        "a//../../secret.txt",
        "/../secret.txt",
        "//../secret.txt",
        "/%2e%2e/secret.txt",
        // absolute names
        &absolute_secret,
        &encoded_secret,
        &file_url,
        &back,
        "/secret.txt",
        "//secret.txt",
        "%2fsecret.txt",
        // ends that cut a name
        "../secret.txt%00",
        "../secret.txt%00.html",
        "a/plain.txt%00/../../../secret.txt",
        "%00../secret.txt",
        "../secret.txt%0a",
        "..%00/secret.txt",
        "..;/secret.txt",
        "..;x=y/secret.txt",
        "a;/../../secret.txt",
        "../secret.txt;.html",
        "../secret.txt?x",
        "?/../secret.txt",
        "..?/secret.txt",
        "../secret.txt#x",
        "..%23/secret.txt",
        "%",
        "%2",
        "%zz",
        "%2e%2",
        "..%",
        "a%2",
        "%ff",
        "%80secret.txt",
        "a/%c3/../../secret.txt",
        // home directories, variables, drives, streams, patterns: shells and other systems
        "~/secret.txt",
        "~root/secret.txt",
        "$HOME/secret.txt",
        "c:/secret.txt",
        "c:secret.txt",
        "\\\\?\\c:\\secret.txt",
        "a/plain.txt/../../../secret.txt",
        "*.txt",
        "{..,a}/secret.txt",
        "../root-old/secret.txt",
        "-old/secret.txt",
        // links
        "absolute.txt",
        "relative.txt",
        "dir/secret.txt",
        "dir/",
        "dir",
        "a/up/secret.txt",
        "a/upup/secret.txt",
        "around.txt",
        "twice.txt",
        "dir/../secret.txt",
        "dir/%2e%2e/secret.txt",
        "cwd/Cargo.toml",
        "proc/etc/passwd",
        &through_proc,
        "loop",
        "loop/x",
        "indexed/",
        "indexed/index.html",
        "a/plain.txt.gz",
        "a/plain.txt.br",
        // what is not for a client
        ".htaccess",
        "%2ehtaccess",
        ".git/config",
        ".GIT/config",
        ".git/",
        ".git",
        "a/../.git/config",
        "web.config",
        "WEB.CONFIG",
        "web%2econfig",
        "a/web.config",
        "web.config/",
        "web.config.",
        "web.config%20",
        "web.config::$DATA",
        "web.config%3a%3a$DATA",
        "a.bak",
        "a~",
        "a%7e",
        "a/.env",
        "page.aspx",
        "PAGE.ASPX",
        "page.aspx/",
        "page.aspx;x",
        "a/x.key",
        "%23a%23",
        &long,
    ];
    assert!(attempts.len() > 120, "{}", attempts.len());
    for path in attempts {
        for encodings in ["", "gzip, br"] {
            let (answer, content) = web.get(path, &[(ACCEPT_ENCODING, encodings)]).await;
            let content = String::from_utf8_lossy(&content);
            assert!(
                !content.contains("secret") && !content.contains("[package]"),
                "{path:?} gave {content:?}"
            );
            let start = path.starts_with('?');
            let redirect = answer.status == StatusCode::PERMANENT_REDIRECT;
            assert!(
                start || redirect || matches!(answer.status.as_u16(), 400 | 404),
                "{path:?} was answered {}",
                answer.status
            );
            assert!(start || answer.refusal.is_some() || redirect, "{path:?}");
        }
    }
    // The attempts fail because of what they are, not because nothing works.
    let (answer, content) = web
        .get("a/plain.txt", &[(ACCEPT_ENCODING, "gzip, br")])
        .await;
    assert_eq!(
        (answer.status, content.as_slice()),
        (StatusCode::OK, &b"plain"[..]),
        "a variant that leads outside is not used"
    );
}

#[tokio::test]
async fn a_link_that_stays_inside_is_followed() {
    let web = Web::new();
    web.put("..2026_08/servers.json", "{}")
        .put("a/real.txt", "real");
    symlink("..2026_08", web.root().join("..data")).unwrap();
    symlink("..data/servers.json", web.root().join("servers.json")).unwrap();
    symlink("../a/real.txt", web.root().join("a/link.txt")).unwrap();
    assert_eq!(
        web.get("servers.json", &[]).await.1,
        b"{}",
        "a mounted configuration map looks like this"
    );
    assert_eq!(web.get("a/link.txt", &[]).await.1, b"real");
}

#[tokio::test]
async fn what_is_not_a_regular_file_is_not_there_and_does_not_block() {
    let web = Web::new();
    let fifo = web.root().join("fifo.txt");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from(0o600),
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(web.root().join("socket.txt")).unwrap();
    fs::create_dir(web.root().join("dir.txt")).unwrap();
    for path in [
        "fifo.txt",
        "socket.txt",
        "dir.txt/",
        "fifo.txt/",
        "fifo.txt/x",
    ] {
        let asked = tokio::time::timeout(Duration::from_secs(20), web.get(path, &[])).await;
        let Ok((answer, content)) = asked else {
            // A writer lets the open return, so that the test can end.
            let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
            let _writer = rustix::fs::open(&fifo, flags, rustix::fs::Mode::empty());
            panic!("the open of a FIFO without a writer did not return at once");
        };
        assert_eq!(
            (answer.status, content.len()),
            (StatusCode::NOT_FOUND, 0),
            "{path}"
        );
    }
}

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

#[tokio::test]
async fn a_client_that_has_the_file_is_told_so() {
    let web = Web::new();
    web.put("a.js", "content");
    let tag = header(&web.get("a.js", &[]).await.0, ETAG).to_owned();
    let at = "Sun, 06 Nov 1994 08:49:37 GMT";
    let before = "Sun, 06 Nov 1994 08:49:36 GMT";
    for (section, headers, status) in [
        ("13.1.1", vec![(IF_MATCH, tag.as_str())], 200),
        ("13.1.1", vec![(IF_MATCH, "\"x\"")], 412),
        ("13.1.2", vec![(IF_NONE_MATCH, tag.as_str())], 304),
        ("13.1.2", vec![(IF_NONE_MATCH, "*")], 304),
        ("13.1.2", vec![(IF_NONE_MATCH, "\"x\"")], 200),
        ("13.1.3", vec![(IF_MODIFIED_SINCE, at)], 304),
        ("13.1.3", vec![(IF_MODIFIED_SINCE, before)], 200),
        ("13.1.4", vec![(IF_UNMODIFIED_SINCE, at)], 200),
        ("13.1.4", vec![(IF_UNMODIFIED_SINCE, before)], 412),
        (
            "13.1.5",
            vec![(RANGE, "bytes=0-1"), (IF_RANGE, tag.as_str())],
            206,
        ),
        ("13.1.5", vec![(RANGE, "bytes=0-1"), (IF_RANGE, at)], 206),
        (
            "13.1.5",
            vec![(RANGE, "bytes=0-1"), (IF_RANGE, "\"x\"")],
            200,
        ),
        (
            "13.1.5",
            vec![(RANGE, "bytes=90-"), (IF_RANGE, "\"x\"")],
            200,
        ),
        (
            "13.2.2",
            vec![(RANGE, "bytes=0-1"), (IF_NONE_MATCH, tag.as_str())],
            304,
        ),
        (
            "13.2.2",
            vec![(RANGE, "bytes=0-1"), (IF_MATCH, "\"x\"")],
            412,
        ),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let head = method == Method::HEAD;
            let (answer, content) = web.ask(method, "a.js", &headers).await;
            let expected = if head && status == 206 { 200 } else { status };
            assert_eq!(
                answer.status.as_u16(),
                expected,
                "section {section}: {headers:?}"
            );
            assert_eq!(content.is_empty(), head || !matches!(status, 200 | 206));
            if status == 304 {
                assert_eq!(header(&answer, ETAG), tag, "section 15.4.5");
                assert_eq!(header(&answer, CACHE_CONTROL), "no-cache");
                assert_eq!(header(&answer, VARY), "accept-encoding");
                assert!(!answer.headers.contains_key(CONTENT_LENGTH));
            }
        }
    }
    // Section 13.2.1: without a file there is nothing to compare.
    assert_eq!(
        web.get("missing", &[(IF_NONE_MATCH, "*")]).await.0.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_changed_file_has_another_tag() {
    let web = Web::new();
    web.put("a.js", "one");
    let first = header(&web.get("a.js", &[]).await.0, ETAG).to_owned();
    web.put("a.js", "two");
    set_time(&web.root().join("a.js"), AT + 1);
    let (answer, content) = web.get("a.js", &[(IF_NONE_MATCH, &first)]).await;
    assert_eq!(
        (answer.status, content.as_slice()),
        (StatusCode::OK, &b"two"[..])
    );
}

#[tokio::test]
async fn ranges_of_small_and_large_files_are_exact() {
    let web = Web::new();
    let large: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    web.put("large.bin", &large)
        .put("small.bin", &large[..1000])
        .put("empty.bin", "");
    let (answer, content) = web.get("large.bin", &[]).await;
    assert!(answer.status == StatusCode::OK && content == large);
    for (file, range, first, end, total) in [
        ("small.bin", "bytes=0-499", 0, 500, 1000),
        ("small.bin", "bytes=-1", 999, 1000, 1000),
        ("small.bin", "bytes=990-2000", 990, 1000, 1000),
        ("large.bin", "bytes=1000-", 1000, 300_000, 300_000),
        (
            "large.bin",
            "bytes=100000-100009",
            100_000,
            100_010,
            300_000,
        ),
        ("large.bin", "bytes=65535-200000", 65_535, 200_001, 300_000),
    ] {
        let (answer, content) = web.get(file, &[(RANGE, range)]).await;
        assert_eq!(
            answer.status,
            StatusCode::PARTIAL_CONTENT,
            "section 15.3.7: {range}"
        );
        assert_eq!(
            header(&answer, CONTENT_RANGE),
            format!("bytes {first}-{}/{total}", end - 1)
        );
        assert_eq!(header(&answer, CONTENT_LENGTH), (end - first).to_string());
        assert!(content == large[first..end], "{file} {range}");
    }
    for (file, range, total) in [
        ("small.bin", "bytes=1000-", 1000),
        ("small.bin", "bytes=-0", 1000),
        ("empty.bin", "bytes=0-", 0),
    ] {
        let (answer, content) = web.get(file, &[(RANGE, range)]).await;
        assert_eq!(
            (answer.status, content.len()),
            (StatusCode::RANGE_NOT_SATISFIABLE, 0),
            "section 15.5.17: {range}"
        );
        assert_eq!(header(&answer, CONTENT_RANGE), format!("bytes */{total}"));
    }
    for range in ["bytes=0-1,5-6", "items=0-199", "bytes=5-1", "lines=1-2"] {
        let (answer, content) = web.get("small.bin", &[(RANGE, range)]).await;
        assert!(
            answer.status == StatusCode::OK && content.len() == 1000,
            "section 14.2: {range}"
        );
    }
    let (answer, content) = web.get("empty.bin", &[]).await;
    assert_eq!(
        (
            answer.status,
            content.len(),
            header(&answer, CONTENT_LENGTH)
        ),
        (StatusCode::OK, 0, "0")
    );
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_sent_is_an_error_and_not_a_short_answer() {
    let web = Web::new();
    web.put("large.bin", vec![7; 300_000]);
    let mut answer = web
        .site
        .answer(&Method::GET, "large.bin", &HeaderMap::new())
        .await;
    assert_eq!(answer.body.remaining(), 300_000);
    fs::File::options()
        .write(true)
        .open(web.root().join("large.bin"))
        .unwrap()
        .set_len(100_000)
        .unwrap();
    let mut sent = 0;
    let error = loop {
        match answer.body.next_chunk().await {
            Ok(Some(chunk)) => sent += chunk.len(),
            Ok(None) => panic!("the end came after {sent} bytes as if that were all"),
            Err(error) => break error,
        }
    };
    assert_eq!(
        (error.kind(), sent),
        (io::ErrorKind::UnexpectedEof, 100_000)
    );
}

#[tokio::test]
async fn a_precompressed_variant_is_used_by_whoever_prefers_it() {
    let web = Web::new();
    web.put("lib/a.js", "plain")
        .put("lib/a.js.gz", "gzipped")
        .put("lib/a.js.br", "brotli")
        .put("b.js", "plain")
        .put("b.js.gz", "gzipped");
    let mut tags = std::collections::HashSet::new();
    for (path, accept, encoding, content) in [
        ("lib/a.js", "", "", "plain"),
        ("lib/a.js", "gzip, deflate, br", "br", "brotli"),
        ("lib/a.js", "gzip", "gzip", "gzipped"),
        ("lib/a.js", "br;q=0.5, gzip", "gzip", "gzipped"),
        ("lib/a.js", "br;q=0, gzip;q=0", "", "plain"),
        ("lib/a.js", "identity, gzip;q=0.5", "", "plain"),
        ("b.js", "br", "", "plain"),
        ("b.js", "br, gzip;q=0.1", "gzip", "gzipped"),
    ] {
        let (answer, sent) = web.get(path, &[(ACCEPT_ENCODING, accept)]).await;
        assert_eq!(
            (header(&answer, CONTENT_ENCODING), sent.as_slice()),
            (encoding, content.as_bytes()),
            "{path} for {accept:?}"
        );
        assert_eq!(
            header(&answer, CONTENT_TYPE),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(header(&answer, VARY), "accept-encoding");
        assert_eq!(header(&answer, CONTENT_LENGTH), content.len().to_string());
        if path == "lib/a.js" {
            assert_eq!(header(&answer, CACHE_CONTROL), "max-age=31536000");
            tags.insert((encoding, header(&answer, ETAG).to_owned()));
        }
    }
    assert_eq!(
        tags.len(),
        3,
        "each variant has one tag of its own: {tags:?}"
    );
    let brotli = tags
        .iter()
        .find(|(encoding, _)| *encoding == "br")
        .map(|(_, tag)| tag.clone())
        .unwrap();
    let again = |accept| [(ACCEPT_ENCODING, accept), (IF_NONE_MATCH, brotli.as_str())];
    assert_eq!(
        web.get("lib/a.js", &again("br")).await.0.status,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(
        web.get("lib/a.js", &again("gzip")).await.0.status,
        StatusCode::OK
    );
    let (answer, sent) = web
        .get("lib/a.js", &[(ACCEPT_ENCODING, "br"), (RANGE, "bytes=0-2")])
        .await;
    assert_eq!(
        (
            answer.status.as_u16(),
            sent.as_slice(),
            header(&answer, CONTENT_RANGE)
        ),
        (206, &b"bro"[..], "bytes 0-2/6")
    );
}

#[tokio::test]
async fn a_variant_older_than_its_file_is_not_used() {
    let web = Web::new();
    web.put("a.js", "new").put("a.js.gz", "old");
    set_time(&web.root().join("a.js"), AT + 1);
    let (answer, sent) = web.get("a.js", &[(ACCEPT_ENCODING, "gzip")]).await;
    assert_eq!(
        (header(&answer, CONTENT_ENCODING), sent.as_slice()),
        ("", &b"new"[..])
    );
    fs::create_dir(web.root().join("a.js.br")).unwrap();
    assert_eq!(web.get("a.js", &[(ACCEPT_ENCODING, "br")]).await.1, b"new");
}

#[tokio::test]
async fn the_server_list_is_made_and_not_read() {
    let list = ServersJson::new(&[("icserver1", "Server 1")], "/apps/client/api/{host}/").unwrap();
    let body = list.body().clone();
    let rules = SiteRules {
        servers_json: Some(list.at("client/config/servers.json").unwrap()),
        ..SiteRules::default()
    };
    let web = Web::with(rules);
    web.put(
        "client/config/servers.json",
        "{\"servers\":[{\"host\":\"forgotten\"}]}",
    );
    let (answer, content) = web
        .get(
            "client/config/servers.json?x=1",
            &[(ACCEPT_ENCODING, "gzip")],
        )
        .await;
    assert_eq!(
        (answer.status, content.as_slice()),
        (StatusCode::OK, &body[..])
    );
    assert_eq!(
        (
            header(&answer, CONTENT_TYPE),
            header(&answer, CACHE_CONTROL)
        ),
        ("application/json", "no-store")
    );
    let tag = header(&answer, ETAG).to_owned();
    assert_eq!(
        web.get("client/config/servers.json", &[(IF_NONE_MATCH, &tag)])
            .await
            .0
            .status,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(web.get("client/config/%73ervers.json", &[]).await.1, body);
    assert_eq!(
        web.get("client/config/servers.json", &[(RANGE, "bytes=0-0")])
            .await
            .1,
        b"{"
    );
    assert_eq!(
        web.get("client/config/servers.json/", &[]).await.0.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        web.ask(Method::HEAD, "client/config/servers.json", &[])
            .await
            .1,
        b""
    );
    assert_eq!(
        web.ask(Method::POST, "client/config/servers.json", &[])
            .await
            .0
            .status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn an_operators_cache_rule_replaces_the_vendors() {
    let rule = CacheRule {
        pattern: "/client/lib/".parse().unwrap(),
        cache: Cache::For(Duration::from_secs(60)),
    };
    let web = Web::with(SiteRules {
        cache: vec![rule],
        servers_json: None,
    });
    web.put("client/lib/a.js", "a")
        .put("other/lib/a.js", "a")
        .put("client/config/a.json", "{}");
    for (path, cache) in [
        ("client/lib/a.js", "max-age=60"),
        ("other/lib/a.js", "max-age=31536000"),
        ("client/config/a.json", "no-store"),
    ] {
        assert_eq!(
            header(&web.get(path, &[]).await.0, CACHE_CONTROL),
            cache,
            "{path}"
        );
    }
    let (missing, _) = web.get("client/lib/missing.js", &[]).await;
    assert_eq!(
        header(&missing, CACHE_CONTROL),
        "no-store",
        "nobody remembers for a year that a file was missing"
    );
}

#[tokio::test]
async fn a_swapped_release_is_served_at_once_and_a_root_that_has_gone_is_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    for release in ["one", "two"] {
        fs::create_dir(dir.path().join(release)).unwrap();
        fs::write(dir.path().join(release).join("a.txt"), release).unwrap();
    }
    let current = dir.path().join("current");
    symlink("one", &current).unwrap();
    let site = Site::open(current.clone(), SiteRules::default()).unwrap();
    let web = Web { dir, site };
    assert_eq!(web.get("a.txt", &[]).await.1, b"one");
    symlink("two", web.dir.path().join("next")).unwrap();
    fs::rename(web.dir.path().join("next"), &current).unwrap();
    assert_eq!(web.get("a.txt", &[]).await.1, b"two");
    fs::remove_file(&current).unwrap();
    let (answer, _) = web.get("a.txt", &[]).await;
    assert_eq!(
        (answer.status, answer.refusal),
        (StatusCode::INTERNAL_SERVER_ERROR, Some(Refusal::Disk))
    );
}

#[test]
fn a_site_without_its_directory_says_which() {
    let error = Site::open("/nonexistent/web".into(), SiteRules::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("/nonexistent/web"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_text_at_all_reaches_a_secret(path in "(\\.|/|%2e|%2f|%5c|%00|\\\\|~|a|root|up|secret\\.txt|%25|;|\\?|:){0,12}") {
        let web = Web::new();
        fs::write(web.dir.path().join("secret.txt"), SECRET).unwrap();
        symlink("..", web.root().join("up")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (answer, content) = runtime.block_on(web.get(&path, &[]));
        proptest::prop_assert!(content.is_empty() && answer.status != StatusCode::OK, "{} gave {}", path, answer.status);
    }
}
