//! `run`: the gateway in the foreground, until a signal ends it.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use log::{info, warn};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::complain;
use super::load::load;
use crate::config;
use crate::diagnostic::Report;
use crate::server::{Server, StartError};

/// How long requests may take to finish after SIGTERM.
const DRAIN: Duration = Duration::from_secs(30);

pub(super) fn run(file: &Path) -> ExitCode {
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
    let code = runtime.block_on(serve(file));
    // Whatever still runs after the drain is cut here.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

async fn serve(file: &Path) -> ExitCode {
    // Before anything else: from here on a SIGHUP is a message and no longer the end of the process.
    let signals = (
        signal(SignalKind::hangup()),
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(mut hangup), Ok(mut terminate), Ok(mut interrupt)) = signals else {
        complain("portcullis: the system gives no signal handlers\n");
        return ExitCode::FAILURE;
    };
    let (config, source) = match load(file) {
        Ok(loaded) => loaded,
        Err(report) => {
            complain(&report.to_string());
            return ExitCode::FAILURE;
        }
    };
    start_log(config.log.level);
    let server = match Server::start(&config).await {
        Ok(server) => server,
        Err(StartError::Config(mistakes)) => {
            complain(&Report::new(source, mistakes).to_string());
            return ExitCode::FAILURE;
        }
        Err(other) => {
            // Not through the log, which the operator may have turned off: this is the last word of the process.
            complain(&format!("portcullis: {other}\n"));
            return ExitCode::FAILURE;
        }
    };
    for (_, address) in server.bound() {
        info!("listening on {address}");
    }
    info!("metrics and health on http://{}", server.admin());
    loop {
        tokio::select! {
            _ = hangup.recv() => reload(file, &server).await,
            _ = terminate.recv() => {
                info!("SIGTERM: finishing what is under way, for at most {DRAIN:?}");
                return drain(server, &mut interrupt).await;
            }
            _ = interrupt.recv() => {
                info!("SIGINT: stopping now");
                return ExitCode::SUCCESS;
            }
        }
    }
}

async fn drain(server: Server, interrupt: &mut Signal) -> ExitCode {
    tokio::select! {
        cut = server.stop(DRAIN) => info!("stopped; {cut} connections were cut"),
        _ = interrupt.recv() => info!("SIGINT: stopping now"),
    }
    ExitCode::SUCCESS
}

async fn reload(file: &Path, server: &Server) {
    let why: Box<dyn std::error::Error> = match load(file) {
        Ok((config, source)) => match server.reload(&config).await {
            Ok(()) => {
                follow_level(config.log.level);
                return info!("SIGHUP: the configuration was applied");
            }
            Err(StartError::Config(mistakes)) => Box::new(Report::new(source, mistakes)),
            Err(other) => Box::new(other),
        },
        Err(report) => Box::new(report),
    };
    warn!("SIGHUP: refused, the running configuration stays:\n{why}");
}

/// Everything of ours passes the logger's own filter, so that the file's level can change while the gateway runs.
/// RUST_LOG wins over the file, for the hour in which somebody needs more.
fn start_log(level: config::LogLevel) {
    let env = env_logger::Env::default().default_filter_or("portcullis=trace,pingora=error");
    let _ = env_logger::Builder::from_env(env).try_init();
    follow_level(level);
}

fn follow_level(level: config::LogLevel) {
    if std::env::var_os("RUST_LOG").is_none()
        && let Ok(level) = level.word().parse()
    {
        log::set_max_level(level);
    }
}
