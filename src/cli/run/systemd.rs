//! What systemd is told (sd_notify(3)): ready, reloading, stopping, alive, and which process is the main one. Nothing where there is none.

use std::time::Duration;

use log::{info, warn};
use sd_notify::{NotifyState, notify};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// From the drain's deadline to the end of the process.
const MARGIN: Duration = Duration::from_secs(10);

pub(super) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// From here to [`ready`] `systemctl reload` waits, where the unit says `Type=notify-reload`.
pub(super) fn reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// What is under way may take so long. Without the last word systemd kills after `TimeoutStopSec=`, whatever the file says.
pub(super) fn stopping(within: Duration) {
    let status = NotifyState::Status("finishing what is under way");
    let micros = (within + MARGIN).as_micros();
    let longer = NotifyState::ExtendTimeoutUsec(u32::try_from(micros).unwrap_or(u32::MAX));
    tell(&[NotifyState::Stopping, status, longer]);
}

/// The successor is the service from now on. This process ends when its connections have.
pub(super) fn succeeded_by(pid: u32) {
    tell(&[NotifyState::MainPid(pid)]);
}

/// The main process ends last. What is left then has `TimeoutStopSec=` and no say in it, whatever the file gives it.
pub(super) async fn after(predecessor: Option<JoinHandle<()>>, deadline: Instant) {
    let Some(mut predecessor) = predecessor.filter(|old| !old.is_finished()) else {
        return;
    };
    if std::env::var_os("NOTIFY_SOCKET").is_some() {
        info!("the process before this one still finishes");
        let _ = timeout_at(deadline, &mut predecessor).await;
    }
}

/// Says for ever that the process lives: from a task of the runtime, so that a runtime that stands still says nothing.
pub(super) async fn watchdog() {
    let Some(within) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut tick = tokio::time::interval((within / 3).max(Duration::from_millis(10)));
    loop {
        tick.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(what: &[NotifyState<'_>]) {
    if let Err(error) = notify(what) {
        warn!("systemd was not told {what:?}: {error}");
    }
}
