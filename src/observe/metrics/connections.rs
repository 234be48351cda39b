//! Client connections and TLS handshakes.
//!
//! ```text
//! portcullis_listener_connections_open{listener="0.0.0.0:443",protocol="http2"} 812
//! portcullis_tls_handshakes_total{outcome="done",version="TLSv1.3"} 90114
//! ```

use prometheus::{Histogram, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::families::{counter, gauges, time};
use crate::front_door::{Connection, ConnectionTls};
use crate::reason::Reason;

/// What is counted of connections that are through the door, and of those that fail in the handshake.
pub struct ConnectionMetrics {
    open: IntGaugeVec,
    handshakes: IntCounterVec,
    handshake: Histogram,
}

impl ConnectionMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let handshakes = counter(
            registry,
            "tls_handshakes_total",
            "TLS handshakes with clients by version and outcome.",
            &["version", "outcome"],
        );
        for reason in [Reason::TlsHandshake, Reason::UnknownSni] {
            handshakes.with_label_values(&["-", reason.code()]);
        }
        ConnectionMetrics {
            open: gauges(
                registry,
                "listener_connections_open",
                "Client connections that are through TLS and the PROXY header, by listener and protocol.",
                &["listener", "protocol"],
            ),
            handshakes,
            handshake: time(
                registry,
                "tls_handshake_duration_seconds",
                "How long TLS handshakes with clients took.",
            ),
        }
    }

    /// A connection is ready for requests.
    pub fn opened(&self, connection: &Connection) {
        self.of(connection).inc();
        if let Some(ConnectionTls { version, took, .. }) = &connection.tls {
            self.handshakes.with_label_values(&[*version, "done"]).inc();
            self.handshake.observe(took.as_secs_f64());
        }
    }

    /// It is over. Called for each that was opened, however it ends.
    pub fn closed(&self, connection: &Connection) {
        self.of(connection).dec();
    }

    /// The front door ended a connection, perhaps in the handshake.
    pub fn refused(&self, reason: Reason) {
        if matches!(reason, Reason::TlsHandshake | Reason::UnknownSni) {
            self.handshakes
                .with_label_values(&["-", reason.code()])
                .inc();
        }
    }

    fn of(&self, connection: &Connection) -> IntGauge {
        let listener = connection.listener.listen.to_string();
        let protocol = if connection.http2 { "http2" } else { "http1" };
        self.open.with_label_values(&[listener.as_str(), protocol])
    }
}
