//! The messages of one session, and the truth about what became of each.
//!
//! ```
//! use loadtest::icws::Mailbox;
//! let mailbox = Mailbox::default();
//! let number = mailbox.push(serde_json::json!({"isDelta": true}));
//! assert!(mailbox.truth(number).is_some_and(|truth| truth.is_waiting()));
//! ```

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;

use super::session::lock;

/// Messages of one session that are remembered, delivered ones included; the oldest are forgotten first.
const REMEMBERED: usize = 50_000;

/// How a message left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// In the array of a short poll.
    Poll,
    /// As a server-sent event.
    Events,
}

/// What became of one message.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Number within the session, from 1; also the `id:` of the event.
    pub number: u64,
    /// The message.
    pub message: Value,
    /// When it was put into the session.
    pub pushed: Instant,
    /// Each time it was taken out of the queue for an answer: how, and by which request of the recorder.
    pub handed_out: Vec<(Channel, u64)>,
    /// The instant its writing began, once it was written and flushed whole; so a client never has it earlier than this.
    pub written: Option<Instant>,
    /// An answer that held it broke while being written: dequeued, and the client never had it.
    pub lost: bool,
}

impl Truth {
    /// Whether nobody has taken it yet.
    pub fn is_waiting(&self) -> bool {
        self.handed_out.is_empty()
    }

    /// Whether it was handed out exactly once and written.
    pub fn is_delivered_once(&self) -> bool {
        self.handed_out.len() == 1 && self.written.is_some() && !self.lost
    }
}

/// The queue of one session. Reading removes, as in the real server.
#[derive(Debug)]
pub struct Mailbox {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<u64>,
    truths: VecDeque<Truth>,
    last_number: u64,
    streams: usize,
    closed: bool,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            inner: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }
}

impl Mailbox {
    /// Puts a message into the session; returns its number.
    pub fn push(&self, message: Value) -> u64 {
        self.change(|inner| {
            inner.last_number += 1;
            let number = inner.last_number;
            if inner.truths.len() >= REMEMBERED {
                inner.truths.pop_front();
                let oldest = inner.truths.front().map_or(number, |truth| truth.number);
                while inner
                    .waiting
                    .front()
                    .is_some_and(|&waiting| waiting < oldest)
                {
                    inner.waiting.pop_front();
                }
            }
            let (handed_out, pushed) = (Vec::new(), Instant::now());
            inner.truths.push_back(Truth {
                number,
                message,
                pushed,
                handed_out,
                written: None,
                lost: false,
            });
            inner.waiting.push_back(number);
            number
        })
    }

    /// The truth about one message; `None` for a number never given or forgotten.
    pub fn truth(&self, number: u64) -> Option<Truth> {
        lock(&self.inner).find(number).cloned()
    }

    /// The truth about every remembered message, oldest first.
    pub fn truths(&self) -> Vec<Truth> {
        lock(&self.inner).truths.iter().cloned().collect()
    }

    /// Event streams that are open now.
    pub fn open_streams(&self) -> usize {
        lock(&self.inner).streams
    }

    /// Waits until a message was written, and returns the instant of it; `None` when the deadline passes first.
    pub async fn written(&self, number: u64, deadline: Duration) -> Option<Instant> {
        let found = self
            .wait(deadline, |inner| {
                inner
                    .find(number)
                    .is_some_and(|truth| truth.written.is_some())
            })
            .await;
        found
            .then(|| self.truth(number).and_then(|truth| truth.written))
            .flatten()
    }

    /// Waits until this many event streams are open; whether that came true before the deadline.
    pub async fn streams_are(&self, count: usize, deadline: Duration) -> bool {
        self.wait(deadline, |inner| inner.streams == count).await
    }

    /// Takes the next message out of the queue.
    pub(super) fn take(&self, channel: Channel, request: u64) -> Option<(u64, Value)> {
        let mut inner = lock(&self.inner);
        let number = inner.waiting.pop_front()?;
        let truth = inner.find_mut(number)?;
        truth.handed_out.push((channel, request));
        Some((number, truth.message.clone()))
    }

