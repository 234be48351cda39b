//! The health of servers: how each is, how its probes end, how often it changes.
//!
//! ```text
//! portcullis_upstream_up{server="icserver1"} 1
//! portcullis_upstream_standby{server="chat2"} 1
//! portcullis_upstream_probes_total{outcome="up",server="icserver1"} 360
//! ```

use std::sync::Arc;
use std::time::Duration;

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::families::{NAMESPACE, counter, forget, gauges, register, sound};
use crate::upstream::Upstream;
use crate::upstream::health::{Condition, Outcome};

/// What is shown of the health of all servers.
#[derive(Clone)]
pub struct HealthMetrics {
    up: IntGaugeVec,
    standby: IntGaugeVec,
    probes: IntCounterVec,
    duration: GaugeVec,
    changes: IntCounterVec,
}

impl HealthMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let duration = Opts::new(
            "upstream_probe_duration_seconds",
            "How long the last probe of each server took, to the head of its answer.",
        );
        let duration = sound(GaugeVec::new(duration.namespace(NAMESPACE), &["server"]));
        register(registry, duration.clone());
        HealthMetrics {
            up: gauges(
                registry,
                "upstream_up",
                "1 for a server that is up or stands by, 0 for one that is down; missing while that is not known.",
                &["server"],
            ),
            standby: gauges(
                registry,
                "upstream_standby",
                "1 for a server that stands by as the backup of a pair.",
                &["server"],
            ),
            probes: counter(
                registry,
                "upstream_probes_total",
                "Health probes, by how they ended.",
                &["server", "outcome"],
            ),
            duration,
            changes: counter(
                registry,
                "upstream_health_changes_total",
                "How often the health of a server changed.",
                &["server"],
            ),
        }
    }

    /// A probe is over.
    pub fn probed(&self, server: &str, outcome: &'static str, took: Duration) {
        self.probes.with_label_values(&[server, outcome]).inc();
        let duration = self.duration.with_label_values(&[server]);
        duration.set(took.as_secs_f64());
    }

    /// A server is another than before.
    pub fn changed(&self, server: &str) {
        self.changes.with_label_values(&[server]).inc();
    }

    /// The servers of a file that is in force now.
    pub(super) fn follow(&self, upstreams: &[Arc<Upstream>]) {
        for upstream in upstreams {
            let name = &*upstream.facts.name;
            if upstream.facts.probe.is_none() {
                // What was measured once is no measure any more.
                let _ = self.duration.remove_label_values(&[name]);
                continue;
            }
            // From the first scrape on, so that a rate can be taken of the first failure.
            for outcome in Outcome::WORDS {
                self.probes.with_label_values(&[name, outcome]);
            }
            self.changes.with_label_values(&[name]);
        }
    }

    /// How the servers are at this moment.
    pub(crate) fn show(&self, upstreams: &[Arc<Upstream>]) {
        self.up.reset();
        self.standby.reset();
        for upstream in upstreams {
            let name = &*upstream.facts.name;
            let (up, standby) = match upstream.facts.health.condition() {
                Condition::Unchecked | Condition::Unknown => continue,
                Condition::Up => (1, 0),
                Condition::Standby => (1, 1),
                Condition::Down => (0, 0),
            };
            self.up.with_label_values(&[name]).set(up);
            self.standby.with_label_values(&[name]).set(standby);
        }
    }

    /// Forgets the servers that are `gone`.
    pub(super) fn forget(&self, gone: &dyn Fn(&str) -> bool) {
        for family in [&self.probes, &self.changes] {
            forget(family, "server", gone, |labels| family.remove(labels));
        }
        forget(&self.duration, "server", gone, |labels| {
            self.duration.remove(labels)
        });
    }
}
