//! What can be seen of a page from outside: its phase, its ids, what it heard and every request it made.
//!
//! ```
//! use loadtest::webtools::client::{Phase, View};
//! let view = View::default();
//! assert_eq!(view.phase, Phase::Idle);
//! assert_eq!(view.count(loadtest::webtools::client::Request::Poll), 0);
//! ```

use std::time::{Duration, Instant};

use serde_json::Value;

use super::answer::{Outcome, Request};

/// Where a page's chat stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// No chat.
    #[default]
    Idle,
    /// In a chat, polling.
    Chatting,
    /// Looking for a server to go on with.
    FailingOver,
    /// The chat is over, as it should be.
    Ended,
    /// The chat was lost; the page offers to start a new one.
    Lost,
}

/// One request, once it has an outcome.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Which.
    pub request: Request,
    /// Index of the fragment it went to.
    pub fragment: usize,
    /// Participant id in its path; empty without.
    pub participant: String,
    /// When it was sent.
    pub at: Instant,
    /// How long it took.
    pub took: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// The visible state of a page.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Phase of the chat.
    pub phase: Phase,
    /// Id of the chat; empty before the first.
    pub chat_id: String,
    /// The page's own participant id in the chat.
    pub participant: String,
    /// Every participant id it had, the first first.
    pub participants: Vec<String>,
    /// Id of the callback; empty before the first.
    pub callback_id: String,
    /// The page's own participant id in the callback.
    pub callback_participant: String,
    /// Whether a callback waits.
    pub callback_waits: bool,
    /// The last answer to callback/status.
    pub callback_status: Value,
    /// Index of the fragment in use.
    pub fragment: usize,
    /// Events in order of arrival.
    pub events: Vec<Value>,
    /// Values of the text events.
    pub heard: Vec<String>,
    /// The configuration version in use.
    pub cfg_ver: u64,
    /// The wait between polls in use.
    pub poll_wait: Duration,
    /// Polls without an answer yet.
    pub polls_in_flight: usize,
    /// Whether a fail-over is under way.
    pub failing_over: bool,
    /// Fail-overs begun.
    pub failovers: u32,
    /// Every finished request, oldest first.
    pub sent: Vec<Sent>,
}

impl View {
    /// Finished requests of one sort.
    pub fn count(&self, request: Request) -> usize {
        self.sent
            .iter()
            .filter(|sent| sent.request == request)
            .count()
    }

    /// The finished requests in order, as sort and fragment.
    pub fn trail(&self) -> Vec<(Request, usize)> {
        self.sent
            .iter()
            .map(|sent| (sent.request, sent.fragment))
            .collect()
    }

    /// Records a finished request. Pages of a long load test forget their oldest half now and then.
    pub(super) fn record(&mut self, sent: Sent) {
        self.sent.push(sent);
        halve(&mut self.sent);
    }

    pub(super) fn take_events(&mut self, envelope: &Value) {
        for event in envelope
            .get("events")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if event.get("type").and_then(Value::as_str) == Some("text") {
                let text = event
                    .get("value")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                self.heard.push(text.to_owned());
                halve(&mut self.heard);
            }
            self.events.push(event.clone());
            halve(&mut self.events);
            let about = event.get("participantID").and_then(Value::as_str);
            let state = event.get("state").and_then(Value::as_str);
            if about == Some(self.participant.as_str()) && state == Some("disconnected") {
                self.phase = Phase::Ended;
            }
        }
    }
}

/// Most requests, events and lines kept.
const KEPT: usize = 100_000;

fn halve<T>(list: &mut Vec<T>) {
    if list.len() > KEPT {
        list.drain(..KEPT / 2);
    }
}

/// What was waited for did not come.
#[derive(Clone, Debug)]
pub struct NotSeen {
    /// What.
    pub what: String,
    /// The page at the end of the wait, in short.
    pub page: String,
}

impl std::fmt::Display for NotSeen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "not seen: {}; the page: {}", self.what, self.page)
    }
}

impl std::error::Error for NotSeen {}
