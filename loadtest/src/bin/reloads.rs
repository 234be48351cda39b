//! `make reload-bench`: a thousand reloads of ten thousand hosts, and what a polite client notices, measured on the real program.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use loadtest::measured::polite;
use loadtest::reloads::conductor;

/// Measures how long reloads take, what they cost a polite client, and the gateway's memory.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    all: conductor::Options,
}

/// The part that runs as a process of its own.
#[derive(Subcommand)]
enum Part {
    /// The polite client.
    Polite(polite::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.part {
        None => conductor::run(&arguments.all),
        Some(Part::Polite(options)) => polite::run(options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reloads: {error}");
            ExitCode::FAILURE
        }
    }
}