    /// Says how the answer with these messages went: when its writing began if it was written whole, else `None`.
    pub(super) fn settle(&self, numbers: &[u64], written: Option<Instant>) {
        self.change(|inner| {
            for &number in numbers {
                if let Some(truth) = inner.find_mut(number) {
                    truth.written = written.or(truth.written);
                    truth.lost |= written.is_none();
                }
            }
        });
    }

    /// Returns when there is a message to take (`true`) or the session is over (`false`).
    pub(super) async fn ready(&self) -> bool {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            {
                let inner = lock(&self.inner);
                if inner.closed || !inner.waiting.is_empty() {
                    return !inner.closed;
                }
            }
            if changed.changed().await.is_err() {
                return false;
            }
        }
    }

    pub(super) fn close(&self) {
        self.change(|inner| inner.closed = true);
    }

    pub(super) fn open_stream(&self) -> OpenStream<'_> {
        self.change(|inner| inner.streams += 1);
        OpenStream(self)
    }

    async fn wait(&self, deadline: Duration, done: impl Fn(&Inner) -> bool) -> bool {
        let mut changed = self.changed.subscribe();
        let end = tokio::time::Instant::now() + deadline;
        loop {
            changed.borrow_and_update();
            if done(&lock(&self.inner)) {
                return true;
            }
            if !matches!(
                tokio::time::timeout_at(end, changed.changed()).await,
                Ok(Ok(()))
            ) {
                return false;
            }
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut MutexGuard<'_, Inner>) -> T) -> T {
        let result = change(&mut lock(&self.inner));
        self.changed.send_modify(|changes| *changes += 1);
        result
    }
}

impl Inner {
    /// Numbers are consecutive, so a message's place follows from the oldest remembered one.
    fn place(&self, number: u64) -> Option<usize> {
        let oldest = self.truths.front()?.number;
        usize::try_from(number.checked_sub(oldest)?).ok()
    }

    fn find(&self, number: u64) -> Option<&Truth> {
        self.truths.get(self.place(number)?)
    }

    fn find_mut(&mut self, number: u64) -> Option<&mut Truth> {
        let place = self.place(number)?;
        self.truths.get_mut(place)
    }
}

/// Counts an event stream as open for as long as it lives.
pub(super) struct OpenStream<'m>(&'m Mailbox);

impl Drop for OpenStream<'_> {
    fn drop(&mut self) {
        self.0.change(|inner| inner.streams -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_removes_and_the_truth_stays() {
        let mailbox = Mailbox::default();
        let number = mailbox.push(Value::from("a"));
        assert_eq!(
            mailbox.take(Channel::Poll, 7),
            Some((number, Value::from("a")))
        );
        assert_eq!(mailbox.take(Channel::Poll, 8), None);
        mailbox.settle(&[number], Some(Instant::now()));
        let truth = mailbox.truth(number).unwrap();
        assert!(truth.is_delivered_once());
        assert_eq!(truth.handed_out, [(Channel::Poll, 7)]);
    }

    #[test]
    fn a_message_whose_answer_broke_is_lost() {
        let mailbox = Mailbox::default();
        let number = mailbox.push(Value::Null);
        mailbox.take(Channel::Events, 1);
        mailbox.settle(&[number], None);
        let truth = mailbox.truth(number).unwrap();
        assert!(truth.lost && !truth.is_delivered_once() && truth.written.is_none());
    }

    #[tokio::test]
    async fn waiting_ends_with_a_message_or_with_the_session() {
        let mailbox = Mailbox::default();
        mailbox.push(Value::Null);
        assert!(mailbox.ready().await);
        mailbox.close();
        assert!(!mailbox.ready().await);
    }

    #[test]
    fn the_memory_of_messages_is_bounded() {
        let mailbox = Mailbox::default();
        for _ in 0..REMEMBERED + 2 {
            mailbox.push(Value::Null);
        }
        assert!(mailbox.truth(1).is_none());
        assert_eq!(mailbox.take(Channel::Poll, 1).unwrap().0, 3);
    }
}
