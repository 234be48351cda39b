//! The `shutdown` section: how a process ends.
//!
//! ```yaml
//! shutdown: { delay: 10s, within: 30s }
//! ```

use super::section::section;
use super::value::Duration;

section! {
    /// How a process ends: on SIGTERM, and after a new one has taken over.
    pub struct Shutdown {
        /// On SIGTERM, how long listeners stay open while `/readyz` says 503 already, so that a load balancer stops sending first. Without it: not at all.
        delay: Option<Duration> = optional,
        /// How long requests may take to finish after that. What is left then is cut.
        within: Duration = default Duration::from_secs(30),
    }
}
