//! Files over real sockets: what a browser gets, what it may keep, and what nobody gets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Ended, Got};
use loadtest::wire::{Reply, Respond, Server, ServerOptions};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

const SOON: Duration = Duration::from_secs(10);
const NAME: &str = "proxy.example.com";
const SECRET: &str = "nobody gets this";
const SCRIPT: &str = "console.log('plain');\n";
/// Large enough that no socket buffer takes all of it.
const BIG: u64 = 64 * 1024 * 1024;

struct Stage {
    server: Server,
    edge: Edge,
}

async fn stage() -> Stage {
    stage_with("").await
}

async fn stage_with(more: &str) -> Stage {
    let server = Server::start(
        ServerOptions::default(),
        Respond(|_| Reply::new(200).body("from the server")),
    )
    .await
    .unwrap();
    let url = server.base_url();
    let yaml = format!(
        "{more}
servers:
  chat1: {{ kind: webtools, url: '{url}' }}
  icserver1: {{ kind: icws, url: '{url}', display_name: 'Server 1' }}
hosts:
  {NAME}:
    routes:
      - {{ path: /I3Root/Server1/, server: chat1 }}
      - {{ path: '/apps/client/api/{{server}}/', servers: [icserver1] }}
      - path: /I3Root/
        files: www
        cache: [ {{ match: '*.css', for: 1h }}, {{ match: pictures/, for: never }} ]
        servers_json: {{ servers: [icserver1], template: 'https://{NAME}/apps/client/api/{{host}}/' }}
      - {{ path: /plain/, files: www }}
"
    );
    let edge = Edge::with(&yaml, &[NAME], prepare).await.unwrap();
    Stage { server, edge }
}

fn prepare(folder: &Path) -> io::Result<()> {
    fs::write(folder.join("secret.txt"), SECRET)?;
    let www = folder.join("www");
    for directory in ["js", "lib", "pictures", "chat", ".git"] {
        fs::create_dir_all(www.join(directory))?;
    }
    for (name, content) in [
        ("index.html", "<h1>I3Root</h1>"),
        ("chat/index.html", "<h1>Chat</h1>"),
        ("js/app.js", SCRIPT),
        ("js/app.js.gz", "as gzip"),
        ("js/app.js.br", "as brotli"),
        ("js/lonely.js", "no variants"),
        ("lib/jquery.js", "jquery"),
        ("pictures/a.css", "first rule wins"),
        ("pictures/a.png", "png"),
        ("style.css", "body{}"),
        ("appSettings.json", "{}"),
        ("digits.txt", "0123456789"),
        ("empty.txt", ""),
        ("web.config", SECRET),
        (".git/config", SECRET),
        (".htpasswd", SECRET),
        ("notes.bak", SECRET),
    ] {
        fs::write(www.join(name), content)?;
    }
    File::create(www.join("big.bin"))?.set_len(BIG)?;
    std::os::unix::fs::symlink("../secret.txt", www.join("link.txt"))?;
    std::os::unix::fs::symlink("..", www.join("up"))
}

impl Stage {
    async fn ask(&self, head: &str) -> Got {
        let request = format!("{head}\r\nHost: {NAME}\r\nConnection: close\r\n\r\n");
        self.send(&request).await
    }

    async fn send(&self, request: &str) -> Got {
        Dial::plain(self.edge.plain())
            .send(request.to_owned(), SOON)
            .await
            .unwrap()
    }

    async fn h2(&self) -> SendRequest<Bytes> {
        let tcp = TcpStream::connect(self.edge.https()).await.unwrap();
        let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
        builder.set_verify(SslVerifyMode::NONE);
        builder.set_alpn_protos(b"\x02h2").unwrap();
        let ssl = builder.build().configure().unwrap().into_ssl(NAME).unwrap();
        let mut tls = SslStream::new(ssl, tcp).unwrap();
        Pin::new(&mut tls).connect().await.unwrap();
        let (sender, connection) = h2::client::handshake(tls).await.unwrap();
        tokio::spawn(connection);
        sender.ready().await.unwrap()
    }

