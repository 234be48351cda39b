//! Who is counted: other spellings of one address, other people's addresses, and the many ways to ask more than once.

use loadtest::rude::client::Dial;

use super::super::http2;
use super::super::support::{SOON, no_panics};
use super::{HOST, Stage, from, get, stage, until};

const TWO: &str = "{ requests: { rate: 1/h, burst: 2 } }";
const TRUST: &str = "client_address: { trusted_proxies: [127.0.0.1, 10.0.0.0/8] }";

async fn asked(stage: &Stage, last: u8, fields: &str) -> Option<u16> {
    let got = stage.send(last, get("/web/x", fields)).await.unwrap();
    got.status()
}

#[tokio::test]
async fn one_client_behind_a_trusted_proxy_is_one_however_it_is_spelt() {
    let stage = stage(TWO, TRUST).await;
    for (client, spellings) in [
        (
            "192.0.2.7",
            &[
                "X-Forwarded-For: 192.0.2.7\r\n",
                "X-Forwarded-For: ::ffff:192.0.2.7\r\n",
                "X-Forwarded-For: ::FFFF:c000:207\r\n",
                "X-Forwarded-For: [::ffff:192.0.2.7]:443\r\n",
                "X-Forwarded-For: 192.0.2.7:5555\r\n",
                "x-forwarded-for:\t192.0.2.7 , \r\n",
                "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n",
                "X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n",
                "X-Forwarded-For: nonsense\r\nX-Forwarded-For: 192.0.2.7\r\n",
                "X-Forwarded-For: 127.0.0.1, 192.0.2.7\r\n",
                "X-Forwarded-For: 192.0.2.7, 10.1.2.3\r\n",
                "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.1.2.3, 127.0.0.1\r\n",
                "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: \r\n",
                "X-Forwarded-For: 192.0.2.7\r\nForwarded: for=203.0.113.1\r\nX-Real-IP: 203.0.113.1\r\n",
            ][..],
        ),
        (
            "2001:db8:1:2::/64",
            &[
                "X-Forwarded-For: 2001:db8:1:2::1\r\n",
                "X-Forwarded-For: 2001:DB8:1:2:0:0:0:1\r\n",
                "X-Forwarded-For: 2001:db8:1:2:ffff:ffff:ffff:ffff\r\n",
                "X-Forwarded-For: [2001:db8:1:2::5]:1\r\n",
                "X-Forwarded-For: 2001:db8:1:3::1, 2001:db8:1:2::9\r\n",
            ][..],
        ),
    ] {
        for (number, spelling) in spellings.iter().enumerate() {
            let expected = if number < 2 { 200 } else { 429 };
            assert_eq!(
                asked(&stage, 1, spelling).await,
                Some(expected),
                "{spelling}"
            );
        }
        let target = format!("GET /api/limits?address={client}");
        assert_eq!(stage.json(&target).await["requests"]["left"], 0, "{client}");
    }
    let longest = format!(
        "X-Forwarded-For: {}192.0.2.7\r\n",
        "192.0.2.8, ".repeat(600)
    );
    assert_eq!(asked(&stage, 1, &longest).await, Some(429));
    // Nobody whose address stood further left has lost anything.
    assert_eq!(
        asked(&stage, 1, "X-Forwarded-For: 198.51.100.1\r\n").await,
        Some(200)
    );
}

#[tokio::test]
async fn a_stranger_speaks_for_himself_whatever_he_says() {
    let stage = stage(TWO, TRUST).await;
    let victim = "192.0.2.7";
    for (number, fields) in [
        "X-Forwarded-For: 192.0.2.7\r\n",
        "X-Forwarded-For: 10.0.0.1\r\n",
        "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.7, 127.0.0.1\r\n",
        "Forwarded: for=192.0.2.7;by=127.0.0.1\r\n",
        "X-Real-IP: 192.0.2.7\r\nTrue-Client-IP: 192.0.2.7\r\nCF-Connecting-IP: 192.0.2.7\r\n",
        "X_Forwarded_For: 192.0.2.7\r\n",
        "Connection: X-Forwarded-For\r\nX-Forwarded-For: 192.0.2.7\r\n",
    ]
    .iter()
    .enumerate()
    {
        let got = asked(&stage, 2, fields).await;
        // A field that only poses as another is malformed; it does not reach a limit.
        assert!(matches!(got, Some(200 | 429 | 400)), "{fields}: {got:?}");
        assert!(number < 2 || got != Some(200), "{fields}: {got:?}");
    }
    let known = stage.json("GET /api/limits?address=192.0.2.7").await;
    assert_eq!(known["tracked"], false, "{known}");
    assert_eq!(
        asked(&stage, 1, &format!("X-Forwarded-For: {victim}\r\n")).await,
        Some(200)
    );
}

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    bytes.extend([command, family]);
    bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

