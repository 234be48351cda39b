//! What has happened: counts of what went well, and every failure with its place and time.
//!
//! ```
//! use loadtest::traffic::Outcome;
//! let outcome = Outcome::default();
//! assert!(outcome.is_clean());
//! ```

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures that are shown; all are counted.
const SHOWN: usize = 20;

/// One thing that went wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which client.
    pub who: String,
    /// Its connection, counted from 1.
    pub connection: u64,
    /// When, from the beginning of the traffic.
    pub at: Duration,
    /// What.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            who,
            connection,
            at,
            what,
        } = self;
        write!(
            out,
            "{:.3} s: {who}, connection {connection}: {what}",
            at.as_secs_f64()
        )
    }
}

/// What became of a traffic.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Requests answered as they should be, polls included.
    pub requests: u64,
    /// Connections opened.
    pub connections: u64,
    /// Kept connections that the server ended between two requests.
    pub ended_between: u64,
    /// Requests of HTTP/2 that the server said it had not looked at, and that were answered when asked again.
    pub not_processed: u64,
    /// WebSocket messages that came back.
    pub echoes: u64,
    /// Events that arrived in their order, those of polls included.
    pub events: u64,
    /// Requests and connections that failed.
    pub failures: Vec<Failure>,
    /// Streams that ended or had a gap.
    pub dropped: Vec<Failure>,
}

impl Outcome {
    /// Whether nothing failed and no stream was dropped.
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty() && self.dropped.is_empty()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{} requests over {} connections ({} ended between two requests, {} requests asked again after GOAWAY), {} echoes, {} events; {} failures, {} streams dropped",
            self.requests,
            self.connections,
            self.ended_between,
            self.not_processed,
            self.echoes,
            self.events,
            self.failures.len(),
            self.dropped.len()
        )?;
        for (what, list) in [("failed", &self.failures), ("dropped", &self.dropped)] {
            for failure in list.iter().take(SHOWN) {
                writeln!(out, "  {what}: {failure}")?;
            }
        }
        Ok(())
    }
}

/// Where the clients write.
pub(super) struct Diary {
    began: Instant,
    pub(super) requests: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) ended_between: AtomicU64,
    pub(super) not_processed: AtomicU64,
    pub(super) echoes: AtomicU64,
    pub(super) events: AtomicU64,
    failures: Mutex<Vec<Failure>>,
    dropped: Mutex<Vec<Failure>>,
}

impl Diary {
    pub(super) fn new() -> Diary {
        Diary {
            began: Instant::now(),
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            ended_between: AtomicU64::new(0),
            not_processed: AtomicU64::new(0),
            echoes: AtomicU64::new(0),
            events: AtomicU64::new(0),
            failures: Mutex::default(),
            dropped: Mutex::default(),
        }
    }

    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A request or a connection failed.
    pub(super) fn failed(&self, who: &str, connection: u64, what: &dyn fmt::Display) {
        let failure = self.failure(who, connection, what);
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(failure);
    }

    /// A stream ended or had a gap.
    pub(super) fn dropped(&self, who: &str, connection: u64, what: &dyn fmt::Display) {
        let failure = self.failure(who, connection, what);
        self.dropped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(failure);
    }

    fn failure(&self, who: &str, connection: u64, what: &dyn fmt::Display) -> Failure {
        Failure {
            who: who.to_owned(),
            connection,
            at: self.began.elapsed(),
            what: what.to_string(),
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let list = |list: &Mutex<Vec<Failure>>| {
            list.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        Outcome {
            requests: count(&self.requests),
            connections: count(&self.connections),
            ended_between: count(&self.ended_between),
            not_processed: count(&self.not_processed),
            echoes: count(&self.echoes),
            events: count(&self.events),
            failures: list(&self.failures),
            dropped: list(&self.dropped),
        }
    }
}