    /// A number of the gateway's own, 0 where it is not there yet.
    async fn metric(&self, name: &str) -> u64 {
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let got = Dial::plain(self.edge.admin())
            .send(request, SOON)
            .await
            .unwrap();
        let text = got.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0, |value| value.trim().parse().unwrap())
    }

    /// Waits until the gateway has counted one refusal for this reason.
    async fn until_refused(&self, reason: &str) {
        let name = format!("portcullis_refusals_total{{mode=\"enforce\",reason=\"{reason}\"}}");
        let counted = async {
            while self.metric(&name).await != 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let counted = tokio::time::timeout(SOON, counted).await;
        assert!(counted.is_ok(), "{reason}: {}", self.metric(&name).await);
    }

    async fn until_no_connection_is_open(&self) {
        let gone = async {
            while self.metric("portcullis_connections_open").await > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, gone).await.unwrap();
    }
}

fn header(got: &Got, name: &str) -> String {
    let head = got.head();
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let found: Vec<_> = fields
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim().to_owned())
        .collect();
    found.join(" AND ")
}

#[tokio::test]
async fn a_page_is_served_and_not_again_to_who_has_it() {
    let stage = stage().await;
    let got = stage.ask("GET /I3Root/ HTTP/1.1").await;
    assert_eq!(
        (got.status(), got.body()),
        (Some(200), &b"<h1>I3Root</h1>"[..])
    );
    assert!(header(&got, "content-type").starts_with("text/html"));
    assert_eq!(header(&got, "content-length"), "15");
    let tag = header(&got, "etag");
    for field in [
        format!("If-None-Match: {tag}"),
        format!("If-None-Match: \"other\", W/{tag}"),
        format!("If-Modified-Since: {}", header(&got, "last-modified")),
    ] {
        let got = stage
            .ask(&format!("GET /I3Root/ HTTP/1.1\r\n{field}"))
            .await;
        assert_eq!((got.status(), got.body()), (Some(304), &b""[..]), "{field}");
        assert_eq!(header(&got, "etag"), tag);
    }
    let other = stage
        .ask("GET /I3Root/ HTTP/1.1\r\nIf-None-Match: \"other\"")
        .await;
    assert_eq!(other.status(), Some(200));
    let empty = stage.ask("GET /I3Root/empty.txt HTTP/1.1").await;
    assert_eq!((empty.status(), empty.body()), (Some(200), &b""[..]));
    assert_eq!(header(&empty, "content-length"), "0");
}

#[tokio::test]
async fn a_part_of_a_file_is_206_and_a_part_that_is_not_there_416() {
    let stage = stage().await;
    let tag = header(&stage.ask("GET /I3Root/digits.txt HTTP/1.1").await, "etag");
    for (range, part, content) in [
        ("bytes=0-3", "bytes 0-3/10", "0123"),
        ("bytes=8-", "bytes 8-9/10", "89"),
        ("bytes=-2", "bytes 8-9/10", "89"),
        ("bytes=5-500", "bytes 5-9/10", "56789"),
    ] {
        let head = format!("GET /I3Root/digits.txt HTTP/1.1\r\nRange: {range}");
        for more in [String::new(), format!("\r\nIf-Range: {tag}")] {
            let got = stage.ask(&format!("{head}{more}")).await;
            assert_eq!((got.status(), got.body()), (Some(206), content.as_bytes()));
            assert_eq!(header(&got, "content-range"), part, "{range}");
        }
        let stale = stage.ask(&format!("{head}\r\nIf-Range: \"old\"")).await;
        assert_eq!(
            (stale.status(), stale.body()),
            (Some(200), &b"0123456789"[..])
        );
    }
    let behind = stage
        .ask("GET /I3Root/digits.txt HTTP/1.1\r\nRange: bytes=10-")
        .await;
    assert_eq!(behind.status(), Some(416));
    assert_eq!(header(&behind, "content-range"), "bytes */10");
    assert!(!behind.body().is_empty());
    // The last byte of a file that is not read at once.
    let last = BIG - 1;
    let got = stage
        .ask(&format!(
            "GET /I3Root/big.bin HTTP/1.1\r\nRange: bytes={last}-"
        ))
        .await;
    assert_eq!((got.status(), got.body()), (Some(206), &b"\0"[..]));
}

