//! What an operator is shown of a pair.
//!
//! ```
//! use portcullis::limits::interactions::{Counts, Interactions};
//! assert_eq!(Interactions::new().pair("cic").counts(), Counts::default());
//! ```

use std::sync::Arc;

use super::tally::Kind;
use crate::limits::address::Address;
use crate::limits::clock::Now;

/// How many interactions a pair has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Chats that the server has started.
    pub chats: u32,
    /// Callbacks that the server has taken.
    pub callbacks: u32,
    /// Starts that are on their way.
    pub reserved: u32,
    /// Starts whose answer never came: the server may have begun them.
    pub in_doubt: u32,
    /// Starts and reconnects since the process began that were not counted, because the pair holds
    /// [`MOST_HELD`](super::MOST_HELD). Worth a line in the log when it stops being 0.
    pub uncounted: u64,
}

/// How far an interaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Its start is on its way.
    Reserved,
    /// Its start was sent, and no answer came.
    InDoubt,
    /// The server has it.
    Started,
}

impl Phase {
    /// For lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::InDoubt => "in doubt",
            Self::Started => "started",
        }
    }
}

/// One interaction.
///
/// SECURITY: without its ids. Who knows them can speak in the visitor's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// What it is.
    pub kind: Kind,
    /// Who started it; after a restart of the gateway, who reconnected to it.
    pub address: Address,
    /// How far it has come.
    pub phase: Phase,
    /// The server that it is on now; none before the server's answer.
    pub server: Option<Arc<str>>,
    /// When its start was asked for, or its reconnect after a restart of the gateway.
    pub since: Now,
    /// When something was last heard of it.
    pub active: Now,
    /// How many requests a server has answered it with success, the start included.
    pub requests: u64,
}
