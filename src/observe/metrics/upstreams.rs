//! Servers: connections to them, how those fail, and the streams that are open to each.
//!
//! ```text
//! portcullis_upstream_requests_total{connection="reused",server="icserver1"} 5120
//! portcullis_upstream_errors_total{reason="upstream_timeout",server="icserver1"} 2
//! portcullis_streams_open{server="icserver1",type="event_stream"} 240
//! ```

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
};

use super::families::{counter, forget, gauges, histogram};
use crate::exchange::Stream;
use crate::reason::Reason;
use crate::snapshot::Snapshot;
use crate::upstream::Upstream;

/// How a try to reach a server fails.
const ERRORS: [Reason; 5] = [
    Reason::UpstreamUnresolved,
    Reason::UpstreamConnect,
    Reason::UpstreamTls,
    Reason::UpstreamTimeout,
    Reason::UpstreamBroken,
];

/// What has been counted of one server.
pub struct Seen {
    /// Requests for which a connection was made.
    pub new: u64,
    /// Requests that found one.
    pub reused: u64,
    /// Tries that failed, by reason; none that is 0.
    pub errors: Vec<(Reason, u64)>,
}

/// What is counted of all servers.
pub struct UpstreamMetrics {
    connections: IntCounterVec,
    connect: HistogramVec,
    errors: IntCounterVec,
    streams: IntGaugeVec,
    insecure: IntGaugeVec,
}

/// The handles of one server.
#[derive(Default)]
pub struct UpstreamMeter {
    new: OnceLock<IntCounter>,
    connect: OnceLock<Histogram>,
    reused: OnceLock<IntCounter>,
}

/// One open stream in the gauge.
pub struct OpenStream(IntGauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl UpstreamMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        UpstreamMetrics {
            connections: counter(
                registry,
                "upstream_requests_total",
                "Requests that got a connection to their server, by whether it was new.",
                &["server", "connection"],
            ),
            connect: histogram(
                registry,
                "upstream_connect_duration_seconds",
                "What it took to connect to a server, TLS included, for each new connection.",
                &["server"],
            ),
            errors: counter(
                registry,
                "upstream_errors_total",
                "Tries to reach a server that failed, by reason.",
                &["server", "reason"],
            ),
            streams: gauges(
                registry,
                "streams_open",
                "Event streams and WebSockets open now.",
                &["server", "type"],
            ),
            insecure: gauges(
                registry,
                "upstream_insecure",
                "1 where a server's certificate is not verified.",
                &["server"],
            ),
        }
    }

    /// A request has a connection to its server, one that it had to wait for or one that was there.
    pub fn connected(&self, upstream: &Upstream, reused: bool, took: Option<Duration>) {
        let (handle, word) = match reused {
            true => (&upstream.meter.reused, "reused"),
            false => (&upstream.meter.new, "new"),
        };
        let name = &*upstream.facts.name;
        let make = || self.connections.with_label_values(&[name, word]);
        handle.get_or_init(make).inc();
        if let Some(took) = took {
            let make = || self.connect.with_label_values(&[name]);
            let connect = upstream.meter.connect.get_or_init(make);
            connect.observe(took.as_secs_f64());
        }
    }

    /// A try to reach a server has failed.
    pub fn failed(&self, upstream: &Upstream, reason: Reason) {
        let name = &*upstream.facts.name;
        self.errors.with_label_values(&[name, reason.code()]).inc();
    }

    /// What has been counted of a server since the start.
    pub fn seen(&self, upstream: &Upstream) -> Seen {
        let name = &*upstream.facts.name;
        let connections = |word| self.connections.with_label_values(&[name, word]).get();
        let errors = ERRORS.iter().map(|reason| {
            let errors = self.errors.with_label_values(&[name, reason.code()]);
            (*reason, errors.get())
        });
        Seen {
            new: connections("new"),
            reused: connections("reused"),
            errors: errors.filter(|(_, errors)| *errors > 0).collect(),
        }
    }

    /// A stream is open for as long as this is kept.
    pub fn streams(&self, upstream: &Upstream, stream: Stream) -> OpenStream {
        let kind = match stream {
            Stream::WebSocket => "websocket",
            Stream::EventStream => "event_stream",
        };
        let gauge = self
            .streams
            .with_label_values(&[&*upstream.facts.name, kind]);
        gauge.inc();
        OpenStream(gauge)
    }

    /// How many streams are open to each server that has had one.
    pub fn open_streams(&self) -> HashMap<String, u64> {
        let mut open = HashMap::new();
        // To ask for one gauge by its label would make it.
        for family in self.streams.collect() {
            for metric in family.get_metric() {
                let mut labels = metric.get_label().iter();
                let Some(server) = labels.find(|label| label.name() == "server") else {
                    continue;
                };
                let count = metric.get_gauge().get_value().max(0.0) as u64;
                *open.entry(server.value().to_owned()).or_default() += count;
            }
        }
        open
    }

    /// The servers of a file that is in force now.
    pub(crate) fn follow(&self, snapshot: &Snapshot) {
        self.insecure.reset();
        for upstream in &snapshot.upstreams {
            let name = &*upstream.facts.name;
            // From the first scrape on, so that a rate can be taken of the first error.
            for word in ["new", "reused"] {
                self.connections.with_label_values(&[name, word]);
            }
            for reason in ERRORS {
                self.errors.with_label_values(&[name, reason.code()]);
            }
            if upstream.is_insecure() {
                self.insecure.with_label_values(&[name]).set(1);
            }
        }
    }

    /// Forgets the servers that are `gone`.
    pub(super) fn forget(&self, gone: &dyn Fn(&str) -> bool) {
        forget(&self.connections, "server", gone, |labels| {
            self.connections.remove(labels)
        });
        forget(&self.connect, "server", gone, |labels| {
            self.connect.remove(labels)
        });
        forget(&self.errors, "server", gone, |labels| {
            self.errors.remove(labels)
        });
    }
}
