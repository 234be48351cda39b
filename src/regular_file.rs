//! Reading a file that somebody else may replace at any moment, by anything: a pipe, a device, a disk full of nothing.
//!
//! ```
//! let read = portcullis::regular_file::read(std::path::Path::new("/dev/zero"), 16);
//! assert_eq!(read.unwrap_err().to_string(), "it is not a regular file");
//! ```

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// The bytes of a regular file of at most `most` bytes.
///
/// # Errors
/// Those of the system; it is something else than a file, or larger.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // SECURITY: opening a pipe waits for a writer otherwise, and every signal of the process waits behind it.
    let without_waiting = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .custom_flags(without_waiting)
        .open(path)?;
    // Of what was opened: the name may stand for something else by now.
    let kind = file.metadata()?;
    // Reading a folder says by itself what is wrong.
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let too_large = || io::Error::other(format!("it is larger than {} MiB", most >> 20));
    if kind.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}
