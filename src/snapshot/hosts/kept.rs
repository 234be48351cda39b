//! Hosts that a reload leaves as they are: the same words in the file, and the same servers behind them.
//!
//! PERF: most reloads change a few hosts of thousands; the others are compared, which is cheaper than to be made again, and stay
//! where they are in memory.

use std::sync::Arc;

use super::Work;
use crate::config;
use crate::config::value::{HostKey, ServerName};
use crate::routing;
use crate::snapshot::{Before, Host};

impl Work<'_> {
    /// The host as it runs, if neither its own words have changed nor anything that it leads to.
    pub(super) fn kept(
        &self,
        key: &HostKey,
        full: &routing::HostKey,
        host: &config::Host,
    ) -> Option<Arc<Host>> {
        let before = self.before?;
        let old = before.config.hosts.get(key).filter(|old| *old == host)?;
        // Names are shown as they are written, though upper and lower case find the same server.
        let mut names = host.servers().zip(old.servers());
        let same = names
            .all(|(name, old)| name.as_str() == old.as_str() && self.is_kept(before, name))
            && host.folders().all(|folder| self.folders.is_good(folder));
        let kept = before.snapshot.hosts.get(full).filter(|_| same).cloned()?;
        for route in host.all_routes() {
            if route.limits.is_some() {
                // A name of limits that nobody asks for is forgotten one day.
                self.limits
                    .scope_of(&format!("{}{}", kept.name, route.path));
            }
        }
        Some(kept)
    }

    fn is_kept(&self, before: Before<'_>, name: &ServerName) -> bool {
        let old = before.config.servers.get_index_of(name);
        let old = old.and_then(|position| before.snapshot.upstreams.get(position));
        let now = self.config.servers.get_index_of(name);
        let now = now.and_then(|position| self.prepared.upstream(position));
        old.zip(now).is_some_and(|(old, now)| Arc::ptr_eq(old, now))
    }
}
