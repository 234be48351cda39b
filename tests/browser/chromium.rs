//! One headless Chromium with a profile of its own, ended with everything it started.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::arguments::ARGUMENTS;

/// How much of Chromium's own output a failure shows, in bytes from its end.
const SHOWN: usize = 16 * 1024;

/// A running browser. Dropping it ends the whole process group and removes the profile.
pub struct Chromium {
    child: Child,
    profile: TempDir,
}

/// The first `chromium` on the `PATH`.
pub fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("chromium"))
        .find(|file| file.is_file())
}

impl Chromium {
    /// Starts `program` with `address` as its only page.
    pub fn start(program: &PathBuf, address: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // A file and not a pipe: nobody reads while the browser runs, and a full pipe would stop it.
        let stderr = File::create(profile.path().join("stderr.log")).unwrap();
        let child = Command::new(program)
            .args(ARGUMENTS)
            .args([
                "--ignore-certificate-errors",
                "--enable-logging=stderr", // what the page writes to its console is part of a failure's story
            ])
            .arg(format!(
                "--user-data-dir={}",
                profile.path().join("profile").display()
            ))
            .arg(address)
            .env("HOME", profile.path()) // what ignores --user-data-dir (caches, fonts) lands here
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .process_group(0) // its children join the group, so one signal reaches them and nobody else
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        Self { child, profile }
    }

    /// The status of a browser that has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// The end of what Chromium wrote about itself and the page's console.
    pub fn stderr(&self) -> String {
        let text = std::fs::read(self.profile.path().join("stderr.log")).unwrap_or_default();
        let tail = text
            .get(text.len().saturating_sub(SHOWN)..)
            .unwrap_or_default();
        format!(
            "--- chromium's stderr ---\n{}",
            String::from_utf8_lossy(tail)
        )
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The group's id stays taken until its leader is waited for, so this reaches no stranger.
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
