//! Counters and gauges in Prometheus' form: one struct, one registry, label values only from the configuration and from closed lists.
//!
//! A gauge is changed only by guards, never by hand in two places, so that it cannot drift.

mod config;
mod connections;
mod handles;
mod process;
mod requests;
mod upstreams;
mod users;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

pub use config::ConfigMetrics;
pub use connections::ConnectionMetrics;
pub use process::ProcessMetrics;
pub use requests::{RequestMetrics, RouteMeter};
pub use upstreams::{OpenStream, UpstreamMeter, UpstreamMetrics};
pub use users::UsersMetrics;

use crate::exchange::Exchange;
use crate::reason::Reason;
use crate::snapshot::Snapshot;

/// All metrics of the process.
pub struct Metrics {
    registry: Registry,
    requests: RequestMetrics,
    /// PERF: by reason's number, so that a flood of refusals looks no label up.
    refused: Vec<IntCounter>,
    observed: Vec<IntCounter>,
    /// Client connections open now.
    pub connections: IntGauge,
    /// Addresses in the table of limits.
    pub tracked_addresses: IntGauge,
    /// Bans in force.
    pub bans: IntGauge,
    /// Bans begun.
    pub bans_started: IntCounter,
    /// Connections, requests and refusals that passed without being counted.
    pub untracked: Followed,
    /// Bans that did not begin.
    pub missed_bans: Followed,
    /// Chats and callbacks that are counted now, by pair and type.
    pub interactions: IntGaugeVec,
    /// Servers and the connections to them.
    pub upstreams: UpstreamMetrics,
    /// Client connections by listener, and their handshakes.
    pub through: ConnectionMetrics,
    /// The process itself.
    pub process: ProcessMetrics,
    certificates: IntGaugeVec,
    /// Routes and servers of the file before the one in force.
    before: Mutex<Option<Names>>,
    /// Lines of the access log that found no room.
    pub access_log_dropped: IntCounter,
    /// Who is connected, by kind and server.
    pub users: UsersMetrics,
    /// Sign-ins that found no room in the list.
    pub unlisted_users: Followed,
    /// Connections of the process that this one took over from, until they have finished.
    pub predecessor_connections: IntGauge,
    /// The configuration in force, and the last reload.
    pub config: ConfigMetrics,
}

impl Metrics {
    /// Registers everything.
    #[expect(clippy::new_without_default, reason = "made once, by `Runtime`")]
    pub fn new() -> Self {
        let registry = Registry::new();
        let refusals = counter(
            &registry,
            "refusals_total",
            "Requests and connections that the gateway itself refused, by reason; with mode observe, what it would have refused.",
            &["reason", "mode"],
        );
        let connections = IntGauge::with_opts(
            Opts::new("connections_open", "Client connections open now.").namespace(NAMESPACE),
        );
        let build = IntGauge::with_opts(
            Opts::new("build_info", "Always 1; the version is in the label.")
                .namespace(NAMESPACE)
                .const_label("version", env!("CARGO_PKG_VERSION")),
        );
        let (connections, build) = (sound(connections), sound(build));
        build.set(1);
        register(&registry, connections.clone());
        register(&registry, build);
        // From the first scrape on, so that a rate can be taken of the first refusal.
        let by_reason = |mode: &str| {
            let counter = |reason: &Reason| refusals.with_label_values(&[reason.code(), mode]);
            Reason::ALL.iter().map(counter).collect()
        };
        Metrics {
            requests: RequestMetrics::new(&registry),
            refused: by_reason("enforce"),
            observed: by_reason("observe"),
            connections,
            tracked_addresses: gauge(
                &registry,
                "tracked_addresses",
                "Client addresses in the table of limits.",
            ),
            bans: gauge(&registry, "bans", "Client addresses that are banned now."),
            bans_started: single(
                &registry,
                "bans_started_total",
                "Bans begun, by refusals or by an operator.",
            ),
            untracked: Followed::new(single(
                &registry,
                "untracked_total",
                "What of a client address was not counted against its limits, because the table had no room.",
            )),
            missed_bans: Followed::new(single(
                &registry,
                "missed_bans_total",
                "Bans that did not begin, because the table holds as many as it may.",
            )),
            interactions: gauges(
                &registry,
                "interactions",
                "Chats and callbacks that are counted now.",
                &["pair", "type"],
            ),
            upstreams: UpstreamMetrics::new(&registry),
            through: ConnectionMetrics::new(&registry),
            process: ProcessMetrics::new(&registry),
            certificates: gauges(
                &registry,
                "certificate_expiry_timestamp_seconds",
                "Until when the first certificate of each file is good.",
                &["file"],
            ),
            before: Mutex::default(),
            access_log_dropped: single(
                &registry,
                "access_log_dropped_total",
                "Lines of the access log that were dropped, because the disk did not take them in time.",
            ),
            users: UsersMetrics::new(&registry),
            unlisted_users: Followed::new(single(
                &registry,
                "unlisted_users_total",
                "Users who signed in and are not shown, because the list holds as many as it may.",
            )),
            predecessor_connections: gauge(
                &registry,
                "predecessor_connections",
                "Connections that the process before this one has yet to finish after an upgrade.",
            ),
            config: ConfigMetrics::new(&registry),
            registry,
        }
    }

