//! Folders whose files are served, each looked at once however many hosts name it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::config::value::FilePath;
use crate::config::{At, Config, Host};

/// What was found of every folder that a configuration names.
pub(super) struct Folders<'c>(HashMap<&'c Path, Found<'c>>);

struct Found<'c> {
    is_there: bool,
    /// The first private key that is below it.
    key: Option<&'c At<FilePath>>,
}

impl<'c> Folders<'c> {
    pub(super) fn look(config: &'c Config) -> Self {
        let keys: Vec<(&At<FilePath>, PathBuf)> = keys(config)
            // What is not there is reported for itself.
            .filter_map(|key| Some((key, key.path().canonicalize().ok()?)))
            .collect();
        let mut found = HashMap::new();
        for folder in config.hosts.values().flat_map(Host::folders) {
            found.entry(folder.path()).or_insert_with(|| {
                let real = folder.path().canonicalize().ok();
                let below = |(_, key): &&(_, PathBuf)| {
                    real.as_ref().is_some_and(|real| key.starts_with(real))
                };
                Found {
                    is_there: real.as_ref().is_some_and(|real| real.is_dir()),
                    key: keys.iter().find(below).map(|(key, _)| *key),
                }
            });
        }
        Folders(found)
    }

    /// A private key of the configuration that is below this folder, links followed.
    pub(super) fn key_below(&self, folder: &FilePath) -> Option<&'c At<FilePath>> {
        self.0.get(folder.path())?.key
    }

    /// Whether it is there and may be served.
    pub(super) fn is_good(&self, folder: &FilePath) -> bool {
        let found = self.0.get(folder.path());
        found.is_some_and(|found| found.is_there && found.key.is_none())
    }
}

/// Every folder, once.
pub(super) fn all(config: &Config) -> Vec<PathBuf> {
    let folders = config.hosts.values().flat_map(Host::folders);
    let different: BTreeSet<&Path> = folders.map(|folder| folder.path()).collect();
    different.into_iter().map(Path::to_owned).collect()
}

/// Every private key that the file names.
fn keys(config: &Config) -> impl Iterator<Item = &At<FilePath>> {
    let ours = config.tls.certificates.iter();
    let servers = config.servers.values();
    let shown = servers.filter_map(|server| server.client_certificate.as_ref());
    ours.chain(shown.map(|files| &files.value))
        .map(|files| &files.key)
}
