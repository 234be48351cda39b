//! HTTP/2, frame by frame: header lists that would become two requests on the way to a server, floods, and clients that hold on.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::Rude;
use loadtest::rude::client::{Dial, Line};

use super::support::{SOON, edge, no_panics, ok, stage, stage_with};

pub(super) const HEADERS: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&[a, b, c, kind, flags][..], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// A header list in HPACK: each field literal, not indexed, not compressed (RFC 7541 section 6.2.2).
pub(super) fn hpack(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            match u8::try_from(text.len()) {
                Ok(len @ 0..=126) => block.push(len),
                _ => {
                    // RFC 7541 section 5.1, of seven bits.
                    let mut rest = text.len() - 127;
                    block.push(127);
                    while rest >= 128 {
                        block.push(u8::try_from(rest % 128).unwrap() | 128);
                        rest /= 128;
                    }
                    block.push(u8::try_from(rest).unwrap());
                }
            }
            block.extend_from_slice(text);
        }
    }
    block
}

async fn open(edge: &Edge, settings: &[u8]) -> Line {
    open_from(edge, settings, IpAddr::V4(Ipv4Addr::LOCALHOST)).await
}

/// The same from another address.
pub(super) async fn open_from(edge: &Edge, settings: &[u8], client: IpAddr) -> Line {
    let dial = Dial::tls(edge.https())
        .sni("proxy.example.com")
        .alpn(&["h2"])
        .from(client);
    let mut line = dial.open().await.unwrap();
    line.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    line.write(&frame(4, 0, 0, settings)).await.unwrap();
    line
}

pub(super) type Fields<'a> = Vec<(&'a [u8], &'a [u8])>;

/// The pseudo-fields of a plain GET of this path.
pub(super) fn get(path: &[u8]) -> Fields<'_> {
    vec![
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"proxy.example.com"),
        (b":path", path),
    ]
}

