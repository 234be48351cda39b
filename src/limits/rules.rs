//! Limits as the snapshot has compiled them: plain data, passed to each decision, so that a reload changes them and nothing else.
//!
//! ```
//! use portcullis::limits::{ConnectionRules, Mode};
//! let rules = ConnectionRules { new: None, open: Some((64, Mode::Enforce)) };
//! assert!(rules.open.is_some());
//! ```

use std::time::Duration;

use super::gcra::RateLimit;

/// What a limit does with what exceeds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is refused.
    Enforce,
    /// It passes and is counted.
    Observe,
}

/// Connections of one address. `None`: no such limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionRules {
    /// New ones.
    pub new: Option<(RateLimit, Mode)>,
    /// Open at the same time.
    pub open: Option<(u32, Mode)>,
}

/// Requests of one address within one scope. `None`: no such limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestRules {
    /// Requests.
    pub rate: Option<(RateLimit, Mode)>,
    /// Requests at the same time.
    pub in_flight: Option<(u32, Mode)>,
}

/// What many refusals lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanRules {
    /// So many refusals ...
    pub refusals: u32,
    /// ... within this time ...
    pub within: Duration,
    /// ... shut the address out for so long.
    pub lasts: Duration,
    /// Or would.
    pub mode: Mode,
}

/// A limit of [`ConnectionRules`] or [`RequestRules`], or a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The address is banned.
    Banned,
    /// New connections.
    NewConnections,
    /// Open connections.
    OpenConnections,
    /// Requests.
    Requests,
    /// Requests at the same time.
    RequestsInFlight,
}

/// What a limit of requests is scoped to: the whole process, a kind, a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeId(pub(super) u32);

impl ScopeId {
    /// The whole process.
    pub const PROCESS: ScopeId = ScopeId(0);
}

/// A limit that is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Which.
    pub limit: Limit,
    /// Of which scope.
    pub scope: ScopeId,
    /// After which time the same would be admitted, where that can be said.
    pub retry_after: Option<Duration>,
}
