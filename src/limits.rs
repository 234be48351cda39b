//! What every client address has used, who is shut out, and the chats and callbacks that run: bounded tables that outlive every reload.
//!
//! [`Table`] holds connections, requests, refusals and bans of each [`Address`]; [`interactions`] holds chats and callbacks;
//! [`doorkeeper`] asks the table before TLS. The numbers come from the snapshot with every call.
//!
//! ```
//! use portcullis::limits::{Address, Clock, Limits};
//! use std::time::Duration;
//! let limits = Limits::new();
//! let client: Address = "192.0.2.7".parse().unwrap();
//! limits.table.ban(client, Duration::from_secs(60), Clock::now()).unwrap();
//! assert_eq!(limits.table.bans(Clock::now()).len(), 1);
//! ```

mod address;
mod clock;
pub mod doorkeeper;
mod gcra;
pub mod interactions;
mod memory;
mod rules;
mod scopes;
mod strikes;
mod table;
pub(crate) mod told;

use std::sync::Arc;

use tokio::sync::watch;

pub use address::{Address, NotAnAddress};
pub use clock::{Clock, Now};
pub use gcra::RateLimit;
pub(crate) use memory::Ago;
pub use memory::Memory;
pub use rules::{BanRules, ConnectionRules, Exceeded, Limit, Mode, RequestRules, ScopeId};
pub use strikes::Strikes;
pub use table::{Admitted, Ban, BansFull, Cause, ConnectionGuard, RequestGuard, Table, Used};

use interactions::Interactions;
use scopes::Scopes;

/// Addresses that are remembered at the same time, each route and kind with limits of its own counted once more. See
/// `docs/limits.md` for the memory that they take.
pub const ADDRESSES: usize = 1_000_000;

/// What has happened, as far as limits go.
pub struct Limits {
    /// Client addresses.
    pub table: Arc<Table>,
    /// Chats and callbacks.
    pub interactions: Interactions,
    scopes: Scopes,
    /// Changes with every ban that cuts.
    cuts: watch::Sender<u64>,
}

impl Limits {
    /// A process that nobody has asked yet.
    pub fn new() -> Self {
        Limits::with(Interactions::new())
    }

    /// The same, with a registry that is there already.
    pub fn with(interactions: Interactions) -> Self {
        Limits {
            table: Arc::new(Table::new(ADDRESSES)),
            interactions,
            scopes: Scopes::default(),
            cuts: watch::Sender::new(0),
        }
    }

    /// Ends what is open for a banned address, wherever it is.
    pub fn cut(&self, address: Address) {
        if self.table.cut(address, Clock::now()) {
            self.cuts.send_modify(|cuts| *cuts = cuts.wrapping_add(1));
        }
    }

    /// Changes with every [`Limits::cut`].
    pub fn cuts(&self) -> watch::Receiver<u64> {
        self.cuts.subscribe()
    }

    /// The number of a scope such as `route proxy.example.com/chat/`: always the same for the same name, over every reload.
    pub fn scope(&self, name: &str) -> ScopeId {
        self.scopes.id(name)
    }

    /// The name of a scope; `None` for the whole process.
    pub fn scope_name(&self, scope: ScopeId) -> Option<String> {
        self.scopes.name(scope)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::new()
    }
}