#[tokio::test]
async fn a_precompressed_variant_goes_to_who_accepts_it() {
    let stage = stage().await;
    for (accepts, coding, content) in [
        ("br, gzip", "br", "as brotli"),
        ("gzip, deflate, br", "br", "as brotli"),
        ("gzip", "gzip", "as gzip"),
        ("br;q=0.1, gzip;q=0.9", "gzip", "as gzip"),
        ("br;q=0, gzip;q=0", "", SCRIPT),
        ("identity", "", SCRIPT),
        ("zstd", "", SCRIPT),
    ] {
        let head = format!("GET /I3Root/js/app.js HTTP/1.1\r\nAccept-Encoding: {accepts}");
        let got = stage.ask(&head).await;
        assert_eq!(
            (got.status(), got.body()),
            (Some(200), content.as_bytes()),
            "{accepts}"
        );
        assert_eq!(header(&got, "content-encoding"), coding, "{accepts}");
        assert_eq!(header(&got, "vary").to_ascii_lowercase(), "accept-encoding");
        assert!(header(&got, "content-type").contains("javascript"));
    }
    let lonely = stage
        .ask("GET /I3Root/js/lonely.js HTTP/1.1\r\nAccept-Encoding: br, gzip")
        .await;
    assert_eq!(lonely.body(), b"no variants");
}

#[tokio::test]
async fn head_is_get_without_the_content() {
    let stage = stage().await;
    for (path, status) in [
        ("/I3Root/", 200),
        ("/I3Root/big.bin", 200),
        ("/I3Root/js/app.js", 200),
        ("/I3Root/nothing", 404),
        ("/I3Root/chat", 308),
        ("/I3Root/config/servers.json", 200),
    ] {
        let head = stage.ask(&format!("HEAD {path} HTTP/1.1")).await;
        assert_eq!(
            (head.status(), head.body()),
            (Some(status), &b""[..]),
            "{path}"
        );
        if path.contains("big") {
            assert_eq!(header(&head, "content-length"), BIG.to_string());
            continue;
        }
        let get = stage.ask(&format!("GET {path} HTTP/1.1")).await;
        for name in [
            "content-length",
            "content-type",
            "etag",
            "location",
            "cache-control",
        ] {
            assert_eq!(header(&head, name), header(&get, name), "{path} {name}");
        }
    }
}

#[tokio::test]
async fn the_vendors_cache_rules_hold_and_the_files_own_come_first() {
    let stage = stage().await;
    for (path, rule) in [
        ("/I3Root/index.html", "max-age=900"),
        ("/I3Root/lib/jquery.js", "max-age=31536000"),
        ("/I3Root/appSettings.json", "no-store"),
        ("/I3Root/config/servers.json", "no-store"),
        ("/I3Root/js/app.js", "no-cache"),
        ("/I3Root/style.css", "max-age=3600"),
        ("/I3Root/pictures/a.css", "max-age=3600"),
        ("/I3Root/pictures/a.png", "no-store"),
        ("/plain/style.css", "no-cache"),
        ("/I3Root/nothing", "no-store"),
        ("/I3Root/chat", "no-cache"),
    ] {
        let got = stage.ask(&format!("GET {path} HTTP/1.1")).await;
        assert_eq!(header(&got, "cache-control"), rule, "{path}");
    }
}

#[tokio::test]
async fn a_directory_is_never_listed_and_gets_its_slash() {
    let stage = stage().await;
    for path in ["/I3Root/js/", "/I3Root/lib/", "/I3Root/pictures/"] {
        let got = stage.ask(&format!("GET {path} HTTP/1.1")).await;
        assert_eq!(got.status(), Some(404), "{path}");
        assert!(!got.text().contains(".js") && !got.text().contains(".png"));
    }
    let chat = stage.ask("GET /I3Root/chat/ HTTP/1.1").await;
    assert_eq!(chat.body(), b"<h1>Chat</h1>");
    for (path, to) in [
        ("/I3Root/chat", "./chat/"),
        ("/I3Root/chat?server=a&b=%2F", "./chat/?server=a&b=%2F"),
        ("/I3Root/js", "./js/"),
    ] {
        let got = stage.ask(&format!("GET {path} HTTP/1.1")).await;
        assert_eq!(
            (got.status(), header(&got, "location")),
            (Some(308), to.to_owned())
        );
    }
}

#[tokio::test]
async fn the_list_of_servers_is_made_from_the_route() {
    let stage = stage().await;
    let got = stage.ask("GET /I3Root/config/servers.json HTTP/1.1").await;
    assert_eq!(header(&got, "content-type"), "application/json");
    let list: serde_json::Value = serde_json::from_slice(got.body()).unwrap();
    assert_eq!(
        list,
        serde_json::json!({
            "version": 1,
            "servers": [{"host": "icserver1", "displayName": "Server 1"}],
            "serviceUrlTemplate": format!("https://{NAME}/apps/client/api/{{host}}/"),
        })
    );
    let tag = header(&got, "etag");
    let again = stage
        .ask(&format!(
            "GET /I3Root/config/servers.json HTTP/1.1\r\nIf-None-Match: {tag}"
        ))
        .await;
    assert_eq!(again.status(), Some(304));
    assert_eq!(
        stage
            .ask("GET /plain/config/servers.json HTTP/1.1")
            .await
            .status(),
        Some(404)
    );
    // What the list names is what the gateway lets through.
    let sent = stage
        .ask("GET /apps/client/api/icserver1/icws/connection HTTP/1.1")
        .await;
    assert_eq!(sent.body(), b"from the server");
}

