//! What has happened: everything that outlives a reload. Made once, when the process starts.
//!
//! The other half is [`Snapshot`], what the file says. If a SIGHUP would reset a value here and an
//! attacker would like that, it is in the right place.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use std::time::Duration;

use arc_swap::ArcSwap;
use log::warn;
use serde_json::Value;

use crate::admin::Operators;
use crate::front_door::tls::Tickets;
use crate::itself::Itself;
use crate::limits::interactions::{Interactions, Kind};
use crate::limits::{Address, Clock, Limits, Mode, Now};
use crate::observe::access_log::AccessLog;
use crate::observe::line::counted;
use crate::observe::metrics::Metrics;
use crate::observe::notices::Notices;
use crate::observe::pace::Pace;
use crate::observe::refusals::{RefusalLog, and_more};
use crate::people::{People, View, visitors};
use crate::reason::Reason;
use crate::reload::{Reloads, Retired};
use crate::snapshot::{self, Snapshot};
use crate::upstream::Resolver;
use crate::upstream::health::Watch;

/// The state of the process.
pub struct Runtime {
    /// Addresses of the servers' names.
    pub resolver: Resolver,
    /// Where it listens itself.
    pub itself: Itself,
    /// The keys of TLS session tickets: a reload must not make every browser shake hands anew.
    pub tickets: Arc<Tickets>,
    /// One line for each request.
    pub access_log: AccessLog,
    /// What is not to be said with every request.
    pub notices: Notices,
    /// How much is said of refusals.
    pub refusals: RefusalLog,
    /// What every client address has used, who is banned, and the chats and callbacks that run.
    pub limits: Limits,
    /// Which servers work.
    pub health: Watch,
    /// Who is signed in.
    pub people: Arc<People>,
    /// Who has signed in at the admin listener.
    pub operators: Operators,
    /// Counters and gauges.
    pub metrics: Metrics,
    /// The last ten minutes.
    pub pace: Pace,
    /// What runs, and how the last reload ended.
    pub reloads: Reloads,
    /// Snapshots that requests still hold on to.
    pub retired: Arc<Retired>,
    /// One scrape at a time: each takes gauges away and puts them back.
    scraping: Mutex<()>,
    phase: AtomicU8,
}

/// How far the process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not every listener is bound yet.
    Starting,
    /// Requests are served.
    Ready,
    /// It ends: new connections should go elsewhere.
    Draining,
}

impl Runtime {
    /// A process that has seen nothing yet.
    pub fn new() -> Self {
        Runtime::with(Interactions::new())
    }

    /// The same, with a registry of chats that is there already.
    pub fn with(interactions: Interactions) -> Self {
        let metrics = Metrics::new();
        Runtime {
            access_log: AccessLog::new(metrics.access_log_dropped.clone()),
            resolver: Resolver::default(),
            itself: Itself::default(),
            tickets: Tickets::new(),
            notices: Notices::default(),
            refusals: RefusalLog::default(),
            people: Arc::new(People::under(&interactions.key())),
            limits: Limits::with(interactions),
            health: Watch::new(metrics.health.clone()),
            operators: Operators::default(),
            metrics,
            pace: Pace::default(),
            reloads: Reloads::new(),
            retired: Arc::default(),
            scraping: Mutex::default(),
            phase: AtomicU8::new(Phase::Starting as u8),
        }
    }

    /// Counts a refusal against an address, and begins its ban when there were too many.
    pub fn strike(&self, reason: Reason, address: Address, limits: &snapshot::Limits) {
        let Some(ban) = limits.ban.as_ref().filter(|_| reason.leads_to_ban()) else {
            return;
        };
        let Some(started) = self.limits.table.strike(address, ban, Clock::now()) else {
            return;
        };
        let would_be = match ban.mode {
            Mode::Enforce if started => {
                self.metrics.bans_started.inc();
                "is"
            }
            // The table holds as many bans as it may.
            Mode::Enforce => "would be, were there room for one more ban,",
            Mode::Observe => {
                self.metrics.observed(Reason::Banned);
                "would be"
            }
        };
        if let Some(silent) = self.refusals.may_tell(Reason::Banned) {
            warn!(
                "{address} {would_be} banned for {:?}: {} within {:?}, the last one {}{}",
                ban.lasts,
                counted(ban.refusals, "refusal"),
                ban.within,
                reason.code(),
                and_more(silent)
            );
        }
    }

    /// Counts what would have been refused, were the limit enforced.
    pub fn observed(&self, reason: Reason, address: Address, limits: &snapshot::Limits) {
        self.metrics.observed(reason);
        // A ban that is only observed shall show what all limits together would lead to.
        if limits
            .ban
            .as_ref()
            .is_some_and(|ban| ban.mode == Mode::Observe)
        {
            self.strike(reason, address, limits);
        }
        if let Some(silent) = self.refusals.may_tell(reason) {
            let more = and_more(silent);
            log::info!(
                "would have been refused: {address}: {}{more}",
                reason.code()
            );
        }
    }

