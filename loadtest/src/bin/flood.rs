//! `make flood`: what a polite client notices of a flood, measured on the real program.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use loadtest::flood::{attack, conductor};
use loadtest::measured::polite;

/// Measures the latency of a polite client, idle and under floods, and the gateway's memory.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    all: conductor::Options,
}

/// The parts that run as processes of their own.
#[derive(Subcommand)]
enum Part {
    /// The polite client.
    Polite(polite::Options),
    /// A flood.
    Attack(attack::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.part {
        None => conductor::run(&arguments.all),
        Some(Part::Polite(options)) => polite::run(options),
        Some(Part::Attack(options)) => attack::run(options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("flood: {error}");
            ExitCode::FAILURE
        }
    }
}
