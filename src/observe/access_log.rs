//! The access log: one line per request, in a file, to a syslog receiver, or both, each by a thread of its own.
//!
//! A request puts its line into a bounded queue and goes on; whatever disk and receiver do, no request waits for them. Lines that find
//! no room are dropped and counted.
//!
//! ```
//! use std::time::Duration;
//! use portcullis::observe::access_log::{AccessLog, Entry, Format, File, Targets};
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("access.log");
//! let log = AccessLog::default();
//! assert!(!log.is_on());
//! let file = File { path: path.clone(), format: Format::Json };
//! log.follow(Targets { file: Some(file), ..Targets::default() });
//! log.write(&Entry { path: Some("/a"), ..Entry::default() });
//! assert!(log.flush(Duration::from_secs(10)));
//! assert!(std::fs::read_to_string(&path)?.contains(r#""path":"/a""#));
//! # Ok::<(), std::io::Error>(())
//! ```

mod clock;
pub mod entry;
mod outlet;
mod queue;
pub mod syslog;
mod writer;

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use prometheus::IntCounter;

pub use entry::{Entry, Event};

pub use crate::config::AccessFormat as Format;
use clock::Moment;
use outlet::Outlet;
use syslog::Receiver;

/// Where lines go, and how they look there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Targets {
    /// A file.
    pub file: Option<File>,
    /// A syslog receiver.
    pub syslog: Option<Syslog>,
    /// Lines do not name users.
    pub without_users: bool,
}

/// A file for lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The file.
    pub path: PathBuf,
    /// The form of a line.
    pub format: Format,
}

/// A receiver for lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Syslog {
    /// The receiver.
    pub receiver: Arc<Receiver>,
    /// The form of a line.
    pub format: Format,
}

/// What counts lines that found no room.
#[derive(Clone)]
pub struct Dropped {
    /// In the file.
    pub file: IntCounter,
    /// On their way to the receiver.
    pub syslog: IntCounter,
}

thread_local! {
    /// The line that a thread is at.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The access log of the process.
pub struct AccessLog {
    file: Outlet<PathBuf>,
    syslog: Outlet<Arc<Receiver>>,
    without_users: AtomicBool,
}

impl AccessLog {
    /// An access log that is off.
    pub fn new(dropped: Dropped) -> Self {
        AccessLog {
            file: Outlet::new(dropped.file, writer::start),
            syslog: Outlet::new(dropped.syslog, syslog::start),
            without_users: AtomicBool::new(false),
        }
    }

    /// From now on lines go there. Those that wait go where they would have gone.
    pub fn follow(&self, targets: Targets) {
        let Targets {
            file,
            syslog,
            without_users,
        } = targets;
        self.without_users.store(without_users, Ordering::Relaxed);
        self.file.follow(file.map(|file| (file.path, file.format)));
        let syslog = syslog.map(|syslog| (syslog.receiver, syslog.format));
        self.syslog.follow(syslog);
    }

    /// Whether there is one.
    pub fn is_on(&self) -> bool {
        self.file.format().is_some() || self.syslog.format().is_some()
    }

    /// Whether a line may name the user.
    pub fn names_users(&self) -> bool {
        !self.without_users.load(Ordering::Relaxed)
    }

    /// Adds a line wherever lines go, or drops it.
    pub fn write(&self, entry: &Entry<'_>) {
        // PERF: made outside of the queue's lock, which is then held for a copy of some hundred bytes, and in memory that is used again.
        let in_thread = LINE.try_with(|line| self.write_in(entry, &mut line.borrow_mut()));
        // A thread that ends has none any more.
        in_thread.unwrap_or_else(|_| self.write_in(entry, &mut Vec::new()));
    }

    fn write_in(&self, entry: &Entry<'_>, line: &mut Vec<u8>) {
        let moment = Moment::of(entry.time());
        line.clear();
        let in_file = self.file.format();
        if let Some(format) = in_file {
            entry.write_at(&moment, format, line);
            self.file.push(line);
        }
        if let Some(format) = self.syslog.format() {
            if in_file != Some(format) {
                line.clear();
                entry.write_at(&moment, format, line);
            }
            syslog::record(&moment, format, entry, line);
            self.syslog.push(line);
        }
    }

    /// Opens the file anew, after it was moved away. No line is lost: those that wait are written to the old one first.
    pub fn reopen(&self) {
        self.file.reopen();
    }

    /// Waits until all lines are written and sent, for so long at most. Returns whether they are. It blocks.
    pub fn flush(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let in_file = self.file.flush(deadline);
        self.syslog.flush(deadline) && in_file
    }

    /// The same, and ends it: a receiver is told that nothing more comes.
    pub fn finish(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let written = self.flush(within);
        let in_file = self.file.finish(deadline);
        self.syslog.finish(deadline) && in_file && written
    }
}

impl Default for AccessLog {
    /// One whose dropped lines nobody sees: for tests and for commands that serve nothing.
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "a constant name is valid or never is")]
        let counter = || IntCounter::new("dropped", "-").expect("a valid name");
        AccessLog::new(Dropped {
            file: counter(),
            syslog: counter(),
        })
    }
}

#[cfg(test)]
mod tests;
