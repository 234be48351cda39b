//! Families of metrics, made and registered, and what of them is of the past removed.
//!
//! ```ignore
//! let bans = gauge(&registry, "bans", "Client addresses that are banned now.");    // portcullis_bans
//! ```

use std::collections::HashMap;

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

pub(super) const NAMESPACE: &str = "portcullis";

pub(super) fn counter(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> IntCounterVec {
    let counter = sound(IntCounterVec::new(
        Opts::new(name, help).namespace(NAMESPACE),
        labels,
    ));
    register(registry, counter.clone());
    counter
}

pub(super) fn single(registry: &Registry, name: &str, help: &str) -> IntCounter {
    let counter = sound(IntCounter::with_opts(
        Opts::new(name, help).namespace(NAMESPACE),
    ));
    register(registry, counter.clone());
    counter
}

pub(super) fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    let opts = Opts::new(name, help).namespace(NAMESPACE);
    let gauges = sound(IntGaugeVec::new(opts, labels));
    register(registry, gauges.clone());
    gauges
}

/// From what a file in memory takes to what people give up at.
const BUCKETS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

pub(super) fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> HistogramVec {
    let histogram = sound(HistogramVec::new(buckets(name, help), labels));
    register(registry, histogram.clone());
    histogram
}

pub(super) fn time(registry: &Registry, name: &str, help: &str) -> Histogram {
    let histogram = sound(Histogram::with_opts(buckets(name, help)));
    register(registry, histogram.clone());
    histogram
}

fn buckets(name: &str, help: &str) -> HistogramOpts {
    let opts = HistogramOpts::new(name, help).namespace(NAMESPACE);
    opts.buckets(BUCKETS.to_vec())
}

/// Removes the series whose label is `gone`.
pub(super) fn forget(
    family: &impl Collector,
    label: &str,
    gone: &dyn Fn(&str) -> bool,
    remove: impl Fn(&HashMap<&str, &str>) -> Result<(), prometheus::Error>,
) {
    for family in family.collect() {
        for metric in family.get_metric() {
            let labels = metric.get_label().iter();
            let labels: HashMap<&str, &str> =
                labels.map(|pair| (pair.name(), pair.value())).collect();
            if labels.get(label).is_some_and(|name| gone(name)) {
                // Only another removal at the same time could be there first.
                let _ = remove(&labels);
            }
        }
    }
}

pub(super) fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    let gauge = sound(IntGauge::with_opts(
        Opts::new(name, help).namespace(NAMESPACE),
    ));
    register(registry, gauge.clone());
    gauge
}

pub(super) fn register(registry: &Registry, collector: impl Collector + 'static) {
    sound(registry.register(Box::new(collector)));
}

/// Names and labels are constants: a wrong one fails in every test, at start, never later.
#[expect(clippy::expect_used, reason = "only constants can make it fail")]
pub(super) fn sound<T>(made: Result<T, prometheus::Error>) -> T {
    made.expect("the names in observe/metrics are valid and unique")
}
