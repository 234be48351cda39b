//! What is printed: one line per flood, in a form that Markdown shows as a table.
//!
//! ```text
//! | flood  | attempts/s | core | kept p50 | p99 | ... | ratio of p99 | refused | tracked | MiB |
//! ```

use std::io;

use super::attack::Made;
use crate::measured::figures::Figures;
use crate::measured::gateway::Gateway;
use crate::measured::polite::Seen;

/// One measurement.
pub(super) struct Row {
    name: String,
    seen: Seen,
    /// Share of its core that the gateway used.
    processor: f64,
    /// What the flood came to, once it is over.
    pub made: Option<Made>,
    tracked: u64,
    bans: u64,
    open: u64,
    log_lines: usize,
    /// KiB.
    memory: u64,
}

impl Row {
    /// With what the gateway tells at this moment.
    pub(super) fn new(
        name: String,
        seen: Seen,
        processor: f64,
        gateway: &Gateway,
    ) -> io::Result<Row> {
        Ok(Row {
            name,
            seen,
            processor,
            made: None,
            tracked: gateway.metric("portcullis_tracked_addresses ")?,
            bans: gateway.metric("portcullis_bans ")?,
            open: gateway.metric("portcullis_connections_open ")?,
            log_lines: gateway.log_lines()?,
            memory: gateway.memory()?,
        })
    }
}

/// The lines so far.
pub(super) struct Table {
    /// The first measurement without a flood.
    idle: Option<(Figures, Figures, f64)>,
    refused: u64,
}

impl Table {
    pub(super) fn begin() -> Table {
        println!(
            "Times in microseconds. `core`: share of the gateway's core in use; `each`: what one attempt costs of it.\n"
        );
        println!(
            "| flood | attempts/s | left out/s | ended (served, refused, closed, failed) | core | each | kept: p50 | p99 | p99.9 | ratio | new: p50 | p99 | p99.9 | ratio | late p99 | refused | tracked | bans | open | log lines | MiB |"
        );
        println!("|---|{}", "--:|".repeat(20));
        Table {
            idle: None,
            refused: 0,
        }
    }

    pub(super) fn add(&mut self, row: &Row) {
        let (kept, new) = (row.seen.kept, row.seen.new);
        let (idle_kept, idle_new, idle_share) =
            *self.idle.get_or_insert((kept, new, row.processor));
        let ratio = |one: u64, idle: u64| one as f64 / idle.max(1) as f64;
        let (offered, left_out, ended, each) = match &row.made {
            None => Default::default(),
            Some(made) => {
                let rate = made.attempts as f64 / made.seconds;
                let ended = format!(
                    "{} {} {} {}",
                    made.served, made.refused, made.closed, made.failed
                );
                let each = (row.processor - idle_share) / rate * 1e6;
                let left_out = made.left_out as f64 / made.seconds;
                (
                    format!("{rate:.0}"),
                    format!("{left_out:.0}"),
                    ended,
                    format!("{each:.1}"),
                )
            }
        };
        self.refused += row.seen.refused;
        println!(
            "| {} | {offered} | {left_out} | {ended} | {:.0} % | {each} | {} | {} | {} | {:.2} | {} | {} | {} | {:.2} | {} | {} | {} | {} | {} | {} | {:.1} |",
            row.name,
            row.processor * 100.0,
            kept.p50,
            kept.p99,
            kept.p999,
            ratio(kept.p99, idle_kept.p99),
            new.p50,
            new.p99,
            new.p999,
            ratio(new.p99, idle_new.p99),
            row.seen.late.p99,
            row.seen.refused,
            row.tracked,
            row.bans,
            row.open,
            row.log_lines,
            row.memory as f64 / 1024.0,
        );
        if let Some(why) = &row.seen.first_refusal {
            println!("\nThe first refusal: {why}\n");
        }
    }

    /// How many requests of the polite client were refused.
    pub(super) fn end(self) -> u64 {
        println!();
        self.refused
    }
}
