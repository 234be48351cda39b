//! What runs and how the last reload ended, as Prometheus and its companions name it for themselves.
//!
//! ```text
//! portcullis_config_last_reload_successful 1
//! portcullis_config_reloads_total{outcome="applied"} 3
//! portcullis_config_info{hash="9f86d081884c7d65"} 1
//! ```

use std::time::SystemTime;

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::families::{counter, gauge, gauges};
use crate::reload::Outcome;

/// The configuration in force.
pub struct ConfigMetrics {
    successful: IntGauge,
    succeeded_at: IntGauge,
    generation: IntGauge,
    reloads: IntCounterVec,
    info: IntGaugeVec,
}

impl ConfigMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let reloads = counter(
            registry,
            "config_reloads_total",
            "Reloads by how they ended.",
            &["outcome"],
        );
        for outcome in Outcome::ALL {
            reloads.with_label_values(&[outcome.word()]);
        }
        let info = gauges(
            registry,
            "config_info",
            "1, with the hash of the configuration file and of every certificate and key that it names.",
            &["hash"],
        );
        ConfigMetrics {
            successful: gauge(
                registry,
                "config_last_reload_successful",
                "Whether the last reload was applied, or found nothing to do.",
            ),
            succeeded_at: gauge(
                registry,
                "config_last_reload_success_timestamp_seconds",
                "When a configuration was last read without a mistake.",
            ),
            generation: gauge(
                registry,
                "config_generation",
                "1 for the configuration of the start, and 1 more for each that was applied since.",
            ),
            reloads,
            info,
        }
    }

    /// The process has begun.
    pub(crate) fn started(&self, hash: Option<&str>) {
        self.good(1, hash);
    }

    /// A reload is over.
    pub(crate) fn reloaded(&self, outcome: Outcome, generation: u64, hash: Option<&str>) {
        self.reloads.with_label_values(&[outcome.word()]).inc();
        match outcome {
            Outcome::Refused => self.successful.set(0),
            Outcome::Applied | Outcome::Unchanged => self.good(generation, hash),
        }
    }

    fn good(&self, generation: u64, hash: Option<&str>) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = now.map_or(0, |now| now.as_secs());
        self.successful.set(1);
        self.succeeded_at
            .set(i64::try_from(seconds).unwrap_or(i64::MAX));
        self.generation
            .set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.info.reset();
        if let Some(hash) = hash {
            self.info.with_label_values(&[hash]).set(1);
        }
    }
}
