//! One reload after the other at an even pace, each of a file in which something has changed, and how long each took.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::measured::gateway::Gateway;

/// A reload that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);
const NAMES: [&str; 3] = ["one route", "every host", "everything"];

pub(super) struct Pace<'a> {
    gateway: &'a Gateway,
    /// The first, and those that differ from it in [`NAMES`].
    texts: &'a [String; 4],
    every: Duration,
    so_far: usize,
    took: [Took; 3],
}

/// How long reloads took, from the signal to the swap, as the gateway says.
#[derive(Clone, Default)]
pub(super) struct Took(Vec<Duration>);

impl Took {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn median(&self) -> Duration {
        let mut all = self.0.clone();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    }

    pub(super) fn most(&self) -> Duration {
        self.0.iter().copied().max().unwrap_or_default()
    }
}

impl<'a> Pace<'a> {
    pub(super) fn new(gateway: &'a Gateway, texts: &'a [String; 4], every: Duration) -> Pace<'a> {
        Pace {
            gateway,
            texts,
            every,
            so_far: 0,
            took: Default::default(),
        }
    }

    /// So many reloads, to one of the other texts and back: each kind of change as often as the others.
    ///
    /// # Errors
    /// One was not applied.
    pub(super) fn reload(&mut self, count: u32) -> io::Result<Took> {
        let mut all = Took::default();
        let mut due = Instant::now();
        for _ in 0..count {
            let kind = self.so_far / 2 % 3;
            let text = match self.so_far % 2 {
                0 => &self.texts[kind + 1],
                _ => &self.texts[0],
            };
            let before = generation(&self.gateway.reloads()?);
            self.gateway.replace(text)?;
            self.gateway.hang_up()?;
            due += self.every;
            let took = self.applied(before, due)?;
            all.0.push(took);
            self.took[kind].0.push(took);
            self.so_far += 1;
            wait_until(due);
        }
        Ok(all)
    }

    /// Asked when the next is due, and not before: who looks on takes processor time too.
    fn applied(&self, before: u64, due: Instant) -> io::Result<Duration> {
        let deadline = Instant::now() + PATIENCE;
        wait_until(due);
        loop {
            let told = self.gateway.reloads()?;
            if generation(&told) > before {
                let took = told["last"]["took_seconds"].as_f64().unwrap_or(f64::NAN);
                return Duration::try_from_secs_f64(took).map_err(io::Error::other);
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("not applied: {told}")));
            }
            wait_until(Instant::now() + Duration::from_millis(20));
        }
    }

    /// How long each kind of change took.
    pub(super) fn print(&self) {
        for (name, took) in NAMES.iter().zip(&self.took) {
            let over = took.0.iter().filter(|one| one.as_millis() >= 200).count();
            println!(
                "{name} changed, {} times: median {:.0?}, at most {:.0?}, {over} over 200 ms",
                took.count(),
                took.median(),
                took.most()
            );
        }
    }
}

fn generation(told: &Value) -> u64 {
    told["generation"].as_u64().unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the conductor's only thread, which serves nobody"
)]
fn wait_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}
