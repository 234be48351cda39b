//! Frames in pieces, in whole, and too many of them.

use super::*;
use proptest::prelude::*;

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut bytes = vec![len[1], len[2], len[3], kind, flags, 0, 0, 0, 1];
    bytes.extend_from_slice(payload);
    bytes
}

fn greeted() -> FrameWatch {
    let mut watch = FrameWatch::new(2, Arc::default());
    watch
        .follow(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Duration::ZERO)
        .expect("no resets");
    watch
        .follow(&frame(SETTINGS, 0, &[]), Duration::ZERO)
        .expect("no resets");
    watch
}

#[test]
fn the_greeting_is_owed_until_the_first_settings_are_through() {
    let mut watch = FrameWatch::new(0, Arc::default());
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, &[0; 6]));
    for byte in &bytes {
        assert_eq!((watch.owed(), watch.greeted()), (Owed::Bytes, false));
        watch.follow(&[*byte], Duration::ZERO).expect("no resets");
    }
    assert_eq!((watch.owed(), watch.greeted()), (Owed::Nothing, true));
}

#[test]
fn a_header_block_is_owed_until_its_end_headers() {
    let mut watch = greeted();
    watch
        .follow(&frame(HEADERS, 0, b"abc"), Duration::ZERO)
        .expect("no resets");
    assert_eq!(watch.owed(), Owed::Bytes);
    watch
        .follow(&frame(CONTINUATION, 0, b""), Duration::ZERO)
        .expect("no resets");
    assert_eq!(watch.owed(), Owed::Bytes);
    watch
        .follow(&frame(CONTINUATION, END_HEADERS, b"x"), Duration::ZERO)
        .expect("no resets");
    assert_eq!(watch.owed(), Owed::Nothing);
}

#[test]
fn half_a_frame_is_owed_and_a_body_is_told_apart() {
    let mut watch = greeted();
    let data = frame(DATA, 0, &[7; 300]);
    watch.follow(&data[..5], Duration::ZERO).expect("no resets");
    assert_eq!(watch.owed(), Owed::Bytes);
    watch
        .follow(&data[5..100], Duration::ZERO)
        .expect("no resets");
    assert_eq!(watch.owed(), Owed::Data);
    watch
        .follow(&data[100..], Duration::ZERO)
        .expect("no resets");
    assert_eq!(watch.owed(), Owed::Nothing);
}

#[test]
fn one_reset_too_many_is_reported() {
    let mut watch = greeted();
    let reset = frame(RST_STREAM, 0, &[0; 4]);
    assert_eq!(watch.follow(&reset, Duration::ZERO), Ok(()));
    assert_eq!(watch.follow(&reset, Duration::ZERO), Ok(()));
    assert_eq!(watch.follow(&reset, Duration::ZERO), Err(TooMany::Resets));
}

#[test]
fn frames_of_no_use_are_counted_and_those_of_use_are_not() {
    let (many, none) = (allowance::BURST as usize, Ok(()));
    let spent = Err(TooMany::Frames);
    for (kind, flags, payload, expected) in [
        (DATA, 0, &b"x"[..], none),
        (DATA, END_STREAM, b"", none),
        (DATA, 0, b"", spent),
        (HEADERS, END_HEADERS, b"x", none),
        (CONTINUATION, 0, b"x", none),
        (CONTINUATION, 0, b"", spent),
        (2, 0, &[0; 5], spent),
        (SETTINGS, 0, b"", spent),
        (SETTINGS, 1, b"", spent),
        (6, 0, &[0; 8], spent),
        (6, 1, &[0; 8], spent),
        (7, 0, &[0; 8], spent),
        (8, 0, &[0, 0, 0, 1], spent),
        (16, 0, b"u=1", spent),
        (0xbe, 0, b"", spent),
    ] {
        let mut watch = greeted();
        let one = frame(kind, flags, payload);
        assert_eq!(watch.follow(&one.repeat(many), Duration::ZERO), Ok(()));
        assert_eq!(
            watch.follow(&one, Duration::ZERO),
            expected,
            "{kind} {flags}"
        );
    }
}

#[test]
fn an_event_stream_is_answered_twice_for_each_event() {
    let mut watch = greeted();
    let update = frame(8, 0, &[0, 0, 0, 10]).repeat(2);
    for _ in 0..100_000 {
        watch.sent_data(10);
        assert_eq!(watch.follow(&update, Duration::ZERO), Ok(()));
    }
}

#[test]
fn a_request_may_come_with_a_priority_and_a_window() {
    let mut watch = greeted();
    let request = [
        frame(2, 0, &[0; 5]),
        frame(HEADERS, END_HEADERS | END_STREAM, b"x"),
        frame(8, 0, &[0, 1, 0, 0]),
        frame(8, 0, &[0, 1, 0, 0]),
        frame(16, 0, b"u=1"),
    ];
    for _ in 0..5_000 {
        assert_eq!(watch.follow(&request.concat(), Duration::ZERO), Ok(()));
    }
}

proptest! {
    #[test]
    fn how_the_bytes_are_cut_makes_no_difference(
        frames in proptest::collection::vec((0u8..10, any::<u8>(), 0usize..40), 0..8),
        cut in 1usize..50,
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(|&(kind, flags, len)| frame(kind, flags, &vec![1; len])).collect();
        let (mut whole, mut pieces) = (greeted(), greeted());
        let at_once = whole.follow(&bytes, Duration::ZERO);
        let in_pieces = bytes.chunks(cut).try_for_each(|piece| pieces.follow(piece, Duration::ZERO));
        prop_assert_eq!(at_once, in_pieces);
        prop_assert_eq!(whole.owed(), pieces.owed());
    }
}