/// Ways out of the folder, and to what lies in it without being for a client.
const TRICKS: [&str; 40] = [
    "../secret.txt",
    "../../secret.txt",
    "js/../../secret.txt",
    "js/../index.html",
    "./index.html",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "..%2fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "%252e%252e/secret.txt",
    "..%5csecret.txt",
    "..\\secret.txt",
    "js%5c..%5c..%5csecret.txt",
    "..;/secret.txt",
    "..;x=1/secret.txt",
    "js;/../../secret.txt",
    "%c0%ae%c0%ae/secret.txt",
    "%c0%ae%c0%ae%c0%afsecret.txt",
    "%u002e%u002e/secret.txt",
    "..%00/secret.txt",
    "index.html%00.png",
    "..%ff/secret.txt",
    "//secret.txt",
    "/../secret.txt",
    "js//app.js",
    "link.txt",
    "up/secret.txt",
    "up/www/index.html",
    "web.config",
    "WEB.CONFIG",
    "web%2econfig",
    "web.config/",
    "web.config.",
    "web.config%20",
    "web.config::$DATA",
    ".git/config",
    "%2egit/config",
    ".htpasswd",
    "notes.bak",
    "....//secret.txt",
];

#[tokio::test]
async fn no_trick_leads_out_of_the_folder_over_http_1() {
    let stage = stage().await;
    for trick in TRICKS {
        for prefix in ["/I3Root/", "/plain/"] {
            let got = stage.ask(&format!("GET {prefix}{trick} HTTP/1.1")).await;
            assert!(
                matches!(got.status(), Some(400 | 404)),
                "{trick}: {}",
                got.text()
            );
            assert!(!got.text().contains(SECRET), "{trick}");
        }
    }
    for path in [
        "/I3Root/../secret.txt",
        "/I3Root%2f..%2fsecret.txt",
        "/plain/../I3Root/web.config",
    ] {
        let got = stage.ask(&format!("GET {path} HTTP/1.1")).await;
        assert!(matches!(got.status(), Some(400 | 404)), "{path}");
    }
    assert_eq!(stage.server.recorder().all().len(), 0);
}

#[tokio::test]
async fn no_trick_leads_out_of_the_folder_over_http_2() {
    let stage = stage().await;
    let mut sender = stage.h2().await;
    let mut sent = 0;
    for trick in TRICKS {
        let Ok(uri) = format!("https://{NAME}/I3Root/{trick}").parse::<http::Uri>() else {
            continue; // no client can write it
        };
        sent += 1;
        let request = http::Request::get(uri).body(()).unwrap();
        let (answer, _) = sender.send_request(request, true).unwrap();
        let (head, mut body) = answer.await.unwrap().into_parts();
        assert!(
            matches!(head.status.as_u16(), 400 | 404),
            "{trick}: {}",
            head.status
        );
        let mut text = Vec::new();
        while let Some(chunk) = body.data().await {
            text.extend_from_slice(&chunk.unwrap());
        }
        assert!(!String::from_utf8_lossy(&text).contains(SECRET), "{trick}");
        sender = sender.ready().await.unwrap();
    }
    assert!(sent > 30, "{sent}");
}

#[tokio::test]
async fn a_file_over_http_2_is_the_file() {
    let stage = stage().await;
    let mut sender = stage.h2().await;
    let uri = format!("https://{NAME}/I3Root/big.bin");
    let request = http::Request::get(uri)
        .header("range", "bytes=0-999999")
        .body(())
        .unwrap();
    let (answer, _) = sender.send_request(request, true).unwrap();
    let (head, mut body) = answer.await.unwrap().into_parts();
    assert_eq!(head.status, 206);
    let mut got = 0;
    while let Some(chunk) = body.data().await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        got += chunk.len();
    }
    assert_eq!(got, 1_000_000);
}

