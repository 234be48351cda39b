//! Answers in every form a server may give them, and those that nobody can read.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use loadtest::edge::Edge;
use loadtest::webtools::xml::{self, Style};
use loadtest::wire::{Record, Reply, Respond, Server, ServerOptions};
use tokio::task::{JoinSet, LocalSet};

use super::support::*;

/// A gateway before one server that answers so. Its name is in what the gateway logs.
async fn before(
    name: &str,
    reply: impl Fn(&Record) -> Reply + Send + Sync + 'static,
) -> (Edge, Server) {
    let server = Server::start(ServerOptions::default(), Respond(reply))
        .await
        .unwrap();
    let url = server.base_url();
    let yaml = format!(
        "limits: {{ interactions: {{ MaxInteractionsAllowedPerIP: 1, silence: {{ chat: 1s }}, {WIDE} }} }}
servers: {{ {name}: {{ kind: webtools, url: '{url}' }} }}
hosts: {{ {HOST}: {{ routes: [ {{ path: '{A}/', server: {name} }} ] }} }}
"
    );
    let edge = Edge::start(&yaml, &[HOST]).await;
    (edge.unwrap_or_else(|error| panic!("{error}")), server)
}

const STARTED: &str =
    r#"{"chat":{"participantID":"p1","chatID":"c1","status":{"type":"success"},"events":[]}}"#;
const ENDED: &str = r#"{"chat":{"status":{"type":"success"},"events":[{"type":"participantStateChanged","participantID":"p1","state":"disconnected"}]}}"#;

fn json(body: impl Into<bytes::Bytes>) -> Reply {
    Reply::new(200)
        .header("Content-Type", "application/json; charset=utf-8")
        .body(body)
}

fn encoded(coding: &str, body: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let body = body.as_bytes();
    match coding {
        "gzip" => GzEncoder::new(&mut out, Compression::default())
            .write_all(body)
            .unwrap(),
        "deflate" => ZlibEncoder::new(&mut out, Compression::default())
            .write_all(body)
            .unwrap(),
        "raw deflate" => DeflateEncoder::new(&mut out, Compression::default())
            .write_all(body)
            .unwrap(),
        "br" => brotli::CompressorWriter::new(&mut out, 4096, 5, 20)
            .write_all(body)
            .unwrap(),
        _ => out.extend_from_slice(body),
    }
    out
}

