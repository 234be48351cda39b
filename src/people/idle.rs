//! How long nobody may be heard of somebody before he counts as gone.
//!
//! ```
//! use portcullis::people::{Idle, Kind};
//! let idle = Idle::default();
//! assert!(idle.of(Kind::Icws) > idle.of(Kind::Webtools));
//! assert_eq!(idle.of(Kind::Webchat), idle.of(Kind::Webtools));
//! ```

use std::time::Duration;

use super::Kind;

/// The times of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idle {
    /// Of a user of ICWS.
    pub icws: Duration,
    /// Of a visitor, by whichever protocol.
    pub webtools: Duration,
}

impl Idle {
    /// The one for this kind.
    pub fn of(&self, kind: Kind) -> Duration {
        match kind {
            Kind::Icws => self.icws,
            Kind::Webtools | Kind::Webchat => self.webtools,
        }
    }
}

impl Default for Idle {
    fn default() -> Self {
        Idle {
            icws: Duration::from_secs(300),
            webtools: Duration::from_secs(180),
        }
    }
}