    /// Counts a request that is over.
    pub fn request(&self, exchange: &Exchange) {
        self.requests.over(exchange);
        if let Some(reason) = exchange.refused {
            self.refused(reason);
        }
    }

    /// A file is in force now: what it names is there from the first scrape on.
    pub(crate) fn follow(&self, snapshot: &Snapshot) {
        self.upstreams.follow(snapshot);
        self.certificates.reset();
        for (file, until) in snapshot.contents.expiries() {
            let file = file.to_string_lossy();
            self.certificates.with_label_values(&[&*file]).set(until);
        }
    }

    /// What neither the file in force nor the one before it names is forgotten, so that names which come and go do not pile up.
    pub(crate) fn forget(&self, snapshot: &Snapshot) {
        let names = Names::of(snapshot);
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = &*before {
            let gone = |name: &str| !names.has(name) && !before.has(name);
            self.requests
                .forget(&|route| route != NO_ROUTE && gone(route));
            self.upstreams.forget(&gone);
        }
        *before = Some(names);
    }

    /// Counts a refusal.
    pub fn refused(&self, reason: Reason) {
        if let Some(counter) = self.refused.get(reason as usize) {
            counter.inc();
        }
    }

    /// Counts what would have been refused, were its limit enforced.
    pub fn observed(&self, reason: Reason) {
        if let Some(counter) = self.observed.get(reason as usize) {
            counter.inc();
        }
    }

    /// The text a scrape gets.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory fails only for a family without metrics, which `gather` leaves out.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// What a file names: routes and servers, as digests, since there may be a hundred thousand.
struct Names(HashSet<u64>);

impl Names {
    fn of(snapshot: &Snapshot) -> Names {
        let hosts = snapshot.hosts.values();
        let routes = hosts.flat_map(|host| host.routes.routes().map(|(_, route)| &*route.name));
        let servers = snapshot.upstreams.iter().map(|server| &*server.facts.name);
        Names(routes.chain(servers).map(digest).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(&digest(name))
    }
}

fn digest(name: &str) -> u64 {
    let mut digest = DefaultHasher::new();
    name.hash(&mut digest);
    digest.finish()
}

/// What stands for the route of a request that found none.
const NO_ROUTE: &str = "-";

/// A counter that is read off a table, which counts by itself.
pub struct Followed {
    counter: IntCounter,
    seen: AtomicU64,
}

impl Followed {
    fn new(counter: IntCounter) -> Self {
        Followed {
            counter,
            seen: AtomicU64::new(0),
        }
    }

