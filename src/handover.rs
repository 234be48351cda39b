//! A new process takes over from the one that runs: it gets the listening sockets, what is remembered of clients, and the last word.
//!
//! ```text
//! old                                        new
//!  │ <────────────── Hello ─────────────────  │   connects to `upgrade.socket`, as the same user
//!  │ ──────── Greeting, descriptors ────────> │   compiles its file, claims sockets, opens others
//!  │ <────────────── Ready ─────────────────  │
//!  │   pauses: clients wait in the queue      │
//!  │ ────────────── Heritage ───────────────> │   remembers bans, refusals, chats, users; accepts
//!  │ <───────────── Serving ────────────────  │
//!  │   lets its connections finish            │
//!  │ ────────── Draining, each second ──────> │
//!  └   ends                                   │
//! ```
//!
//! Until `Serving` the old process can go on as if nothing had been: a successor that fails, at whatever step, changes nothing. No
//! client is refused, for the queue of a socket is the kernel's and outlives every process that accepts from it.
//!
//! ```no_run
//! # async fn example() -> Result<(), portcullis::handover::Failed> {
//! use portcullis::handover::Predecessor;
//! let old = Predecessor::meet(std::path::Path::new("/run/portcullis/upgrade.sock")).await?;
//! println!("taking over from process {}", old.pid());
//! # Ok(()) }
//! ```

mod claim;
mod offer;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;

pub use claim::{Predecessor, Remains};
pub use offer::{Offer, Successor};

use crate::limits::{Clock, Limits, Memory, interactions};
use crate::people::{self, People};

/// The version of the conversation. It changes when old and new could misunderstand each other.
const PROTOCOL: u32 = 1;
/// How long one word of the conversation may take. Between greeting and `Ready` the new process reads its file and looks up names.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a process could not take over, or could not hand over.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Nobody is there, it went away in the middle, or the system has no more descriptors.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It says what this version does not understand.
    #[error("the other process speaks another language: {0}")]
    Language(String),
    /// It belongs to somebody else.
    #[error("the other process runs as user {0}, not as ours")]
    Stranger(u32),
    /// It took too long.
    #[error("the other process said nothing for too long")]
    Silent,
}

/// The new process introduces itself.
#[derive(Debug, Serialize, Deserialize)]
struct Hello {
    protocol: u32,
    version: String,
    pid: u32,
}

impl Hello {
    fn ours() -> Hello {
        Hello {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
        }
    }

    /// Whether what follows will be understood.
    fn understood(&self) -> Result<(), Failed> {
        match self.protocol {
            PROTOCOL => Ok(()),
            other => Err(Failed::Language(format!(
                "version {} with protocol {other}, where this one has {PROTOCOL}",
                self.version
            ))),
        }
    }
}

/// The old process answers. The descriptors of `listeners` follow in this order, the admin listener's last.
#[derive(Debug, Serialize, Deserialize)]
struct Greeting {
    hello: Hello,
    listeners: Vec<SocketAddr>,
    admin: SocketAddr,
    key: interactions::Key,
}

/// What the new process is told, and tells, between greeting and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Word {
    /// New: everything is compiled and bound.
    Ready,
    /// New: it accepts.
    Serving,
    /// Old: so many connections have yet to finish.
    Draining(usize),
}

/// What the old process remembers.
#[derive(Serialize, Deserialize)]
pub struct Heritage {
    limits: Memory,
    interactions: interactions::Heritage,
    /// A process of an older version does not tell it.
    #[serde(default)]
    people: people::Heritage,
}

impl Heritage {
    /// What there is in the limits of a process, and who is signed in.
    pub fn of(limits: &Limits, people: &People) -> Heritage {
        let now = Clock::now();
        Heritage {
            limits: Memory::of(&limits.table, now),
            interactions: interactions::Heritage::of(&limits.interactions, now),
            people: people::Heritage::of(people, now),
        }
    }

    /// Puts it into a new one. Returns how many bans run on.
    pub fn restore(self, limits: &Limits, people: &People) -> usize {
        let now = Clock::now();
        self.people.restore(people, now);
        self.interactions.restore(&limits.interactions, now);
        self.limits.restore(&limits.table, Duration::ZERO, now)
    }
}

/// A listening socket with the address that the file has for it.
pub type Socket = (SocketAddr, OwnedFd);

/// SECURITY: only the user that the gateway runs as, or root, may take its sockets; file permissions say so already, this says it again.
fn same_user(stream: &UnixStream) -> Result<(), Failed> {
    let peer = socket_peercred(stream).map_err(io::Error::from)?.uid;
    match peer == geteuid() || peer.is_root() {
        true => Ok(()),
        false => Err(Failed::Stranger(peer.as_raw())),
    }
}

/// The longest path of a Unix socket, `unix(7)`.
pub const LONGEST_PATH: usize = 107;

/// Whether a socket can have this path.
pub fn fits(path: &Path) -> bool {
    path.as_os_str().len() <= LONGEST_PATH
}

#[cfg(test)]
mod tests;
