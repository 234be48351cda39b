//! When a server is probed: soon after it is in force, then once an interval, and at once when requests begin to fail.
//!
//! ```text
//! in force ── up to 1 s ── probe ── interval ± 10 % ── probe ── ...
//!                                       └─ requests say otherwise than the last one: now, but not within a second of it
//! ```

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::probe::probe;
use super::watch::Asking;
use crate::upstream::Upstream;

/// Within this time the servers of a file that has just come into force are probed for the first time.
const FIRST: Duration = Duration::from_secs(1);
/// No two probes of one server are closer, whatever its requests meet.
const APART: Duration = Duration::from_secs(1);

/// Probes the server that `upstream` shows until it shows none any more, or one that is not to be probed.
pub(super) async fn go(asking: Arc<Asking>, mut upstream: watch::Receiver<Arc<Upstream>>) {
    let mut pause = None;
    let mut last: Option<Instant> = None;
    loop {
        let server = upstream.borrow_and_update().clone();
        let facts = &server.facts;
        let Some(rule) = &facts.probe else { return };
        let wait = pause.unwrap_or_else(|| part_of(FIRST.min(rule.interval)));
        let apart = APART.min(rule.interval);
        let doubt = async {
            facts.health.doubted().await;
            if let Some(last) = last {
                sleep_until(last + apart).await;
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = doubt => {}
            changed = upstream.changed() => match changed {
                // Reached in another way from now on, which is worth a look.
                Ok(()) => {
                    pause = None;
                    continue;
                }
                Err(_) => return,
            }
        }
        let (outcome, took) = probe(asking.connector(), &server, rule).await;
        last = Some(Instant::now());
        asking.probed(&server, &outcome, took);
        // 0.9 to 1.1 intervals.
        pause = Some(rule.interval - rule.interval / 10 + part_of(rule.interval / 5));
    }
}

/// Any part of this time: servers and gateways that began together do not go on together.
fn part_of(time: Duration) -> Duration {
    // Keyed anew for each hasher; no more is asked of chance here.
    let number = RandomState::new().hash_one(0) >> 32;
    let part = (time.as_nanos() * u128::from(number)) >> 32;
    Duration::from_nanos(u64::try_from(part).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_time_is_never_longer_and_seldom_the_same() {
        let hour = Duration::from_secs(3600);
        let parts: Vec<Duration> = (0..100).map(|_| part_of(hour)).collect();
        assert!(parts.iter().all(|part| *part < hour));
        assert!(parts.iter().any(|part| *part > hour / 2));
        assert!(parts.iter().any(|part| *part < hour / 2));
    }
}
