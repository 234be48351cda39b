//! What an operator is shown of somebody.
//!
//! ```ignore
//! views.sort_by(View::order);
//! ```

use std::cmp::Ordering;
use std::sync::Arc;

use crate::limits::{Address, Now};

use super::Kind;

/// Somebody who is there.
///
/// SECURITY: without the id of his session or chat, his cookie or his token. Who knows those speaks in his name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// By the name that the server has for him; none if the server has not said it, and never what a visitor calls himself.
    pub user: Option<Arc<str>>,
    /// What he is here for.
    pub kind: Kind,
    /// The server that he is on.
    pub server: Arc<str>,
    /// Where he comes from.
    pub address: Address,
    /// When the request came that signed him in, or the first of it that this gateway heard of.
    pub since: Now,
    /// When a server's success was last heard.
    pub active: Now,
    /// Whether a channel stands open.
    pub live: bool,
    /// How many of his requests a server has answered with success.
    pub requests: u64,
}

impl View {
    /// For lists: by kind, server and user, then whoever came first.
    pub fn order(&self, other: &Self) -> Ordering {
        let users = || self.user.cmp(&other.user);
        (self.kind, &self.server)
            .cmp(&(other.kind, &other.server))
            .then_with(users)
            .then_with(|| (self.since, self.address).cmp(&(other.since, other.address)))
    }
}