#[tokio::test]
async fn compressed_and_chunked_answers_are_followed_and_pass_unchanged() {
    for coding in ["identity", "gzip", "deflate", "raw deflate", "br"] {
        for chunked in [false, true] {
            let (edge, _server) = before("coded", move |record| {
                let body = match record.target().contains("/start") {
                    true => STARTED,
                    false => ENDED,
                };
                let reply = json(encoded(coding, body));
                let coding = coding.trim_start_matches("raw ");
                let reply = reply.header("Content-Encoding", coding);
                if chunked { reply.chunked(7) } else { reply }
            })
            .await;
            let mut client = match chunked {
                true => Client::http2(&edge, from(2)).await,
                false => Client::http1(&edge, from(2)),
            };
            let start = format!("{A}/websvcs/chat/start");
            let answer = client.got("POST", &start, START).await;
            assert_eq!(answer.body, encoded(coding, STARTED), "{coding}");
            let (running, over) = (sure(1, 0), sure(0, 0));
            assert_eq!(counts(&edge, "coded").await, running, "{coding} {chunked}");
            let poll = format!("{A}/websvcs/chat/poll/p1");
            let poll = client.got("GET", &poll, "").await;
            assert_eq!(poll.body, encoded(coding, ENDED), "{coding}");
            assert_eq!(counts(&edge, "coded").await, over, "{coding} {chunked}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_passes_untouched_and_is_logged_and_its_place_is_kept_until_silence() {
    watch();
    let large = format!("{}{}", STARTED, " ".repeat(270 * 1024));
    let two_letters = |count: usize| "ab".repeat(count);
    let answers = [
        ("empty", json("")),
        ("empty-chunked", json("").chunked(5)),
        ("nothing", Reply::new(204)),
        (
            "html",
            Reply::new(200)
                .header("Content-Type", "text/html")
                .body("<html><p>Sorry</html>"),
        ),
        ("broken", json(STARTED.replace("}}", ""))),
        ("no-id", json(STARTED.replace("chatID", "other"))),
        (
            "no-participant",
            json(STARTED.replace("participantID", "other")),
        ),
        ("long-id", json(STARTED.replace("c1", &two_letters(4000)))),
        ("large", json(large)),
        (
            "unknown-coding",
            json(STARTED).header("Content-Encoding", "zstd"),
        ),
        ("not-gzip", json(STARTED).header("Content-Encoding", "gzip")),
        ("binary", json(vec![0xff, 0xfe, 0, 1])),
    ];
    // All at the same time: each waits for silence.
    let together = async {
        let mut all = JoinSet::new();
        for (name, reply) in answers {
            all.spawn_local(unreadable(name, reply));
        }
        all.join_all().await
    };
    LocalSet::new().run_until(together).await;
}

async fn unreadable(name: &'static str, reply: Reply) {
    let expected = (reply.status(), reply.content().clone());
    let (edge, server) = before(&format!("srv-{name}"), move |_| reply.clone()).await;
    let pair = format!("srv-{name}");
    let mut client = Client::http1(&edge, from(2)).with("Content-Type", "application/json");
    let start = format!("{A}/websvcs/chat/start");
    let answer = client.got("POST", &start, START).await;
    assert_eq!((answer.status, answer.body), expected, "{name}");
    let in_doubt = Counts {
        chats: 0,
        callbacks: 0,
        in_doubt: 1,
    };
    until("it is in doubt", async || {
        counts(&edge, &pair).await == in_doubt
    })
    .await;
    if name != "no-participant" {
        let said = logged(&format!(
            "an answer of {pair} about a chat or callback could not be read"
        ));
        assert_eq!(said.len(), 1, "{name}");
    }
    assert_eq!(
        client.got("POST", &start, START).await.reason().as_deref(),
        Some("error.websvc.unavailable"),
        "{name}"
    );
    assert_eq!(server.recorder().all().len(), 1, "{name}");
    until("silence ends it", async || {
        counts(&edge, &pair).await == sure(0, 0)
    })
    .await;
}

#[tokio::test]
async fn a_poll_whose_answer_cannot_be_read_shows_that_the_chat_lives() {
    let (edge, server) = before("mute", |record| match record.target().contains("/start") {
        true => json(STARTED),
        false => Reply::new(200)
            .header("Content-Type", "text/plain")
            .body("?"),
    })
    .await;
    let mut client = Client::http1(&edge, from(2));
    client
        .got("POST", &format!("{A}/websvcs/chat/start"), START)
        .await;
    let began = tokio::time::Instant::now();
    // Longer than the silence, and than the second between two looks for it.
    while began.elapsed() < std::time::Duration::from_millis(2500) {
        let poll = client
            .got("GET", &format!("{A}/websvcs/chat/poll/p1"), "")
            .await;
        assert_eq!(poll.text(), "?");
        assert_eq!(counts(&edge, "mute").await, sure(1, 0));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    drop(server);
    until("silence ends it", async || {
        counts(&edge, "mute").await == sure(0, 0)
    })
    .await;
}

#[tokio::test]
async fn whoever_speaks_xml_is_counted_like_anybody_in_both_styles() {
    let stage = stage(&format!("{{ MaxInteractionsAllowedPerIP: 1, {WIDE} }}")).await;
    let body = "<chat><participant><name>Wally</name></participant><target>Sales</target><targetType>Workgroup</targetType></chat>";
    for style in [Style::Elements, Style::Attributes] {
        stage.pair.a.write_xml_as(style);
        let mut client = Client::http1(&stage.edge, from(2))
            .with("Content-Type", "application/xml")
            .with("Accept", "application/xml");
        let start = format!("{A}/WebSvcs/chat/start");
        let answer = client.got("POST", &start, body).await;
        let started = xml::read(&answer.text()).unwrap();
        let participant = started["participantID"].as_str().unwrap();
        stage.agree().await.unwrap();
        assert_eq!(stage.counts().await, sure(1, 0));
        let refused = client.got("POST", &start, body).await;
        assert_eq!(
            xml::read(&refused.text()).unwrap()["status"]["reason"],
            "error.websvc.unavailable"
        );
        // The news of the end, in XML.
        let chat = stage.pair.only_chat().unwrap();
        assert!(stage.pair.end_chat(&chat));
        let poll = client
            .got("GET", &format!("{A}/websvcs/chat/poll/{participant}"), "")
            .await;
        assert!(poll.text().contains("disconnected"), "{}", poll.text());
        assert_eq!(stage.counts().await, sure(0, 0));
        // And an exit.
        let answer = client.got("POST", &start, body).await;
        let started = xml::read(&answer.text()).unwrap();
        let exit = format!(
            "{A}/websvcs/chat/exit/{}",
            started["participantID"].as_str().unwrap()
        );
        client.got("POST", &exit, "").await;
        stage.agree().await.unwrap();
        assert_eq!(stage.counts().await, sure(0, 0));
    }
}
