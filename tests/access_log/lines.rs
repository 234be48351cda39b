//! What a line says of a request that a server, a folder or the gateway itself answered.

use std::net::Ipv4Addr;

use loadtest::rude::client::Dial;
use loadtest::wire::Reply;

use super::upstream::*;
use super::{LOG, lines, so_many};

#[tokio::test]
async fn a_line_has_every_field_of_a_request_that_a_server_answered() {
    let server = responding(None, |_| Reply::new(500).body("twelve bytes")).await;
    let rest = format!("url: 'http://{}'", server.address());
    let edge = edge(&(one_server("webtools", &rest) + LOG)).await;
    let request = format!(
        "POST /I3Root/Server1/websvcs/queue/query?secret=1 HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: page/1 \"x\"\r\n\
         Content-Length: 5\r\nConnection: close\r\n\r\nhello"
    );
    let dial = Dial::tls(edge.https()).sni(HOST);
    let got = dial.send(request, SOON).await.unwrap();
    assert_eq!(got.status(), Some(502));
    let line = &so_many(&edge, 1).await[0];
    let id = header(&got, "x-request-id");
    let listener = edge.https().to_string();
    for (field, expected) in [
        ("id", id[0].as_str()),
        ("client", "127.0.0.1"),
        ("host", HOST),
        ("method", "POST"),
        ("path", "/I3Root/Server1/websvcs/queue/query"),
        ("version", "HTTP/1.1"),
        ("route", "proxy.example.com/I3Root/Server1/"),
        ("server", "one"),
        ("kind", "webtools"),
        ("tls", "TLSv1.3"),
        ("user_agent", "page/1 \"x\""),
    ] {
        assert_eq!(line[field], expected, "{line}");
    }
    for (field, expected) in [
        ("status", 502),
        ("upstream_status", 500),
        ("bytes_in", 5),
        ("bytes_out", 12),
    ] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    // As the file has it: the port was the system's choice.
    assert_eq!(line["listener"], "127.0.0.1:0", "{listener}");
    assert_eq!(line["upstream_reused"], false);
    let seconds = |field: &str| {
        line[field]
            .as_f64()
            .unwrap_or_else(|| panic!("{field}: {line}"))
    };
    assert!(seconds("upstream_connect") <= seconds("upstream_first_byte"));
    assert!(seconds("upstream_first_byte") <= seconds("duration") && seconds("duration") < 10.0);
    let time = line["time"].as_str().unwrap();
    assert!(
        time.len() == "2026-11-28T19:34:37.123Z".len() && time.ends_with('Z'),
        "{time}"
    );
    assert!(
        line.get("reason").is_none() && line.get("stream").is_none(),
        "{line}"
    );
}

#[tokio::test]
async fn a_connection_to_the_server_that_is_used_again_is_told_as_such() {
    let server = answering(None).await;
    let edge =
        edge(&(one_server("http", &format!("url: 'http://{}'", server.address())) + LOG)).await;
    for number in 1..=2 {
        assert_eq!(get(&edge, "/one/x").await.status(), Some(200));
        so_many(&edge, number).await;
    }
    let lines = lines(&edge);
    assert_eq!(lines[1]["upstream_reused"], true, "{lines:?}");
    assert!(lines[1].get("upstream_connect").is_none(), "{lines:?}");
}

#[tokio::test]
async fn what_the_gateway_itself_answers_has_a_line_with_the_reason() {
    let server = answering(None).await;
    let yaml = one_server("http", &format!("url: 'http://{}'", server.address()))
        + LOG
        + "limits: { kinds: { http: { requests: { rate: 1/h, burst: 5 } } } }\n";
    let edge = edge(&yaml).await;
    for (request, status, reason) in [
        (
            "GET / HTTP/1.1\r\nHost: other.example.com\r\nConnection: close\r\n\r\n",
            404,
            "unknown_host",
        ),
        (
            "GET /no HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: close\r\n\r\n",
            404,
            "unknown_path",
        ),
        (
            "GET /one/%2e%2e/x HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n",
            400,
            "ambiguous_path",
        ),
        (
            "GET /x\0 HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n",
            400,
            "malformed_head",
        ),
        (
            "BREW /one/ HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n",
            405,
            "method_not_allowed",
        ),
        (
            "GET /one/ HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: close\r\n\r\n",
            200,
            "",
        ),
    ] {
        let before = lines(&edge).len();
        let got = Dial::plain(edge.plain()).send(request, SOON).await.unwrap();
        assert_eq!(got.status(), Some(status), "{request}");
        let line = so_many(&edge, before + 1).await.pop().unwrap();
        assert_eq!(line["status"], status, "{line}");
        assert_eq!(line["client"], "127.0.0.1", "{line}");
        assert_eq!(
            line["reason"].as_str().unwrap_or_default(),
            reason,
            "{line}"
        );
        assert!(line.get("limit").is_none(), "{line}");
    }
    until("the limit refuses", async || {
        get(&edge, "/one/").await.status() == Some(429)
    })
    .await;
    let refused = |line: &serde_json::Value| line["reason"] == "request_rate";
    until("its line", async || lines(&edge).iter().any(refused)).await;
    let line = lines(&edge).into_iter().find(refused).unwrap();
    assert_eq!(line["limit"], "kind http", "{line}");
}

