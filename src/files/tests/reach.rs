//! What no path reaches.

use super::*;

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
