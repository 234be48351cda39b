//! What the next process goes on with, so that an upgrade signs nobody out of the list. For the successor only, never for a file.
//!
//! ```
//! use portcullis::limits::{Clock, interactions::Interactions};
//! use portcullis::people::{Heritage, People};
//! let key = Interactions::new().key();
//! let (old, new) = (People::under(&key), People::under(&key));
//! let heritage = serde_json::to_string(&Heritage::of(&old, Clock::now()))?;
//! serde_json::from_str::<Heritage>(&heritage)?.restore(&new, Clock::now());
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::limits::interactions::Digest;
use crate::limits::{Address, Ago, Now};

use super::record::Record;
use super::{Kind, MOST_HELD, People, SessionKey, lock};

/// The sessions of a process at one moment.
#[derive(Default, Serialize, Deserialize)]
pub struct Heritage(Vec<Kept>);

/// No id is in it, no cookie and no token, only digests under the key of the process.
#[derive(Serialize, Deserialize)]
struct Kept {
    session: Digest,
    /// By name: a version that does not know it leaves it out.
    kind: String,
    server: String,
    user: Option<String>,
    address: Address,
    since: Ago,
    active: Ago,
    requests: u64,
    live: bool,
    known: [Option<Digest>; 2],
}

impl Heritage {
    /// What there is at `now`.
    pub fn of(people: &People, now: Now) -> Heritage {
        let mut kept = Vec::new();
        for shard in &people.shards {
            for (session, record) in lock(shard).records().iter() {
                if record.ended.is_none() {
                    kept.push(Kept::of(*session, record, now));
                }
            }
        }
        Heritage(kept)
    }

    /// Puts it into a process that has the old one's key and has seen nothing yet. Channels stay with the old process: whoever has
    /// one is there until [`People::predecessor_ended`].
    pub fn restore(self, people: &People, now: Now) {
        for kept in self.0.into_iter().take(MOST_HELD) {
            let session = SessionKey(kept.session);
            let Some(record) = kept.record(now) else {
                continue;
            };
            if people
                .shard(session)
                .records()
                .insert(session, record)
                .is_none()
            {
                people.held.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Kept {
    fn of(session: SessionKey, record: &Record, now: Now) -> Kept {
        Kept {
            session: session.0,
            kind: record.kind.name().to_owned(),
            server: record.server.to_string(),
            user: record.user.as_deref().map(str::to_owned),
            address: record.address,
            since: Ago::of(record.since, now),
            active: Ago::of(record.active, now),
            requests: record.requests,
            live: record.is_live(),
            known: record.known,
        }
    }

    fn record(self, now: Now) -> Option<Record> {
        Some(Record {
            kind: Kind::named(&self.kind)?,
            server: Arc::from(self.server),
            user: self.user.map(Arc::from),
            address: self.address,
            since: self.since.from(now),
            active: self.active.from(now),
            requests: self.requests,
            channels: 0,
            elsewhere: self.live,
            // Below every one that is given here.
            generation: 0,
            ended: None,
            known: self.known,
        })
    }
}
