//! What has happened: everything that outlives a reload. Made once, when the process starts.
//!
//! The other half is [`Snapshot`](crate::snapshot::Snapshot), what the file says. If a SIGHUP would reset a value here and an
//! attacker would like that, it is in the right place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::front_door::tls::Tickets;
use crate::observe::metrics::Metrics;
use crate::observe::notices::Notices;
use crate::upstream::Resolver;

/// The state of the process.
pub struct Runtime {
    /// Addresses of the servers' names.
    pub resolver: Resolver,
    /// The keys of TLS session tickets: a reload must not make every browser shake hands anew.
    pub tickets: Arc<Tickets>,
    /// What is not to be said with every request.
    pub notices: Notices,
    /// Counters and gauges.
    pub metrics: Metrics,
    ready: AtomicBool,
}

impl Runtime {
    /// A process that has seen nothing yet.
    pub fn new() -> Self {
        Runtime {
            resolver: Resolver::default(),
            tickets: Tickets::new(),
            notices: Notices::default(),
            metrics: Metrics::new(),
            ready: AtomicBool::new(false),
        }
    }

    /// Whether requests are served: not before every listener is bound, and not while the process drains.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Says whether requests are served.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Runtime::new()
    }
}
