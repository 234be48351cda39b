//! What holds of a shard between any two calls, counted anew from nothing.

use std::collections::HashSet;

use super::*;

impl State {
    /// Panics if a list, a chain or a count contradicts another.
    pub fn check(&self) {
        let mut chained = HashSet::new();
        for (bucket, first) in self.buckets.iter().enumerate() {
            let mut slot = *first;
            while slot != NONE {
                let entry = self.slab.get(slot);
                assert_eq!(self.bucket(entry.key), bucket);
                assert!(chained.insert(slot), "a slot is chained twice");
                slot = entry.next;
            }
        }
        assert_eq!(chained.len(), self.slab.len());
        assert!(self.slab.len() <= self.slab.capacity());

        let mut idle = HashSet::new();
        let (mut slot, mut before) = (self.idle.oldest(), NONE);
        while let Some(at) = slot {
            let entry = self.slab.get(at);
            assert_eq!(entry.older, before);
            assert!(idle.insert(at), "a slot is idle twice");
            before = at;
            slot = (entry.newer != NONE).then_some(entry.newer);
        }
        for slot in &chained {
            let pinned = self.slab.get(*slot).is_pinned();
            assert_ne!(idle.contains(slot), pinned, "pinned and idle, or neither");
        }
        assert!(idle.is_subset(&chained));

        let banned = chained
            .iter()
            .filter(|slot| self.slab.get(**slot).ban != NONE);
        assert_eq!(banned.count(), self.bans.len());
        for slot in &chained {
            let entry = self.slab.get(*slot);
            if entry.ban != NONE {
                assert_eq!(self.bans.get(entry.ban).address, entry.key.address);
            }
        }
    }

    /// Connections and requests that are counted.
    pub fn held(&self) -> u64 {
        let some = |slot: u32| (slot != NONE).then_some(slot);
        let next = |slot: &u32| some(self.slab.get(*slot).next);
        let chain = |first: &u32| std::iter::successors(some(*first), next);
        let entries = self
            .buckets
            .iter()
            .flat_map(chain)
            .map(|slot| self.slab.get(slot));
        entries
            .map(|entry| u64::from(entry.open) + u64::from(entry.in_flight))
            .sum()
    }
}
