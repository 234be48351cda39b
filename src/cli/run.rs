//! `run`: the gateway in the foreground, until a signal or a successor ends it.

mod life;
mod signals;
pub(super) mod successor;
mod systemd;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::complain;
use crate::diagnostic::Report;
use crate::handover::Predecessor;
use crate::load::load;
use crate::observe::logger;
use crate::server::{Server, StartError};
use crate::snapshot::lifecycle;
use signals::{Early, Signals};

/// Runs the gateway. With `take_over` in place of the process that waits at the file's `upgrade.socket`.
pub(super) fn run(file: &Path, take_over: bool) -> ExitCode {
    // Before anything else: from here on a SIGHUP is a message and no longer the end of the process.
    let early = Early::listen();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("portcullis")
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!(
                "portcullis: the system gives no threads: {error}\n"
            ));
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(serve(file, take_over, early)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Not through the log, which the operator may have turned off: this is the last word of the process.
            complain(&why);
            ExitCode::FAILURE
        }
    };
    // Whatever still runs after the drain is cut here.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

async fn serve(file: &Path, take_over: bool, early: Early) -> Result<(), String> {
    let signals = Signals::listen()
        .map_err(|error| format!("portcullis: the system gives no signal handlers: {error}\n"))?;
    let (loaded, source) = load(file).map_err(|report| report.to_string())?;
    logger::start(&loaded.config.log)
        .map_err(|error| format!("portcullis: the log file cannot be opened: {error}\n"))?;
    let predecessor = match take_over {
        false => None,
        true => {
            let socket = lifecycle::upgrade_socket(&loaded.config).ok_or(NO_SOCKET)?;
            let met = Predecessor::meet(&socket).await.map_err(|why| {
                format!(
                    "portcullis: there is nothing to take over at {}: {why}\n",
                    socket.display()
                )
            })?;
            Some(met)
        }
    };
    let took_over = predecessor.is_some();
    let server = match Server::start_after(loaded, predecessor).await {
        Ok(server) => server,
        Err(StartError::Config(mistakes)) => {
            return Err(Report::new(source, mistakes).to_string());
        }
        Err(other) => return Err(format!("portcullis: {other}\n")),
    };
    for (_, address) in server.bound() {
        log::info!("listening on {address}");
    }
    log::info!("metrics and health on {}", server.admin_url());
    systemd::ready();
    life::live(file, server, signals, took_over, early.hangup()).await;
    Ok(())
}

const NO_SOCKET: &str = "portcullis: --take-over needs to know where the running process waits: write for example\n    \
                         upgrade: { socket: /run/portcullis/upgrade.sock }\ninto the file, and restart the running process once\n";
