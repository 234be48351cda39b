//! What the load has sent and got, by its own count: never by what the gateway says of it.
//!
//! ```ignore
//! ledger.answered(&SEARCH, "GET", 200, 0, 512);         // by the server
//! assert_eq!(ledger.read(|all| all.requests.values().sum::<u64>()), 1);
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::client::HOST;

/// A route, without the host, and the server that is asked through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub route: &'static str,
    pub server: &'static str,
}

/// Where a request counts that found no route.
pub const NOWHERE: Place = Place {
    route: "-",
    server: "-",
};

impl Place {
    /// The route as it is called in metrics.
    pub fn label(self) -> String {
        match self.route {
            "-" => "-".to_owned(),
            route => format!("{HOST}{route}"),
        }
    }
}

/// Labels in the order in which they are asked for, and a number.
pub type Counts = BTreeMap<Vec<String>, u64>;

/// One count for each family that is told by requests.
#[derive(Default)]
pub struct All {
    /// Route, server, method, code.
    pub requests: Counts,
    /// Route: those that are no stream.
    pub durations: Counts,
    /// Route and server: those of them that the server has answered.
    pub upstream_durations: Counts,
    /// Route.
    pub received: Counts,
    /// Route.
    pub sent: Counts,
    /// Server: requests that got a connection to it.
    pub connected: Counts,
    /// Server and reason.
    pub upstream_errors: Counts,
    /// Reason.
    pub refusals: Counts,
    /// Reason.
    pub observed: Counts,
    /// Version and outcome.
    pub handshakes: Counts,
}

/// The counts, shared by everybody.
#[derive(Default)]
pub struct Ledger(Mutex<All>);

pub fn count(counts: &mut Counts, labels: &[&str], by: u64) {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    *counts.entry(labels).or_default() += by;
}

impl Ledger {
    pub fn read<T>(&self, read: impl FnOnce(&All) -> T) -> T {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn write(&self, write: impl FnOnce(&mut All)) {
        write(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A request is over, however it was answered.
    fn over(&self, place: Place, method: &str, code: &str, received: usize, sent: usize) {
        let route = place.label();
        self.write(|all| {
            count(&mut all.requests, &[&route, place.server, method, code], 1);
            count(&mut all.received, &[&route], received as u64);
            count(&mut all.sent, &[&route], sent as u64);
        });
    }

    /// The server has answered.
    pub fn answered(&self, place: Place, method: &str, code: u16, received: usize, sent: usize) {
        let route = place.label();
        self.over(place, method, &code.to_string(), received, sent);
        self.write(|all| {
            count(&mut all.durations, &[&route], 1);
            count(&mut all.upstream_durations, &[&route, place.server], 1);
            count(&mut all.connected, &[place.server], 1);
        });
    }

    /// The gateway has answered by itself, for this reason if it has one.
    pub fn refused(
        &self,
        place: Place,
        method: &str,
        code: &str,
        reason: Option<&str>,
        sizes: (usize, usize),
    ) {
        self.over(place, method, code, sizes.0, sizes.1);
        self.write(|all| {
            count(&mut all.durations, &[&place.label()], 1);
            if let Some(reason) = reason {
                count(&mut all.refusals, &[reason], 1);
            }
        });
    }

    /// The server could not be connected to.
    pub fn unreachable(&self, place: Place, method: &str, sizes: (usize, usize)) {
        let reason = "upstream_connect";
        self.refused(place, method, "502", Some(reason), sizes);
        self.write(|all| count(&mut all.upstream_errors, &[place.server, reason], 1));
    }

    /// A request has reached its server, and what becomes of it is told later.
    pub fn reached(&self, place: Place) {
        self.write(|all| count(&mut all.connected, &[place.server], 1));
    }

    /// A stream is over that began with this code.
    pub fn streamed(&self, place: Place, code: u16, received: usize, sent: usize) {
        self.over(place, "GET", &code.to_string(), received, sent);
    }

    /// The server has broken off what it was about to say.
    pub fn broken(&self, server: &str) {
        let reason = "upstream_broken";
        self.write(|all| {
            count(&mut all.upstream_errors, &[server, reason], 1);
            count(&mut all.refusals, &[reason], 1);
        });
    }

    /// A handshake is over: `-` for the version where it has failed.
    pub fn handshake(&self, version: &str, outcome: &str) {
        self.write(|all| count(&mut all.handshakes, &[version, outcome], 1));
    }
}
