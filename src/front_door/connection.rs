//! What is known of a connection, and how code deep inside a request finds it: a task-local set around every request.
//!
//! ```
//! use portcullis::front_door::Connection;
//! assert!(Connection::current().is_none()); // there is none outside a request
//! ```

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::cut::Named;
use super::http2::Uploads;
use super::pace::Pace;
use super::{ListenerSettings, Signals};
use crate::reason::Reason;

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
    /// How long the handshake was.
    pub took: Duration,
}

#[derive(Clone)]
pub(super) struct Scope {
    pub connection: Arc<Connection>,
    pub signals: Arc<Signals>,
    pub body: Option<Arc<BodyProgress>>,
    /// Makes an HTTP/2 connection say GOAWAY.
    pub finish: Option<watch::Sender<bool>>,
    /// Who the client is, if a trusted proxy says so.
    pub named: Option<Named>,
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
            .try_with(|scope| scope.signals.last.load(Ordering::Relaxed))
            .unwrap_or(false)
    }

    /// The request that the current task works on is this client's: it ends when the client is cut off.
    pub fn is_for(client: IpAddr) {
        let _ = SCOPE.try_with(|scope| {
            if let Some(named) = &scope.named {
                let _ = named.set(client);
            }
        });
    }

    /// The connection of the request that the current task works on gets no more requests: over HTTP/2 what is under way finishes,
    /// and then it ends. Over HTTP/1 the answer itself says so, with `Connection: close`.
    pub fn finish() {
        let _ = SCOPE.try_with(|scope| {
            if let Some(finish) = &scope.finish {
                finish.send_replace(true);
            }
        });
    }
}

/// How the request body of an HTTP/2 stream is getting on.
///
/// Pingora has no timer for it, so the gateway ticks: [`BodyProgress::start`] when it has connected upstream, [`BodyProgress::tick`]
/// with every chunk, and [`BodyProgress::finished`] with the last one. A stream that gets into a debt of `body_idle` is reset, unless
/// the wire shows that it is not the client who is late. HTTP/1 has Pingora's read timeout and the stream's own pace.
///
/// ```
/// use portcullis::front_door::BodyProgress;
/// if let Some(progress) = BodyProgress::current() {
///     progress.tick(1200);
/// }
/// ```
#[derive(Debug)]
pub struct BodyProgress {
    state: Mutex<State>,
    idle: Duration,
    uploads: Arc<Uploads>,
}

#[derive(Debug)]
struct State {
    /// When there was last something.
    last: Instant,
    pace: Pace,
    done: bool,
    /// A server was late, not the client.
    excused: bool,
}

impl BodyProgress {
    pub(super) fn new(settings: &ListenerSettings, uploads: Arc<Uploads>) -> BodyProgress {
        uploads.begin();
        BodyProgress {
            state: Mutex::new(State {
                last: Instant::now(),
                pace: Pace::new(settings.body_rate, settings.body_idle),
                done: false,
                excused: false,
            }),
            idle: settings.body_idle,
            uploads,
        }
    }

    /// That of the request the current task works on; `None` for HTTP/1 and for streams without a body.
    pub fn current() -> Option<Arc<BodyProgress>> {
        SCOPE.try_with(|scope| scope.body.clone()).ok().flatten()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on the client is waited for; until now it was the gateway.
    pub fn start(&self) {
        let mut state = self.state();
        state.last = Instant::now();
        state.pace.forgive();
    }

    /// So many bytes came.
    pub fn tick(&self, bytes: usize) {
        let mut state = self.state();
        let now = Instant::now();
        let waited = now.duration_since(state.last);
        state.last = now;
        if std::mem::take(&mut state.excused) {
            self.uploads.goes_on();
        }
        if self.uploads.spare() == 0 {
            state.pace.waited(waited);
        }
        // Who is over it is ended by `stalled`, however much comes at last.
        if !state.pace.is_over() {
            state.pace.moved(bytes);
        }
    }

    /// The body is complete: from here on silence is not the client's fault.
    pub fn finished(&self) {
        let mut state = self.state();
        if !std::mem::replace(&mut state.done, true) {
            self.uploads.end(std::mem::take(&mut state.excused));
        }
    }

    /// Starts anew where a server is late; it has timeouts of its own.
    fn is_excused(&self, state: &mut State) -> bool {
        if !state.excused {
            state.excused = self.uploads.excuse();
        } else if self.uploads.spare() == 0 {
            state.excused = false;
            self.uploads.goes_on();
        }
        if state.excused {
            state.last = Instant::now();
            state.pace.forgive();
        }
        state.excused
    }

    /// Returns when the client was waited for too long, and how; never once the body is complete.
    pub(super) async fn stalled(&self) -> Reason {
        loop {
            let due = {
                let mut state = self.state();
                let due = state.last + state.pace.left();
                let silent = state.last.elapsed();
                if state.done {
                    None
                } else if Instant::now() < due {
                    Some(due)
                } else if self.is_excused(&mut state) {
                    Some(state.last + self.idle)
                } else if silent >= self.idle {
                    return Reason::BodyTimeout;
                } else {
                    return Reason::BodyTooSlow;
                }
            };
            match due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for BodyProgress {
    fn drop(&mut self) {
        self.finished();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(idle: Duration) -> BodyProgress {
        let mut settings = ListenerSettings::new(([127, 0, 0, 1], 0).into());
        settings.body_idle = idle;
        let uploads = Arc::<Uploads>::default();
        uploads.opened(1);
        BodyProgress::new(&settings, uploads)
    }

    #[tokio::test]
    async fn a_body_that_has_come_is_not_late() {
        let waiting = progress(Duration::from_millis(5));
        waiting.uploads.complete(1);
        let patience = Duration::from_millis(50);
        let waited = tokio::time::timeout(patience, waiting.stalled()).await;
        assert!(waited.is_err(), "the gateway has yet to read it");
        waiting.uploads.opened(1);
        assert_eq!(waiting.stalled().await, Reason::BodyTimeout);
    }

    #[tokio::test]
    async fn a_silent_body_stalls() {
        let silent = progress(Duration::from_millis(5));
        assert_eq!(silent.stalled().await, Reason::BodyTimeout);
    }

    #[tokio::test]
    async fn a_body_that_ticks_with_next_to_nothing_is_too_slow() {
        let dripping = progress(Duration::from_millis(50));
        let drip = async {
            loop {
                tokio::time::sleep(Duration::from_millis(5)).await;
                dripping.tick(1);
            }
        };
        let reason = tokio::select! {
            reason = dripping.stalled() => reason,
            () = drip => Reason::Internal,
        };
        assert_eq!(reason, Reason::BodyTooSlow);
    }

    #[tokio::test]
    async fn a_body_that_ticks_with_enough_goes_on() {
        let quick = progress(Duration::from_secs(60));
        for _ in 0..3 {
            quick.tick(1000);
        }
        let waited = tokio::time::timeout(Duration::from_millis(20), quick.stalled()).await;
        assert!(waited.is_err());
    }

    #[tokio::test]
    async fn a_finished_body_never_stalls() {
        let done = progress(Duration::ZERO);
        done.finished();
        let waited = tokio::time::timeout(Duration::from_millis(20), done.stalled()).await;
        assert!(waited.is_err());
    }
}
