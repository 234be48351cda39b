//! What is known of one server's health. It lives as long as the server is in the file under the same name and URL.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::probe::Outcome;
use super::{Condition, Failure, Sign, Tally, Thresholds};

/// The health of one server.
#[derive(Debug)]
pub struct ServerHealth {
    /// PERF: what a request reads, without a lock: the position in [`Condition::ALL`].
    condition: AtomicU8,
    /// Requests in a row that did not reach the server, or that it left without an answer.
    failures: AtomicU32,
    seen: Mutex<Seen>,
    /// Somebody wants to know it now.
    doubted: Notify,
}

#[derive(Debug)]
struct Seen {
    tally: Tally,
    since: Instant,
    /// The last failure, as long as it is worth telling.
    why: Option<String>,
    probe: Option<Probed>,
}

/// The last probe.
#[derive(Debug, Clone, Copy)]
pub struct Probed {
    /// When it ended.
    pub at: Instant,
    /// Its outcome, in a word.
    pub outcome: &'static str,
    /// How long the server took.
    pub took: Duration,
}

/// The server is another than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it was.
    pub from: Condition,
    /// For how long.
    pub after: Duration,
    /// What it is.
    pub to: Condition,
    /// Why it is down.
    pub why: Option<String>,
    /// How many failures in a row have led to that.
    pub failures: u32,
}

/// All of it at one moment.
#[derive(Debug, Clone)]
pub struct View {
    /// How it is.
    pub condition: Condition,
    /// For how long.
    pub since: Duration,
    /// The last failure: why it is down, or what is just wrong.
    pub why: Option<String>,
    /// The last probe.
    pub probe: Option<Probed>,
    /// Failures in a row that requests have seen.
    pub failures: u32,
}

impl ServerHealth {
    /// Nothing is known yet; `checked` says whether anybody will ask.
    pub(super) fn new(checked: bool) -> Self {
        let tally = Tally::new(checked);
        ServerHealth {
            condition: AtomicU8::new(number(tally.condition())),
            failures: AtomicU32::new(0),
            seen: Mutex::new(Seen {
                tally,
                since: Instant::now(),
                why: None,
                probe: None,
            }),
            doubted: Notify::new(),
        }
    }

    /// How it is.
    pub fn condition(&self) -> Condition {
        let number = usize::from(self.condition.load(Ordering::Relaxed));
        Condition::ALL.get(number).copied().unwrap_or_default()
    }

    /// Whether a request that may choose should choose it.
    pub fn is_usable(&self) -> bool {
        self.condition() != Condition::Down
    }

    /// Everything that is known.
    pub fn view(&self) -> View {
        let seen = self.seen();
        View {
            condition: seen.tally.condition(),
            since: seen.since.elapsed(),
            why: seen.why.clone(),
            probe: seen.probe,
            failures: self.failures.load(Ordering::Relaxed),
        }
    }

    /// A probe is over.
    pub(super) fn probed(
        &self,
        outcome: &Outcome,
        took: Duration,
        rule: Thresholds,
    ) -> Option<Change> {
        let mut seen = self.seen();
        seen.probe = Some(Probed {
            at: Instant::now(),
            outcome: outcome.word(),
            took,
        });
        let why = match outcome {
            Outcome::Failed(failure) => Some(failure),
            Outcome::Works | Outcome::StandsBy => None,
        };
        let Some(sign) = outcome.sign() else {
            // Told beside the condition, which stays what it was.
            seen.why = why.map(ToString::to_string);
            return None;
        };
        self.see(&mut seen, sign, why, rule)
    }

    /// A request got no connection.
    pub(super) fn unreached(&self, failure: &Failure, rule: Thresholds) -> Option<Change> {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let mut seen = self.seen();
        self.see(&mut seen, Sign::NoConnection, Some(failure), rule)
    }

    /// A request was left without an answer.
    ///
    /// SECURITY: a client can bring that about, with a request that the server drops or that takes too long. So it moves nobody
    /// away from a server; it only has a probe ask at once.
    pub(super) fn left(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.doubted.notify_one();
    }

