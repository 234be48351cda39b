//! Starts everything, lets rounds without and with reloads take turns, and prints a line for each.
//!
//! ```text
//! cargo run --release -p loadtest --bin reloads -- --reloads 100 --every 5000 --kept-only
//! ```

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::pace::{Pace, Took};
use crate::large::{Large, Variant};
use crate::measured::figures::Figures;
use crate::measured::gateway::Gateway;
use crate::measured::polite::{self, Seen};
use crate::measured::{HOST, server};

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The gateway's program.
    #[arg(long, default_value = "target/release/portcullis")]
    pub gateway: PathBuf,
    /// Reloads of all rounds together.
    #[arg(long, default_value_t = 1000)]
    pub reloads: u32,
    /// Reloads of one round.
    #[arg(long, default_value_t = 99)]
    pub round: u32,
    /// Seconds of each round without reloads.
    #[arg(long, default_value_t = 20)]
    pub still: u64,
    /// Milliseconds from the signal of one reload to that of the next.
    #[arg(long, default_value_t = 1000)]
    pub every: u64,
    /// Traffic over kept connections only.
    #[arg(long)]
    pub kept_only: bool,
    /// Hosts, with ten routes each.
    #[arg(long, default_value_t = 10_000)]
    pub hosts: usize,
}

/// Measures all of it and prints it.
///
/// # Errors
/// Something could not be started or measured, a reload was not applied, or a request of the polite client failed.
pub fn run(options: &Options) -> io::Result<()> {
    let server = server::start(None)?;
    let large = Large::default().hosts(options.hosts).with(HOST, server);
    let texts = [
        Variant::First,
        Variant::OneRoute,
        Variant::EveryHost,
        Variant::Everything,
    ]
    .map(|variant| large.text(variant));
    let gateway = Gateway::start(&options.gateway, &texts[0], None)?;
    println!(
        "{} hosts, {} bytes, {} MB after the start\n",
        options.hosts,
        texts[0].len(),
        gateway.memory()? / 1000
    );
    // Warm. What is in memory after ten reloads, and after all, is read when nothing has been reloaded for a while.
    let mut pace = Pace::new(&gateway, &texts, Duration::from_millis(options.every));
    let polite = |seconds| polite::begin(&gateway, seconds, options.kept_only, None);
    let warming = polite(10 * options.every / 1000)?;
    pace.reload(10)?;
    warming.seen()?;
    let seconds = u64::from(options.round) * options.every / 1000;
    println!(
        "Times of requests in microseconds, of reloads in milliseconds; late: how late the client itself was.\n\n\
         | reloads | requests | p50 | p99 | p99.9 | most | new: p99 | late p99 | failed | reload: median | most | MB |\n|---|{}",
        "--:|".repeat(11)
    );
    let (mut idle, mut busy, mut failed) = (Vec::new(), Vec::new(), 0);
    let mut memory = Vec::new();
    let mut left = options.reloads.saturating_sub(10);
    loop {
        let seen = polite(options.still)?.seen()?;
        print(&gateway, &seen, None)?;
        failed += seen.refused;
        idle.push(seen.kept);
        memory.push(gateway.memory()?);
        if left == 0 {
            break;
        }

        let watching = polite(seconds)?;
        let some = left.min(options.round);
        let took = pace.reload(some)?;
        left -= some;
        let seen = watching.seen()?;
        print(&gateway, &seen, Some(&took))?;
        failed += seen.refused;
        busy.push(seen.kept);
    }
    let [still, moved] = [&idle, &busy].map(|figures| median(figures, |figure| figure.p99));
    let (warm, end) = (memory.first().copied(), memory.last().copied());
    let [warm, end] = [warm, end].map(Option::unwrap_or_default);
    println!(
        "\np99, medians of the rounds: {still} without, {moved} with reloads every {} ms: {:.2} times\n\
         memory: {} MB after 10 reloads, {} MB after {}: {:+.1} %",
        options.every,
        moved as f64 / still.max(1) as f64,
        warm / 1000,
        end / 1000,
        options.reloads,
        (end as f64 / warm.max(1) as f64 - 1.0) * 100.0,
    );
    pace.print();
    match failed {
        0 => Ok(()),
        some => Err(io::Error::other(format!("{some} requests failed"))),
    }
}

fn print(gateway: &Gateway, seen: &Seen, took: Option<&Took>) -> io::Result<()> {
    let (kept, new) = (seen.kept, seen.new);
    let (count, median, most) = took.map_or_else(Default::default, |took| {
        (
            took.count().to_string(),
            format!("{:.0}", took.median().as_secs_f64() * 1e3),
            format!("{:.0}", took.most().as_secs_f64() * 1e3),
        )
    });
    println!(
        "| {count} | {} | {} | {} | {} | {} | {} | {} | {} | {median} | {most} | {} |",
        kept.count + new.count,
        kept.p50,
        kept.p99,
        kept.p999,
        kept.worst,
        new.p99,
        seen.late.p99,
        seen.refused,
        gateway.memory()? / 1000,
    );
    if let Some(why) = &seen.first_refusal {
        println!("\nThe first failure: {why}\n");
    }
    Ok(())
}

fn median(figures: &[Figures], of: impl Fn(&Figures) -> u64) -> u64 {
    let mut all: Vec<u64> = figures.iter().map(of).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}
