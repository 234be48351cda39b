//! How a request came in: by which connection, and what that connection has shown.

use std::net::SocketAddr;

/// What is known of a connection. Each of its requests carries it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// Who called.
    pub peer: SocketAddr,
    /// The address of ours that was called.
    pub local: SocketAddr,
    /// Whether nobody on the way can read along.
    pub tls: bool,
    /// The authorities that vouch for the client, if it has shown a certificate of theirs.
    pub vouched: Option<u64>,
}
