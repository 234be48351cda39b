//! The file for every command: read, and where it is wrong, looked at as far as it can be.

use std::path::Path;

use crate::config::{self, Config};
use crate::diagnostic::{Report, Source};
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

/// Reads a file. Must be called inside a tokio runtime.
///
/// # Errors
/// Everything that is wrong with it. Where each value could be read, that includes what only compiling finds: certificates, routes that
/// collide, folders that are missing. Where some value could not, it is only what the reader found: the rest of the file does not yet say
/// what it will.
pub(super) fn load(file: &Path) -> Result<(Config, Source), Report> {
    let source = Source::read(file)?;
    let (config, mut found) = config::read(&source);
    let config = match config {
        Some(config) if found.is_empty() => return Ok((config, source)),
        config => config,
    };
    if let Some(config) = config
        && let Err(more) = Snapshot::compile(&config, &Runtime::new())
    {
        for diagnostic in more {
            // One mistake, seen from two sides.
            if found.iter().all(|first| first.place != diagnostic.place) {
                found.push(diagnostic);
            }
        }
    }
    Err(Report::new(source, found))
}
