//! What of the table another process goes on with: bans and refusals. Rates refill within seconds, and connections are not handed on.
//!
//! ```ignore
//! for ban in table.bans(now) { other.restore_ban(ban, now)?; }
//! for refusals in table.refusals(100_000, now) { other.restore_refusals(&refusals, now); }
//! ```

use std::cmp::Reverse;

use super::super::address::Address;
use super::super::clock::Now;
use super::super::rules::ScopeId;
use super::super::strikes::{KEPT, Strikes};
use super::Table;
use super::bans::{Ban, BansFull};

/// The refusals of an address that may yet lead to a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::limits) struct Refusals {
    pub address: Address,
    /// When the newest slot began.
    pub began: Now,
    /// Refusals by slot, the newest first.
    pub slots: [u16; KEPT],
    /// When they are forgotten.
    pub until: Now,
}

impl Table {
    /// Begins a ban as it was, in place of one that runs.
    ///
    /// # Errors
    /// There is no room for one more.
    pub(in crate::limits) fn restore_ban(&self, ban: Ban, now: Now) -> Result<(), BansFull> {
        let (shard, key) = self.place(ban.address);
        let mut state = shard.lock();
        let now = state.time(now);
        let found = state.find(key);
        let slot = state.change(found, key, now, |_| ()).ok_or(BansFull)?;
        state.begin_ban(slot, ban.until, ban.cause, now)?;
        let at = state.slab.get(slot).ban;
        *state.bans.get_mut(at) = ban;
        Ok(())
    }

    /// The refusals of those who have most of them, at most `most`.
    pub(in crate::limits) fn refusals(&self, most: usize, now: Now) -> Vec<Refusals> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let mut state = shard.lock();
            let now = state.time(now);
            for slot in state.slots() {
                let entry = state.slab.get(slot);
                let of_process = entry.key.scope == ScopeId::PROCESS;
                if of_process && entry.struck_until > now {
                    let (began, slots) = state.slab.strikes(slot).kept();
                    all.push(Refusals {
                        address: entry.key.address,
                        began,
                        slots,
                        until: entry.struck_until,
                    });
                }
            }
        }
        if all.len() > most {
            let count = |of: &Refusals| -> u32 { of.slots.iter().copied().map(u32::from).sum() };
            all.select_nth_unstable_by_key(most, |of| Reverse(count(of)));
            all.truncate(most);
        }
        all
    }

    /// Puts back what [`refusals`](Table::refusals) said.
    pub(in crate::limits) fn restore_refusals(&self, refusals: &Refusals, now: Now) {
        let (shard, key) = self.place(refusals.address);
        let mut state = shard.lock();
        let now = state.time(now);
        let found = state.find(key);
        if let Some(slot) = state.change(found, key, now, |_| ()) {
            state.slab.get_mut(slot).struck_until = refusals.until;
            *state.slab.strikes_mut(slot) = Strikes::restored(refusals.began, refusals.slots);
        }
    }
}
