//! One session, and what is known of it.
//!
//! ```ignore
//! let record = Record::new(&newcomer, generation, now);
//! assert!(record.is_there(&Idle::default(), now));
//! ```

use std::sync::Arc;

use crate::limits::interactions::Digest;
use crate::limits::{Address, Now};

use super::{Idle, Kind, View};

/// Who comes in.
#[derive(Clone, Copy)]
pub struct Newcomer<'a> {
    /// What for.
    pub kind: Kind,
    /// The server that has let him in, by its name in the file.
    pub server: &'a Arc<str>,
    /// Where from.
    pub address: Address,
    /// When the request for it came in.
    pub asked: Now,
}

/// What a request has shown for itself, as digests.
#[derive(Clone, Copy)]
pub struct Proofs(pub(super) [Proof; 2]);

impl Proofs {
    /// Whether there is the first of them at all, by which a session is found that is not known.
    pub fn any(&self) -> bool {
        matches!(self.0[0], Proof::Shown(_))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It was not asked for, and so proves nothing.
    Unasked,
    Missing,
    Shown(Digest),
}

/// A session.
pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) server: Arc<str>,
    /// PERF: shared with every request of his.
    pub(super) user: Option<Arc<str>>,
    /// Of the last request that the server has answered with success.
    pub(super) address: Address,
    pub(super) since: Now,
    pub(super) active: Now,
    pub(super) requests: u64,
    /// Channels that stand open.
    pub(super) channels: u32,
    /// The process before this one has a channel of it.
    pub(super) elsewhere: bool,
    /// Tells a session from an earlier one with the same id.
    pub(super) generation: u64,
    /// When the server said that it is no more.
    pub(super) ended: Option<Now>,
    /// What requests have shown that were answered with success.
    pub(super) known: [Option<Digest>; 2],
}

impl Record {
    pub(super) fn new(who: &Newcomer<'_>, generation: u64, now: Now) -> Self {
        Record {
            kind: who.kind,
            server: Arc::clone(who.server),
            user: None,
            address: who.address,
            since: who.asked,
            active: now,
            requests: 1,
            channels: 0,
            elsewhere: false,
            generation,
            ended: None,
            known: [None; 2],
        }
    }

    /// Whether its user counts as signed in.
    pub(super) fn is_there(&self, idle: &Idle, now: Now) -> bool {
        let heard = self.is_live() || now.since(self.active) <= idle.of(self.kind);
        self.ended.is_none() && heard
    }

    pub(super) fn is_live(&self) -> bool {
        self.channels > 0 || self.elsewhere
    }

    /// SECURITY: everything that the server asks for in this request has to be there and right. A page of somebody else can make the
    /// user's own browser send the cookie, from the right address, but not the token.
    pub(super) fn is_own(&self, address: Address, Proofs(shown): Proofs) -> bool {
        let mut any = false;
        let all = shown.iter().zip(&self.known).all(|(shown, known)| {
            any |= matches!(shown, Proof::Shown(_));
            match shown {
                Proof::Unasked => true,
                Proof::Missing => false,
                Proof::Shown(digest) => *known == Some(*digest),
            }
        });
        all && any && address == self.address
    }

    pub(super) fn learn(&mut self, Proofs(shown): Proofs) {
        for (known, shown) in self.known.iter_mut().zip(shown) {
            if let Proof::Shown(digest) = shown {
                *known = Some(digest);
            }
        }
    }

    pub(super) fn view(&self) -> View {
        View {
            user: self.user.clone(),
            kind: self.kind,
            server: Arc::clone(&self.server),
            address: self.address,
            since: self.since,
            active: self.active,
            live: self.is_live(),
            requests: self.requests,
        }
    }
}
