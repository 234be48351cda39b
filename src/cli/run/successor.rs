//! Starts a new process from the program's file, which may be a newer one by now.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use log::{info, warn};
use tokio::process::Command;

static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Where the program's file is. To be asked once at the start: once a package has replaced the file, the system only knows that this one
/// was deleted.
pub(super) fn remember_program() {
    PROGRAM.get_or_init(|| std::env::current_exe().ok());
}

/// Starts it beside this process; it asks for the sockets by itself. Its end is told, for that is a failure while this one still waits.
pub(super) fn start(file: &Path) {
    let Some(program) = PROGRAM.get().cloned().flatten() else {
        return warn!("SIGUSR2: the system does not say where the program is");
    };
    let mut arguments: Vec<OsString> = vec!["run".into(), "--take-over".into(), "-c".into()];
    arguments.push(file.into());
    let started = Command::new(&program)
        .args(arguments)
        // This process's own, which its successor must not take for a promise.
        .env_remove("WATCHDOG_PID")
        .spawn();
    match started {
        Ok(mut child) => {
            let pid = child.id().unwrap_or_default();
            info!(
                "SIGUSR2: process {pid} starts from {} to take over",
                program.display()
            );
            tokio::spawn(async move {
                match child.wait().await {
                    Ok(status) => warn!("process {pid} has ended: {status}; this one goes on"),
                    Err(error) => warn!("process {pid}: {error}"),
                }
            });
        }
        Err(error) => warn!("SIGUSR2: {} cannot be started: {error}", program.display()),
    }
}
