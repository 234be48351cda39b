//! The frames that we send, as far as they tell about the client: DATA explains its window updates, WINDOW_UPDATE lets it go on with
//! its bodies, and GOAWAY says why the HTTP/2 library has had enough.
//!
//! ```ignore
//! sent.follow(written, |event| if let Sent::GoAway(reason) = event { tell(reason) });
//! ```

use super::{DATA, END_STREAM, FrameHead, HEADERS, RST_STREAM, skip};
use crate::reason::Reason;

const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
/// As much of a payload as is looked at: the library's longest word in a GOAWAY, and more.
const KEPT: usize = 48;
/// The error codes of RFC 9113 section 7 that are no complaint.
const NO_ERROR: u32 = 0;
const ENHANCE_YOUR_CALM: u32 = 11;
/// `:status 431` in HPACK, when it is new to the client: an indexed name and a Huffman string.
const STATUS_431: &[u8] = b"\x48\x83\x69\x90\xff";

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::front_door) enum Sent {
    /// DATA with so many bytes.
    Data(usize),
    /// WINDOW_UPDATE: the client may send so many bytes more.
    Window {
        /// 0 is the connection.
        stream: u32,
        /// Bytes.
        more: u32,
    },
    /// We have finished or reset this stream.
    Closed(u32),
    /// The library's own 431: the header list was too large, and nobody else has seen it.
    TooLarge,
    /// The library ends the connection.
    GoAway(Reason),
}

#[derive(Debug)]
pub(in crate::front_door) struct SentWatch {
    head: FrameHead,
    payload: Option<Payload>,
}

#[derive(Debug)]
struct Payload {
    kind: u8,
    flags: u8,
    stream: u32,
    len: usize,
    left: usize,
    kept: [u8; KEPT],
}

impl SentWatch {
    pub(in crate::front_door) fn new() -> SentWatch {
        SentWatch {
            head: FrameHead::default(),
            payload: None,
        }
    }

    /// Follows the bytes just written.
    pub(in crate::front_door) fn follow(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Sent)) {
        while !bytes.is_empty() {
            match &mut self.payload {
                None => {
                    self.payload = self.head.take(&mut bytes).map(Payload::new);
                }
                Some(payload) => payload.take(&mut bytes),
            }
            if let Some(payload) = self.payload.take_if(|payload| payload.left == 0) {
                payload.tell(&mut tell);
            }
        }
    }
}

impl Payload {
    fn new([l0, l1, l2, kind, flags, s0, s1, s2, s3]: [u8; 9]) -> Payload {
        let len = super::length(l0, l1, l2);
        Payload {
            kind,
            flags,
            stream: super::number(s0, s1, s2, s3),
            len,
            left: len,
            kept: [0; KEPT],
        }
    }

    fn take(&mut self, bytes: &mut &[u8]) {
        let at = self.len - self.left;
        let all = *bytes;
        let n = skip(bytes, self.left);
        for (to, from) in self.kept.iter_mut().skip(at).zip(all.iter().take(n)) {
            *to = *from;
        }
        self.left -= n;
    }

    fn tell(&self, tell: &mut impl FnMut(Sent)) {
        if let Some(event) = self.means() {
            tell(event);
        }
        let last = matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0;
        if last || self.kind == RST_STREAM {
            tell(Sent::Closed(self.stream));
        }
    }

    fn means(&self) -> Option<Sent> {
        let kept = self.kept.get(..self.len.min(KEPT)).unwrap_or_default();
        match self.kind {
            DATA if self.len > 0 => Some(Sent::Data(self.len)),
            // Whatever else answers sends Date too. What was sent before is one byte of reference.
            HEADERS
                if self.flags & END_STREAM != 0
                    && (self.len == 1 || (self.len <= KEPT && kept.ends_with(STATUS_431))) =>
            {
                Some(Sent::TooLarge)
            }
            WINDOW_UPDATE => {
                let (more, _) = kept.split_first_chunk()?;
                Some(Sent::Window {
                    stream: self.stream,
                    more: u32::from_be_bytes(*more),
                })
            }
            GOAWAY => {
                let (fixed, word) = kept.split_at_checked(8)?;
                let [_, _, _, _, a, b, c, d] = fixed.try_into().ok()?;
                reason(u32::from_be_bytes([a, b, c, d]), word).map(Sent::GoAway)
            }
            _ => None,
        }
    }
}

/// The words are the library's, h2 0.4.
fn reason(code: u32, word: &[u8]) -> Option<Reason> {
    match (code, word) {
        (NO_ERROR, _) => None,
        (ENHANCE_YOUR_CALM, b"too_many_resets") => Some(Reason::Http2Resets),
        (ENHANCE_YOUR_CALM, b"header_list_way_too_large") => Some(Reason::HeadTooLarge),
        (ENHANCE_YOUR_CALM, _) => Some(Reason::Http2Flood),
        _ => Some(Reason::Http2Protocol),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let len = u32::try_from(payload.len()).expect("short").to_be_bytes();
        let mut bytes = vec![len[1], len[2], len[3], kind, flags, 0, 0, 0, 1];
        bytes.extend_from_slice(payload);
        bytes
    }

    fn told(bytes: &[u8], cut: usize) -> Vec<Sent> {
        let mut watch = SentWatch::new();
        let mut all = Vec::new();
        for piece in bytes.chunks(cut) {
            watch.follow(piece, |event| all.push(event));
        }
        all
    }

    fn goaway(code: u8, word: &str) -> Vec<u8> {
        let fixed = [0, 0, 0, 1, 0, 0, 0, code];
        frame(GOAWAY, 0, &[&fixed, word.as_bytes()].concat())
    }

    #[test]
    fn what_our_frames_say_about_the_client() {
        let gone = |reason| vec![Sent::GoAway(reason)];
        for (bytes, expected) in [
            (frame(4, 0, &[0; 6]), vec![]),
            (frame(DATA, 0, &[1; 300]), vec![Sent::Data(300)]),
            (frame(DATA, END_STREAM, &[]), vec![Sent::Closed(1)]),
            (frame(RST_STREAM, 0, &[0; 4]), vec![Sent::Closed(1)]),
            (
                frame(WINDOW_UPDATE, 0, &[0, 0, 1, 0]),
                vec![Sent::Window {
                    stream: 1,
                    more: 256,
                }],
            ),
            (
                frame(HEADERS, 5, STATUS_431),
                vec![Sent::TooLarge, Sent::Closed(1)],
            ),
            (
                frame(HEADERS, 5, &[0xbe]),
                vec![Sent::TooLarge, Sent::Closed(1)],
            ),
            (frame(HEADERS, 4, &[0xbe]), vec![]),
            (frame(HEADERS, 5, &[0x88, 0xbe]), vec![Sent::Closed(1)]),
            (goaway(0, ""), vec![]),
            (goaway(1, ""), gone(Reason::Http2Protocol)),
            (goaway(11, "too_many_resets"), gone(Reason::Http2Resets)),
            (
                goaway(11, "header_list_way_too_large"),
                gone(Reason::HeadTooLarge),
            ),
            (
                goaway(11, "too_many_continuations"),
                gone(Reason::Http2Flood),
            ),
            (goaway(11, &"x".repeat(500)), gone(Reason::Http2Flood)),
        ] {
            for cut in [1, 7, 10_000] {
                assert_eq!(told(&bytes, cut), expected, "{bytes:?} in pieces of {cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(
            bytes in proptest::collection::vec(0u8..20, 0..2000),
            cut in 1usize..50,
        ) {
            prop_assert_eq!(told(&bytes, cut), told(&bytes, usize::MAX));
        }
    }
}
