//! What reached a server, for tests to ask and to wait for.
//!
//! ```
//! use loadtest::wire::Recorder;
//! let recorder = Recorder::new(1000);
//! assert_eq!(recorder.count(|r| r.target() == "/icws/connection"), 0);
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::request::{Connected, Request};

/// Bytes of a request body that are kept; the rest is only counted.
const KEPT_BODY: usize = 256 * 1024;

/// One request as a server saw it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Counts up from 1 per recorder, in order of arrival.
    pub number: u64,
    /// When the head was complete.
    pub at: Instant,
    /// The server's own name, see [`super::ServerOptions::name`].
    pub server: String,
    /// The connection it came on.
    pub connected: Connected,
    /// The head.
    pub request: Arc<Request>,
    /// The first 256 KiB of the body without its framing.
    pub body: Vec<u8>,
    /// Size of the body without its framing, in bytes.
    pub body_size: u64,
    /// Whether the whole body has arrived.
    pub body_complete: bool,
    /// Status that was answered; `None` while there is none.
    pub status: Option<u16>,
    /// Whether the answer was written to its end.
    pub answered: bool,
    /// Whether the exchange is over, well or not.
    pub over: bool,
}

impl Record {
    /// Method as sent.
    pub fn method(&self) -> &str {
        &self.request.method
    }

    /// Request target as sent.
    pub fn target(&self) -> &str {
        &self.request.target
    }

    /// First value of a header, any case of the name.
    pub fn header(&self, name: &str) -> Option<String> {
        self.request.first(name)
    }
}

/// A deadline that passed without the request that was waited for.
#[derive(Debug)]
pub struct NotSeen {
    /// Request lines that are on record, oldest first.
    pub seen: Vec<String>,
}

impl std::fmt::Display for NotSeen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "no such request before the deadline; on record: {:?}",
            self.seen
        )
    }
}

impl std::error::Error for NotSeen {}

/// The shared, bounded list of what arrived. Clones are the same list.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept: usize,
    records: Mutex<Records>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Records {
    list: VecDeque<Record>,
    last_number: u64,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new(10_000)
    }
}

impl Recorder {
    /// Keeps the newest `kept` requests; older ones are forgotten. 0 keeps none (for load tests).
    pub fn new(kept: usize) -> Self {
        Self(Arc::new(Shared {
            kept,
            records: Mutex::default(),
            changed: watch::Sender::new(0),
        }))
    }

    /// Everything on record, oldest first.
    pub fn all(&self) -> Vec<Record> {
        self.lock().list.iter().cloned().collect()
    }

    /// The records that match, oldest first.
    pub fn matching(&self, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        self.lock()
            .list
            .iter()
            .filter(|record| wanted(record))
            .cloned()
            .collect()
    }

    /// How many records match.
    pub fn count(&self, wanted: impl Fn(&Record) -> bool) -> usize {
        self.lock()
            .list
            .iter()
            .filter(|record| wanted(record))
            .count()
    }

    /// The newest record that matches.
    pub fn last(&self, wanted: impl Fn(&Record) -> bool) -> Option<Record> {
        self.lock()
            .list
            .iter()
            .rev()
            .find(|record| wanted(record))
            .cloned()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.lock().list.clear();
    }

    /// The oldest record that matches, now or once it arrives. A record is looked at again whenever it changes (body, status, end).
    ///
    /// # Errors
    /// [`NotSeen`] with the request lines on record once `deadline` has passed.
    pub async fn wait_for(
        &self,
        wanted: impl Fn(&Record) -> bool,
        deadline: Duration,
    ) -> Result<Record, NotSeen> {
        let mut found = self.wait_for_count(1, wanted, deadline).await?;
        Ok(found.swap_remove(0))
    }