#[tokio::test]
async fn every_method_but_get_and_head_is_405_and_its_body_is_no_request() {
    let stage = stage().await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        for path in [
            "/I3Root/index.html",
            "/I3Root/nothing",
            "/I3Root/config/servers.json",
        ] {
            let got = stage
                .ask(&format!("{method} {path} HTTP/1.1\r\nContent-Length: 0"))
                .await;
            assert_eq!(got.status(), Some(405), "{method} {path}");
            assert_eq!(header(&got, "allow"), "GET, HEAD", "{method} {path}");
            assert!(got.text().contains("not allowed"), "{method} {path}");
        }
    }
    let smuggled = format!("GET /I3Root/digits.txt HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
    let length = smuggled.len();
    for (line, status) in [
        ("POST /I3Root/", 405),
        ("GET /I3Root/", 200),
        ("GET /I3Root/nothing", 404),
        ("GET /I3Root/chat", 308),
    ] {
        let got = stage
            .send(&format!(
                "{line} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {length}\r\n\r\n{smuggled}\
                 GET /I3Root/style.css HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"
            ))
            .await;
        assert!(!got.text().contains("0123456789"), "{}", got.text());
        assert_eq!(got.status(), Some(status), "{line}");
    }
}

#[tokio::test]
async fn a_refusal_is_a_page_for_people_and_a_line_for_programs() {
    let stage = stage().await;
    for (head, status) in [
        ("GET /I3Root/nothing HTTP/1.1", 404),
        ("GET /I3Root/web.config HTTP/1.1", 404),
        ("GET /I3Root/%00 HTTP/1.1", 400),
        ("POST /I3Root/ HTTP/1.1\r\nContent-Length: 0", 405),
        ("GET /I3Root/ HTTP/1.1\r\nIf-Match: \"other\"", 412),
        ("GET /I3Root/digits.txt HTTP/1.1\r\nRange: bytes=50-", 416),
    ] {
        let program = stage.ask(head).await;
        assert_eq!(program.status(), Some(status), "{head}");
        assert_eq!(
            header(&program, "content-type"),
            "text/plain; charset=utf-8",
            "{head}"
        );
        let length = program.body().len();
        assert!(length > 0 && program.body().ends_with(b"\n"), "{head}");
        assert_eq!(header(&program, "content-length"), length.to_string());
        assert_eq!(header(&program, "cache-control"), "no-store");
        let person = stage
            .ask(&format!(
                "{head}\r\nAccept: text/html,application/xhtml+xml"
            ))
            .await;
        assert_eq!(person.status(), Some(status), "{head}");
        assert_eq!(
            header(&person, "content-type"),
            "text/html; charset=utf-8",
            "{head}"
        );
        assert!(
            person.text().contains(&format!("<h1>{status}</h1>")),
            "{head}"
        );
        for got in [program, person] {
            assert!(header(&got, "server").is_empty() && header(&got, "etag").is_empty());
        }
    }
}

