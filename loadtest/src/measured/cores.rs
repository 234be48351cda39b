//! Which process runs on which core.
//!
//! ```ignore
//! let child = cores::on(0, || Command::new("portcullis").spawn())??;
//! ```

use std::io;

use rustix::process::nice;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Moves the current thread, and the threads and processes it starts from here on, to one core.
///
/// # Errors
/// The machine has no such core, or the process may not use it.
pub(crate) fn stay_on(core: usize) -> io::Result<()> {
    if core >= CpuSet::MAX_CPU {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut one = CpuSet::new();
    one.set(core);
    Ok(sched_setaffinity(None, &one)?)
}

/// Does `start` on that core: a process that it starts stays there. The current thread goes back to where it was.
///
/// # Errors
/// As [`stay_on`].
pub(crate) fn on<T>(core: usize, start: impl FnOnce() -> T) -> io::Result<T> {
    let before = sched_getaffinity(None)?;
    stay_on(core)?;
    let started = start();
    sched_setaffinity(None, &before)?;
    Ok(started)
}

/// Takes only what others on the same core leave over.
///
/// # Errors
/// Those of the system.
pub(crate) fn yield_to_others() -> io::Result<()> {
    nice(19)?;
    Ok(())
}
