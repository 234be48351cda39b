//! Putting a compiled configuration in force, and what can still keep it from that: an address that somebody else has.

use std::sync::Arc;
use std::time::Duration;

use log::{error, info};
use tokio::time::sleep;

use super::{FIRST_LOOK_UP, Fresh, Running, aside, broke_off, compared, hash};
use crate::admin::Bound;
use crate::config::{Config, Listener};
use crate::diagnostic::Diagnostic;
use crate::front_door::{BindError, BindErrors};
use crate::load::Loaded;
use crate::server::{Server, StartError, why_not};
use crate::snapshot::Snapshot;

/// Milliseconds after which to look whether a configuration that was replaced is still in use; after these, every second.
const LOOK_AGAIN: [u64; 4] = [0, 20, 100, 300];

impl Server {
    /// Replaces the configuration by one that is in memory. Requests under way finish with the one they began with. One that changes
    /// nothing does nothing.
    ///
    /// # Errors
    /// [`StartError`]; the old configuration stays in force, whole.
    pub async fn reload(&self, loaded: impl Into<Loaded>) -> Result<(), StartError> {
        let loaded = loaded.into();
        let mut running = self.running.lock().await;
        let before = (running.config.clone(), self.snapshot.load_full());
        let runtime = self.runtime.clone();
        let fresh = aside::run(move || {
            let (config, snapshot) = before;
            compared(loaded, &config, &snapshot, &runtime)
        });
        let fresh = fresh.await.unwrap_or_else(|| Err(vec![broke_off()]));
        match fresh.map_err(StartError::Config)? {
            Some(fresh) => self
                .put_in_force(&mut running, fresh)
                .await
                .map_err(StartError::Config),
            None => Ok(()),
        }
    }

    pub(super) async fn put_in_force(
        &self,
        running: &mut Running,
        fresh: Fresh,
    ) -> Result<(), Vec<Diagnostic>> {
        let Fresh {
            loaded, snapshot, ..
        } = fresh;
        self.runtime.resolver.settled(FIRST_LOOK_UP).await;
        // Bound before anything changes, so that an address that cannot be had changes nothing.
        let moves = snapshot.admin.listen != self.snapshot.load().admin.listen;
        let moved = match moves {
            true => Some(self.bind_admin(&snapshot, &loaded.config)?),
            false => None,
        };
        let applied = self.door.apply(snapshot.listeners.clone()).await;
        if let Err(errors) = applied {
            self.admin_listener().unshare();
            let wrong = at_listeners(errors, &loaded.config.listeners);
            // PERF: what nobody has used yet is as long in going as what somebody has.
            self.give_back(Arc::new(snapshot), loaded.config);
            return Err(wrong);
        }
        self.runtime.access_log.follow(snapshot.access_log.clone());
        let old = self.snapshot.swap(Arc::new(snapshot));
        // SECURITY: after the swap, so that nobody comes in at the new address by the rules of the old one.
        let served = moved.map(|bound| bound.serve(self.snapshot.clone(), self.runtime.clone()));
        match served {
            Some(Ok(new)) => {
                let old = std::mem::replace(&mut *self.admin_listener(), new);
                old.leave().await;
                info!("metrics and health on {}", self.admin_url());
            }
            Some(Err(error)) => {
                self.admin_listener().unshare();
                error!("the admin listener stays where it was: {error}");
            }
            None => {}
        }
        self.announce();
        let config = std::mem::replace(&mut running.config, loaded.config);
        running.digest = loaded.digest;
        self.give_back(old, config);
        Ok(())
    }

    fn bind_admin(&self, snapshot: &Snapshot, config: &Config) -> Result<Bound, Vec<Diagnostic>> {
        let listen = snapshot.admin.listen;
        Bound::at(listen, Some(&self.admin_listener())).map_err(|error| {
            let what = format!("the admin listener cannot listen on {listen}: {error}");
            let wrong = Diagnostic::new(config.admin.listen.place, what);
            vec![match why_not(listen, &error) {
                why if why.is_empty() => wrong,
                why => wrong.remedy(why.trim_start_matches([':', ' '])),
            }]
        })
    }

    fn give_back(&self, snapshot: Arc<Snapshot>, config: Arc<Config>) {
        let retired = self.runtime.retired.clone();
        retired.keep(snapshot, config);
        // PERF: requests under way hold on to it for some milliseconds more. Who looks again soon has one configuration less in memory
        // when the next reload comes.
        tokio::spawn(async move {
            for wait in LOOK_AGAIN {
                sleep(Duration::from_millis(wait)).await;
                retired.sweep();
            }
        });
    }

    /// New addresses of a configuration that is refused for other reasons, and that somebody else has.
    pub(super) fn cannot_be_bound(&self, listeners: &[Listener]) -> Vec<Diagnostic> {
        let wanted: Vec<_> = listeners.iter().map(|new| *new.listen).collect();
        at_listeners(self.door.cannot_be_bound(&wanted), listeners)
    }

    /// Says what runs, in the metrics.
    pub(crate) async fn started(&self) {
        let hash = hash(&*self.running.lock().await, self);
        self.runtime.metrics.config.started(hash.as_deref());
        self.runtime.reloads.runs(hash);
    }
}

/// Addresses that cannot be listened on, at the places that name them.
fn at_listeners(errors: BindErrors, listeners: &[Listener]) -> Vec<Diagnostic> {
    let place = |error: &BindError| {
        listeners
            .iter()
            .find(|listener| *listener.listen == error.listen)
            .and_then(|listener| listener.listen.place)
    };
    errors
        .iter()
        .map(|found| {
            let wrong = Diagnostic::new(place(found), found.to_string());
            match why_not(found.listen, &found.error) {
                why if why.is_empty() => wrong,
                why => wrong.remedy(why.trim_start_matches([':', ' '])),
            }
        })
        .collect()
}
