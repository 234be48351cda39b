//! The `upgrade` section: how a new process takes over from the one that runs.
//!
//! ```yaml
//! upgrade: { socket: /run/portcullis/upgrade.sock, within: 1h }
//! ```

use super::At;
use super::section::section;
use super::value::{Duration, FilePath};

section! {
    /// How a new process takes over from the one that runs.
    pub struct Upgrade {
        /// The Unix socket on which the running process waits for its successor. Without it: `upgrade.sock` in the folder that systemd gives (`RuntimeDirectory=`), and without that none.
        socket: Option<At<FilePath>> = optional,
        /// How long the old process lets its connections finish, event streams and WebSockets among them. What is left then is cut.
        within: Duration = default Duration::from_secs(3600),
    }
}
