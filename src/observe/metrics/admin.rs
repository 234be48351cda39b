//! Who was not let in at the admin listener, and why.
//!
//! ```text
//! portcullis_admin_refusals_total{reason="wrong_token"} 3
//! ```

use prometheus::{IntCounter, Registry};

use super::families::counter;

/// Why a request to the admin listener was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminRefusal {
    /// It is for a name that is not the listener's.
    Host,
    /// A page of another site wants to change something.
    Site,
    /// It has no token, session or certificate, or a session that is over.
    Stranger,
    /// Its token is another one.
    WrongToken,
    /// There have been too many wrong tokens.
    Attempts,
}

impl AdminRefusal {
    const ALL: [AdminRefusal; 5] = [
        AdminRefusal::Host,
        AdminRefusal::Site,
        AdminRefusal::Stranger,
        AdminRefusal::WrongToken,
        AdminRefusal::Attempts,
    ];

    fn word(self) -> &'static str {
        match self {
            AdminRefusal::Host => "host",
            AdminRefusal::Site => "site",
            AdminRefusal::Stranger => "stranger",
            AdminRefusal::WrongToken => "wrong_token",
            AdminRefusal::Attempts => "attempts",
        }
    }
}

/// Refusals of the admin listener.
pub struct AdminMetrics {
    refused: Vec<IntCounter>,
}

impl AdminMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let refused = counter(
            registry,
            "admin_refusals_total",
            "Requests that the admin listener refused, by reason.",
            &["reason"],
        );
        // From the first scrape on, so that a rate can be taken of the first one.
        let of = |reason: &AdminRefusal| refused.with_label_values(&[reason.word()]);
        AdminMetrics {
            refused: AdminRefusal::ALL.iter().map(of).collect(),
        }
    }

    /// Counts a refusal.
    pub fn refused(&self, reason: AdminRefusal) {
        if let Some(counter) = self.refused.get(reason as usize) {
            counter.inc();
        }
    }
}
