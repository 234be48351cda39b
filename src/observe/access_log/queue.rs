//! Lines on their way to the thread that writes or sends them, and what else it is told. Bounded in bytes and in lines.
//!
//! ```ignore
//! queue.push(b"...\n");             // a request: never waits for a disk or a network
//! let work = queue.next(false);     // the thread: takes everything at once
//! ```

use std::mem::take;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::IntCounter;

/// SECURITY: what waits for a disk or a receiver that takes nothing; what is being written may be as much again.
pub(super) const MOST_BYTES: usize = 8 * 1024 * 1024;
const MOST_LINES: usize = 32 * 1024;
/// So much is written at once, without waiting for more.
const ENOUGH: usize = 256 * 1024;
/// So long a line waits for others, so that a busy gateway writes many with one call.
const GATHER: Duration = Duration::from_millis(100);
/// After a failure the next attempt comes so much later.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// Another place from here on.
pub(super) struct Switch<T> {
    /// Lines for the place until now.
    pub lines: Vec<u8>,
    /// Then they go here, or nowhere.
    pub to: Option<T>,
}

/// What the thread is to do, in this order.
#[derive(Default)]
pub(super) struct Work<T> {
    /// First these.
    pub switches: Vec<Switch<T>>,
    /// Then these lines.
    pub lines: Vec<u8>,
    /// Then the file is opened anew.
    pub reopen: bool,
    /// Somebody waits for the last line: what has failed is tried at once.
    pub hurried: bool,
    /// Lines that found no room since the last time.
    pub dropped: u64,
    /// Then it ends.
    pub closed: bool,
}

struct State<T> {
    switches: Vec<Switch<T>>,
    lines: Vec<u8>,
    /// Of all lines here, those before a switch too.
    bytes: usize,
    count: usize,
    reopen: bool,
    dropped: u64,
    closed: bool,
    /// There is a thread.
    started: bool,
    /// It has ended.
    ended: bool,
    /// It has lines that it has not written.
    busy: bool,
    /// Somebody waits for the last line.
    hurried: bool,
    /// Where lines go, as was last said.
    target: Option<T>,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        State {
            switches: Vec::new(),
            lines: Vec::new(),
            bytes: 0,
            count: 0,
            reopen: false,
            dropped: 0,
            closed: false,
            started: false,
            ended: false,
            busy: false,
            hurried: false,
            target: None,
        }
    }
}

impl<T> State<T> {
    fn has_orders(&self) -> bool {
        !self.switches.is_empty() || self.reopen || self.closed
    }
}

/// The queue.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    wake: Condvar,
    written: Condvar,
    dropped: IntCounter,
}

impl<T: Clone + PartialEq> Queue<T> {
    pub(super) fn new(dropped: IntCounter) -> Self {
        Queue {
            state: Mutex::default(),
            wake: Condvar::new(),
            written: Condvar::new(),
            dropped,
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, or counts it as dropped.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.state();
        if state.target.is_none() {
            // A reload has ended the log while the line was made.
            return;
        }
        if state.bytes + line.len() > MOST_BYTES || state.count >= MOST_LINES {
            state.dropped += 1;
            drop(state);
            return self.dropped.inc();
        }
        let before = state.lines.len();
        state.lines.extend_from_slice(line);
        state.bytes += line.len();
        state.count += 1;
        // PERF: the writer is woken for the first line and when there are enough, not for each.
        let wake = before == 0 || before < ENOUGH && state.lines.len() >= ENOUGH;
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Says where lines go from now on. Returns whether a thread must be started for it.
    pub(super) fn follow(&self, target: Option<T>) -> bool {
        let mut state = self.state();
        if state.target == target {
            return false;
        }
        state.target.clone_from(&target);
        let lines = take(&mut state.lines);
        state.switches.push(Switch { lines, to: target });
        let start = !state.started;
        state.started = true;
        drop(state);
        self.wake.notify_one();
        start
    }

    pub(super) fn reopen(&self) {
        self.state().reopen = true;
        self.wake.notify_one();
    }

    pub(super) fn close(&self) {
        self.state().closed = true;
        self.wake.notify_one();
    }

    /// The thread ends now.
    pub(super) fn ended(&self) {
        self.state().ended = true;
        self.written.notify_all();
    }

    /// Ends the thread, and waits until it has.
    pub(super) fn finish(&self, deadline: Instant) -> bool {
        self.close();
        let mut state = self.state();
        while state.started && !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.written.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// The thread could not be started, so there is nobody to take anything.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        *state = State::default();
    }

    /// Waits until everything is written.
    pub(super) fn flush(&self, deadline: Instant) -> bool {
        let mut state = self.state();
        state.hurried = state.started;
        self.wake.notify_one();
        loop {
            let done = state.lines.is_empty() && !state.busy && !state.has_orders();
            if done || !state.started {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.written.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What is to be done next. `stuck`: the thread still has lines that it could not write, so it takes no more. `emptied` is what its
    /// last lines were in. PERF: memory that is used again has its pages already; fresh pages cost as much as writing what is in them.
    pub(super) fn next(&self, stuck: bool, mut emptied: Vec<u8>) -> Work<T> {
        emptied.clear();
        if emptied.capacity() > ENOUGH * 2 {
            emptied = Vec::new();
        }
        let mut state = self.state();
        state.busy = stuck;
        self.written.notify_all();
        if stuck {
            let free = |state: &mut State<T>| !state.has_orders() && !state.hurried;
            let waited = self.wake.wait_timeout_while(state, RETRY, free);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        } else {
            let idle = |state: &mut State<T>| {
                state.lines.is_empty() && state.dropped == 0 && !state.has_orders()
            };
            let waited = self.wake.wait_while(state, idle);
            state = waited.unwrap_or_else(PoisonError::into_inner);
            let few = |state: &mut State<T>| {
                state.lines.len() < ENOUGH && !state.has_orders() && !state.hurried
            };
            let waited = self.wake.wait_timeout_while(state, GATHER, few);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        // With another place there is a new beginning.
        let takes = !stuck || !state.switches.is_empty();
        let lines = match takes {
            false => Vec::new(),
            true => {
                (state.count, state.bytes) = (0, 0);
                std::mem::replace(&mut state.lines, emptied)
            }
        };
        state.busy = true;
        Work {
            switches: take(&mut state.switches),
            lines,
            reopen: take(&mut state.reopen),
            hurried: take(&mut state.hurried),
            dropped: take(&mut state.dropped),
            closed: state.closed,
        }
    }

    /// Lines that the thread itself had to give up.
    pub(super) fn lost(&self, lines: u64) {
        self.dropped.inc_by(lines);
    }
}
