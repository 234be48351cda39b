//! `health`: whether the running gateway is ready, for whoever has to know by an exit code.
//!
//! ```text
//! $ portcullis health --admin 127.0.0.1:9145
//! portcullis: 127.0.0.1:9145 says: not ready: draining
//! ```

use std::path::Path;
use std::time::Duration;

use super::ask::{self, Arguments, Listener};
use crate::config;
use crate::diagnostic::Source;

/// Shorter than what containers and keepalived allow a check.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the command prints. A file that somebody is just editing makes no running gateway ill: what can be read of it says where the
/// gateway is, and if nothing can, it is looked for where it is by default.
pub(super) fn health(admin: &Arguments, file: &Path) -> Result<String, String> {
    let read = Source::read(file).ok();
    let section = read.and_then(|source| config::admin(&source));
    ask::ready(&Listener::open_to_all(admin, section.as_ref())?, PATIENCE)
}
