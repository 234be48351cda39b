//! The commands. Exit code 0: done; 1: something is wrong with the configuration or the world; 2: wrong arguments.

mod ask;
mod bans;
mod check;
mod columns;
mod explain;
mod health;
mod limits;
mod live;
mod run;
mod servers;
mod users;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use ask::Listener;

/// The edge gateway of a contact center.
#[derive(Parser)]
#[command(name = "portcullis", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    file: File,
}

#[derive(Args, Clone)]
struct File {
    /// The configuration
    #[arg(
        short,
        long = "config",
        value_name = "FILE",
        default_value = "/etc/portcullis/portcullis.yaml",
        global = true
    )]
    config: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway (what happens without any command)
    Run {
        /// Take over from the process that runs: its listeners, and what it remembers of clients
        #[arg(long)]
        take_over: bool,
    },
    /// Report every mistake in the configuration at once
    Check {
        /// Print the configuration with every default filled in
        #[arg(long)]
        show: bool,
        /// Also resolve names, connect to every server, verify certificates, clocks and limits
        #[arg(long)]
        live: bool,
    },
    /// Say what would happen to a request, without sending it
    #[command(override_usage = "portcullis explain [OPTIONS] [METHOD] URL")]
    Explain {
        /// The method (GET when left out) and the URL, for instance: POST https://proxy.example.com/us/icserver1/icws/connection
        #[arg(required = true, num_args = 1..=2, value_name = "REQUEST")]
        request: Vec<String>,
        /// The client's address
        #[arg(long, value_name = "ADDRESS")]
        from: Option<std::net::IpAddr>,
    },
    /// List, add and lift bans of the running gateway
    Bans {
        #[command(subcommand)]
        what: bans::Bans,
        #[command(flatten)]
        admin: ask::Arguments,
    },
    /// Show what a client address has used of its limits in the running gateway
    Limits {
        #[command(subcommand)]
        what: limits::Limits,
        #[command(flatten)]
        admin: ask::Arguments,
    },
    /// Show who is connected through the running gateway: users who are signed in, visitors in chats
    Users {
        #[command(flatten)]
        what: users::Users,
        #[command(flatten)]
        admin: ask::Arguments,
    },
    /// Show how the servers behind the running gateway are
    Servers {
        #[command(flatten)]
        what: servers::Servers,
        #[command(flatten)]
        admin: ask::Arguments,
    },
    /// Say whether the running gateway is ready, by exit code: for health checks of containers and load balancers
    Health {
        #[command(flatten)]
        admin: ask::Arguments,
    },
    /// Print the JSON Schema of the configuration, for editors
    Schema,
}

/// Every command and option, for whoever writes manual pages and completions of them.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    if let Some(ended) = run::successor::apart() {
        return ended;
    }
    let arguments = Arguments::parse();
    let file = arguments.file.config;
    let run = Command::Run { take_over: false };
    match arguments.command.unwrap_or(run) {
        Command::Run { take_over } => run::run(&file, take_over),
        Command::Check { show, live } => here(check::check(&file, show, live)),
        Command::Explain { request, from } => here(explain::explain(&file, &request, from)),
        Command::Bans { what, admin } => {
            told(Listener::find(&admin, &file).and_then(|admin| bans::bans(&what, &admin)))
        }
        Command::Limits { what, admin } => {
            told(Listener::find(&admin, &file).and_then(|admin| limits::limits(&what, &admin)))
        }
        Command::Users { what, admin } => {
            told(Listener::find(&admin, &file).and_then(|admin| users::users(&what, &admin)))
        }
        Command::Servers { what, admin } => {
            told(Listener::find(&admin, &file).and_then(|admin| servers::servers(&what, &admin)))
        }
        Command::Health { admin } => told(health::health(&admin, &file)),
        Command::Schema => {
            print(&format!("{:#}\n", crate::config::schema()));
            ExitCode::SUCCESS
        }
    }
}

/// Prints what the running gateway answered, or why it did not.
fn told(answer: Result<String, String>) -> ExitCode {
    match answer {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(why) => {
            complain(&why);
            ExitCode::FAILURE
        }
    }
}

/// Runs a command that looks and changes nothing.
fn here(command: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Runtime::new() {
        Ok(tokio) => {
            let code = tokio.block_on(command);
            // A look-up of a name that nobody waits for any more.
            tokio.shutdown_background();
            code
        }
        Err(error) => {
            complain(&format!(
                "portcullis: the system gives no threads: {error}\n"
            ));
            ExitCode::FAILURE
        }
    }
}

/// Prints, and minds nothing if the reader has gone (`portcullis schema | head`), where `print!` would panic.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// The same to where mistakes belong.
fn complain(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
}
