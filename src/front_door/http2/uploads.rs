//! Whose turn it is in the request bodies of an HTTP/2 connection: the client's, or ours because the server takes nothing.
//!
//! Pingora tells nothing of a stream's number and reads a body only as fast as the server takes it. So there are two counts: what the
//! wire says about streams whose body is not complete, and how many bodies the gateway still waits for. A body that the client has
//! sent to the end, or as far as its window goes, is in the second count and no longer in the first: the difference is how many bodies
//! are late without the client's fault.
//!
//! ```ignore
//! uploads.opened(1);         // HEADERS without END_STREAM
//! uploads.came(1, 16_384);   // DATA
//! uploads.complete(1);       // END_STREAM
//! let late = uploads.spare(); // 1 while the gateway still reads it
//! ```

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{CONNECTION_WINDOW, STREAM_WINDOW};

/// More than may be open; the HTTP/2 library refuses long before.
const STREAMS: usize = 16_384;

/// Shared by the stream, which sees frames, and the requests, which see bodies.
#[derive(Debug)]
pub(in crate::front_door) struct Uploads(Mutex<State>);

#[derive(Debug)]
struct State {
    /// What the client may send before it has to wait for us, by stream whose body is not complete.
    windows: HashMap<u32, i64>,
    connection: i64,
    /// Bodies that the gateway has not read to the end.
    unread: usize,
    /// Those of them whose lateness has been put down to a server.
    excused: usize,
}

impl Default for Uploads {
    fn default() -> Uploads {
        Uploads(Mutex::new(State {
            windows: HashMap::new(),
            connection: i64::from(CONNECTION_WINDOW),
            unread: 0,
            excused: 0,
        }))
    }
}

impl Uploads {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client began a request with a body.
    pub(in crate::front_door) fn opened(&self, stream: u32) {
        let mut state = self.state();
        if state.windows.len() < STREAMS {
            state.windows.insert(stream, i64::from(STREAM_WINDOW));
        }
    }

    /// So much of a body came, padding included.
    pub(in crate::front_door) fn came(&self, stream: u32, len: usize) {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        let mut state = self.state();
        state.connection = state.connection.saturating_sub(len);
        if let Some(window) = state.windows.get_mut(&stream) {
            *window = window.saturating_sub(len);
        }
    }

    /// The client has said all it will say on this stream, or we want no more of it.
    pub(in crate::front_door) fn complete(&self, stream: u32) {
        self.state().windows.remove(&stream);
    }

    /// We allowed so much more; stream 0 is the connection.
    pub(in crate::front_door) fn allowed(&self, stream: u32, more: u32) {
        let mut state = self.state();
        if stream == 0 {
            state.connection = state.connection.saturating_add(i64::from(more));
        } else if let Some(window) = state.windows.get_mut(&stream) {
            *window = window.saturating_add(i64::from(more));
        }
    }

    /// The gateway waits for one more body, or for one less.
    pub(in crate::front_door) fn begin(&self) {
        self.state().unread += 1;
    }

    /// See [`Uploads::begin`].
    pub(in crate::front_door) fn end(&self, excused: bool) {
        let mut state = self.state();
        state.unread = state.unread.saturating_sub(1);
        if excused {
            state.excused = state.excused.saturating_sub(1);
        }
    }

    /// How many bodies are late without the client's fault.
    pub(in crate::front_door) fn spare(&self) -> usize {
        self.state().spare()
    }

    /// Puts the lateness of one body down to a server, if there is one left that may be.
    pub(in crate::front_door) fn excuse(&self) -> bool {
        let mut state = self.state();
        let excuse = state.excused < state.spare();
        state.excused += usize::from(excuse);
        excuse
    }

    /// A body that was excused goes on.
    pub(in crate::front_door) fn goes_on(&self) {
        let mut state = self.state();
        state.excused = state.excused.saturating_sub(1);
    }
}

impl State {
    fn spare(&self) -> usize {
        let could_send = match self.connection {
            ..=0 => 0,
            _ => self.windows.values().filter(|window| **window > 0).count(),
        };
        self.unread.saturating_sub(could_send)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bodies under way, nothing sent of them.
    fn two() -> Uploads {
        let uploads = Uploads::default();
        for stream in [1, 3] {
            uploads.opened(stream);
            uploads.begin();
        }
        uploads
    }

    #[test]
    fn a_body_is_late_by_the_client_while_it_could_send() {
        let uploads = two();
        assert_eq!(uploads.spare(), 0);
        uploads.came(1, 1000);
        assert_eq!(uploads.spare(), 0);
        assert!(!uploads.excuse());
    }

    #[test]
    fn a_body_that_was_sent_is_not_late_by_the_client() {
        let whole = two();
        whole.complete(1);
        assert_eq!(whole.spare(), 1);
        let window = two();
        window.came(1, STREAM_WINDOW as usize);
        assert_eq!(window.spare(), 1);
        window.allowed(1, 1);
        assert_eq!(window.spare(), 0);
        let connection = two();
        connection.came(7, CONNECTION_WINDOW as usize);
        assert_eq!(connection.spare(), 2);
        connection.allowed(0, 1);
        assert_eq!(connection.spare(), 0);
    }

    #[test]
    fn one_late_server_excuses_one_body_and_not_its_neighbours() {
        let uploads = two();
        uploads.complete(1);
        assert!(uploads.excuse());
        assert!(!uploads.excuse());
        uploads.goes_on();
        assert!(uploads.excuse());
        uploads.end(true);
        assert_eq!(uploads.spare(), 0);
        assert!(!uploads.excuse());
    }
}
