//! A running server hands over to a new process, and a new one follows what is left of the old.
//!
//! ```ignore
//! server.hand_over(&mut successor).await?;
//! let cut = server.leave_to(&mut successor).await;
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use log::info;
use tokio::task::JoinHandle;

use super::Server;
use crate::handover::{Failed, Heritage, Remains, Successor};
use crate::limits::Clock;
use crate::runtime::Runtime;

/// How often the old process says how many connections it has.
const REPORT: Duration = Duration::from_secs(1);

impl Server {
    /// Gives a new process the sockets and what is remembered of clients. Afterwards this one accepts nothing.
    ///
    /// # Errors
    /// The new process did not get as far as serving. Then this one accepts as before.
    pub async fn hand_over(&self, successor: &mut Successor) -> Result<(), Failed> {
        successor.introduced().await?;
        // No reload from here on: it would change the listeners.
        let _running = self.running.lock().await;
        let sockets = self.door.sockets()?;
        let key = self.runtime.limits.interactions.key();
        let admin = self.admin_listener().socket()?;
        successor.greet(sockets, admin, key).await?;
        successor.ready().await?;
        self.door.pause().await;
        // Each server is probed by one of the two.
        self.runtime.health.stop();
        let heritage = Heritage::of(&self.runtime.limits, &self.runtime.people);
        let served = successor.serving(&heritage).await;
        match served {
            // SECURITY: the state file is the new process's from now on.
            Ok(()) => self.handed_over.store(true, Ordering::Relaxed),
            Err(_) => {
                self.runtime.health.follow(&self.snapshot.load().upstreams);
                self.door.resume().await;
            }
        }
        served
    }

    /// Lets connections finish, within `upgrade.within`, and tells the new process how many there are. Returns how many had to be cut.
    pub async fn leave_to(&self, successor: &mut Successor) -> usize {
        self.runtime.drains();
        let older = self.predecessor.iter();
        self.tasks.iter().chain(older).for_each(JoinHandle::abort);
        self.admin_listener().close();
        let report = async {
            let mut tick = tokio::time::interval(REPORT);
            loop {
                tick.tick().await;
                if !successor.report(self.door.open_connections()).await {
                    return;
                }
            }
        };
        let within = self.snapshot.load().lifecycle.upgrade_within;
        tokio::pin! {
            let winding = self.door.wind_down(within);
        }
        let cut = tokio::select! {
            cut = &mut winding => cut,
            () = report => winding.await,
        };
        self.flush().await;
        cut
    }
}

/// Shows the connections of the old process until it has ended.
pub(super) async fn follow(mut remains: Remains, runtime: Arc<Runtime>) {
    let gauge = &runtime.metrics.predecessor_connections;
    while let Some(connections) = remains.report().await {
        gauge.set(i64::try_from(connections).unwrap_or(i64::MAX));
    }
    gauge.set(0);
    runtime.people.predecessor_ended(Clock::now());
    info!("process {} has ended", remains.pid());
}