#[tokio::test]
async fn a_proxy_header_is_nobodys_way_around_a_limit() {
    let limits = "{ new_connections: { rate: 1/h, burst: 2 }, requests: { rate: 1/h, burst: 2 } }";
    let mapped = [
        &[0; 10][..],
        &[255, 255, 192, 0, 2, 7],
        &[0; 16],
        &[1, 1, 1, 1],
    ]
    .concat();
    let four = [&[192, 0, 2, 7][..], &[0; 4], &[1, 1, 1, 1]].concat();
    for policy in ["accept", "require"] {
        let trust =
            format!("client_address: {{ trusted_proxies: [127.0.0.1], proxy_protocol: {policy} }}");
        let stage = stage(limits, &trust).await;
        let ask = async |last: u8, prelude: &[u8], fields: &str| {
            let dial = Dial::plain(stage.edge.plain()).from(from(last));
            let got = dial
                .prelude(prelude.to_vec())
                .send(get("/web/x", fields), SOON)
                .await;
            got.ok().and_then(|got| got.status()).unwrap_or(0)
        };
        // One client under every spelling that a proxy may use.
        let line = b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\r\n".to_vec();
        let six = b"PROXY TCP6 ::ffff:192.0.2.7 ::1 4000 80\r\n".to_vec();
        for (number, header) in [line, v2(0x21, 0x21, &mapped), v2(0x21, 0x11, &four), six]
            .iter()
            .enumerate()
        {
            let expected = if number < 2 { 200 } else { 0 };
            // The client that the header names is no trusted proxy: what it says of others counts nothing.
            let forged = "X-Forwarded-For: 198.51.100.9\r\n";
            assert_eq!(ask(1, header, forged).await, expected, "{policy} {number}");
        }
        // The proxy speaking for itself is not limited, but whom it then vouches for is.
        for (number, header) in [
            b"PROXY UNKNOWN\r\n".to_vec(),
            v2(0x20, 0x11, &four),
            v2(0x21, 0x00, &[]),
            v2(0x20, 0x00, &[]),
        ]
        .iter()
        .enumerate()
        {
            assert_eq!(ask(1, header, "").await, 200, "{policy} {number}");
            let expected = if number < 2 { 200 } else { 429 };
            let named = "X-Forwarded-For: 198.51.100.7\r\n";
            assert_eq!(ask(1, header, named).await, expected, "{policy} {number}");
        }
        // A stranger's header opens nothing, names nobody, and a third connection is not even looked at.
        for (number, header) in [
            b"PROXY TCP4 203.0.113.7 192.0.2.1 4000 80\r\n".to_vec(),
            v2(0x20, 0x00, &[]),
            b"PROXY UNKNOWN\r\n".to_vec(),
        ]
        .iter()
        .enumerate()
        {
            let got = ask(2, header, "").await;
            assert!(matches!(got, 0 | 400), "{policy} {number}: {got}");
        }
        until("two strangers were let in to be refused", async || {
            stage.refusals("new_connections", "enforce").await == 3.0
        })
        .await;
        let known = stage.json("GET /api/limits?address=203.0.113.7").await;
        assert_eq!(known["tracked"], false, "{policy}");
    }
    no_panics();
}

#[tokio::test]
async fn every_way_of_asking_often_is_counted() {
    let limits = "{ requests: { rate: 1/h, burst: 4 }, keep_alive: { idle: 1s } }";
    let line = |method: &str, fields: &str, body: &str| {
        format!("{method} /web/x HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n{body}")
    };
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let forms = [
        line("GET", "", ""),
        line("HEAD", "", ""),
        line("OPTIONS", "", ""),
        line(
            "OPTIONS",
            "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n",
            "",
        ),
        line("DELETE", "", ""),
        line("POST", "Content-Length: 3\r\n", "abc"),
        line(
            "POST",
            "Transfer-Encoding: chunked\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
        ),
        line("GET", upgrade, ""),
        line("GET", "Upgrade: websocket\r\n", ""),
        line("GET", "X-HTTP-Method-Override: OPTIONS\r\n", ""),
        format!("GET http://{HOST}/web/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
        format!("GET /web/x HTTP/1.0\r\nHost: {HOST}\r\nConnection: keep-alive\r\n\r\n"),
        format!("GET /nowhere HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
        format!("GET /chat/other HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
        "GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n".to_owned(),
    ];
    let mut running = tokio::task::JoinSet::new();
    for form in forms {
        running.spawn(async move {
            let stage = stage(limits, "").await;
            // Two of them in one go, and as many again on connections of their own: eight that cost, four that pass.
            let mut passed = 0;
            for _ in 0..4 {
                let got = stage.send(2, form.repeat(2)).await.unwrap();
                passed += got.statuses().iter().filter(|&&code| code != 429).count();
            }
            let server = stage.server.recorder().all().len();
            assert!(
                passed <= 4 && server <= 4,
                "{form}: {passed} passed, {server} seen"
            );
        });
    }
    while let Some(form) = running.join_next().await {
        form.unwrap();
    }
    no_panics();
}

#[tokio::test]
async fn streams_of_one_connection_are_so_many_requests() {
    let stage = stage("{ requests: { rate: 1/h, burst: 4 } }", "").await;
    let mut line = http2::open_from(&stage.edge, &[], from(2)).await;
    let list = http2::hpack(&http2::get(b"/web/x"));
    let flags = http2::END_STREAM | http2::END_HEADERS;
    let all: Vec<u8> = (0..40)
        .flat_map(|number| http2::frame(http2::HEADERS, flags, number * 2 + 1, &list))
        .collect();
    line.write(&all).await.unwrap();
    until("36 are refused", async || {
        stage.refusals("request_rate", "enforce").await == 36.0
    })
    .await;
    until("four arrive", async || {
        stage.server.recorder().all().len() == 4
    })
    .await;
}
