//! The life of the process between start and end: signals, and a successor that asks for its place.
//!
//! | | |
//! |---|---|
//! | SIGHUP | reads the file again |
//! | SIGTERM | finishes what is under way, then ends |
//! | SIGINT | ends now |
//! | SIGUSR1 | opens log files anew |
//! | SIGUSR2 | starts a new process that takes over |
//! | SIGQUIT | nothing: elsewhere it hands over, and without a successor that would be the end of the service |

use std::path::Path;
use std::time::Duration;

use log::{info, warn};
use tokio::signal::unix::Signal;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::signals::Signals;
use super::{successor, systemd};
use crate::handover::{Offer, Successor};
use crate::observe::line::counted_were;
use crate::observe::log_file;
use crate::reload;
use crate::server::Server;

/// How often the file's `upgrade.socket` is compared with the one that is open.
const LOOK: Duration = Duration::from_secs(1);

enum End {
    Terminated,
    Interrupted,
    Succeeded(Successor),
}

/// Returns when the process may end.
pub(super) async fn live(
    file: &Path,
    mut server: Server,
    mut signals: Signals,
    took_over: bool,
    again: bool,
) {
    successor::remember_program();
    let end = tokio::select! {
        () = reloads(&mut signals.hangup, file, &server, again) => return,
        () = systemd::watchdog() => return,
        () = minor(&mut signals.quit, &mut signals.reopen, &mut signals.upgrade, file, &server) => return,
        successor = succession(&server, took_over) => End::Succeeded(successor),
        _ = signals.terminate.recv() => End::Terminated,
        _ = signals.interrupt.recv() => End::Interrupted,
    };
    match end {
        End::Interrupted => {
            info!("SIGINT: stopping now");
            server.flush().await;
        }
        End::Terminated => {
            let lifecycle = server.snapshot().lifecycle.clone();
            let within = lifecycle.delay.unwrap_or_default() + lifecycle.within;
            systemd::stopping(within);
            let deadline = Instant::now() + within;
            let predecessor = server.predecessor();
            drain(server, &mut signals.interrupt).await;
            systemd::after(predecessor, deadline).await;
        }
        End::Succeeded(successor) => {
            successor::stands_alone(successor.pid()).await;
            systemd::succeeded_by(successor.pid());
            leave(server, successor, &mut signals).await;
        }
    }
}

async fn drain(server: Server, interrupt: &mut Signal) {
    let lifecycle = server.snapshot().lifecycle.clone();
    let within = lifecycle.within;
    let draining = async {
        if let Some(delay) = lifecycle.delay {
            info!("SIGTERM: not ready any more; listeners close in {delay:?}");
            server.announce_end();
            tokio::time::sleep(delay).await;
        }
        info!("SIGTERM: finishing what is under way, for at most {within:?}");
        server.stop(within).await
    };
    tokio::select! {
        cut = draining => info!("stopped; {} cut", counted_were(cut, "connection")),
        _ = interrupt.recv() => info!("SIGINT: stopping now"),
    }
}

async fn leave(server: Server, mut successor: Successor, signals: &mut Signals) {
    let pid = successor.pid();
    let within = server.snapshot().lifecycle.upgrade_within;
    info!("process {pid} has taken over; finishing what is under way, for at most {within:?}");
    let hurried = tokio::select! {
        cut = server.leave_to(&mut successor) => {
            server.flush().await;
            info!("ended; {} cut", counted_were(cut, "connection"));
            false
        }
        _ = signals.terminate.recv() => true,
        _ = signals.interrupt.recv() => {
            info!("SIGINT: stopping now");
            false
        }
        () = async { loop {
            tokio::select! {
                _ = signals.hangup.recv() => info!("SIGHUP: process {pid} has taken over, send it there"),
                _ = signals.reopen.recv() => reopen_logs(&server),
            }
        } } => false,
    };
    if hurried {
        drain(server, &mut signals.interrupt).await;
    }
}

/// Waits for a new process that takes over, and gives it everything.
async fn succession(server: &Server, took_over: bool) -> Successor {
    let mut offer: Option<Offer> = None;
    let mut complaint = None;
    let mut ours = took_over;
    loop {
        let wanted = server.snapshot().lifecycle.upgrade_socket.clone();
        if offer.as_ref().map(Offer::path) != wanted.as_deref() {
            if let Some(old) = offer.take() {
                old.withdraw();
            }
            if let Some(path) = &wanted {
                let opened = match std::mem::take(&mut ours) {
                    true => Offer::replace(path),
                    false => Offer::open(path).await,
                };
                let why = opened.as_ref().err().map(ToString::to_string);
                if why != complaint {
                    if let Some(why) = &why {
                        warn!("no new process can take over: {}: {why}", path.display());
                    }
                    complaint = why;
                }
                offer = opened.ok();
            }
        }
        let accept = async {
            match &offer {
                Some(offer) => offer.accept().await,
                None => std::future::pending().await,
            }
        };
        let Ok(mut successor) = tokio::time::timeout(LOOK, accept).await else {
            continue;
        };
        match server.hand_over(&mut successor).await {
            Ok(()) => return successor,
            Err(why) => warn!("nothing was handed over, this process goes on: {why}"),
        }
    }
}

/// Signals that end nothing.
async fn minor(
    quit: &mut Signal,
    reopen: &mut Signal,
    upgrade: &mut Signal,
    file: &Path,
    server: &Server,
) {
    // Gone when somebody has taken over: its end is no failure then.
    let mut watched = JoinSet::new();
    loop {
        tokio::select! {
            _ = quit.recv() => warn!(
                "SIGQUIT: this process goes on; SIGUSR2 starts a new one that takes over, SIGTERM ends this one"
            ),
            _ = reopen.recv() => reopen_logs(server),
            _ = upgrade.recv() => successor::start(file, &mut watched).await,
            Some(_) = watched.join_next() => {}
        }
    }
}

/// Opens `log.file` and the access log anew; the latter says itself how that went.
fn reopen_logs(server: &Server) {
    server.reopen_access_log();
    match log_file::reopen() {
        Ok(Some(path)) => info!("SIGUSR1: {} is open anew", path.display()),
        Ok(None) => {
            info!("SIGUSR1: the log goes to standard error, there is no file to open anew");
        }
        Err(error) => warn!("SIGUSR1: the log stays in the file that was moved away: {error}"),
    }
}

async fn reloads(hangup: &mut Signal, file: &Path, server: &Server, again: bool) {
    if again {
        // It came while the file was being read, so what was read may be older than it.
        reload(file, server).await;
    }
    loop {
        hangup.recv().await;
        // Signals that come during a reload are one more reload after it.
        reload(file, server).await;
    }
}

async fn reload(file: &Path, server: &Server) {
    systemd::reloading();
    reload::reload(server, file).await;
    systemd::ready();
}
