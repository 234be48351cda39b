//! Who is probed: the servers of the file in force, each by one task; and what is done with what probes and requests see.
//!
//! What is known of a server is kept under its name and URL, for as long as the file names it so. A reload that changes something
//! else of it, its certificate's authority for instance, changes how it is probed from then on and forgets nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use log::{info, warn};
use pingora_core::connectors::http::Connector;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::probe::Outcome;
use super::{Change, Condition, Failure, ServerHealth, rounds};
use crate::observe::line::counted;
use crate::observe::metrics::HealthMetrics;
use crate::upstream::Upstream;

/// The health of all servers.
pub struct Watch {
    known: Mutex<Known>,
    rounds: Mutex<HashMap<Arc<str>, Round>>,
    asking: Arc<Asking>,
}

/// By name and URL.
type Known = HashMap<(Box<str>, Box<str>), Weak<ServerHealth>>;

/// One server that is probed. The task ends with it.
struct Round {
    upstream: watch::Sender<Arc<Upstream>>,
    task: JoinHandle<()>,
}

impl Drop for Round {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What every task needs.
pub(super) struct Asking {
    /// Made with the first probe: it reads the system's authorities.
    connector: OnceLock<Connector>,
    metrics: HealthMetrics,
}

impl Asking {
    pub(super) fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| Connector::new(None))
    }

    pub(super) fn probed(&self, server: &Upstream, outcome: &Outcome, took: Duration) {
        let facts = &server.facts;
        let Some(rule) = &facts.probe else { return };
        self.metrics.probed(&facts.name, outcome.word(), took);
        let change = facts.health.probed(outcome, took, rule.thresholds);
        self.tell(server, change);
    }

    fn tell(&self, server: &Upstream, change: Option<Change>) {
        let Some(change) = change else { return };
        let facts = &server.facts;
        self.metrics.changed(&facts.name);
        let name = &facts.name;
        let was = match change.from {
            Condition::Unknown => String::new(),
            from => format!(", was {} for {:.0?}", from.word(), change.after),
        };
        match change.to {
            Condition::Down => {
                let why = change.why.unwrap_or_default();
                let failures = counted(change.failures, "failure");
                warn!("{name} is down: {why} ({failures} in a row{was})");
            }
            Condition::Standby => info!("{name} stands by: it answers 503{was}"),
            to => info!("{name} is {}{was}", to.word()),
        }
    }
}

impl Watch {
    /// Nobody is probed yet.
    pub fn new(metrics: HealthMetrics) -> Self {
        Watch {
            known: Mutex::default(),
            rounds: Mutex::default(),
            asking: Arc::new(Asking {
                connector: OnceLock::new(),
                metrics,
            }),
        }
    }

    /// What is known of the server with this name and URL, shared by all who ask while anyone holds it.
    pub fn of(&self, name: &str, url: &str, checked: bool) -> Arc<ServerHealth> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let server = (name.into(), url.into());
        if let Some(health) = known.get(&server).and_then(Weak::upgrade) {
            return health;
        }
        if known.len().is_power_of_two() {
            // Files that were refused leave names behind.
            known.retain(|_, health| health.strong_count() > 0);
        }
        let health = Arc::new(ServerHealth::new(checked));
        known.insert(server, Arc::downgrade(&health));
        health
    }

    /// These servers are in force now: each is probed by one task, and no other is. Must be called inside a tokio runtime.
    pub fn follow(&self, upstreams: &[Arc<Upstream>]) {
        let mut rounds = self.rounds();
        let mut before = std::mem::take(&mut *rounds);
        for upstream in upstreams {
            let facts = &upstream.facts;
            facts.health.follow(facts.probe.is_some());
            if facts.probe.is_none() {
                continue;
            }
            let round = before.remove(&facts.name).filter(|round| {
                // Under another URL it is another server.
                Arc::ptr_eq(&round.upstream.borrow().facts.health, &facts.health)
                    && !round.task.is_finished()
            });
            let round = match round {
                Some(round) => {
                    round.upstream.send_if_modified(|now| {
                        let changed = !Arc::ptr_eq(now, upstream);
                        now.clone_from(upstream);
                        changed
                    });
                    round
                }
                None => {
                    let (sender, receiver) = watch::channel(upstream.clone());
                    Round {
                        upstream: sender,
                        task: tokio::spawn(rounds::go(self.asking.clone(), receiver)),
                    }
                }
            };
            rounds.insert(facts.name.clone(), round);
        }
    }

    /// Nobody is probed any more: the process ends, or another one does it from now on.
    pub fn stop(&self) {
        self.rounds().clear();
    }

    /// A request was answered, with whatever status.
    pub fn answered(&self, upstream: &Upstream) {
        if let Some(rule) = &upstream.facts.probe {
            upstream.facts.health.answered(rule.thresholds);
        }
    }

    /// A request got no connection.
    pub fn unreached(&self, upstream: &Upstream, failure: &Failure) {
        if let Some(rule) = &upstream.facts.probe {
            let change = upstream.facts.health.unreached(failure, rule.thresholds);
            self.asking.tell(upstream, change);
        }
    }

    /// A request was left without an answer.
    pub fn left(&self, upstream: &Upstream) {
        if upstream.facts.probe.is_some() {
            upstream.facts.health.left();
        }
    }

    fn rounds(&self) -> MutexGuard<'_, HashMap<Arc<str>, Round>> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
