//! Who may come in: the seam between the front door and the table of limits and bans.
//!
//! ```
//! use portcullis::front_door::{Doorkeeper, ListenerSettings};
//! use std::{any::Any, net::IpAddr};
//! struct OnlyLoopback;
//! impl Doorkeeper for OnlyLoopback {
//!     fn admit(&self, peer: IpAddr, _: &ListenerSettings) -> Option<Box<dyn Any + Send + Sync>> {
//!         peer.is_loopback().then(|| Box::new(()) as Box<dyn Any + Send + Sync>)
//!     }
//! }
//! ```

use std::any::Any;
use std::net::IpAddr;

use pingora_http::RequestHeader;
use tokio::sync::watch;

use super::{Connection, ListenerSettings};
use crate::reason::Reason;

/// Held as long as the connection: what counts open connections gives its count back in `drop`.
pub type Guard = Box<dyn Any + Send + Sync>;

/// Decides about connections and hears what became of them. Called inside the accept loop: it must not block.
pub trait Doorkeeper: Send + Sync {
    /// Right after accept, before a byte is read. The guard is dropped when the connection is over. `None` closes the connection
    /// without a word.
    fn admit(&self, peer: IpAddr, listener: &ListenerSettings) -> Option<Guard>;

    /// The same for the client that a believed PROXY header has named.
    fn admit_named(&self, client: IpAddr, listener: &ListenerSettings) -> Option<Guard> {
        self.admit(client, listener)
    }

    /// The front door itself ended a connection or refused a request: for counting and logging. Not told are connections that were not
    /// admitted, clients that left before they said a word, and keep-alive connections that ended idle. Browsers open connections in
    /// advance and may let them idle: [`Reason::IdleConnection`] alone is no sign of an attack.
    fn refused(&self, _reason: Reason, _connection: &Connection) {}

    /// The same for a request whose head could be read.
    fn refused_head(&self, reason: Reason, connection: &Connection, _head: &RequestHeader) {
        self.refused(reason, connection);
    }

    /// Changes when what is open for somebody is to end at once: everything open then asks [`Doorkeeper::is_cut`]. `None`: it never is.
    fn cuts(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    /// Whether what is open for this client is to end.
    fn is_cut(&self, _client: IpAddr) -> bool {
        false
    }

    /// PROXY header and TLS are through; requests may follow.
    fn opened(&self, _connection: &Connection) {}

    /// A connection that was opened is over.
    fn closed(&self, _connection: &Connection) {}
}

/// Lets everybody in and counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct AdmitAll;

impl Doorkeeper for AdmitAll {
    fn admit(&self, _peer: IpAddr, _listener: &ListenerSettings) -> Option<Guard> {
        // A box of nothing does not allocate.
        Some(Box::new(()))
    }
}
