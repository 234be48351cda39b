//! What is asked for, and the counts that answer it.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::limits::address::Address;

/// What an interaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A chat.
    Chat,
    /// A callback.
    Callback,
}

/// Who starts one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User<'a> {
    /// The request could not be read.
    Unknown,
    /// Somebody who did not sign in.
    Anonymous,
    /// Somebody who did, under this name.
    Named(&'a str),
}

/// A start.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Of what.
    pub kind: Kind,
    /// The visitor.
    pub address: Address,
    /// One of `TrustedHosts`: the limit per address does not hold.
    pub trusted: bool,
    /// Who.
    pub user: User<'a>,
}

/// What a pair has now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Chats, reserved places and those in doubt included.
    pub chats: u32,
    /// Callbacks, the same.
    pub callbacks: u32,
    /// Of both, those that are being started.
    pub reserved: u32,
    /// Of both, those whose start the server may have seen, without an answer that anybody heard.
    pub in_doubt: u32,
}

/// Both kinds over all pairs.
#[derive(Debug, Default)]
pub(super) struct Totals {
    chats: AtomicU32,
    callbacks: AtomicU32,
}

impl Totals {
    fn of(&self, kind: Kind) -> &AtomicU32 {
        match kind {
            Kind::Chat => &self.chats,
            Kind::Callback => &self.callbacks,
        }
    }

    /// One more, if there may be so many. Several pairs ask at the same time.
    pub(super) fn take(&self, kind: Kind, most: Option<u32>) -> bool {
        let more = |now: u32| (now < most.unwrap_or(u32::MAX)).then_some(now.saturating_add(1));
        self.of(kind)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    pub(super) fn give_back(&self, kind: Kind) {
        let less = |now: u32| now.checked_sub(1);
        let _ = self
            .of(kind)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}
