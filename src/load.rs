//! The file for every command: read, and where it is wrong, looked at as far as it can be.

use std::path::Path;

use crate::config::{self, Config};
use crate::diagnostic::{Report, Source};
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

/// Reads a file. Must be called inside a tokio runtime.
///
/// # Errors
/// Everything that is wrong with it. Together with what the reader found comes what only compiling finds: certificates that cannot be
/// used, routes that collide, folders that are missing. Two things wait until the reader has nothing to say: a section that could not be
/// read as a whole, and which hosts the certificates cover.
pub(super) fn load(file: &Path) -> Result<(Config, Source), Report> {
    let source = Source::read(file)?;
    let (config, mut found) = config::read(&source);
    let mut config = match config {
        Some(config) if found.is_empty() => return Ok((config, source)),
        Some(config) => config,
        None => return Err(Report::new(source, found)),
    };
    // A certificate that could not be read is missing here: its hosts would look as if nothing covered them.
    for listener in &mut config.listeners {
        listener.tls = None;
    }
    if let Err(more) = Snapshot::compile(&config, &Runtime::new()) {
        for diagnostic in more {
            // One mistake, seen from two sides.
            if found.iter().all(|first| first.place != diagnostic.place) {
                found.push(diagnostic);
            }
        }
    }
    Err(Report::new(source, found))
}