#[tokio::test]
async fn a_kept_connection_survives_a_file_that_is_not_there() {
    let stage = stage().await;
    let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: {NAME}\r\n{more}\r\n");
    let both = get("/I3Root/nothing", "") + &get("/I3Root/digits.txt", "Connection: close\r\n");
    let got = stage.send(&both).await;
    assert_eq!(got.statuses(), [404, 200]);
    assert!(got.text().ends_with("0123456789"));
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_sent_ends_the_connection_over_http_1() {
    let stage = stage().await;
    let mut line = Dial::plain(stage.edge.plain()).open().await.unwrap();
    let two = format!("GET /I3Root/big.bin HTTP/1.1\r\nHost: {NAME}\r\n\r\n").repeat(2);
    line.write(two.as_bytes()).await.unwrap();
    let head = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    assert!(String::from_utf8_lossy(&head).contains(&format!("{BIG}")));
    let file = File::options()
        .write(true)
        .open(stage.edge.folder().join("www/big.bin"));
    file.unwrap().set_len(1).unwrap();
    let (rest, ended) = line.read_to_end(SOON).await;
    assert!(matches!(ended, Ended::Closed | Ended::Reset), "{ended:?}");
    assert!((rest.len() as u64) < BIG);
    assert!(
        rest.iter().all(|byte| *byte == 0),
        "no second answer follows the broken one"
    );
    stage.until_refused("file_disk").await;
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_sent_resets_the_stream_over_http_2() {
    let stage = stage().await;
    let mut sender = stage.h2().await;
    let get = |path: &str| {
        let uri = format!("https://{NAME}/I3Root/{path}");
        http::Request::get(uri).body(()).unwrap()
    };
    let (answer, _) = sender.send_request(get("big.bin"), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    let first = body.data().await.unwrap().unwrap();
    let file = File::options()
        .write(true)
        .open(stage.edge.folder().join("www/big.bin"));
    file.unwrap().set_len(1).unwrap();
    let mut release = first.len();
    let ended = loop {
        body.flow_control().release_capacity(release).unwrap();
        match tokio::time::timeout(SOON, body.data()).await.unwrap() {
            Some(Ok(chunk)) => release = chunk.len(),
            Some(Err(error)) => break error,
            None => panic!("the end of a file that is not whole"),
        }
    };
    assert!(ended.is_reset(), "{ended}");
    stage.until_refused("file_disk").await;
    // Only this stream is lost, not its neighbours.
    let mut sender = sender.ready().await.unwrap();
    let (answer, _) = sender.send_request(get("digits.txt"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_client_that_stops_reading_is_ended_after_write_idle() {
    let stage = stage_with("limits: { write_idle: 200ms }").await;
    let request = format!("GET /I3Root/big.bin HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
    for dial in [
        Dial::plain(stage.edge.plain()),
        Dial::tls(stage.edge.https()).sni(NAME).alpn(&["http/1.1"]),
    ] {
        let mut line = dial.open().await.unwrap();
        line.write(request.as_bytes()).await.unwrap();
        line.read_until(b"\r\n\r\n", SOON).await.unwrap();
        stage.until_no_connection_is_open().await;
        let (rest, ended) = line.read_to_end(SOON).await;
        assert!((rest.len() as u64) < BIG);
        assert!(matches!(ended, Ended::Closed | Ended::Reset), "{ended:?}");
    }
}

#[tokio::test]
async fn a_stream_that_is_not_read_is_ended_after_write_idle() {
    let stage = stage_with("limits: { write_idle: 200ms }").await;
    let mut sender = stage.h2().await;
    let uri = format!("https://{NAME}/I3Root/big.bin");
    let (answer, _) = sender
        .send_request(http::Request::get(uri).body(()).unwrap(), true)
        .unwrap();
    let mut body = answer.await.unwrap().into_body();
    let ended = async {
        loop {
            // Nothing is given back to the window.
            match body.data().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return error,
                None => panic!("the end of a file that is not whole"),
            }
        }
    };
    tokio::time::timeout(SOON, ended).await.unwrap();
}

#[tokio::test]
async fn files_and_servers_share_a_host_and_the_longest_prefix_wins() {
    let stage = stage().await;
    // A file where a route leads to a server is never seen.
    let shadow = stage.edge.folder().join("www/Server1/websvcs");
    fs::create_dir_all(&shadow).unwrap();
    let mut file = File::create(shadow.join("serverConfiguration")).unwrap();
    file.write_all(SECRET.as_bytes()).unwrap();
    for (path, status, content) in [
        ("/I3Root/index.html", 200, "<h1>I3Root</h1>"),
        (
            "/I3Root/Server1/websvcs/serverConfiguration",
            200,
            "from the server",
        ),
        (
            "/I3Root/Server1/index.html",
            404,
            "error.websvc.unavailable",
        ),
        ("/I3Root/Server1", 308, ""),
        (
            "/I3Root/server1/websvcs/serverConfiguration",
            404,
            "nothing here",
        ),
        ("/I3Root/Server10/x", 404, "nothing here"),
        ("/I3Root", 404, "nothing here"),
        ("/", 404, "nothing here"),
    ] {
        let got = stage.ask(&format!("GET {path} HTTP/1.1")).await;
        assert_eq!(got.status(), Some(status), "{path}: {}", got.text());
        assert!(got.text().contains(content), "{path}: {}", got.text());
    }
    assert_eq!(stage.server.recorder().all().len(), 1);
}

#[tokio::test]
async fn a_folder_that_is_gone_is_an_error_page_until_it_is_back() {
    let stage = stage().await;
    let (here, away) = (
        stage.edge.folder().join("www"),
        stage.edge.folder().join("away"),
    );
    fs::rename(&here, &away).unwrap();
    let got = stage.ask("GET /I3Root/digits.txt HTTP/1.1").await;
    assert!(matches!(got.status(), Some(404 | 500)), "{}", got.text());
    assert!(!got.body().is_empty());
    fs::rename(&away, &here).unwrap();
    let got = stage.ask("GET /I3Root/digits.txt HTTP/1.1").await;
    assert_eq!(got.body(), b"0123456789");
}
