//! What is known of a connection, and how code deep inside a request finds it: a task-local set around every request.
//!
//! ```
//! use portcullis::front_door::Connection;
//! assert!(Connection::current().is_none()); // there is none outside a request
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{ListenerSettings, Signals};

/// One client connection.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Unique in this process.
    pub id: u64,
    /// The settings of the listener as they were when the connection came.
    pub listener: Arc<ListenerSettings>,
    /// Our end of the TCP connection.
    pub local: SocketAddr,
    /// The other end of the TCP connection: the client or a balancer.
    pub tcp_peer: SocketAddr,
    /// The client: what a believed PROXY header says, otherwise `tcp_peer`.
    pub peer: SocketAddr,
    /// What the handshake agreed on; `None` on a plain listener.
    pub tls: Option<ConnectionTls>,
    /// HTTP/2, otherwise HTTP/1.
    pub http2: bool,
    /// When it was accepted.
    pub opened: Instant,
}

/// What the TLS handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionTls {
    /// The server name the client asked for, in lower case.
    pub sni: Option<String>,
    /// Such as `TLSv1.3`.
    pub version: &'static str,
    /// OpenSSL's name of the cipher suite.
    pub cipher: &'static str,
}

#[derive(Clone)]
pub(super) struct Scope {
    pub connection: Arc<Connection>,
    pub signals: Arc<Signals>,
    pub body: Option<Arc<BodyProgress>>,
}

tokio::task_local! {
    static SCOPE: Scope;
}

impl Scope {
    /// Runs one request so that [`Connection::current`] and [`BodyProgress::current`] find it.
    pub(super) async fn around<F: Future>(self, request: F) -> F::Output {
        SCOPE.scope(self, request).await
    }
}

impl Connection {
    /// The connection of the request that the current task works on.
    pub fn current() -> Option<Arc<Connection>> {
        SCOPE.try_with(|scope| scope.connection.clone()).ok()
    }

    /// Whether the front door is closing: an HTTP/1 answer should say `Connection: close` then, whenever its request began.
    pub fn closing() -> bool {
        SCOPE
            .try_with(|scope| *scope.signals.stop.borrow())
            .unwrap_or(false)
    }
}

/// How the request body of an HTTP/2 stream is getting on.
///
/// Pingora has no timer for it, so the gateway ticks: when it has connected upstream, with every chunk, and [`BodyProgress::finished`]
/// with the last one. A stream that misses its ticks for `body_idle` is reset. HTTP/1 has Pingora's read timeout and no progress.
///
/// ```
/// use portcullis::front_door::BodyProgress;
/// if let Some(progress) = BodyProgress::current() {
///     progress.tick();
/// }
/// ```
#[derive(Debug)]
pub struct BodyProgress {
    began: Instant,
    /// Milliseconds from `began` to the last tick.
    last: AtomicU64,
    done: AtomicBool,
}

impl BodyProgress {
    pub(super) fn new() -> BodyProgress {
        BodyProgress {
            began: Instant::now(),
            last: AtomicU64::new(0),
            done: AtomicBool::new(false),
        }
    }

    /// That of the request the current task works on; `None` for HTTP/1 and for streams without a body.
    pub fn current() -> Option<Arc<BodyProgress>> {
        SCOPE.try_with(|scope| scope.body.clone()).ok().flatten()
    }

    /// Something came, or the gateway was the one to wait for.
    pub fn tick(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// The body is complete: from here on silence is not the client's fault.
    pub fn finished(&self) {
        self.done.store(true, Ordering::Relaxed);
    }

    /// Returns when nothing came for `idle`; never once the body is complete.
    pub(super) async fn stalled(&self, idle: Duration) {
        loop {
            let due = self.began + Duration::from_millis(self.last.load(Ordering::Relaxed)) + idle;
            if self.done.load(Ordering::Relaxed) {
                return std::future::pending().await;
            }
            if Instant::now() >= due {
                return;
            }
            tokio::time::sleep_until(due.into()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_ticks_does_not_stall_and_a_silent_one_does() {
        let progress = BodyProgress::new();
        progress.stalled(Duration::from_millis(5)).await;
        progress.tick();
        let idle = Duration::from_secs(60);
        let waited = tokio::time::timeout(Duration::from_millis(5), progress.stalled(idle)).await;
        assert!(
            waited.is_err(),
            "a body that has just ticked has not stalled"
        );
    }

    #[tokio::test]
    async fn a_finished_body_never_stalls() {
        let progress = BodyProgress::new();
        progress.finished();
        let none = Duration::ZERO;
        let waited = tokio::time::timeout(Duration::from_millis(20), progress.stalled(none)).await;
        assert!(waited.is_err());
    }
}
