//! Slow and flooding clients of HTTP/2. They speak it from the first byte, as after ALPN.
//!
//! ```
//! assert!(loadtest::slow::http2().iter().any(|attack| attack.name == "PING flood"));
//! ```

use std::time::Duration;

use super::frames::{frame, get, hpack, length};
use super::{Attack, BRIEF, ENDLESS, HOST};

/// Shorter than any deadline on silence.
const PAUSE: Duration = Duration::from_millis(100);
/// Frames in one write of a flood, and writes.
const FLOOD: (usize, usize) = (200, 300);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// All of them.
pub fn http2() -> Vec<Attack> {
    let mut all = slow();
    all.extend(floods());
    all
}

/// The greeting with one setting, and what follows.
fn greeting(id: u8, value: u32, rest: &[&[u8]]) -> Vec<u8> {
    let mut setting = vec![0, id];
    setting.extend(value.to_be_bytes());
    [PREFACE, &frame(SETTINGS, 0, 0, &setting), &rest.concat()].concat()
}

/// The greeting with SETTINGS_MAX_CONCURRENT_STREAMS of nothing, which means nothing.
fn greeted(rest: &[&[u8]]) -> Vec<u8> {
    greeting(3, 0, rest)
}

/// SETTINGS_INITIAL_WINDOW_SIZE.
fn window(size: u32, rest: &[&[u8]]) -> Vec<u8> {
    greeting(4, size, rest)
}

fn request(stream: u32, path: &str) -> Vec<u8> {
    let fields = hpack(&get(HOST, path));
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &fields)
}

fn upload() -> Vec<u8> {
    let mut fields = get(HOST, BRIEF);
    if let Some(method) = fields.first_mut() {
        method.1 = b"POST";
    }
    frame(HEADERS, END_HEADERS, 1, &hpack(&fields))
}

fn slow() -> Vec<Attack> {
    let endless = request(1, ENDLESS);
    let most = 0x7fff_ffff_u32;
    let wide = (most - 0xffff).to_be_bytes();
    let byte = frame(DATA, 0, 1, b"x");
    let begun = frame(HEADERS, END_STREAM, 1, &hpack(&get(HOST, BRIEF)));
    let dripping = [0, 64, 0, CONTINUATION, END_HEADERS, 0, 0, 0, 1];
    let half_a_frame = [0, 0, 9, HEADERS];
    vec![
        Attack::new("no preface", "preface_timeout", ""),
        Attack::new("preface, stopped", "preface_timeout", &PREFACE[..9]),
        Attack::new("preface, no SETTINGS", "preface_timeout", PREFACE),
        Attack::new("half a frame", "head_timeout", greeted(&[&half_a_frame])),
        Attack::new(
            "head, dripped",
            "head_timeout",
            greeted(&[&begun, &dripping]),
        )
        .drip(&b"\0"[..], PAUSE),
        Attack::new(
            "body, stopped",
            "body_timeout",
            greeted(&[&upload(), &byte]),
        ),
        Attack::new("body, dripped", "body_too_slow", greeted(&[&upload()])).drip(byte, PAUSE),
        Attack::new("idle", "", greeted(&[&request(1, BRIEF)])).counted_against_nobody(),
        Attack::new("idle from the start", "", greeted(&[])).counted_against_nobody(),
        Attack::new(
            "never reads",
            "slow_reader",
            window(most, &[&frame(WINDOW_UPDATE, 0, 0, &wide), &endless]),
        )
        .deaf(),
        Attack::new("zero window", "slow_reader", window(0, &[&endless])),
        Attack::new(
            "window of a byte, dripped",
            "slow_reader",
            window(0, &[&endless]),
        )
        .drip(frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]), PAUSE),
    ]
}

fn floods() -> Vec<Attack> {
    let (frames, times) = FLOOD;
    let begun = frame(HEADERS, END_STREAM, 1, &hpack(&get(HOST, BRIEF)));
    let flood = |name, opening: &[&[u8]], one: Vec<u8>| {
        Attack::new(name, "http2_flood", greeted(opening)).flood(one.repeat(frames), times)
    };
    let resets: Vec<u8> = (0..2000)
        .map(|at| at * 2 + 1)
        .flat_map(|stream| {
            let mut both = request(stream, BRIEF);
            both.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
            both
        })
        .collect();
    vec![
        Attack::new("rapid reset", "http2_resets", greeted(&[&resets])).at_once(),
        flood("PING flood", &[], frame(6, 0, 0, &[0; 8])),
        flood(
            "SETTINGS flood",
            &[],
            frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]),
        ),
        flood("PRIORITY flood", &[], frame(2, 0, 1, &[0, 0, 0, 0, 9])),
        flood(
            "WINDOW_UPDATE flood",
            &[],
            frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
        ),
        flood("empty DATA flood", &[&upload()], frame(DATA, 0, 1, b"")),
        flood("unknown frames", &[], frame(0xbe, 0, 0, &[0; 100])),
        flood(
            "empty CONTINUATION",
            &[&begun],
            frame(CONTINUATION, 0, 1, b""),
        ),
        flood(
            "CONTINUATION flood",
            &[&begun],
            frame(CONTINUATION, 0, 1, &hpack(&[(b"x", b"y")])),
        ),
        Attack::new("HPACK bomb", "head_too_large", greeted(&[&bomb()])).at_once(),
        Attack::new(
            "header list of 48 KiB",
            "head_too_large",
            greeted(&[&long_list()]),
        ),
        Attack::new(
            "WINDOW_UPDATE of nothing",
            "http2_protocol",
            greeted(&[&frame(WINDOW_UPDATE, 0, 0, &[0; 4])]),
        )
        .at_once(),
    ]
}

/// One entry of 4000 bytes in the table, then twelve thousand mentions of it: 48 MB from 16 KB.
fn bomb() -> Vec<u8> {
    let mut block = hpack(&get(HOST, BRIEF));
    block.extend([0x40, 1, b'x']);
    length(4000, &mut block);
    block.extend([b'a'; 4000]);
    block.extend([0xbe; 12_000]);
    frame(
        HEADERS,
        END_STREAM | END_HEADERS,
        1,
        block.get(..16_000).unwrap_or(&block),
    )
}

/// More than a header list may have, and not so much that the connection ends by it.
fn long_list() -> Vec<u8> {
    let value = [b'a'; 1000];
    let mut fields = get(HOST, BRIEF);
    fields.extend(std::iter::repeat_n((&b"x"[..], &value[..]), 48));
    let block = hpack(&fields);
    let mut pieces = block.chunks(16_000).peekable();
    let mut kind = (HEADERS, END_STREAM);
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() {
            END_HEADERS
        } else {
            0
        };
        bytes.extend(frame(kind.0, kind.1 | last, 1, piece));
        kind = (CONTINUATION, 0);
    }
    bytes
}
