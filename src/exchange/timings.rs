//! What is measured of a request on its way: when each step was, how many bytes passed, what the server said.
//!
//! ```
//! use portcullis::exchange::Timings;
//! let mut timings = Timings::begin();
//! timings.tries();
//! timings.connected(false);
//! timings.answered(200);
//! assert_eq!(timings.upstream_status, Some(200));
//! assert!(timings.first_byte <= timings.upstream());
//! ```

use std::time::{Duration, Instant};

/// The measures of one request. Plain data: nothing here is allocated.
#[derive(Debug, Clone)]
pub struct Timings {
    /// When its head was complete.
    pub started: Instant,
    /// How long the connection to the server took that was made for it; `None` if it got one that was there already, or none.
    pub connect: Option<Duration>,
    /// Whether the connection to the server was there already; `None` before there is one.
    pub reused: Option<bool>,
    /// From the first try to reach the server to the head of its answer.
    pub first_byte: Option<Duration>,
    /// What the server answered, before the kind changed anything.
    pub upstream_status: Option<u16>,
    /// Bytes of the body that came from the client, of a tunnel too.
    pub received: u64,
    /// Bytes of the body that the server had for the client, of a tunnel too.
    pub sent: u64,
    first_try: Option<Instant>,
    last_try: Option<Instant>,
    last_byte: Option<Instant>,
}

impl Timings {
    /// The head is complete.
    pub fn begin() -> Self {
        Timings {
            started: Instant::now(),
            connect: None,
            reused: None,
            first_byte: None,
            upstream_status: None,
            received: 0,
            sent: 0,
            first_try: None,
            last_try: None,
            last_byte: None,
        }
    }

    /// A connection to the server is wanted now.
    pub fn tries(&mut self) {
        let now = Instant::now();
        self.first_try.get_or_insert(now);
        self.last_try = Some(now);
        // A request that is sent again begins its body anew.
        self.received = 0;
    }

    /// There is one.
    pub fn connected(&mut self, reused: bool) {
        self.reused = Some(reused);
        let since = self.last_try.filter(|_| !reused);
        self.connect = since.map(|since| since.elapsed());
    }

    /// The head of the server's answer is there.
    pub fn answered(&mut self, status: u16) {
        let now = Instant::now();
        self.upstream_status = Some(status);
        self.first_byte = self.first_try.map(|since| now.duration_since(since));
        self.last_byte = Some(now);
    }

    /// Bytes came from the client.
    pub fn from_client(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// Bytes came from the server.
    pub fn from_server(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        self.last_byte = Some(Instant::now());
    }

    /// From the first try to reach the server to the last that came from it; `None` if nothing did.
    pub fn upstream(&self) -> Option<Duration> {
        Some(self.last_byte?.duration_since(self.first_try?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_was_there_took_no_time_to_make() {
        let mut timings = Timings::begin();
        timings.tries();
        timings.connected(true);
        assert_eq!((timings.connect, timings.reused), (None, Some(true)));
        // It was closed before any answer, and a fresh one was made.
        timings.tries();
        timings.connected(false);
        assert!(timings.connect.is_some());
    }

    #[test]
    fn a_server_that_was_not_reached_has_no_times() {
        let mut timings = Timings::begin();
        timings.tries();
        assert_eq!((timings.upstream(), timings.first_byte), (None, None));
    }
}
