//! The `shutdown`, `upgrade` and `state` sections, compiled: how the process ends, and what it leaves behind.
//!
//! ```text
//! p.yaml:12:10: error: the folder of `/run/portcullis/upgrade.sock` is not there
//!    = help: create `/run/portcullis`, owned by the user that the gateway runs as; systemd does with `RuntimeDirectory=portcullis`
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::value::FilePath;
use crate::config::{At, Config};
use crate::diagnostic::Diagnostic;
use crate::handover;
use crate::state::StateFile;

/// How the process ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// From SIGTERM until the listeners close.
    pub delay: Option<Duration>,
    /// From then until connections are cut.
    pub within: Duration,
    /// Where a successor is awaited.
    pub upgrade_socket: Option<PathBuf>,
    /// How long connections may take to finish when a successor serves.
    pub upgrade_within: Duration,
    /// Where bans are kept over a restart.
    pub state: Option<StateFile>,
}

pub(super) fn compile(config: &Config, wrong: &mut Vec<Diagnostic>) -> Lifecycle {
    let socket = &config.upgrade.socket;
    check_folder(socket.as_ref(), "RuntimeDirectory=portcullis", wrong);
    if let Some(socket) = socket
        && !handover::fits(socket.path())
    {
        let most = handover::LONGEST_PATH;
        wrong.push(
            Diagnostic::new(
                socket.place,
                format!("the path of a socket has at most {most} bytes: `{socket}` is longer"),
            )
            .remedy("write for example `/run/portcullis/upgrade.sock`"),
        );
    }
    let state = &config.state.file;
    check_folder(state.as_ref(), "StateDirectory=portcullis", wrong);
    let log = config.log.file.as_ref();
    check_folder(log, "LogsDirectory=portcullis", wrong);
    Lifecycle {
        delay: config.shutdown.delay.map(Duration::from),
        within: config.shutdown.within.get(),
        upgrade_socket: upgrade_socket(config),
        upgrade_within: config.upgrade.within.get(),
        state: written(state)
            .or_else(|| in_folder_of("STATE_DIRECTORY", "state.json"))
            .map(|path| StateFile::at(&path)),
    }
}

/// Where the running process waits for its successor.
pub(crate) fn upgrade_socket(config: &Config) -> Option<PathBuf> {
    written(&config.upgrade.socket)
        .or_else(|| in_folder_of("RUNTIME_DIRECTORY", "upgrade.sock"))
        .filter(|path| handover::fits(path))
}

fn written(path: &Option<At<FilePath>>) -> Option<PathBuf> {
    path.as_ref().map(|path| path.path().to_owned())
}

fn check_folder(path: Option<&At<FilePath>>, systemd: &str, wrong: &mut Vec<Diagnostic>) {
    let Some(path) = path else {
        return;
    };
    // Nothing in front of the name is the working directory.
    let folder = path.path().parent().unwrap_or(Path::new("/"));
    if !folder.as_os_str().is_empty() && !folder.is_dir() {
        let folder = folder.display();
        wrong.push(
            Diagnostic::new(path.place, format!("the folder of `{}` is not there", path.value)).remedy(
                format!("create `{folder}`, owned by the user that the gateway runs as; systemd does with `{systemd}`"),
            ),
        );
    }
}

/// A file in the folder that systemd has made for the service (systemd.exec(5), "RuntimeDirectory="): the first, if there are several.
fn in_folder_of(variable: &str, name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os(variable)?;
    let first = std::env::split_paths(&folders).next()?;
    first.is_absolute().then(|| first.join(name))
}
