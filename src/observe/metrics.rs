//! Counters and gauges in Prometheus' form: one struct, one registry, label values only from the configuration and from closed lists.
//!
//! A gauge is changed only by guards, never by hand in two places, so that it cannot drift.

mod admin;
mod config;
mod connections;
mod families;
mod followed;
mod handles;
mod health;
mod labels;
mod names;
mod process;
mod requests;
mod upstreams;
mod users;

use std::sync::{Mutex, PoisonError};

use prometheus::{Encoder, IntCounter, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

pub use admin::{AdminMetrics, AdminRefusal};
pub use config::ConfigMetrics;
pub use connections::ConnectionMetrics;
pub use followed::Followed;
pub use health::HealthMetrics;
pub use process::ProcessMetrics;
pub use requests::{RequestMetrics, RouteMeter};
pub use upstreams::{OpenStream, UpstreamMeter, UpstreamMetrics};
pub use users::UsersMetrics;

use families::{NAMESPACE, counter, gauge, gauges, register, single, sound};
use names::Names;
use requests::NO_ROUTE;

use crate::exchange::Exchange;
use crate::observe::access_log::Dropped;
use crate::observe::took::Took;
use crate::reason::Reason;
use crate::snapshot::Snapshot;

/// All metrics of the process.
pub struct Metrics {
    registry: Registry,
    requests: RequestMetrics,
    /// PERF: by reason's number, so that a flood of refusals looks no label up.
    refused: Vec<IntCounter>,
    observed: Vec<IntCounter>,
    /// How long requests of all routes took, for the dashboard.
    pub took: Took,
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
    /// Whether servers work.
    pub health: HealthMetrics,
    /// Client connections by listener, and their handshakes.
    pub through: ConnectionMetrics,
    /// The process itself.
    pub process: ProcessMetrics,
    certificates: IntGaugeVec,
    /// Routes and servers of the file before the one in force.
    before: Mutex<Option<Names>>,
    /// Lines of the access log that found no room.
    pub access_log_dropped: Dropped,
    /// Who is connected, by kind and server.
    pub users: UsersMetrics,
    /// Sign-ins that found no room in the list.
    pub unlisted_users: Followed,
    /// Connections of the process that this one took over from, until they have finished.
    pub predecessor_connections: IntGauge,
    /// Who was refused at the admin listener.
    pub admin: AdminMetrics,
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
        let dropped = counter(
            &registry,
            "access_log_dropped_total",
            "Lines of the access log that were dropped, because disk or receiver did not take them in time.",
            &["to"],
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
            took: Took::default(),
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
            health: HealthMetrics::new(&registry),
            through: ConnectionMetrics::new(&registry),
            process: ProcessMetrics::new(&registry),
            certificates: gauges(
                &registry,
                "certificate_expiry_timestamp_seconds",
                "Until when the first certificate of each file is good.",
                &["file"],
            ),
            before: Mutex::default(),
            access_log_dropped: Dropped {
                file: dropped.with_label_values(&["file"]),
                syslog: dropped.with_label_values(&["syslog"]),
            },
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
            admin: AdminMetrics::new(&registry),
            config: ConfigMetrics::new(&registry),
            registry,
        }
    }

    /// Counts a request that is over.
    pub fn request(&self, exchange: &Exchange) {
        self.took.note(self.requests.over(exchange));
        if let Some(reason) = exchange.refused {
            self.refused(reason);
        }
    }

    /// A file is in force now: what it names is there from the first scrape on.
    pub(crate) fn follow(&self, snapshot: &Snapshot) {
        self.upstreams.follow(snapshot);
        self.health.follow(&snapshot.upstreams);
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
            self.health.forget(&gone);
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

    /// Refusals since the start, by reason's number.
    pub fn refusals(&self) -> Vec<u64> {
        self.refused.iter().map(IntCounter::get).collect()
    }

    /// What would have been refused since the start, likewise.
    pub fn observations(&self) -> Vec<u64> {
        self.observed.iter().map(IntCounter::get).collect()
    }

    /// The text a scrape gets.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory fails only for a family without metrics, which `gather` leaves out.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
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
}
