//! What goes wrong on purpose, switchable while the server runs.
//!
//! ```
//! use loadtest::wire::{Fault, Faults};
//! let faults = Faults::default();
//! faults.next("/messaging/messages", 1, Fault::CloseInBody(5)); // the next poll only
//! faults.set(Fault::Delay(std::time::Duration::from_millis(20))); // everything, until cleared
//! faults.clear();
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One way to go wrong, applied to one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// TCP reset once this many bytes of the answer, head included, are written.
    ResetAfter(usize),
    /// Close without finishing once this many bytes of the body (as framed) are written.
    CloseInBody(usize),
    /// Read the request, then close without a byte.
    CloseBeforeHead,
    /// Read the request, then neither write nor close.
    HangBeforeHead,
    /// Stop writing once this many bytes of the body (as framed) are written, connection left open.
    HangInBody(usize),
    /// Wait this long before the answer is begun.
    Delay(Duration),
}

/// The fault switches of one server. Clones are the same switches.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Rule>>>);

#[derive(Debug)]
struct Rule {
    in_target: String,
    left: Option<u32>,
    fault: Fault,
}

impl Faults {
    /// Applies a fault to every request from now on.
    pub fn set(&self, fault: Fault) {
        self.add("", None, fault);
    }

    /// Applies a fault to every request whose target contains this text.
    pub fn set_for(&self, in_target: &str, fault: Fault) {
        self.add(in_target, None, fault);
    }

    /// Applies a fault to the next `times` requests whose target contains this text.
    pub fn next(&self, in_target: &str, times: u32, fault: Fault) {
        self.add(in_target, Some(times), fault);
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// Every fault that a request for this target meets, oldest rule first.
    pub(super) fn take(&self, target: &str) -> Vec<Fault> {
        let mut rules = self.rules();
        let mut met = Vec::new();
        for rule in rules
            .iter_mut()
            .filter(|rule| target.contains(&rule.in_target))
        {
            rule.left = rule.left.map(|left| left.saturating_sub(1));
            met.push(rule.fault);
        }
        rules.retain(|rule| rule.left != Some(0));
        met
    }

    fn add(&self, in_target: &str, left: Option<u32>, fault: Fault) {
        if left != Some(0) {
            self.rules().push(Rule {
                in_target: in_target.to_owned(),
                left,
                fault,
            });
        }
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_fault_wears_off_and_meets_only_its_target() {
        let faults = Faults::default();
        faults.next("/poll", 2, Fault::HangBeforeHead);
        assert_eq!(faults.take("/say"), []);
        assert_eq!(faults.take("/poll/1"), [Fault::HangBeforeHead]);
        assert_eq!(faults.take("/poll/1"), [Fault::HangBeforeHead]);
        assert_eq!(faults.take("/poll/1"), []);
    }

    #[test]
    fn a_standing_fault_stays_until_cleared() {
        let faults = Faults::default();
        faults.set(Fault::CloseBeforeHead);
        assert_eq!(faults.take("/a"), [Fault::CloseBeforeHead]);
        assert_eq!(faults.take("/b"), [Fault::CloseBeforeHead]);
        faults.clear();
        assert_eq!(faults.take("/a"), []);
    }
}
