//! The idle entries of a shard in the order in which they became idle: what goes first when room is needed.
//!
//! ```ignore
//! idle.push(&mut slab, slot);
//! assert_eq!(idle.oldest(), Some(slot));
//! idle.unlink(&mut slab, slot);
//! ```

use super::entry::NONE;
use super::slab::Slab;

/// A list through the entries themselves: every step takes the same time, however long it is.
#[derive(Debug)]
pub(super) struct Idle {
    oldest: u32,
    newest: u32,
}

impl Idle {
    pub fn new() -> Self {
        Idle {
            oldest: NONE,
            newest: NONE,
        }
    }

    /// What has been idle for longest.
    pub fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// Appends what has just become idle.
    pub fn push(&mut self, slab: &mut Slab, slot: u32) {
        let before = std::mem::replace(&mut self.newest, slot);
        let entry = slab.get_mut(slot);
        entry.older = before;
        entry.newer = NONE;
        match before {
            NONE => self.oldest = slot,
            before => slab.get_mut(before).newer = slot,
        }
    }

    /// Takes out what is idle no longer.
    pub fn unlink(&mut self, slab: &mut Slab, slot: u32) {
        let entry = slab.get_mut(slot);
        let older = std::mem::replace(&mut entry.older, NONE);
        let newer = std::mem::replace(&mut entry.newer, NONE);
        match older {
            NONE => self.oldest = newer,
            older => slab.get_mut(older).newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => slab.get_mut(newer).older = older,
        }
    }

    /// Makes it the newest.
    pub fn renew(&mut self, slab: &mut Slab, slot: u32) {
        if self.newest != slot {
            self.unlink(slab, slot);
            self.push(slab, slot);
        }
    }
}
