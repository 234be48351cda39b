//! The access log: one line per request, written by a thread of its own.
//!
//! A request puts its line into a bounded queue and goes on; whatever the disk does, no request waits for it. Lines that find no room
//! are dropped and counted.
//!
//! ```
//! use std::time::Duration;
//! use portcullis::observe::access_log::{AccessLog, Format, Target};
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("access.log");
//! let log = AccessLog::default();
//! assert!(log.format().is_none());
//! log.follow(Some(Target { path: path.clone(), format: Format::Json }));
//! log.write(|line| line.extend_from_slice(b"{}\n"));
//! assert!(log.flush(Duration::from_secs(10)));
//! assert_eq!(std::fs::read_to_string(&path)?, "{}\n");
//! # Ok::<(), std::io::Error>(())
//! ```

mod clock;
pub mod entry;
mod queue;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use prometheus::IntCounter;

pub use entry::{Entry, Event};

use crate::config;
pub use crate::config::AccessFormat as Format;
use queue::Queue;

/// Where lines go, and how they look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The file.
    pub path: PathBuf,
    /// The form of a line.
    pub format: Format,
}

impl Target {
    /// What the file says.
    pub fn of(log: &config::Log) -> Option<Target> {
        log.access.as_ref().map(|access| Target {
            path: access.file.path().to_owned(),
            format: access.format,
        })
    }
}

/// The access log of the process.
pub struct AccessLog {
    queue: Arc<Queue>,
    /// PERF: asked for every request, so no lock. 0 is off.
    format: AtomicU8,
}

const JSON: u8 = 1;
const COMBINED: u8 = 2;

impl AccessLog {
    /// An access log that is off. Lines without room are counted in `dropped`.
    pub fn new(dropped: IntCounter) -> Self {
        AccessLog {
            queue: Arc::new(Queue::new(dropped)),
            format: AtomicU8::new(0),
        }
    }

    /// From now on lines go there. Those that wait go where they would have gone.
    pub fn follow(&self, target: Option<Target>) {
        let format = target.as_ref().map_or(0, |target| match target.format {
            Format::Json => JSON,
            Format::Combined => COMBINED,
        });
        self.format.store(format, Ordering::Relaxed);
        if self.queue.follow(target.map(|target| target.path)) {
            writer::start(self.queue.clone());
        }
    }

    /// How lines look now; `None` while there is no access log.
    pub fn format(&self) -> Option<Format> {
        match self.format.load(Ordering::Relaxed) {
            JSON => Some(Format::Json),
            COMBINED => Some(Format::Combined),
            _ => None,
        }
    }

    /// Adds one line, which `line` appends with its end, or drops it.
    pub fn write(&self, line: impl FnOnce(&mut Vec<u8>)) {
        // PERF: made outside of the queue's lock, which is then held for a copy of some hundred bytes.
        let mut text = Vec::with_capacity(512);
        line(&mut text);
        self.queue.push(&text);
    }

    /// Opens the file anew, after it was moved away. No line is lost: those that wait are written to the old one first.
    pub fn reopen(&self) {
        self.queue.reopen();
    }

    /// Waits until all lines are written, for so long at most. Returns whether they are. It blocks.
    pub fn flush(&self, within: Duration) -> bool {
        self.queue.flush(within)
    }
}

impl Default for AccessLog {
    /// One whose dropped lines nobody sees: for tests and for commands that serve nothing.
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "a constant name is valid or never is")]
        let dropped = IntCounter::new("dropped", "-").expect("a valid name");
        AccessLog::new(dropped)
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.queue.close();
    }
}

#[cfg(test)]
mod tests;