    /// A request was answered.
    pub(super) fn answered(&self, rule: Thresholds) {
        // PERF: two loads and no lock, unless something was wrong.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.seen().tally.see(Sign::Answered, rule);
        }
        if self.condition() == Condition::Down {
            self.doubted.notify_one();
        }
    }

    /// Nobody asks any more, or somebody begins to.
    pub(super) fn follow(&self, checked: bool) {
        let mut seen = self.seen();
        let is_checked = seen.tally.condition() != Condition::Unchecked;
        if checked != is_checked {
            seen.tally = Tally::new(checked);
            seen.since = Instant::now();
            (seen.why, seen.probe) = (None, None);
            let now = seen.tally.condition();
            self.condition.store(number(now), Ordering::Relaxed);
        }
    }

    /// Returns when somebody wants to know it now.
    pub(super) async fn doubted(&self) {
        self.doubted.notified().await;
    }

    fn see(
        &self,
        seen: &mut Seen,
        sign: Sign,
        why: Option<&Failure>,
        rule: Thresholds,
    ) -> Option<Change> {
        let from = seen.tally.condition();
        let to = seen.tally.see(sign, rule);
        match why {
            Some(failure) => seen.why = Some(failure.to_string()),
            // While it is down, the reason stays, however well it has just answered.
            None if to != Condition::Down => seen.why = None,
            None => {}
        }
        if from == to {
            return None;
        }
        let after = seen.since.elapsed();
        seen.since = Instant::now();
        self.condition.store(number(to), Ordering::Relaxed);
        Some(Change {
            from,
            after,
            to,
            why: seen.why.clone(),
            failures: seen.tally.failures(),
        })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(condition: Condition) -> u8 {
    let position = Condition::ALL.iter().position(|other| *other == condition);
    position
        .and_then(|position| u8::try_from(position).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Thresholds = Thresholds { rise: 2, fall: 3 };

    fn refused() -> Failure {
        Failure::Connect("connection refused".to_owned())
    }

    #[test]
    fn requests_without_a_connection_bring_a_server_down_and_probes_bring_it_back() {
        let health = ServerHealth::new(true);
        health.probed(&Outcome::Works, Duration::ZERO, RULE);
        assert_eq!(health.unreached(&refused(), RULE), None);
        assert_eq!(health.unreached(&refused(), RULE), None);
        let change = health.unreached(&refused(), RULE).unwrap();
        assert_eq!((change.from, change.to), (Condition::Up, Condition::Down));
        assert_eq!(change.why.as_deref(), Some("connection refused"));
        assert!(!health.is_usable());
        assert_eq!(health.view().failures, 3);
        health.answered(RULE);
        assert_eq!((health.view().failures, health.is_usable()), (0, false));
        let good = || health.probed(&Outcome::Works, Duration::ZERO, RULE);
        assert_eq!(good(), None);
        assert_eq!(good().unwrap().to, Condition::Up);
        assert_eq!(health.view().why, None);
    }

    #[test]
    fn a_probe_for_which_the_gateway_has_nothing_left_changes_nothing_and_is_told() {
        let health = ServerHealth::new(true);
        health.probed(&Outcome::Works, Duration::ZERO, RULE);
        let lacks = Outcome::Failed(Failure::Ours("too many open files".to_owned()));
        for _ in 0..10 {
            assert_eq!(health.probed(&lacks, Duration::ZERO, RULE), None);
        }
        let view = health.view();
        assert_eq!(view.condition, Condition::Up);
        assert_eq!(view.probe.unwrap().outcome, "untried");
        assert!(view.why.unwrap().ends_with("too many open files"));
        health.probed(&Outcome::Works, Duration::ZERO, RULE);
        assert_eq!(health.view().why, None);
    }

    #[test]
    fn requests_that_a_server_leaves_without_an_answer_are_counted_and_move_nobody() {
        let health = ServerHealth::new(true);
        health.probed(&Outcome::Works, Duration::ZERO, RULE);
        (0..100).for_each(|_| health.left());
        assert_eq!(health.condition(), Condition::Up);
        assert_eq!(health.view().failures, 100);
    }

    #[test]
    fn what_is_not_checked_any_more_is_forgotten_and_begins_anew_as_unknown() {
        let health = ServerHealth::new(true);
        health.probed(&Outcome::Failed(refused()), Duration::ZERO, RULE);
        assert_eq!(health.condition(), Condition::Down);
        health.follow(true);
        assert_eq!(health.condition(), Condition::Down);
        health.follow(false);
        assert_eq!(health.condition(), Condition::Unchecked);
        assert!(health.view().why.is_none());
        health.follow(true);
        assert_eq!(health.condition(), Condition::Unknown);
    }
}
