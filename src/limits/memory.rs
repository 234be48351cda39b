//! What of the limits outlives the process: bans and refusals, for a state file or a successor; chats and callbacks for a successor only.
//!
//! Times are milliseconds from the moment of saving, because each process has a clock of its own.
//!
//! ```
//! use portcullis::limits::{Address, Clock, Limits, Memory};
//! use std::time::Duration;
//! let (old, new) = (Limits::new(), Limits::new());
//! let client: Address = "192.0.2.7".parse()?;
//! old.table.ban(client, Duration::from_secs(600), Clock::now())?;
//! let memory = serde_json::to_string(&Memory::of(&old.table, Clock::now()))?;
//! let memory: Memory = serde_json::from_str(&memory)?;
//! memory.restore(&new.table, Duration::from_secs(60), Clock::now());
//! let left = new.table.bans(Clock::now())[0].until.since(Clock::now());
//! assert!(left <= Duration::from_secs(540));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::clock::Now;
use super::strikes::KEPT;
use super::table::{Ban, Cause, Refusals, Table};

/// Addresses whose refusals are kept; more than these are a flood, and those with the most are the ones that matter.
const MOST_REFUSALS: usize = 100_000;

/// Bans and refusals of a process at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    bans: Vec<KeptBan>,
    refusals: Vec<KeptRefusals>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptBan {
    address: Address,
    began: Ago,
    ends: Ahead,
    /// Refusals that led to it; none if an operator said so.
    refusals: Option<u32>,
    refused_since: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptRefusals {
    address: Address,
    began: Ago,
    slots: [u16; KEPT],
    forgotten: Ahead,
}

impl Memory {
    /// What there is at `now`.
    pub fn of(table: &Table, now: Now) -> Memory {
        let ban = |ban: Ban| KeptBan {
            address: ban.address,
            began: Ago::of(ban.since, now),
            ends: Ahead::of(ban.until, now),
            refusals: match ban.cause {
                Cause::Refusals(count) => Some(count),
                Cause::Operator => None,
            },
            refused_since: ban.refused,
        };
        let refusals = |of: Refusals| KeptRefusals {
            address: of.address,
            began: Ago::of(of.began, now),
            slots: of.slots,
            forgotten: Ahead::of(of.until, now),
        };
        let struck = table.refusals(MOST_REFUSALS, now);
        Memory {
            bans: table.bans(now).into_iter().map(ban).collect(),
            refusals: struck.into_iter().map(refusals).collect(),
        }
    }

    /// Puts it into a table, `since` after it was saved. What is over meanwhile is left out. Returns how many bans run again.
    pub fn restore(&self, table: &Table, since: Duration, now: Now) -> usize {
        let saved = now.before(since);
        let mut bans = 0;
        for kept in &self.bans {
            let ban = Ban {
                address: kept.address,
                since: kept.began.from(saved),
                until: kept.ends.from(saved),
                cause: kept.refusals.map_or(Cause::Operator, Cause::Refusals),
                cuts: false,
                refused: kept.refused_since,
            };
            // One that finds no room was one too many before, too.
            if ban.until > now && table.restore_ban(ban, now).is_ok() {
                bans += 1;
            }
        }
        for kept in &self.refusals {
            let refusals = Refusals {
                address: kept.address,
                began: kept.began.from(saved),
                slots: kept.slots,
                until: kept.forgotten.from(saved),
            };
            if refusals.until > now {
                table.restore_refusals(&refusals, now);
            }
        }
        bans
    }

    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.bans.is_empty() && self.refusals.is_empty()
    }
}

/// Milliseconds before the moment of saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ago(u64);

impl Ago {
    pub(crate) fn of(then: Now, saved: Now) -> Ago {
        Ago(milliseconds(saved.since(then)))
    }

    /// The moment, by the clock on which the saving was at `saved`.
    pub(crate) fn from(self, saved: Now) -> Now {
        saved.before(Duration::from_millis(self.0))
    }
}

/// Milliseconds after the moment of saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Ahead(u64);

impl Ahead {
    fn of(then: Now, saved: Now) -> Ahead {
        Ahead(milliseconds(then.since(saved)))
    }

    fn from(self, saved: Now) -> Now {
        saved.after(Duration::from_millis(self.0))
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
