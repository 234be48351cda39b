//! Where the log goes: standard error, or a file that can be moved away and opened anew.
//!
//! ```
//! use portcullis::observe::log_file;
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("gateway.log");
//! log_file::follow(Some(&path))?;      // lines go there from now on
//! std::fs::rename(&path, folder.path().join("gateway.log.1"))?;
//! assert_eq!(log_file::reopen()?, Some(path.clone()));
//! assert!(path.exists());
//! log_file::follow(None)?;             // and to standard error again
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The log is one for the process, and so is its place.
static OPEN: Mutex<Option<(PathBuf, File)>> = Mutex::new(None);

/// Writes each line where it belongs at that moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogFile;

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some((_, file)) = &mut *open()
            && file.write_all(line).is_ok()
        {
            return Ok(line.len());
        }
        // Also what a full disk did not take: nothing is lost without a trace.
        io::stderr().write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on the log goes to `path`, or to standard error.
///
/// # Errors
/// The file cannot be opened; the log goes where it went.
pub fn follow(path: Option<&Path>) -> io::Result<()> {
    let mut open = open();
    if open.as_ref().map(|(there, _)| there.as_path()) == path {
        return Ok(());
    }
    *open = match path {
        Some(path) => Some((path.to_owned(), append_to(path)?)),
        None => None,
    };
    Ok(())
}

/// Opens the file anew, after it was moved away. Returns its path; `None` if the log goes to standard error.
///
/// # Errors
/// It cannot be opened; lines go to the one that was moved away.
pub fn reopen() -> io::Result<Option<PathBuf>> {
    let mut open = open();
    if let Some((path, file)) = &mut *open {
        *file = append_to(path)?;
    }
    Ok(open.as_ref().map(|(path, _)| path.clone()))
}

fn append_to(path: &Path) -> io::Result<File> {
    // Addresses of clients are in it.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .open(path)
}

fn open() -> MutexGuard<'static, Option<(PathBuf, File)>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}