#[tokio::test]
async fn no_header_list_becomes_anything_but_one_request() {
    let stage = stage(ok).await;
    let path: &[u8] = b"/gadgets/x";
    let with = |more: &[(&'static [u8], &'static [u8])]| {
        let mut fields = get(path);
        fields.extend(more);
        fields
    };
    let but = |name: &'static [u8], value: &'static [u8]| {
        let mut fields = get(path);
        fields.retain(|(n, _)| *n != name);
        fields.insert(0, (name, value));
        fields
    };
    let without = |name: &[u8]| {
        let mut fields = get(path);
        fields.retain(|(n, _)| *n != name);
        fields
    };
    let lists: Vec<Fields<'_>> = vec![
        with(&[(b"x", b"a\r\nTransfer-Encoding: chunked")]),
        with(&[(b"x", b"a\nb: c")]),
        with(&[(b"x", b"a\rb")]),
        with(&[(b"x", b"a\0b")]),
        with(&[(b"x", b"\x1b[31m")]),
        with(&[(b"x", b"\x80")]),
        with(&[(b"x\r\ny", b"a")]),
        with(&[(b"x:y", b"a")]),
        with(&[(b"x y", b"a")]),
        with(&[(b"", b"a")]),
        with(&[(b"x\0", b"a")]),
        with(&[(b"X", b"a")]),
        with(&[(b"Transfer-Encoding", b"chunked")]),
        with(&[(b"transfer-encoding", b"chunked")]),
        with(&[(b"transfer_encoding", b"chunked")]),
        with(&[(b"connection", b"close")]),
        with(&[(b"keep-alive", b"5")]),
        with(&[(b"proxy-connection", b"close")]),
        with(&[(b"upgrade", b"websocket")]),
        with(&[(b"te", b"gzip")]),
        with(&[(b"te", b"trailers, chunked")]),
        with(&[(b"host", b"evil.example")]),
        with(&[(b"host", b"proxy.example.com"), (b"host", b"evil.example")]),
        with(&[(b"content-length", b"5")]),
        with(&[(b"content-length", b"+0")]),
        with(&[(b"content-length", b"0, 0")]),
        with(&[(b"content-length", b"0"), (b"content-length", b"0")]),
        with(&[(b"content-length", b"00")]),
        with(&[(b"content-length", b"")]),
        with(&[(b"expect", b"200-ok")]),
        with(&[(b":path", b"/gadgets/y")]),
        with(&[(b":method", b"POST")]),
        with(&[(b":status", b"200")]),
        with(&[(b":evil", b"1")]),
        with(&[(b":protocol", b"websocket")]),
        but(b":path", b""),
        but(b":path", b"gadgets/x"),
        but(b":path", b"*"),
        but(b":path", b"https://evil.example/gadgets/x"),
        but(b":path", b"/gadgets/x HTTP/1.1\r\nX: y"),
        but(b":path", b"/gadgets/x y"),
        but(b":path", b"/gadgets/x#y"),
        but(b":path", b"/gadgets/\x80"),
        but(b":path", b"/gadgets/\0"),
        but(b":path", b"/gadgets/\t"),
        but(b":path", b"/narrow/open/../admin"),
        but(b":path", b"/narrow/open/%2e%2e/admin"),
        but(b":path", b"/narrow/open/..;/admin"),
        but(b":path", b"//evil.example/api/icserver1/icws/1"),
        but(b":path", b"/us/icserver1/admin"),
        but(b":method", b"GET / HTTP/1.1\r\nX: y"),
        but(b":method", b"get"),
        but(b":method", b"TRACE"),
        but(b":method", b"CONNECT"),
        but(b":method", b""),
        but(b":scheme", b"http"),
        but(b":scheme", b"https://evil.example/?"),
        but(b":scheme", b""),
        but(b":authority", b"evil.example"),
        but(b":authority", b"other.example.com"),
        but(b":authority", b"a@proxy.example.com"),
        but(b":authority", b"proxy.example.com\r\nX: y"),
        but(b":authority", b"proxy.example.com/x"),
        but(b":authority", b""),
        without(b":method"),
        without(b":path"),
        without(b":scheme"),
        without(b":authority"),
        {
            let mut late = without(b":path");
            late.extend([(&b"x"[..], &b"y"[..]), (b":path", path)]);
            late
        },
    ];
    let mut passed = Vec::new();
    for list in &lists {
        stage.server.recorder().clear();
        let mut line = open(&stage.edge, &[]).await;
        line.write(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &hpack(list)))
            .await
            .unwrap();
        // A proper request behind it: whatever became of the first, this one is not touched by it.
        let mut proper = get(b"/gadgets/proper");
        proper.push((b"x-last", b"1"));
        let _ = line
            .write(&frame(
                HEADERS,
                END_STREAM | END_HEADERS,
                3,
                &hpack(&proper),
            ))
            .await;
        let _ = line.read_to_end(Duration::from_millis(60)).await;
        for record in stage.seen() {
            // The HTTP/2 library drops a fragment before anybody can refuse it: what is judged and forwarded is the path before it.
            let cut =
                list.iter().any(|(_, value)| value.contains(&b'#')) && record.target() == "/base/x";
            if record.target() != "/base/proper" && !cut {
                passed.push(format!(
                    "{:?} as {}",
                    list.last()
                        .map(|(n, v)| (n.escape_ascii().to_string(), v.escape_ascii().to_string())),
                    record.request.raw_head.escape_ascii()
                ));
            }
            assert!(record.body.is_empty());
        }
    }
    assert_eq!(
        passed,
        [""; 0],
        "{} of {} passed",
        passed.len(),
        lists.len()
    );
    no_panics();
}

#[tokio::test]
async fn a_body_is_as_long_as_it_says() {
    let stage = stage(ok).await;
    for (length, data, trailers) in [
        (&b"5"[..], &b"abc"[..], false),
        (b"3", b"abcGET / HTTP/1.1\r\n\r\n", false),
        (b"0", b"abc", false),
        (b"3", b"abc", true),
    ] {
        stage.server.recorder().clear();
        let mut fields = get(b"/gadgets/x");
        fields[0].1 = b"POST";
        fields.push((b"content-length", length));
        let mut line = open(&stage.edge, &[]).await;
        line.write(&frame(HEADERS, END_HEADERS, 1, &hpack(&fields)))
            .await
            .unwrap();
        line.write(&frame(0, u8::from(!trailers), 1, data))
            .await
            .unwrap();
        if trailers {
            let list = hpack(&[
                (b"content-length", b"50"),
                (b"host", b"evil.example"),
                (b"transfer-encoding", b"chunked"),
            ]);
            line.write(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &list))
                .await
                .unwrap();
        }
        let _ = line.read_to_end(Duration::from_millis(300)).await;
        for record in stage.seen() {
            let empty = length == b"0" && record.body.is_empty();
            let whole = trailers && record.body == b"abc";
            assert!(!record.body_complete || empty || whole, "{record:?}");
        }
    }
    stage.nothing_leaks().await;
}