    /// The table has counted so many. Two scrapes at the same time add nothing twice.
    pub fn follow(&self, total: u64) {
        let seen = self.seen.fetch_max(total, Ordering::Relaxed);
        self.counter.inc_by(total.saturating_sub(seen));
    }
}

const NAMESPACE: &str = "portcullis";

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    let counter = sound(IntCounterVec::new(
        Opts::new(name, help).namespace(NAMESPACE),
        labels,
    ));
    register(registry, counter.clone());
    counter
}

fn single(registry: &Registry, name: &str, help: &str) -> IntCounter {
    let counter = sound(IntCounter::with_opts(
        Opts::new(name, help).namespace(NAMESPACE),
    ));
    register(registry, counter.clone());
    counter
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    let opts = Opts::new(name, help).namespace(NAMESPACE);
    let gauges = sound(IntGaugeVec::new(opts, labels));
    register(registry, gauges.clone());
    gauges
}

/// From what a file in memory takes to what people give up at.
const BUCKETS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

fn histogram(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
    let histogram = sound(HistogramVec::new(buckets(name, help), labels));
    register(registry, histogram.clone());
    histogram
}

fn time(registry: &Registry, name: &str, help: &str) -> Histogram {
    let histogram = sound(Histogram::with_opts(buckets(name, help)));
    register(registry, histogram.clone());
    histogram
}

fn buckets(name: &str, help: &str) -> HistogramOpts {
    let opts = HistogramOpts::new(name, help).namespace(NAMESPACE);
    opts.buckets(BUCKETS.to_vec())
}

/// Removes the series whose label is `gone`.
fn forget(
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

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    let gauge = sound(IntGauge::with_opts(
        Opts::new(name, help).namespace(NAMESPACE),
    ));
    register(registry, gauge.clone());
    gauge
}

fn register(registry: &Registry, collector: impl prometheus::core::Collector + 'static) {
    sound(registry.register(Box::new(collector)));
}

/// Names and labels are constants of this file: a wrong one fails in every test, at start, never later.
#[expect(
    clippy::expect_used,
    reason = "only constants of this file can make it fail"
)]
fn sound<T>(made: Result<T, prometheus::Error>) -> T {
    made.expect("the names in observe/metrics.rs are valid and unique")
}

/// Statuses as labels. A server may send any number: what is not a usual status is counted by its class.
fn code_label(status: u16) -> &'static str {
    macro_rules! labels {
        ($($code:literal)+) => { match status {
            $($code => stringify!($code),)+
            0 => "none",
            100..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            500..=599 => "5xx",
            _ => "other",
        } };
    }
    labels!(101 200 201 202 204 206 301 302 303 304 307 308 400 401 403 404 405 408 409 410 413 416 418 421 429 431
        500 501 502 503 504 505)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_there_from_the_first_scrape_on() {
        let text = Metrics::new().text();
        for reason in Reason::ALL {
            let line = format!(
                "portcullis_refusals_total{{mode=\"observe\",reason=\"{}\"}} 0",
                reason.code()
            );
            assert!(text.contains(&line), "{line} is missing");
        }
    }

    #[test]
    fn a_counter_that_follows_a_table_never_goes_back_nor_twice_as_far() {
        let metrics = Metrics::new();
        for total in [0, 3, 3, 2, 5] {
            metrics.untracked.follow(total);
        }
        let text = metrics.text();
        assert!(text.contains("# TYPE portcullis_untracked_total counter"));
        assert!(text.contains("\nportcullis_untracked_total 5\n"), "{text}");
        assert!(
            text.contains("\nportcullis_missed_bans_total 0\n"),
            "{text}"
        );
    }

    #[test]
    fn a_status_nobody_knows_makes_no_new_label() {
        for (status, label) in [
            (200, "200"),
            (299, "2xx"),
            (777, "other"),
            (0, "none"),
            (599, "5xx"),
        ] {
            assert_eq!(code_label(status), label);
        }
    }
}
