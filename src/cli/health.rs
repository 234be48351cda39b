//! `health`: whether the running gateway is ready, for whoever has to know by an exit code.
//!
//! ```text
//! $ portcullis health --admin 127.0.0.1:9145
//! portcullis: 127.0.0.1:9145 says: not ready: starting or draining
//! ```

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::ask;
use crate::config::{self, Admin};

/// Shorter than what containers and keepalived allow a check.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the command prints. A file that somebody is just editing makes no running gateway ill: with mistakes in it, the gateway is
/// looked for where it is by default.
pub(super) fn health(admin: Option<SocketAddr>, file: &Path) -> Result<String, String> {
    let named = || config::load(file).ok().map(|(file, _)| *file.admin.listen);
    let admin = admin.or_else(named).unwrap_or(Admin::LISTEN);
    ask::ready(admin, PATIENCE)
}
