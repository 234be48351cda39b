//! What a pair is asked and told about one start or one reconnect, and what it says to it.
//!
//! ```
//! use portcullis::limits::interactions::{Ask, Kind, User};
//! let address = std::net::IpAddr::from([192, 0, 2, 7]).into();
//! let ask = Ask { kind: Kind::Callback, address, trusted: false, user: User::Named("wally") };
//! assert_eq!(ask.kind.name(), "callback");
//! ```

use std::sync::Arc;

use super::parameter::Parameter;
use super::slot::Slot;
use super::tally::Kind;
use crate::limits::address::Address;
use crate::limits::clock::Now;

/// Who starts, as the body of the start says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User<'a> {
    /// The body could not be read. Neither the limit of anonymous visitors nor that of a user applies.
    Unknown,
    /// It gives no credentials.
    Anonymous,
    /// It gives credentials for this account.
    Named(&'a str),
}

/// What a start asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// A chat or a callback.
    pub kind: Kind,
    /// Of the visitor.
    pub address: Address,
    /// The address is one of `TrustedHosts`: exempt from the limit per address and from no other.
    pub trusted: bool,
    /// The visitor's account.
    pub user: User<'a>,
}

/// A start that may be forwarded.
#[derive(Debug)]
pub struct Reserved {
    /// Its place.
    pub slot: Slot,
    /// The limit that would have refused it under [`Mode::Enforce`](crate::limits::Mode::Enforce).
    pub observed: Option<Parameter>,
}

/// A reconnect that the server has answered with success.
#[derive(Clone, Copy)]
pub struct Rejoin<'a> {
    /// A chat or a callback.
    pub kind: Kind,
    /// The server that answered.
    pub server: &'a Arc<str>,
    /// chatID or callbackID.
    pub id: &'a str,
    /// The visitor's participant id from now on.
    pub participant: &'a str,
    /// The server itself has said the participant id. Otherwise the request has, and an interaction that is known keeps its own.
    pub vouched: bool,
    /// Of the visitor. Only counts if the interaction is not known: an owner is not changed by a reconnect from elsewhere.
    pub address: Address,
    /// When the request for it came in. Tells which of two answers is the newer one.
    pub asked: Now,
}

/// What became of a reconnect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejoined {
    /// The interaction has its new participant id and server.
    Rekeyed,
    /// It was not known, as after a restart of the gateway, and counts from now on. No limit is asked.
    Anew,
    /// A reconnect that was asked for later has been answered already.
    Stale,
    /// Its end was told meanwhile.
    Over,
    /// One of its ids cannot be one, or the pair holds [`MOST_HELD`](super::MOST_HELD).
    NotCounted,
}
