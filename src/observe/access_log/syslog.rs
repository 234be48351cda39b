//! The way to a syslog receiver: messages of RFC 5424 over UDP, TCP or TLS, from a thread of its own.
//!
//! ```text
//! <134>1 2026-11-28T19:34:37.123Z edge1 portcullis 4242 access - {"time":"2026-11-28T19:34:37.123Z","id":...}
//! ```

mod backlog;
mod connection;
mod outage;
mod record;
mod sender;
mod tls;

use std::sync::Arc;

use log::warn;

use super::queue::Queue;
use crate::config::Facility;
use crate::config::value::{AppName, SyslogUrl};
use crate::upstream::tls::{ClientIdentity, Trust};
pub(super) use record::record;

/// A receiver, as the file has it.
pub struct Receiver {
    /// Where it is.
    pub url: SyslogUrl,
    /// The name that its certificate must have; a name or an address.
    pub name: String,
    /// Who may vouch for it; the system's authorities if there is nothing.
    pub trust: Option<Trust>,
    /// Our certificate towards it.
    pub identity: Option<ClientIdentity>,
    /// What every message is about.
    pub facility: Facility,
    /// What we call ourselves.
    pub app_name: AppName,
}

/// Certificates by their digests: another file is another receiver, to which a new connection is made.
impl PartialEq for Receiver {
    fn eq(&self, other: &Self) -> bool {
        let seen = |receiver: &Receiver| {
            let trust = receiver.trust.as_ref().map(|trust| trust.digest);
            let identity = receiver.identity.as_ref().map(|identity| identity.digest);
            (trust, identity)
        };
        self.url == other.url
            && self.name == other.name
            && self.facility == other.facility
            && self.app_name == other.app_name
            && seen(self) == seen(other)
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Receiver({})", self.url)
    }
}

/// Starts the thread, which ends when the log is closed.
pub(super) fn start(queue: Arc<Queue<Arc<Receiver>>>) {
    let of_thread = queue.clone();
    let started = std::thread::Builder::new()
        .name("access-syslog".to_owned())
        .spawn(move || sender::run(&of_thread));
    if let Err(error) = started {
        warn!("the access log does not go to syslog: the system gives no thread: {error}");
        queue.give_up();
    }
}
