//! The file for every command and for every reload: read, and where it is wrong, looked at as far as it can be.

use std::path::Path;
use std::sync::Arc;

use crate::config::{self, Config, Listener};
use crate::diagnostic::{Diagnostic, Report, Source};
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

/// A configuration in which nothing is wrong by itself.
#[derive(Clone)]
pub struct Loaded {
    /// What was read.
    pub config: Arc<Config>,
    /// The digest of its text; `None` for one that comes from no file.
    pub digest: Option<[u8; 32]>,
}

impl From<&Config> for Loaded {
    fn from(config: &Config) -> Self {
        Loaded {
            config: Arc::new(config.clone()),
            digest: None,
        }
    }
}

/// What is wrong with a text.
pub(crate) struct Mistakes {
    pub(crate) found: Vec<Diagnostic>,
    /// Addresses that it would listen on, as far as they could be read.
    pub(crate) listeners: Vec<Listener>,
}

/// Reads a file. Must be called inside a tokio runtime.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(file: &Path) -> Result<(Loaded, Source), Report> {
    let source = Source::read(file)?;
    match judge(&source) {
        Ok(config) => {
            let loaded = Loaded {
                config: Arc::new(config),
                digest: Some(source.digest()),
            };
            Ok((loaded, source))
        }
        Err(mistakes) => Err(Report::new(source, mistakes.found)),
    }
}

/// The configuration of a text.
///
/// # Errors
/// Everything that is wrong with it. Together with what the reader found comes what only compiling finds: certificates that cannot be
/// used, routes that collide, folders that are missing. Two things wait until the reader has nothing to say: a section that could not be
/// read as a whole, and which hosts the certificates cover.
pub(crate) fn judge(source: &Source) -> Result<Config, Mistakes> {
    let (config, mut found) = config::read(source);
    let mut config = match config {
        Some(config) if found.is_empty() => return Ok(config),
        Some(config) => config,
        None => {
            return Err(Mistakes {
                found,
                listeners: Vec::new(),
            });
        }
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
    Err(Mistakes {
        found,
        listeners: config.listeners,
    })
}