/// Sends a flood piece by piece until the gateway closes or everything is out. How much went out.
async fn flood(line: &mut Line, piece: &[u8], times: usize) -> usize {
    for sent in 0..times {
        let write = tokio::time::timeout(Duration::from_secs(1), line.write(piece));
        if !matches!(write.await, Ok(Ok(()))) {
            return sent;
        }
    }
    times
}

/// Memory is the whole process's: one test at a time looks at it.
static RESIDENT: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_end_or_cost_nothing() {
    let stage = stage_with("limits: { request_head: { within: 2s } }", ok).await;
    let get = hpack(&get(b"/gadgets/x"));
    let reset: Vec<u8> = (0..500u32)
        .flat_map(|at| {
            [
                frame(HEADERS, END_STREAM | END_HEADERS, at * 2 + 1, &get),
                frame(3, 0, at * 2 + 1, &[0, 0, 0, 8]),
            ]
            .concat()
        })
        .collect();
    let again: Vec<u8> = (0..2000u32)
        .flat_map(|at| {
            [
                frame(HEADERS, END_STREAM | END_HEADERS, at * 2 + 1001, &get),
                frame(3, 0, at * 2 + 1001, &[0, 0, 0, 8]),
            ]
            .concat()
        })
        .collect();
    let begun = frame(HEADERS, 0, 1, &get);
    let crumbs: Vec<(&[u8], &[u8])> =
        std::iter::repeat_n((&b"cookie"[..], &b"a=b"[..]), 4000).collect();
    // One entry of 4000 bytes in the table, then a hundred thousand mentions of it.
    let big = vec![b'a'; 4000];
    let mut bomb = get.clone();
    bomb.extend([0x40, 1, b'x', 127]);
    bomb.extend([0xa1, 0x1e]);
    bomb.extend_from_slice(&big);
    bomb.extend(std::iter::repeat_n(0xbe, 12_000));
    let upload = {
        let mut fields = super::http2::get(b"/gadgets/x");
        fields[0].1 = b"POST";
        frame(HEADERS, END_HEADERS, 1, &hpack(&fields))
    };
    let _alone = RESIDENT.lock().await;
    let before = resident();
    let cases: Vec<(&str, Vec<u8>, Vec<u8>, bool)> = vec![
        ("rapid reset", reset, again, true),
        (
            "CONTINUATION",
            begun.clone(),
            frame(9, 0, 1, &hpack(&[(b"x", b"y")])).repeat(200),
            true,
        ),
        (
            "empty CONTINUATION",
            begun,
            frame(9, 0, 1, b"").repeat(200),
            true,
        ),
        (
            "PING",
            Vec::new(),
            frame(6, 0, 0, &[0; 8]).repeat(200),
            true,
        ),
        (
            "SETTINGS",
            Vec::new(),
            frame(4, 0, 0, &[0, 3, 0, 0, 0, 9]).repeat(200),
            true,
        ),
        (
            "PRIORITY",
            Vec::new(),
            frame(2, 0, 1, &[0, 0, 0, 0, 9]).repeat(200),
            true,
        ),
        (
            "an unknown frame",
            Vec::new(),
            frame(0xbe, 0, 0, &[0; 100]).repeat(200),
            true,
        ),
        (
            "empty DATA",
            upload.clone(),
            frame(0, 0, 1, b"").repeat(200),
            true,
        ),
        (
            "WINDOW_UPDATE overflow",
            Vec::new(),
            frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]).repeat(2),
            true,
        ),
        (
            "WINDOW_UPDATE of nothing",
            Vec::new(),
            frame(8, 0, 0, &[0; 4]),
            true,
        ),
        (
            "PUSH_PROMISE",
            Vec::new(),
            frame(5, 4, 1, &[0, 0, 0, 2]),
            true,
        ),
        (
            "an even stream",
            Vec::new(),
            frame(HEADERS, 5, 2, &get),
            true,
        ),
        ("stream 0", Vec::new(), frame(HEADERS, 5, 0, &get), true),
        (
            "a stream used twice",
            frame(HEADERS, 5, 1, &get),
            frame(HEADERS, 5, 1, &get),
            false,
        ),
        (
            "a smaller stream",
            frame(HEADERS, 5, 9, &get),
            frame(HEADERS, 5, 3, &get),
            true,
        ),
        (
            "a frame too large",
            Vec::new(),
            frame(HEADERS, 5, 1, &vec![0; 20_000]),
            true,
        ),
        (
            "padding longer than the frame",
            Vec::new(),
            frame(HEADERS, 5 | 8, 1, &[200, 1, 2]),
            true,
        ),
        (
            "DATA before HEADERS",
            Vec::new(),
            frame(0, 1, 1, b"abc"),
            true,
        ),
        (
            "an HPACK index that is not there",
            Vec::new(),
            frame(HEADERS, 5, 1, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
            true,
        ),
        (
            "an HPACK table of 4 GiB",
            Vec::new(),
            frame(HEADERS, 5, 1, &[0x3f, 0xe1, 0xff, 0xff, 0xff, 0x0f]),
            true,
        ),
        (
            "an HPACK bomb",
            frame(HEADERS, 5, 1, &bomb),
            Vec::new(),
            false,
        ),
        (
            "crumbs of a cookie",
            [
                frame(HEADERS, 1, 1, &hpack(&crumbs)[..16_000]),
                frame(9, 4, 1, &hpack(&crumbs)[16_000..32_000]),
            ]
            .concat(),
            Vec::new(),
            false,
        ),
    ];
    for (name, first, piece, ends) in cases {
        let mut line = open(&stage.edge, &[]).await;
        let _ = line.write(&first).await;
        flood(&mut line, &piece, 300).await;
        let (_, ended) = line
            .read_to_end(if ends {
                SOON
            } else {
                Duration::from_millis(200)
            })
            .await;
        assert!(
            !ends || ended != loadtest::rude::client::Ended::Open,
            "{name} is still open"
        );
        drop(line);
        let grown = resident().saturating_sub(before);
        assert!(grown < 200 << 20, "{name}: {} MiB more", grown >> 20);
        no_panics();
    }
    // Nobody else suffers from it.
    let got = stage.get("/gadgets/after", "").await;
    assert_eq!(got.status(), Some(200), "{}", got.text());
    stage.seen();
    stage.nothing_leaks().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_take_nothing_hold_little_and_not_for_ever() {
    let server = Rude::serve(|mut connection| async move {
        connection.read_head().await?;
        connection.write(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        loop {
            connection.write_watching(&[b'x'; 8192]).await?;
        }
    })
    .await
    .unwrap();
    let more = "limits: { write_idle: 3s, http2: { idle: 3s } }";
    let edge = edge(&server.address().to_string(), more).await;
    let _alone = RESIDENT.lock().await;
    let before = resident();
    let get = hpack(&get(b"/gadgets/x"));
    let mut lines = Vec::new();
    for _ in 0..4 {
        // SETTINGS_INITIAL_WINDOW_SIZE of nothing.
        let mut line = open(&edge, &[0, 4, 0, 0, 0, 0]).await;
        let all: Vec<u8> = (0..100u32)
            .flat_map(|at| frame(HEADERS, 5, at * 2 + 1, &get))
            .collect();
        line.write(&all).await.unwrap();
        lines.push(line);
    }
    server
        .wait_for("all requests", SOON, |seen| {
            seen.iter().filter(|one| one.written_total > 0).count() >= 400
        })
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 400 << 20, "400 streams hold {} MiB", grown >> 20);
    server.wait_for_leavers(400, SOON).await.unwrap();
    drop(lines);
    no_panics();
}
