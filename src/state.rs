//! The state file: bans and refusals over a restart, which whoever is banned would like to be forgotten.
//!
//! ```
//! use portcullis::limits::{Clock, Memory, Table};
//! use portcullis::state::StateFile;
//! use std::time::Duration;
//! let folder = tempfile::tempdir()?;
//! let file = StateFile::at(&folder.path().join("state.json"));
//! let table = Table::new(1000);
//! table.ban("192.0.2.7".parse()?, Duration::from_secs(600), Clock::now())?;
//! file.save(&Memory::of(&table, Clock::now()))?;
//! let (memory, _since) = file.load()?.unwrap();
//! assert_eq!(memory.restore(&Table::new(1000), Duration::ZERO, Clock::now()), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::limits::Memory;

/// The version of the file's form.
const FORM: u32 = 1;
/// Several times what a full table takes.
const LONGEST: u64 = 256 << 20;

/// A file that one process writes and the next one reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFile(PathBuf);

#[derive(Serialize, Deserialize)]
struct Saved<M> {
    portcullis_state: u32,
    /// Milliseconds since 1970.
    saved: u64,
    limits: M,
}

impl StateFile {
    /// The file at `path`, which need not be there.
    pub fn at(path: &Path) -> StateFile {
        StateFile(path.to_owned())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes it, as a whole or not at all.
    ///
    /// # Errors
    /// The folder is not there, not ours, or full. What was there before stays.
    pub fn save(&self, memory: &Memory) -> io::Result<()> {
        let beside = self.beside("new");
        // SECURITY: addresses of people. A file that is there already may be a link to somewhere else.
        let _ = fs::remove_file(&beside);
        let open = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        let written = self.write(open, memory);
        let kept = written.and_then(|()| fs::rename(&beside, &self.0));
        if kept.is_err() {
            let _ = fs::remove_file(&beside);
        }
        kept
    }

    fn write(&self, file: File, memory: &Memory) -> io::Result<()> {
        let mut writer = BufWriter::new(file);
        let saved = Saved {
            portcullis_state: FORM,
            saved: since_1970(),
            limits: memory,
        };
        serde_json::to_writer(&mut writer, &saved)?;
        writer.write_all(b"\n")?;
        writer.into_inner()?.sync_all()
    }

    /// What the last process has written, and how long ago. `None`: there is no file.
    ///
    /// # Errors
    /// It cannot be read or understood. It is then out of the way, with `.unreadable` behind its name, for somebody to look at.
    pub fn load(&self) -> io::Result<Option<(Memory, Duration)>> {
        let file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match read(file) {
            Ok(saved) => {
                // A clock that was set back makes no time pass.
                let since = since_1970().saturating_sub(saved.saved);
                Ok(Some((saved.limits, Duration::from_millis(since))))
            }
            Err(error) => {
                let _ = fs::rename(&self.0, self.beside("unreadable"));
                Err(error)
            }
        }
    }

    fn beside(&self, what: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(".");
        name.push(what);
        PathBuf::from(name)
    }
}

fn read(file: File) -> io::Result<Saved<Memory>> {
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text)?;
    let saved: Saved<Memory> = serde_json::from_slice(&text)?;
    match saved.portcullis_state {
        FORM => Ok(saved),
        other => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it has form {other}, where this version knows {FORM}"),
        )),
    }
}

fn since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::limits::{Clock, Table};

    fn banned() -> Memory {
        let table = Table::new(1000);
        let address = "192.0.2.7".parse().unwrap();
        let hour = Duration::from_secs(3600);
        table.ban(address, hour, Clock::now()).unwrap();
        Memory::of(&table, Clock::now())
    }

    #[test]
    fn what_was_saved_is_loaded_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::at(&folder.path().join("state.json"));
        assert_eq!(file.load().unwrap(), None);
        file.save(&banned()).unwrap();
        file.save(&banned()).unwrap();
        let (memory, since) = file.load().unwrap().unwrap();
        assert!(!memory.is_empty());
        assert!(since < Duration::from_secs(3600));
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_understood_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::at(&folder.path().join("state.json"));
        for text in [
            "",
            "{",
            "{\"portcullis_state\":2,\"saved\":0,\"limits\":{\"bans\":[],\"refusals\":[]}}",
        ] {
            fs::write(file.path(), text).unwrap();
            assert!(file.load().is_err(), "{text}");
            assert_eq!(file.load().unwrap(), None);
            let aside = folder.path().join("state.json.unreadable");
            assert_eq!(fs::read_to_string(aside).unwrap(), text);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_and_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = StateFile::at(&folder.path().join("no/state.json"));
        assert!(nowhere.save(&banned()).is_err());
        let file = StateFile::at(&folder.path().join("state.json"));
        file.save(&banned()).unwrap();
        fs::create_dir(folder.path().join("state.json.new")).unwrap();
        assert!(file.save(&banned()).is_err());
        assert!(file.load().unwrap().is_some());
    }
}
