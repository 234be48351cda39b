//! What the front door asks and tells: bans and connection limits at accept, before TLS; and what it refused itself.
//!
//! ```ignore
//! let door = FrontDoor::new(app, Arc::new(Keeper::new(snapshot, runtime)));
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use log::info;
use pingora_http::RequestHeader;
use prometheus::IntGauge;
use tokio::sync::watch;

use super::{Address, Clock, Limit};
use crate::exchange::Asked;
use crate::front_door::{Connection, Doorkeeper, Guard, ListenerSettings};
use crate::kinds;
use crate::observe::access_log::Entry;
use crate::observe::refusals::and_more;
use crate::reason::Reason;
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

/// The doorkeeper of the running gateway.
pub struct Keeper {
    snapshot: Arc<ArcSwap<Snapshot>>,
    runtime: Arc<Runtime>,
}

/// One open connection in the gauge.
struct Open(IntGauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Keeper {
    /// Keeps the door by the limits of `snapshot`.
    pub fn new(snapshot: Arc<ArcSwap<Snapshot>>, runtime: Arc<Runtime>) -> Self {
        Keeper { snapshot, runtime }
    }

    /// A head that was answered without becoming a request is a line of the access log too, with what is known of it.
    fn account_for(&self, reason: Reason, connection: &Connection, asked: Option<&Asked>) {
        if self.runtime.access_log.is_on() && reason.is_of_head() {
            let path = asked.map(|asked| kinds::shown(None, asked.path()));
            let host = asked.and_then(Asked::host);
            let user_agent = asked.and_then(Asked::user_agent);
            let entry = Entry {
                client: Some(connection.peer.ip().to_canonical()),
                listener: Some(connection.listener.listen),
                host: host.as_deref(),
                method: asked.map(|asked| asked.method().as_str()),
                path: path.as_deref(),
                version: asked.map(Asked::version),
                status: reason.status().unwrap_or(0),
                tls: connection.tls.as_ref().map(|tls| tls.version),
                reason: Some(reason.code()),
                user_agent: user_agent.as_deref(),
                ..Entry::default()
            };
            self.runtime.access_log.write(&entry);
        }
    }

    /// A request or connection that has not passed: in the metrics, the logs, and against its client.
    fn refuse(&self, reason: Reason, connection: &Connection, asked: Option<&Asked>) {
        self.runtime.metrics.refused(reason);
        self.runtime.metrics.through.refused(reason);
        self.account_for(reason, connection, asked);
        let client = connection.peer.ip().to_canonical();
        let snapshot = self.snapshot.load();
        let limits = &snapshot.limits;
        if !connection.listener.trusts(client) && !limits.exempts(client) {
            self.runtime.strike(reason, client.into(), limits);
        }
        if let Some(silent) = self.runtime.refusals.may_tell(reason) {
            let more = and_more(silent);
            info!(
                "connection {} from {}: {}{more}",
                connection.id,
                connection.peer,
                reason.code()
            );
        }
    }

    /// Counts the connection against its client's limits.
    fn count(&self, client: IpAddr, listener: &ListenerSettings) -> Option<Guard> {
        let snapshot = self.snapshot.load();
        let limits = &snapshot.limits;
        if listener.trusts(client) || limits.exempts(client) {
            return Some(Box::new(()));
        }
        let address = Address::from(client);
        let now = Clock::now();
        let table = &self.runtime.limits.table;
        let exceeded = match table.connect(address, &limits.connections, limits.ban.as_ref(), now) {
            Ok(admitted) => {
                if let Some(exceeded) = admitted.observed {
                    let reason = reason(exceeded.limit);
                    self.runtime.observed(reason, address, limits);
                }
                return Some(Box::new(admitted.guard));
            }
            Err(exceeded) => exceeded,
        };
        let reason = reason(exceeded.limit);
        self.runtime.metrics.refused(reason);
        self.runtime.strike(reason, address, limits);
        if let Some(silent) = self.runtime.refusals.may_tell(reason) {
            let more = and_more(silent);
            info!("connection from {client}: {}{more}", reason.code());
        }
        None
    }
}

impl Doorkeeper for Keeper {
    fn admit(&self, peer: IpAddr, listener: &ListenerSettings) -> Option<Guard> {
        let counted = self.count(peer, listener)?;
        let gauge = &self.runtime.metrics.connections;
        gauge.inc();
        Some(Box::new((counted, Open(gauge.clone()))))
    }

    fn admit_named(&self, client: IpAddr, listener: &ListenerSettings) -> Option<Guard> {
        self.count(client, listener)
    }

    fn opened(&self, connection: &Connection) {
        self.runtime.metrics.through.opened(connection);
    }

    fn closed(&self, connection: &Connection) {
        self.runtime.metrics.through.closed(connection);
    }

    fn cuts(&self) -> Option<watch::Receiver<u64>> {
        Some(self.runtime.limits.cuts())
    }

    fn is_cut(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        let table = &self.runtime.limits.table;
        !self.snapshot.load().limits.exempts(client) && table.is_cut(client.into(), Clock::now())
    }

    fn refused(&self, reason: Reason, connection: &Connection) {
        self.refuse(reason, connection, None);
    }

    fn refused_head(&self, reason: Reason, connection: &Connection, head: &RequestHeader) {
        self.refuse(reason, connection, Some(&Asked::of(head)));
    }
}

/// The reason behind a limit.
pub(crate) fn reason(limit: Limit) -> Reason {
    match limit {
        Limit::Banned => Reason::Banned,
        Limit::NewConnections => Reason::NewConnections,
        Limit::OpenConnections => Reason::Connections,
        Limit::Requests => Reason::RequestRate,
        Limit::RequestsInFlight => Reason::RequestsInFlight,
    }
}