    /// The text a scrape gets, with the gauges up to date that are read off tables.
    pub fn scrape(&self, snapshot: &Snapshot) -> String {
        let _alone = self.scraping.lock().unwrap_or_else(PoisonError::into_inner);
        self.gauge(&snapshot.people);
        self.metrics.health.show(&snapshot.upstreams);
        self.metrics.text()
    }

    /// The process as it is now.
    pub fn process(&self) -> Value {
        let _alone = self.scraping.lock().unwrap_or_else(PoisonError::into_inner);
        self.metrics.process.read();
        self.metrics.process.told()
    }

    /// Everybody who is connected, in no order.
    pub fn connected(&self, rules: &snapshot::People, now: Now) -> Vec<View> {
        let mut all = self.people.list(&rules.idle, now);
        let kind = |server: &str| rules.visitors_of(server);
        let interactions = &self.limits.interactions;
        all.extend(visitors(interactions, &rules.idle, kind, now));
        all
    }

    fn gauge(&self, rules: &snapshot::People) {
        self.metrics.process.read();
        let table = &self.limits.table;
        self.metrics.tracked_addresses.set(number(table.len()));
        self.metrics.bans.set(number(table.bans_len(Clock::now())));
        self.metrics.untracked.follow(table.untracked());
        self.metrics.missed_bans.follow(table.missed_bans());
        // A pair that an earlier file named is told of only as long as there is something left of it.
        self.metrics.interactions.reset();
        for pair in self.limits.interactions.pairs() {
            let gauge = |kind: Kind| {
                self.metrics
                    .interactions
                    .with_label_values(&[pair.name(), kind.name()])
            };
            let counts = pair.counts();
            gauge(Kind::Chat).set(i64::from(counts.chats));
            gauge(Kind::Callback).set(i64::from(counts.callbacks));
        }
        let now = Clock::now();
        let mut users = self.people.counts(&rules.idle, now);
        let kind = |server: &str| rules.visitors_of(server);
        for visitor in visitors(&self.limits.interactions, &rules.idle, kind, now) {
            *users.entry((visitor.kind, visitor.server)).or_default() += 1;
        }
        for place in &rules.places {
            users.entry(place.clone()).or_default();
        }
        self.metrics.users.set(&users);
        self.metrics.unlisted_users.follow(self.people.unlisted());
    }

    /// What is due every second, however quiet it is: it is noted, interactions fall silent, and floods are summed up.
    pub async fn tick(&self, snapshot: &ArcSwap<Snapshot>) {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for count in 1_u64.. {
            second.tick().await;
            self.pace.note(&self.metrics);
            let snapshot = snapshot.load();
            let upstreams = snapshot.upstreams.iter();
            let pairs = upstreams.filter_map(|upstream| upstream.facts.interactions.as_ref());
            let named: HashSet<&str> = pairs.map(|pair| &**pair.name()).collect();
            let silence = snapshot.interactions.rules.silence;
            let interactions = &self.limits.interactions;
            interactions.sweep(|pair| named.contains(pair).then_some(silence), Clock::now());
            self.retired.sweep();
            if count % 10 == 0 {
                self.people.sweep(&snapshot.people.idle, Clock::now());
                self.refusals.flush();
            }
        }
    }

    /// How far the process is.
    pub fn phase(&self) -> Phase {
        let phase = self.phase.load(Ordering::Acquire);
        [Phase::Starting, Phase::Ready]
            .into_iter()
            .find(|named| *named as u8 == phase)
            .unwrap_or(Phase::Draining)
    }

    /// Every listener is bound.
    pub fn set_ready(&self) {
        self.phase.store(Phase::Ready as u8, Ordering::Release);
    }

    /// The process ends. Servers are not probed any more.
    pub fn drains(&self) {
        self.phase.store(Phase::Draining as u8, Ordering::Release);
        self.health.stop();
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Runtime::new()
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Table;

    #[test]
    fn what_a_full_table_let_pass_is_in_the_metrics() {
        let mut runtime = Runtime::new();
        runtime.limits.table = Arc::new(Table::new(1));
        let table = runtime.limits.table.clone();
        let ban = |last: u8| {
            let address: Address = std::net::IpAddr::from([192, 0, 2, last]).into();
            table.ban(address, Duration::from_secs(60), Clock::now())
        };
        assert!(ban(1).is_ok());
        assert!(ban(2).is_err());
        runtime.gauge(&snapshot::People::default());
        runtime.gauge(&snapshot::People::default());
        let text = runtime.metrics.text();
        assert!(text.contains("\nportcullis_untracked_total 1\n"), "{text}");
    }
}
