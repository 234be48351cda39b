//! Who is connected, by kind and server.
//!
//! ```text
//! portcullis_connected_users{kind="icws",server="icserver1"} 42
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{IntGaugeVec, Opts, Registry};

use super::{NAMESPACE, register, sound};
use crate::people::Kind;

/// The gauge, and which servers it shows.
pub struct UsersMetrics {
    gauge: IntGaugeVec,
    shown: Mutex<BTreeMap<(Kind, Arc<str>), u64>>,
}

impl UsersMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let help = "Users who are signed in and visitors who are connected now.";
        let opts = Opts::new("connected_users", help).namespace(NAMESPACE);
        let gauge = sound(IntGaugeVec::new(opts, &["kind", "server"]));
        register(registry, gauge.clone());
        UsersMetrics {
            gauge,
            shown: Mutex::default(),
        }
    }

    /// Shows these numbers; what a server that is not among them had is shown no longer.
    pub fn set(&self, users: &BTreeMap<(Kind, Arc<str>), u64>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, server) in shown.keys().filter(|place| !users.contains_key(*place)) {
            // It is there, as `shown` says; if it were not, nothing would be left to do.
            let _ = self.gauge.remove_label_values(&[kind.name(), server]);
        }
        for ((kind, server), users) in users {
            let gauge = self.gauge.with_label_values(&[kind.name(), server]);
            gauge.set(i64::try_from(*users).unwrap_or(i64::MAX));
        }
        shown.clone_from(users);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn a_server_that_is_gone_is_shown_no_longer() {
        let metrics = Metrics::new();
        let place = |server: &str| (Kind::Icws, Arc::from(server));
        metrics
            .users
            .set(&BTreeMap::from([(place("a"), 2), (place("b"), 0)]));
        metrics.users.set(&BTreeMap::from([(place("b"), 1)]));
        let text = metrics.text();
        let line = "\nportcullis_connected_users{kind=\"icws\",server=\"b\"} 1\n";
        assert!(text.contains(line), "{text}");
        assert!(!text.contains("server=\"a\""), "{text}");
    }
}