    /// At least `count` records that match, now or once they arrive.
    ///
    /// # Errors
    /// [`NotSeen`] with the request lines on record once `deadline` has passed.
    pub async fn wait_for_count(
        &self,
        count: usize,
        wanted: impl Fn(&Record) -> bool,
        deadline: Duration,
    ) -> Result<Vec<Record>, NotSeen> {
        let mut changed = self.0.changed.subscribe();
        let end = tokio::time::Instant::now() + deadline;
        loop {
            changed.borrow_and_update();
            let found = self.matching(&wanted);
            if found.len() >= count {
                return Ok(found);
            }
            if !matches!(
                tokio::time::timeout_at(end, changed.changed()).await,
                Ok(Ok(()))
            ) {
                return Err(NotSeen {
                    seen: self
                        .all()
                        .iter()
                        .map(|record| record.request.line())
                        .collect(),
                });
            }
        }
    }

    pub(super) fn begin(&self, server: &str, connected: Connected, request: Arc<Request>) -> u64 {
        let mut records = self.lock();
        records.last_number += 1;
        let number = records.last_number;
        if self.0.kept > 0 {
            if records.list.len() >= self.0.kept {
                records.list.pop_front();
            }
            records.list.push_back(Record {
                number,
                at: Instant::now(),
                server: server.to_owned(),
                connected,
                request,
                body: Vec::new(),
                body_size: 0,
                body_complete: false,
                status: None,
                answered: false,
                over: false,
            });
        }
        drop(records);
        self.0.changed.send_modify(|changes| *changes += 1);
        number
    }

    pub(super) fn body(&self, number: u64, piece: &[u8]) {
        self.change(number, |record| {
            let room = KEPT_BODY.saturating_sub(record.body.len()).min(piece.len());
            record
                .body
                .extend_from_slice(piece.get(..room).unwrap_or_default());
            record.body_size += piece.len() as u64;
        });
    }

    pub(super) fn change(&self, number: u64, change: impl FnOnce(&mut Record)) {
        let mut records = self.lock();
        // Numbers are handed out in order and only dropped at the front, so the place follows from the number unless cleared.
        if let Some(record) = records
            .list
            .iter_mut()
            .rev()
            .find(|record| record.number == number)
        {
            change(record);
        }
        drop(records);
        self.0.changed.send_modify(|changes| *changes += 1);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Records> {
        self.0
            .records
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(recorder: &Recorder, target: &str) -> u64 {
        let head = format!("GET {target} HTTP/1.1\r\n\r\n");
        let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let connected = Connected {
            connection: 1,
            peer,
            tls: false,
            sni: None,
            client_certificate: None,
        };
        recorder.begin(
            "test",
            connected,
            Arc::new(Request::parse(head.as_bytes()).unwrap()),
        )
    }

    #[tokio::test]
    async fn waiting_ends_when_a_record_comes_to_match() {
        let recorder = Recorder::new(10);
        let number = begin(&recorder, "/a");
        let later = recorder.clone();
        tokio::spawn(async move { later.change(number, |record| record.status = Some(200)) });
        let record = recorder
            .wait_for(|r| r.status == Some(200), Duration::from_secs(5))
            .await
            .unwrap();
        assert_eq!(record.target(), "/a");
    }

    #[tokio::test]
    async fn a_request_that_never_comes_is_reported_with_what_did() {
        let recorder = Recorder::new(10);
        begin(&recorder, "/other");
        let missed = recorder
            .wait_for(|r| r.target() == "/a", Duration::from_millis(1))
            .await
            .unwrap_err();
        assert_eq!(missed.seen, ["GET /other HTTP/1.1"]);
    }

    #[test]
    fn the_list_and_the_bodies_are_bounded() {
        let recorder = Recorder::new(2);
        for target in ["/1", "/2", "/3"] {
            begin(&recorder, target);
        }
        assert_eq!(
            recorder
                .all()
                .iter()
                .map(Record::target)
                .collect::<Vec<_>>(),
            ["/2", "/3"]
        );
        recorder.body(3, &vec![7; KEPT_BODY + 5]);
        let last = recorder.last(|_| true).unwrap();
        assert_eq!(
            (last.body.len(), last.body_size),
            (KEPT_BODY, KEPT_BODY as u64 + 5)
        );
    }
}
