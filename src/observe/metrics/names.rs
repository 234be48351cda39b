//! Which routes and servers a file names, to find out which series are of the past.
//!
//! ```ignore
//! let gone = |name: &str| !Names::of(&snapshot).has(name);
//! ```

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::snapshot::Snapshot;

/// What a file names: routes and servers, as digests, since there may be a hundred thousand.
pub(super) struct Names(HashSet<u64>);

impl Names {
    pub(super) fn of(snapshot: &Snapshot) -> Names {
        let hosts = snapshot.hosts.values();
        let routes = hosts.flat_map(|host| host.routes.routes().map(|(_, route)| &*route.name));
        let servers = snapshot.upstreams.iter().map(|server| &*server.facts.name);
        Names(routes.chain(servers).map(digest).collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&digest(name))
    }
}

fn digest(name: &str) -> u64 {
    let mut digest = DefaultHasher::new();
    name.hash(&mut digest);
    digest.finish()
}
