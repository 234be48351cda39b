//! What a million addresses cost: the resident memory of the real process while its table fills.
//!
//! With the default limits one visit of an address is forgotten after some milliseconds and the table stays small. Here the limits
//! look back for an hour, and every address sends one malformed request: it has used a connection and has a refusal to its name, and as
//! many are banned as the table may hold bans. No entry can be larger.
//!
//! ```text
//! cargo run --release -p loadtest --bin flood -- --way control --memory 1000000
//! ```

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::attack::Way;
use super::conductor::{Attacker, Options, pause};
use super::configuration::configuration;
use crate::measured::gateway::Gateway;

const LIMITS: &str = "limits: { new_connections: { rate: 1/h, burst: 10 }, ban: { refusals: 1, within: 1h, for: 1h } }";
/// More than the gateway can take on one core: the attempts under way at the same time are the bound.
const RATE: u32 = 50_000;
/// Rows of the table, besides the first and the last.
const STEPS: u64 = 8;

pub(super) fn measure(options: &Options, server: SocketAddr) -> io::Result<()> {
    let gateway = Gateway::start(
        &options.gateway,
        &configuration(server, LIMITS),
        Some(options.gateway_core),
    )?;
    println!("| tracked addresses | bans | resident MiB | since the start |\n|--:|--:|--:|--:|");
    let fresh = gateway.memory()?;
    let began = Instant::now();
    print(&gateway, fresh)?;
    let mut attacker = Attacker::start(
        options,
        &gateway,
        Way::Malformed,
        RATE,
        Some(options.memory),
    )?;
    let mut next = options.memory / STEPS;
    while !attacker.is_over()? {
        pause(Duration::from_millis(500));
        if gateway.metric("portcullis_tracked_addresses ")? >= next {
            print(&gateway, fresh)?;
            next += options.memory / STEPS;
        }
    }
    let made = attacker.stop()?;
    let seconds = began.elapsed().as_secs();
    print(&gateway, fresh)?;
    println!(
        "\n{} attempts in {seconds} s: {} answered with a refusal, {} closed, {} failed.\n",
        made.attempts, made.refused, made.closed, made.failed
    );
    Ok(())
}

fn print(gateway: &Gateway, fresh: u64) -> io::Result<()> {
    let memory = gateway.memory()?;
    println!(
        "| {} | {} | {:.1} | {:.1} |",
        gateway.metric("portcullis_tracked_addresses ")?,
        gateway.metric("portcullis_bans ")?,
        memory as f64 / 1024.0,
        (memory.saturating_sub(fresh)) as f64 / 1024.0,
    );
    Ok(())
}
