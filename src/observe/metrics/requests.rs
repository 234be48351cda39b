//! Requests: how many, how long, how large, by route and server.
//!
//! ```text
//! portcullis_requests_total{code="200",method="GET",route="a.example/",server="icserver1"} 3
//! portcullis_request_duration_seconds_bucket{route="a.example/",le="0.1"} 3
//! ```

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, Registry};

use super::families::{counter, forget, histogram};
use super::handles::Handles;
use super::labels::{code_label, method_label};
use crate::exchange::Exchange;

/// What stands for the route of a request that found none.
pub(super) const NO_ROUTE: &str = "-";

/// Requests of all routes.
pub struct RequestMetrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    upstream: HistogramVec,
    received: IntCounterVec,
    sent: IntCounterVec,
    /// Requests that found no route.
    unrouted: RouteMeter,
}

/// The handles of one route.
#[derive(Default)]
pub struct RouteMeter {
    /// By server; `None` where the gateway itself answered before one was chosen.
    servers: Handles<Option<Arc<str>>, ServerMeter>,
    whole: OnceLock<Whole>,
}

#[derive(Default)]
struct ServerMeter {
    requests: Handles<(&'static str, &'static str), IntCounter>,
    upstream: OnceLock<Histogram>,
}

struct Whole {
    duration: Histogram,
    received: IntCounter,
    sent: IntCounter,
}

impl RequestMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        RequestMetrics {
            requests: counter(
                registry,
                "requests_total",
                "Requests by route, server, method and answer.",
                &["route", "server", "method", "code"],
            ),
            duration: histogram(
                registry,
                "request_duration_seconds",
                "From a request's head to the end of its answer, without event streams and WebSockets.",
                &["route"],
            ),
            upstream: histogram(
                registry,
                "upstream_duration_seconds",
                "From the first try to reach the server to the end of its answer, without event streams and WebSockets.",
                &["route", "server"],
            ),
            received: counter(
                registry,
                "request_bytes_total",
                "Bytes of request bodies, and of what came through WebSockets.",
                &["route"],
            ),
            sent: counter(
                registry,
                "response_bytes_total",
                "Bytes of the bodies of answers, and of what went through WebSockets.",
                &["route"],
            ),
            unrouted: RouteMeter::default(),
        }
    }

    /// Counts a request that is over. Returns how long it took; `None` for a stream.
    pub(super) fn over(&self, exchange: &Exchange) -> Option<Duration> {
        let route = exchange.route_name();
        let meter = match &exchange.route {
            Some(route) => &route.meter,
            None => &self.unrouted,
        };
        let server = exchange.call.as_ref().map(|call| &call.upstream.facts.name);
        let label = server.map_or("-", |name| name);
        let of_server = meter.servers.get(&server.cloned(), ServerMeter::default);
        let asked = exchange.asked.as_ref();
        let method = method_label(asked.map_or("", |asked| asked.method().as_str()));
        let code = code_label(exchange.status);
        let count = || {
            self.requests
                .with_label_values(&[route, label, method, code])
        };
        of_server.requests.get(&(method, code), count).inc();
        let whole = meter.whole.get_or_init(|| Whole {
            duration: self.duration.with_label_values(&[route]),
            received: self.received.with_label_values(&[route]),
            sent: self.sent.with_label_values(&[route]),
        });
        let timings = &exchange.timings;
        whole.received.inc_by(timings.received);
        whole.sent.inc_by(timings.sent);
        if exchange.stream.is_some() {
            // Hours of a stream say nothing of how quick anything was.
            return None;
        }
        let whole_time = timings.started.elapsed();
        whole.duration.observe(whole_time.as_secs_f64());
        if let Some(took) = timings.upstream() {
            let make = || self.upstream.with_label_values(&[route, label]);
            of_server
                .upstream
                .get_or_init(make)
                .observe(took.as_secs_f64());
        }
        Some(whole_time)
    }

    /// Forgets the routes that are `gone`.
    pub(super) fn forget(&self, gone: &dyn Fn(&str) -> bool) {
        forget(&self.requests, "route", gone, |labels| {
            self.requests.remove(labels)
        });
        forget(&self.duration, "route", gone, |labels| {
            self.duration.remove(labels)
        });
        forget(&self.upstream, "route", gone, |labels| {
            self.upstream.remove(labels)
        });
        forget(&self.received, "route", gone, |labels| {
            self.received.remove(labels)
        });
        forget(&self.sent, "route", gone, |labels| self.sent.remove(labels));
    }
}
