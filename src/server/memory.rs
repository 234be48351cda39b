//! Bans and refusals on their way into the state file, and back at the next start.
//!
//! ```ignore
//! memory::restore(&snapshot, &runtime);
//! tokio::spawn(memory::keep(snapshot, runtime));
//! ```

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use log::{info, warn};
use tokio::time::MissedTickBehavior;

use crate::limits::{Clock, Memory};
use crate::observe::line::counted;
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;
use crate::state::StateFile;

/// What a crash may forget.
const EVERY: Duration = Duration::from_secs(10);

/// Puts back what the last process has left.
pub(super) fn restore(snapshot: &Snapshot, runtime: &Runtime) {
    let Some(file) = &snapshot.lifecycle.state else {
        return;
    };
    let path = file.path().display();
    match file.load() {
        Ok(None) => {}
        Ok(Some((memory, since))) => {
            let bans = memory.restore(&runtime.limits.table, since, Clock::now());
            info!("{} from {path}, written {since:?} ago", run_on(bans));
        }
        Err(error) => warn!("{path} is not read, so nobody is banned yet: {error}"),
    }
}

/// So many bans that began in another process.
pub(super) fn run_on(bans: usize) -> String {
    let run = if bans == 1 { "runs" } else { "run" };
    format!("{} {run} on", counted(bans, "ban"))
}

/// Writes the file every few seconds, as long as there is something to remember.
pub(super) async fn keep(snapshot: Arc<ArcSwap<Snapshot>>, runtime: Arc<Runtime>) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut had_something, mut complaint) = (true, None);
    loop {
        tick.tick().await;
        let Some(file) = snapshot.load().lifecycle.state.clone() else {
            continue;
        };
        let wrong = match save(file, runtime.clone(), had_something).await {
            Ok(something) => {
                had_something = something;
                None
            }
            Err(why) => Some(why),
        };
        if wrong != complaint {
            match &wrong {
                Some(why) => warn!("bans are not kept over a restart: {why}"),
                None => info!("bans are kept over a restart again"),
            }
            complaint = wrong;
        }
    }
}

/// Writes the file now. Returns whether there was something to write.
pub(super) async fn save(
    file: StateFile,
    runtime: Arc<Runtime>,
    even_nothing: bool,
) -> Result<bool, String> {
    let write = move || {
        let memory = Memory::of(&runtime.limits.table, Clock::now());
        if even_nothing || !memory.is_empty() {
            file.save(&memory)
                .map_err(|error| format!("{}: {error}", file.path().display()))?;
        }
        Ok(!memory.is_empty())
    };
    let written = tokio::task::spawn_blocking(write).await;
    written.unwrap_or_else(|_| Err("the process ends".to_owned()))
}
