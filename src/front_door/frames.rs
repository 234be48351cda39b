//! A watch over HTTP/2 frame boundaries.
//!
//! The HTTP/2 library bounds how much a client may send but not how long it may take: a preface that never comes, a frame header
//! that stops half-way, a header block dripped in CONTINUATION frames hold a connection for ever. Nor does it mind frames that carry
//! nothing, as many as there may be. This follows lengths and three flags (RFC 9113 sections 4.1, 6.2, 6.10), never contents, says
//! whether the client owes bytes, and counts what is of no use. The library stays the judge of frames.
//!
//! ```ignore
//! watch.follow(bytes, age_of_the_connection)?;
//! if let Owed::Bytes = watch.owed() { /* a deadline runs */ }
//! ```

mod allowance;
mod sent;

use std::sync::Arc;
use std::time::Duration;

pub(super) use sent::{Sent, SentWatch};

use super::http2::Uploads;
use crate::reason::Reason;
use allowance::{Allowance, Spent};

/// RFC 9113 section 3.4.
const PREFACE_LEN: usize = 24;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// What a header list that the library itself had to refuse costs: a hundred of them are a flood.
const TOO_LARGE_COSTS: u64 = 10;

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

/// More of something than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooMany {
    /// RST_STREAM frames.
    Resets,
    /// Frames of no use.
    Frames,
}

impl TooMany {
    pub(super) fn reason(self) -> Reason {
        match self {
            TooMany::Resets => Reason::Http2Resets,
            TooMany::Frames => Reason::Http2Flood,
        }
    }
}

impl From<Spent> for TooMany {
    fn from(_: Spent) -> TooMany {
        TooMany::Frames
    }
}

#[derive(Debug)]
pub(super) struct FrameWatch {
    state: State,
    /// The preface and the first SETTINGS are through.
    greeted: bool,
    /// HEADERS came without END_HEADERS: CONTINUATION must follow.
    in_block: bool,
    resets_left: u32,
    allowance: Allowance,
    uploads: Arc<Uploads>,
    complete: u64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Preface { left: usize },
    Header(FrameHead),
    Payload { kind: u8, left: usize },
}

/// The nine bytes that begin a frame, as far as they are there.
#[derive(Debug, Clone, Copy, Default)]
struct FrameHead {
    bytes: [u8; 9],
    have: usize,
}

impl FrameHead {
    /// Takes what belongs to it from the front; all nine once they are complete.
    fn take(&mut self, bytes: &mut &[u8]) -> Option<[u8; 9]> {
        let missing = self.bytes.get_mut(self.have..).unwrap_or_default();
        let all = *bytes;
        let n = skip(bytes, missing.len());
        for (to, from) in missing.iter_mut().zip(all.iter().take(n)) {
            *to = *from;
        }
        self.have += n;
        (self.have == self.bytes.len()).then(|| std::mem::take(self).bytes)
    }
}

fn length(l0: u8, l1: u8, l2: u8) -> usize {
    usize::from(l0) << 16 | usize::from(l1) << 8 | usize::from(l2)
}

/// The reserved bit is ignored (RFC 9113 section 4.1).
fn number(s0: u8, s1: u8, s2: u8, s3: u8) -> u32 {
    u32::from_be_bytes([s0 & 0x7f, s1, s2, s3])
}

impl FrameWatch {
    /// `uploads` hears of request bodies.
    pub(super) fn new(resets: u32, uploads: Arc<Uploads>) -> FrameWatch {
        FrameWatch {
            state: State::Preface { left: PREFACE_LEN },
            greeted: false,
            in_block: false,
            resets_left: resets,
            allowance: Allowance::default(),
            uploads,
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
            State::Header(FrameHead { have: 0, .. }) if self.greeted && !self.in_block => {
                Owed::Nothing
            }
            _ => Owed::Bytes,
        }
    }

    /// We sent a DATA frame: the client will answer it.
    pub(super) fn sent_data(&mut self, len: usize) {
        self.allowance.explained_by_data(len);
    }

    /// The library refused a header list, which nobody counts as a request.
    pub(super) fn refused_list(&mut self, now: Duration) -> Result<(), TooMany> {
        Ok(self.allowance.spend(TOO_LARGE_COSTS, now)?)
    }

    /// Follows the bytes just read; `now` is the age of the connection.
    pub(super) fn follow(&mut self, mut bytes: &[u8], now: Duration) -> Result<(), TooMany> {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Preface { left } => {
                    *left -= skip(&mut bytes, *left);
                    if *left == 0 {
                        self.state = State::Header(FrameHead::default());
                    }
                }
                State::Header(head) => {
                    if let Some(head) = head.take(&mut bytes) {
                        self.begin(head, now)?;
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

    fn begin(&mut self, head: [u8; 9], now: Duration) -> Result<(), TooMany> {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = head;
        let stream = number(s0, s1, s2, s3);
        let left = length(l0, l1, l2);
        if kind == HEADERS || kind == CONTINUATION {
            self.in_block = flags & END_HEADERS == 0;
        }
        match kind {
            HEADERS if flags & END_STREAM == 0 => self.uploads.opened(stream),
            DATA => self.uploads.came(stream, left),
            _ => {}
        }
        if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 || kind == RST_STREAM {
            self.uploads.complete(stream);
        }
        match kind {
            HEADERS => self.allowance.explained_by_request(),
            RST_STREAM => {
                self.resets_left = self.resets_left.checked_sub(1).ok_or(TooMany::Resets)?;
            }
            DATA if left > 0 || flags & END_STREAM != 0 => {}
            CONTINUATION if left > 0 => {}
            SETTINGS if !self.greeted => {}
            // PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty ones, and what nobody knows.
            _ => self.allowance.spend(1, now)?,
        }
        self.state = State::Payload { kind, left };
        self.end_if_complete();
        Ok(())
    }

    fn end_if_complete(&mut self) {
        if let State::Payload { kind, left: 0 } = self.state {
            self.greeted |= kind == SETTINGS;
            self.state = State::Header(FrameHead::default());
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
mod tests;
