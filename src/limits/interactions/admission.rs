//! May this visitor start one more? The limits of a pair, asked in the order in which the simulated server asks its own.
//!
//! The lasting ones come first: what they refuse takes no place in a burst window.
//!
//! ```ignore
//! if let Some(parameter) = exceeded(&owner, trusted, &rules, &tally, &mut bursts, now) {
//!     return Err(parameter);
//! }
//! ```

use super::parameter::Parameter;
use super::rules::Rules;
use super::tally::{Owner, Tally, Who};
use super::window::Bursts;
use crate::limits::clock::Now;

/// The first limit of the pair that one more of this owner would exceed. Charges nothing.
pub(super) fn exceeded(
    owner: &Owner,
    trusted: bool,
    rules: &Rules,
    tally: &Tally,
    bursts: &mut Bursts,
    now: Now,
) -> Option<Parameter> {
    if !trusted && tally.address(owner.address) >= rules.per_address {
        return Some(Parameter::PerAddress);
    }
    if owner.who == Who::Anonymous && tally.anonymous() >= rules.anonymous {
        return Some(Parameter::Anonymous);
    }
    let active = tally.of_kind(owner.kind);
    if active >= rules.active_interactions {
        return Some(Parameter::ActiveInteractions);
    }
    let (own, parameter) = rules.active(owner.kind);
    if own.is_some_and(|most| active >= most) {
        return Some(parameter);
    }
    if let Who::Named(user) = owner.who
        && tally.user(user) >= rules.per_user
    {
        return Some(Parameter::PerUser);
    }
    bursts.full(owner.kind, rules, now)
}
