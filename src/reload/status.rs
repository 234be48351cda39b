//! How the last reload ended, for those who ask later: `GET /api/reload`.
//!
//! ```json
//! { "generation": 2, "hash": "9f86d081884c7d65", "last": { "outcome": "refused", "seconds_ago": 12, "diagnostics": [] } }
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Place, Report};

/// Mistakes that are remembered; the rest is a number.
const REMEMBERED: usize = 100;

/// How a reload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The new configuration is in force.
    Applied,
    /// Nothing had changed, and nothing was done.
    Unchanged,
    /// Something is wrong with the new configuration; the old one stays.
    Refused,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 3] = [Outcome::Applied, Outcome::Unchanged, Outcome::Refused];

    /// The word for it in metrics and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Applied => "applied",
            Outcome::Unchanged => "unchanged",
            Outcome::Refused => "refused",
        }
    }
}

/// What runs, and how the last reload ended.
pub struct Reloads(Mutex<State>);

struct State {
    generation: u64,
    /// Of the configuration that runs; `None` if it comes from no file.
    hash: Option<String>,
    /// Reloads that are over, however they ended.
    reloads: u64,
    last: Option<Last>,
}

/// A reload that is over.
pub(super) struct Last {
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
    pub(super) changes: Vec<String>,
    pub(super) refusal: Option<Refusal>,
    at: (SystemTime, Instant),
}

/// Why a reload was refused.
pub(super) struct Refusal {
    file: String,
    diagnostics: Vec<Diagnostic>,
    total: usize,
    text: String,
}

impl Refusal {
    /// What is kept of a report; not the text of the file.
    pub(super) fn of(report: &Report) -> Self {
        let all = report.diagnostics();
        Refusal {
            file: report.name().to_owned(),
            diagnostics: all.iter().take(REMEMBERED).cloned().collect(),
            total: all.len(),
            text: report.to_string(),
        }
    }

    /// The report as the log has it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl Last {
    pub(super) fn new(outcome: Outcome, took: Duration) -> Self {
        Last {
            outcome,
            took,
            changes: Vec::new(),
            refusal: None,
            at: (SystemTime::now(), Instant::now()),
        }
    }
}

impl Reloads {
    /// Before any reload.
    pub(crate) fn new() -> Self {
        Reloads(Mutex::new(State {
            generation: 1,
            hash: None,
            reloads: 0,
            last: None,
        }))
    }

    /// 1 for the configuration of the start, and 1 more for each that was applied since.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Notes the hash of what runs.
    pub(crate) fn runs(&self, hash: Option<String>) {
        self.lock().hash = hash;
    }

    /// Notes a reload. Returns the generation that runs now.
    pub(super) fn over(&self, last: Last) -> u64 {
        let mut state = self.lock();
        if last.outcome == Outcome::Applied {
            state.generation += 1;
        }
        state.reloads += 1;
        state.last = Some(last);
        state.generation
    }

    /// What `GET /api/reload` answers.
    pub fn told(&self) -> Value {
        let state = self.lock();
        json!({
            "generation": state.generation,
            "hash": state.hash,
            "last": state.last.as_ref().map(told),
        })
    }

    /// The same in a few numbers, for those who look often.
    pub fn summary(&self) -> Value {
        let state = self.lock();
        let last = state.last.as_ref().map(|last| {
            json!({
                "outcome": last.outcome.word(),
                "timestamp_seconds": since_1970(last.at.0),
                "seconds_ago": last.at.1.elapsed().as_secs(),
            })
        });
        json!({
            "generation": state.generation,
            "hash": state.hash,
            "reloads": state.reloads,
            "last": last,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn since_1970(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn told(last: &Last) -> Value {
    let (at, since) = last.at;
    let mut told = json!({
        "outcome": last.outcome.word(),
        "timestamp_seconds": since_1970(at),
        "seconds_ago": since.elapsed().as_secs(),
        "took_seconds": last.took.as_secs_f64(),
        "changes": last.changes,
    });
    if let (Some(refusal), Some(told)) = (&last.refusal, told.as_object_mut()) {
        let all = refusal.diagnostics.iter();
        let diagnostics: Vec<Value> = all.map(|found| mistake(found, &refusal.file)).collect();
        told.insert("mistakes".to_owned(), refusal.total.into());
        told.insert("diagnostics".to_owned(), diagnostics.into());
        told.insert("report".to_owned(), refusal.text.as_str().into());
    }
    told
}

fn mistake(found: &Diagnostic, file: &str) -> Value {
    let at = |place: &Place| json!({ "file": file, "line": place.line, "column": place.column });
    let related = found.related.iter().map(|(place, note)| {
        let mut related = at(place);
        related["note"] = note.as_str().into();
        related
    });
    json!({
        "place": found.place.as_ref().map(at),
        "message": found.message,
        "remedy": found.remedy,
        "related": related.collect::<Vec<_>>(),
    })
}