#[tokio::test]
async fn a_client_that_leaves_and_a_server_that_is_not_there_have_lines_too() {
    let edge = edge(&(one_server("http", "url: 'http://127.0.0.77:9'") + LOG)).await;
    assert_eq!(get(&edge, "/one/x").await.status(), Some(502));
    let line = &so_many(&edge, 1).await[0];
    assert_eq!(
        (&line["status"], &line["reason"]),
        (&502.into(), &"upstream_connect".into())
    );
    assert!(line.get("upstream_status").is_none(), "{line}");
}

#[tokio::test]
async fn files_and_redirects_have_lines() {
    let yaml = format!(
        "listeners: [ {{ listen: 127.0.0.1:0, tls: {{}} }}, {{ listen: 127.0.0.1:0 }}, {{ listen: 127.0.0.2:0, redirect: https }} ]\n\
         admin: {{ listen: 127.0.0.1:0 }}\ntls: {{ certificates: [ {{ cert: edge.pem, key: edge.key }} ] }}\n\
         hosts: {{ {HOST}: {{ files: www }} }}\n{LOG}"
    );
    let edge = loadtest::edge::Edge::with(&yaml, &[HOST], |folder| {
        std::fs::create_dir(folder.join("www"))?;
        std::fs::write(folder.join("www/a.txt"), "hello")
    })
    .await
    .unwrap();
    assert_eq!(get(&edge, "/a.txt").await.status(), Some(200));
    let line = &so_many(&edge, 1).await[0];
    assert_eq!(
        (&line["status"], &line["bytes_out"]),
        (&200.into(), &5.into()),
        "{line}"
    );
    assert_eq!(line["route"], "proxy.example.com/");
    assert!(line.get("server").is_none(), "{line}");
    let request = format!("GET /x?y HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    let dial = Dial::plain(edge.listener(2)).from(Ipv4Addr::new(127, 0, 0, 9).into());
    assert_eq!(dial.send(request, SOON).await.unwrap().status(), Some(308));
    let line = &so_many(&edge, 2).await[1];
    assert_eq!(line["reason"], "redirect_to_https", "{line}");
    assert_eq!(line["client"], "127.0.0.9", "{line}");
}

#[tokio::test]
async fn the_combined_format_is_that_of_other_servers_and_a_reload_changes_to_it() {
    let server = answering(None).await;
    let file = one_server("http", &format!("url: 'http://{}'", server.address()));
    let edge = edge(&(file.clone() + LOG)).await;
    get(&edge, "/one/first").await;
    so_many(&edge, 1).await;
    let other = "log: { access: { file: other.log, format: combined } }\n";
    edge.reload(&(file + other)).await.unwrap();
    get(&edge, "/one/second?secret=1").await;
    let read = || std::fs::read_to_string(edge.folder().join("other.log")).unwrap_or_default();
    until("a line in the new file", async || !read().is_empty()).await;
    let line = read();
    assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
    assert!(
        line.ends_with(" +0000] \"GET /one/second HTTP/1.1\" 200 2 \"-\" \"-\"\n"),
        "{line}"
    );
    assert_eq!(lines(&edge).len(), 1, "the old file has nothing new");
}

#[tokio::test]
async fn over_http2_the_line_of_a_head_that_was_refused_says_what_was_asked_for() {
    let server = answering(None).await;
    let rest = format!("url: 'http://{}'", server.address());
    let edge = edge(&(one_server("http", &rest) + LOG)).await;
    let tls = Dial::tls(edge.https()).sni(HOST).alpn(&["h2"]);
    let io = tls.open().await.unwrap().into_io();
    let (mut client, driver) = h2::client::handshake(io).await.unwrap();
    tokio::spawn(driver);
    let request = http::Request::builder()
        .method("BREW")
        .uri(format!(
            "https://{HOST}/x/websvcs/chat/poll/hunter2?hunter2"
        ))
        .header("user-agent", "page/1");
    let (answer, _) = client
        .send_request(request.body(()).unwrap(), true)
        .unwrap();
    assert_eq!(answer.await.unwrap().status(), 405);
    let line = &so_many(&edge, 1).await[0];
    for (field, expected) in [
        ("host", HOST),
        ("method", "BREW"),
        ("path", "/x/websvcs/chat/poll/***"),
        ("version", "HTTP/2"),
        ("reason", "method_not_allowed"),
        ("user_agent", "page/1"),
    ] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    assert!(!line.to_string().contains("hunter2"), "{line}");
}
