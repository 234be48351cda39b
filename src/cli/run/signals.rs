//! The signals, from the first line of the process on.
//!
//! ```ignore
//! let early = Early::listen();              // before there is a runtime
//! let mut signals = Signals::listen()?;     // inside it
//! signals.hangup.recv().await;
//! ```

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What comes before the process can listen properly. Without a handler each of these signals would end it.
pub(super) struct Early {
    hangup: Arc<AtomicBool>,
}

impl Early {
    pub(super) fn listen() -> Early {
        let hangup = Arc::<AtomicBool>::default();
        // Only an invalid number of a signal fails.
        let _ = signal_hook::flag::register(SIGHUP, hangup.clone());
        for other in [SIGUSR1, SIGUSR2] {
            let _ = signal_hook::flag::register(other, Arc::default());
        }
        Early { hangup }
    }

    /// Whether there was a SIGHUP since.
    pub(super) fn hangup(&self) -> bool {
        self.hangup.load(Ordering::Acquire)
    }
}

/// Everything that the process listens to.
pub(super) struct Signals {
    pub hangup: Signal,
    pub terminate: Signal,
    pub interrupt: Signal,
    pub quit: Signal,
    pub reopen: Signal,
    pub upgrade: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Signals> {
        Ok(Signals {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            reopen: signal(SignalKind::user_defined1())?,
            upgrade: signal(SignalKind::user_defined2())?,
        })
    }
}
