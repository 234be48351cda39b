//! One way out for lines: a queue, the thread behind it, and how a line looks that goes there.
//!
//! ```ignore
//! let outlet = Outlet::new(dropped, writer::start);
//! outlet.follow(Some((path, Format::Json)));
//! outlet.push(b"{}\n");
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use prometheus::IntCounter;

use super::Format;
use super::queue::Queue;

const JSON: u8 = 1;
const COMBINED: u8 = 2;

/// Goes to a place of type `T`.
pub(super) struct Outlet<T: Clone + PartialEq> {
    queue: Arc<Queue<T>>,
    /// PERF: asked for every request, so no lock. 0 is off.
    format: AtomicU8,
    /// Starts the thread, which ends when the queue is closed.
    start: fn(Arc<Queue<T>>),
}

impl<T: Clone + PartialEq> Outlet<T> {
    /// One that is shut.
    pub(super) fn new(dropped: IntCounter, start: fn(Arc<Queue<T>>)) -> Self {
        Outlet {
            queue: Arc::new(Queue::new(dropped)),
            format: AtomicU8::new(0),
            start,
        }
    }

    pub(super) fn follow(&self, target: Option<(T, Format)>) {
        let format = target.as_ref().map_or(0, |(_, format)| match format {
            Format::Json => JSON,
            Format::Combined => COMBINED,
        });
        self.format.store(format, Ordering::Relaxed);
        if self.queue.follow(target.map(|(place, _)| place)) {
            (self.start)(self.queue.clone());
        }
    }

    /// How lines look now; `None` while none go here.
    pub(super) fn format(&self) -> Option<Format> {
        match self.format.load(Ordering::Relaxed) {
            JSON => Some(Format::Json),
            COMBINED => Some(Format::Combined),
            _ => None,
        }
    }

    pub(super) fn push(&self, line: &[u8]) {
        // The combined format has no line for the start of a stream.
        if !line.is_empty() {
            self.queue.push(line);
        }
    }

    pub(super) fn reopen(&self) {
        self.queue.reopen();
    }

    pub(super) fn flush(&self, deadline: Instant) -> bool {
        self.queue.flush(deadline)
    }

    pub(super) fn finish(&self, deadline: Instant) -> bool {
        self.queue.finish(deadline)
    }
}

impl<T: Clone + PartialEq> Drop for Outlet<T> {
    fn drop(&mut self) {
        self.queue.close();
    }
}
