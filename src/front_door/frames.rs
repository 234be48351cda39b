//! A watch over HTTP/2 frame boundaries.
//!
//! The HTTP/2 library bounds how much a client may send but not how long it may take: a preface that never comes, a frame header
//! that stops half-way, a header block dripped in CONTINUATION frames hold a connection for ever. This follows lengths and two flags
//! (RFC 9113 sections 4.1, 6.2, 6.10), never contents, and says whether the client owes bytes. The library stays the judge of frames.
//!
//! ```ignore
//! watch.follow(bytes)?;
//! if let Owed::Bytes = watch.owed() { /* a deadline runs */ }
//! ```

/// RFC 9113 section 3.4.
const PREFACE_LEN: usize = 24;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// What the client must still send before the connection is at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    /// Nothing: between frames.
    Nothing,
    /// The rest of a DATA frame: a slow body.
    Data,
    /// The rest of the preface, of the first SETTINGS, of a frame header, of another frame or of a header block.
    Bytes,
}

/// More RST_STREAM frames than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooManyResets;

#[derive(Debug)]
pub(super) struct FrameWatch {
    state: State,
    /// The preface and the first SETTINGS are through.
    greeted: bool,
    /// HEADERS came without END_HEADERS: CONTINUATION must follow.
    in_block: bool,
    resets_left: u32,
    complete: u64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Preface { left: usize },
    Header { bytes: [u8; 9], have: usize },
    Payload { kind: u8, left: usize },
}

const BETWEEN: State = State::Header {
    bytes: [0; 9],
    have: 0,
};

impl FrameWatch {
    pub(super) fn new(resets: u32) -> FrameWatch {
        FrameWatch {
            state: State::Preface { left: PREFACE_LEN },
            greeted: false,
            in_block: false,
            resets_left: resets,
            complete: 0,
        }
    }

    /// Whether preface and first SETTINGS have come.
    pub(super) fn greeted(&self) -> bool {
        self.greeted
    }

    /// How often the connection has been at rest. A change means that what is owed now has begun since.
    pub(super) fn complete(&self) -> u64 {
        self.complete
    }

    pub(super) fn owed(&self) -> Owed {
        match self.state {
            State::Payload { kind: DATA, .. } if self.greeted && !self.in_block => Owed::Data,
            State::Header { have: 0, .. } if self.greeted && !self.in_block => Owed::Nothing,
            _ => Owed::Bytes,
        }
    }

    /// Follows the bytes just read.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> Result<(), TooManyResets> {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Preface { left } => {
                    *left -= skip(&mut bytes, *left);
                    if *left == 0 {
                        self.state = BETWEEN;
                    }
                }
                State::Header { bytes: head, have } => {
                    let missing = head.get_mut(*have..).unwrap_or_default();
                    let n = missing.len().min(bytes.len());
                    let (taken, rest) = bytes.split_at(n);
                    for (to, from) in missing.iter_mut().zip(taken) {
                        *to = *from;
                    }
                    bytes = rest;
                    *have += n;
                    if *have == head.len() {
                        let head = *head;
                        self.begin(head)?;
                    }
                }
                State::Payload { left, .. } => {
                    *left -= skip(&mut bytes, *left);
                    self.end_if_complete();
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, head: [u8; 9]) -> Result<(), TooManyResets> {
        let [l0, l1, l2, kind, flags, ..] = head;
        let left = usize::from(l0) << 16 | usize::from(l1) << 8 | usize::from(l2);
        match kind {
            HEADERS | CONTINUATION => self.in_block = flags & END_HEADERS == 0,
            RST_STREAM => {
                self.resets_left = self.resets_left.checked_sub(1).ok_or(TooManyResets)?;
            }
            _ => {}
        }
        self.state = State::Payload { kind, left };
        self.end_if_complete();
        Ok(())
    }

    fn end_if_complete(&mut self) {
        if let State::Payload { kind, left: 0 } = self.state {
            self.greeted |= kind == SETTINGS;
            self.state = BETWEEN;
            if self.owed() == Owed::Nothing {
                self.complete = self.complete.wrapping_add(1);
            }
        }
    }
}

/// Drops up to `n` bytes from the front and says how many.
fn skip(bytes: &mut &[u8], n: usize) -> usize {
    let n = n.min(bytes.len());
    *bytes = bytes.get(n..).unwrap_or_default();
    n
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

    fn greeted() -> FrameWatch {
        let mut watch = FrameWatch::new(2);
        watch
            .follow(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .expect("no resets");
        watch.follow(&frame(SETTINGS, 0, &[])).expect("no resets");
        watch
    }

    #[test]
    fn the_greeting_is_owed_until_the_first_settings_are_through() {
        let mut watch = FrameWatch::new(0);
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend(frame(SETTINGS, 0, &[0; 6]));
        for byte in &bytes {
            assert_eq!((watch.owed(), watch.greeted()), (Owed::Bytes, false));
            watch.follow(&[*byte]).expect("no resets");
        }
        assert_eq!((watch.owed(), watch.greeted()), (Owed::Nothing, true));
    }

    #[test]
    fn a_header_block_is_owed_until_its_end_headers() {
        let mut watch = greeted();
        watch.follow(&frame(HEADERS, 0, b"abc")).expect("no resets");
        assert_eq!(watch.owed(), Owed::Bytes);
        watch
            .follow(&frame(CONTINUATION, 0, b""))
            .expect("no resets");
        assert_eq!(watch.owed(), Owed::Bytes);
        watch
            .follow(&frame(CONTINUATION, END_HEADERS, b"x"))
            .expect("no resets");
        assert_eq!(watch.owed(), Owed::Nothing);
    }

    #[test]
    fn half_a_frame_is_owed_and_a_body_is_told_apart() {
        let mut watch = greeted();
        let data = frame(DATA, 0, &[7; 300]);
        watch.follow(&data[..5]).expect("no resets");
        assert_eq!(watch.owed(), Owed::Bytes);
        watch.follow(&data[5..100]).expect("no resets");
        assert_eq!(watch.owed(), Owed::Data);
        watch.follow(&data[100..]).expect("no resets");
        assert_eq!(watch.owed(), Owed::Nothing);
    }

    #[test]
    fn one_reset_too_many_is_reported() {
        let mut watch = greeted();
        let reset = frame(RST_STREAM, 0, &[0; 4]);
        assert_eq!(watch.follow(&reset), Ok(()));
        assert_eq!(watch.follow(&reset), Ok(()));
        assert_eq!(watch.follow(&reset), Err(TooManyResets));
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(
            frames in proptest::collection::vec((0u8..10, any::<u8>(), 0usize..40), 0..8),
            cut in 1usize..50,
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|&(kind, flags, len)| frame(kind, flags, &vec![1; len])).collect();
            let (mut whole, mut pieces) = (greeted(), greeted());
            let at_once = whole.follow(&bytes);
            let in_pieces = bytes.chunks(cut).try_for_each(|piece| pieces.follow(piece));
            prop_assert_eq!(at_once, in_pieces);
            prop_assert_eq!(whole.owed(), pieces.owed());
        }
    }
}
