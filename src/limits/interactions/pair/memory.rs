//! What a pair's successor in another process goes on with: chats and callbacks that run, and starts whose answer is still to come.
//!
//! ```ignore
//! let kept = KeptPair::of(&pair, now);
//! kept.restore(&other, now);
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::state::{Record, Start};
use super::{MOST_HELD, Pair};
use crate::limits::address::Address;
use crate::limits::clock::Now;
use crate::limits::interactions::digest::Digest;
use crate::limits::interactions::tally::{Kind, Owner, Who};
use crate::limits::memory::Ago;

/// The interactions of one pair at one moment. No id is in it, only digests under the key of the process.
#[derive(Serialize, Deserialize)]
pub(in crate::limits::interactions) struct KeptPair {
    pub name: String,
    started: Vec<KeptRecord>,
    unanswered: Vec<KeptStart>,
}

#[derive(Serialize, Deserialize)]
struct KeptRecord {
    id: Digest,
    participant: Digest,
    owner: KeptOwner,
    server: String,
    since: Ago,
    active: Ago,
    asked: Ago,
    adopted: bool,
    /// A process of an older version does not tell it.
    #[serde(default)]
    requests: u64,
}

#[derive(Serialize, Deserialize)]
struct KeptStart {
    owner: KeptOwner,
    asked: Ago,
}

#[derive(Serialize, Deserialize)]
struct KeptOwner {
    kind: Kind,
    address: Address,
    who: Who,
}

impl From<Owner> for KeptOwner {
    fn from(Owner { kind, address, who }: Owner) -> Self {
        KeptOwner { kind, address, who }
    }
}

impl From<&KeptOwner> for Owner {
    fn from(kept: &KeptOwner) -> Self {
        Owner {
            kind: kept.kind,
            address: kept.address,
            who: kept.who,
        }
    }
}

impl KeptPair {
    /// What the pair has at `now`.
    pub fn of(pair: &Pair, now: Now) -> KeptPair {
        let state = pair.lock(now);
        let record = |(id, record): (&Digest, &Record)| KeptRecord {
            id: *id,
            participant: record.participant,
            owner: record.owner.into(),
            server: record.server.to_string(),
            since: Ago::of(record.since, now),
            active: Ago::of(record.active, now),
            asked: Ago::of(record.asked, now),
            adopted: record.adopted,
            requests: record.requests,
        };
        let start = |start: &Start| KeptStart {
            owner: start.owner.into(),
            asked: Ago::of(start.doubt.unwrap_or(start.asked), now),
        };
        KeptPair {
            name: pair.name.to_string(),
            started: state.records.iter().map(record).collect(),
            unanswered: state.starts.values().map(start).collect(),
        }
    }

    /// Puts it into a pair that knows nothing yet. Starts are in doubt there: the old process hears their answers.
    pub fn restore(&self, pair: &Pair, now: Now) {
        let mut state = pair.lock(now);
        for kept in &self.started {
            if state.tally.all() >= MOST_HELD || state.records.contains_key(&kept.id) {
                continue;
            }
            let owner = Owner::from(&kept.owner);
            state.tally.add(owner);
            state.participants.insert(kept.participant, kept.id);
            let record = Record {
                owner,
                since: kept.since.from(now),
                active: kept.active.from(now),
                server: Arc::from(kept.server.as_str()),
                participant: kept.participant,
                asked: kept.asked.from(now),
                adopted: kept.adopted,
                requests: kept.requests,
            };
            state.records.insert(kept.id, record);
        }
        for kept in &self.unanswered {
            if state.tally.all() >= MOST_HELD {
                break;
            }
            let mut owner = Owner::from(&kept.owner);
            if let Who::Named(_) = owner.who {
                // SECURITY: as with every doubt, only the server's success proves a name.
                owner.who = Who::Unknown;
            }
            state.tally.add(owner);
            let number = state.reserve(owner, kept.asked.from(now));
            if let Some(start) = state.starts.get_mut(&number) {
                start.doubt = Some(start.asked);
            }
        }
    }
}
