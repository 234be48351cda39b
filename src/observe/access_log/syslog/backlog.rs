//! Records that are not sent yet, and the piece of them that is on its way as messages.
//!
//! ```ignore
//! backlog.fill(&messages);                    // some records become messages
//! backlog.piece.sent = connection.send(...);  // which may stop in the middle of one
//! backlog.put_back();                         // the connection broke: that one is sent again, whole
//! ```

use std::io::Write;

use memchr::memchr;
use syslog_fmt::Severity;
use syslog_fmt::v5424::{Config, Formatter};

use super::Receiver;
use super::record::parts;
use crate::config::Facility;
use crate::config::value::Transport;
use crate::observe::access_log::queue::MOST_BYTES;

/// A piece has about so many bytes: what one record of TLS holds, so that it is clear how much of it was taken.
const PIECE: usize = 16 * 1024;
/// Longest name of a machine (RFC 5424, 6).
const HOSTNAME: usize = 255;

/// Makes messages for a receiver.
pub(super) struct Messages {
    formatter: Formatter,
    /// Each with its length before it (RFC 6587, 3.4.1): not in datagrams.
    counted: bool,
    /// PERF: used again and again.
    message: Vec<u8>,
}

impl Messages {
    pub(super) fn to(receiver: &Receiver) -> Self {
        let name = rustix::system::uname();
        let name = name.nodename().to_str().ok();
        let sound = |name: &&str| {
            (1..=HOSTNAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let process = std::process::id().to_string();
        let config = Config {
            facility: facility(receiver.facility),
            hostname: name.filter(sound),
            app_name: Some(receiver.app_name.as_str()),
            proc_id: Some(&process),
        };
        Messages {
            formatter: config.into_formatter(),
            counted: receiver.url.transport != Transport::Udp,
            message: Vec::new(),
        }
    }

    fn append(&mut self, record: &[u8], to: &mut Vec<u8>) {
        let Some((time, text)) = parts(record) else {
            return;
        };
        self.message.clear();
        let made = self.formatter.write_without_data(
            &mut self.message,
            Severity::Info,
            time,
            text,
            Some("access"),
        );
        // Writing to memory does not fail.
        if made.is_ok() && self.counted {
            let _ = write!(to, "{} ", self.message.len());
        }
        to.extend_from_slice(&self.message);
    }
}

fn facility(facility: Facility) -> syslog_fmt::Facility {
    use syslog_fmt::Facility as Of;
    match facility {
        Facility::User => Of::User,
        Facility::Daemon => Of::Daemon,
        Facility::Authpriv => Of::Authpriv,
        Facility::Local0 => Of::Local0,
        Facility::Local1 => Of::Local1,
        Facility::Local2 => Of::Local2,
        Facility::Local3 => Of::Local3,
        Facility::Local4 => Of::Local4,
        Facility::Local5 => Of::Local5,
        Facility::Local6 => Of::Local6,
        Facility::Local7 => Of::Local7,
    }
}

/// Some messages.
#[derive(Default)]
pub(super) struct Piece {
    bytes: Vec<u8>,
    /// Where each message ends, here and among the records.
    ends: Vec<(usize, usize)>,
    /// So much of it has been taken.
    sent: usize,
}

impl Piece {
    /// What is still to be sent.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// The next message alone.
    pub(super) fn next(&self) -> Option<&[u8]> {
        let after = self.ends.partition_point(|(end, _)| *end <= self.sent);
        let (end, _) = self.ends.get(after)?;
        self.bytes.get(self.sent..*end)
    }

    /// So many bytes more were taken.
    pub(super) fn took(&mut self, bytes: usize) {
        self.sent += bytes;
    }
}

/// Everything that waits. SECURITY: with what waits in the queue it is twice what a queue holds, whatever the receiver does.
#[derive(Default)]
pub(super) struct Backlog {
    records: Vec<u8>,
    /// So much of them is sent.
    done: usize,
    pub(super) piece: Piece,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.done == self.records.len()
    }

    /// The memory of records that are all sent.
    pub(super) fn emptied(&mut self) -> Vec<u8> {
        match self.is_empty() {
            true => {
                self.done = 0;
                std::mem::take(&mut self.records)
            }
            false => Vec::new(),
        }
    }

    /// Whether nothing is half on its way.
    pub(super) fn is_between_messages(&self) -> bool {
        self.piece.rest().is_empty()
    }

    /// Adds records. Returns how many had to go for them: the oldest, as a reload may add what another receiver has not taken.
    pub(super) fn add(&mut self, records: Vec<u8>) -> u64 {
        if self.is_empty() {
            (self.records, self.done) = (records, 0);
            return 0;
        }
        if self.records.len() + records.len() > MOST_BYTES {
            let lost = self.give_up();
            self.records = records;
            return lost;
        }
        self.records.extend_from_slice(&records);
        0
    }

    /// Makes the next piece. False if nothing is left.
    pub(super) fn fill(&mut self, messages: &mut Messages) -> bool {
        if !self.piece.rest().is_empty() {
            return true;
        }
        self.put_back();
        let piece = &mut self.piece;
        let mut at = self.done;
        while piece.bytes.len() < PIECE {
            let rest = self.records.get(at..).unwrap_or_default();
            let Some(end) = memchr(b'\n', rest) else {
                break;
            };
            messages.append(rest.get(..end).unwrap_or_default(), &mut piece.bytes);
            at += end + 1;
            piece.ends.push((piece.bytes.len(), at));
        }
        if piece.bytes.is_empty() {
            self.records.clear();
            self.done = 0;
        }
        !piece.bytes.is_empty()
    }

    /// Takes the piece apart: a message of which not all was taken is one that is not sent.
    pub(super) fn put_back(&mut self) {
        let piece = &mut self.piece;
        let whole = piece.ends.iter().rev().find(|(end, _)| *end <= piece.sent);
        if let Some((_, records)) = whole {
            self.done = *records;
        }
        piece.bytes.clear();
        piece.ends.clear();
        piece.sent = 0;
    }

    /// Forgets everything. Returns how many records that were.
    pub(super) fn give_up(&mut self) -> u64 {
        self.put_back();
        let rest = self.records.get(self.done..).unwrap_or_default();
        let lost = memchr::memchr_iter(b'\n', rest).count() as u64;
        self.records = Vec::new();
        self.done = 0;
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver(url: &str) -> Receiver {
        Receiver {
            url: url.parse().unwrap(),
            name: String::new(),
            trust: None,
            identity: None,
            facility: Facility::Local4,
            app_name: "edge".parse().unwrap(),
        }
    }

    fn records(numbers: std::ops::Range<usize>) -> Vec<u8> {
        let record = |number: usize| format!("2026-11-28T19:34:37.123Z{number}\n").into_bytes();
        numbers.flat_map(record).collect()
    }

    /// What a receiver that takes `most` bytes at once has got.
    fn taken(backlog: &mut Backlog, messages: &mut Messages, most: usize) -> Vec<u8> {
        let mut got = Vec::new();
        while backlog.fill(messages) {
            let rest = backlog.piece.rest();
            let some = &rest[..rest.len().min(most)];
            got.extend_from_slice(some);
            let took = some.len();
            backlog.piece.took(took);
        }
        got
    }

    #[test]
    fn messages_have_their_length_before_them_but_in_datagrams() {
        for (url, counted) in [("udp://a", false), ("tcp://a:1", true), ("tls://a", true)] {
            let mut messages = Messages::to(&receiver(url));
            let mut backlog = Backlog::default();
            backlog.add(records(7..8));
            let got = taken(&mut backlog, &mut messages, 1000);
            let got = String::from_utf8(got).unwrap();
            let message = match got.split_once(' ') {
                Some((length, message)) if counted => {
                    assert_eq!(length.parse(), Ok(message.len()), "{got}");
                    message
                }
                _ => &got,
            };
            assert!(
                message.starts_with("<166>1 2026-11-28T19:34:37.123Z "),
                "{got}"
            );
            assert!(
                message.ends_with(
                    " edge 1 access - 7"
                        .replace(" 1 ", &format!(" {} ", std::process::id()))
                        .as_str()
                ),
                "{got}"
            );
        }
    }

    #[test]
    fn a_message_that_was_broken_off_is_sent_again_whole_and_none_is_left_out() {
        let mut messages = Messages::to(&receiver("tcp://a:1"));
        let mut backlog = Backlog::default();
        backlog.add(records(0..2000));
        let mut whole = Backlog::default();
        whole.add(records(0..2000));
        let whole = taken(&mut whole, &mut messages, usize::MAX);
        // Everything up to the middle of a message, and then the connection is gone.
        assert!(backlog.fill(&mut messages));
        let cut = backlog.piece.next().unwrap().len() * 3 / 2;
        let first = backlog.piece.next().unwrap().len();
        backlog.piece.took(cut);
        backlog.put_back();
        let rest = taken(&mut backlog, &mut messages, 100);
        assert!(whole[first..] == rest);
        assert!(backlog.is_empty());
    }

    #[test]
    fn what_waits_for_one_receiver_after_the_other_stays_bounded() {
        let mut backlog = Backlog::default();
        let many = records(0..200_000);
        assert_eq!(backlog.add(many.clone()), 0);
        assert_eq!(backlog.add(many), 200_000);
        assert_eq!(backlog.give_up(), 200_000);
        assert!(backlog.is_empty());
    }
}
