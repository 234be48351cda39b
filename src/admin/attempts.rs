//! Wrong tokens, counted by the address that they come from: after ten of them an address has to wait.
//!
//! ```ignore
//! match attempts.judge(address, now, || token.is(given)) { Attempt::Right => ..., Attempt::Wrong(telling) => ..., Attempt::Wait(time) => ... }
//! ```

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::limits::{Address, Now, RateLimit};

/// Wrong tokens of one address at once.
const BURST: NonZeroU32 = NonZeroU32::new(10).expect("more than none");
/// After so long there may be one more.
const EVERY: Duration = Duration::from_secs(6);
/// Addresses that are remembered. All others share what is left.
const MOST: usize = 4096;
/// Addresses that have shown the right token, beside them.
const KNOWN: usize = 64;
/// Lines about it in the log: at once, and then one a second.
const LINES: NonZeroU32 = NonZeroU32::new(20).expect("more than none");

/// What became of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The token is right.
    Right,
    /// It is not. With how many were left out of the log before it, if it is to be told.
    Wrong(Option<u64>),
    /// It was not looked at. One will be, after so long.
    Wait(Duration),
}

/// Who has tried.
#[derive(Default)]
pub(super) struct Attempts {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    arrivals: HashMap<Address, u64>,
    /// Of all that found no room.
    others: u64,
    /// The last from which the right token came: a flood of wrong ones from everywhere leaves them their room.
    known: VecDeque<Address>,
    told: u64,
    silent: u64,
}

impl Attempts {
    /// Looks at a token, unless too many before it were wrong. SECURITY: a right one is made to wait as well, or the waiting would
    /// keep nobody from guessing on; and it is looked at while nobody else is, or a thousand at once would all be the first.
    pub(super) fn judge(
        &self,
        from: Address,
        now: Now,
        is_right: impl FnOnce() -> bool,
    ) -> Attempt {
        let limit = RateLimit::new(NonZeroU32::MIN, EVERY, BURST);
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let mut arrival = table.arrivals.get(&from).copied();
        if arrival.is_none() && !table.has_room(now) && !table.known.contains(&from) {
            arrival = Some(table.others);
        }
        let mut arrival = arrival.unwrap_or_default();
        let after = match limit.judge(&mut arrival, now) {
            Ok(after) => after,
            Err(wait) => return Attempt::Wait(wait),
        };
        if is_right() {
            table.remember(from);
            return Attempt::Right;
        }
        let has_place = table.arrivals.contains_key(&from) || table.known.contains(&from);
        match has_place || table.arrivals.len() < MOST {
            true => {
                table.arrivals.insert(from, after);
            }
            false => table.others = after,
        }
        Attempt::Wrong(table.may_tell(now))
    }
}

impl Table {
    fn remember(&mut self, from: Address) {
        if !self.known.contains(&from) {
            self.known.truncate(KNOWN - 1);
            self.known.push_front(from);
        }
    }

    fn has_room(&mut self, now: Now) -> bool {
        if self.arrivals.len() >= MOST {
            // Who has waited long enough is as if nothing had been.
            self.arrivals.retain(|_, arrival| *arrival > now.0);
        }
        self.arrivals.len() < MOST
    }

    fn may_tell(&mut self, now: Now) -> Option<u64> {
        let lines = RateLimit::new(NonZeroU32::MIN, Duration::from_secs(1), LINES);
        if lines.take(&mut self.told, now).is_ok() {
            return Some(std::mem::take(&mut self.silent));
        }
        self.silent = self.silent.saturating_add(1);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn address(number: u32) -> Address {
        IpAddr::V4(Ipv4Addr::from_bits(number)).into()
    }

    #[test]
    fn after_ten_wrong_tokens_no_token_is_looked_at_for_a_while_and_other_addresses_do_not_wait() {
        let attempts = Attempts::default();
        let now = Now(1);
        let wrong = |from, now| attempts.judge(address(from), now, || false);
        for _ in 0..10 {
            assert!(matches!(wrong(1, now), Attempt::Wrong(_)));
        }
        let looked_at = || panic!("it was looked at");
        assert_eq!(
            attempts.judge(address(1), now, looked_at),
            Attempt::Wait(EVERY)
        );
        assert_eq!(attempts.judge(address(2), now, || true), Attempt::Right);
        let later = now.after(EVERY);
        assert_eq!(attempts.judge(address(1), later, || true), Attempt::Right);
        assert!(matches!(wrong(1, later), Attempt::Wrong(_)));
        assert_eq!(wrong(1, later), Attempt::Wait(EVERY));
    }

    #[test]
    fn right_tokens_cost_nothing() {
        let attempts = Attempts::default();
        for _ in 0..100 {
            assert_eq!(attempts.judge(address(1), Now(1), || true), Attempt::Right);
        }
    }

    #[test]
    fn a_flood_from_everywhere_is_remembered_up_to_a_bound_told_in_few_lines_and_makes_strangers_wait()
     {
        let attempts = Attempts::default();
        let (mut told, mut waited) = (0, 0);
        for number in 0..20_000 {
            match attempts.judge(address(number), Now(1), || false) {
                Attempt::Wrong(Some(_)) => told += 1,
                Attempt::Wait(_) => waited += 1,
                _ => {}
            }
        }
        let table = attempts.table.lock().unwrap();
        assert_eq!(table.arrivals.len(), MOST);
        assert_eq!((told, waited), (20, 20_000 - MOST - 10));
        assert_eq!(table.silent as usize, MOST + 10 - 20);
    }

    #[test]
    fn who_has_shown_the_right_token_has_a_place_in_any_flood_and_cannot_guess_on_there() {
        let attempts = Attempts::default();
        let operator = address(1_000_000);
        assert_eq!(attempts.judge(operator, Now(1), || true), Attempt::Right);
        for number in 0..20_000 {
            attempts.judge(address(number), Now(1), || false);
        }
        assert_eq!(attempts.judge(operator, Now(1), || true), Attempt::Right);
        let stranger = attempts.judge(address(2_000_000), Now(1), || true);
        assert!(matches!(stranger, Attempt::Wait(_)));
        for _ in 0..10 {
            attempts.judge(operator, Now(1), || false);
        }
        let guess = attempts.judge(operator, Now(1), || panic!("it was looked at"));
        assert_eq!(guess, Attempt::Wait(EVERY));
        assert!(attempts.table.lock().unwrap().arrivals.len() <= MOST + KNOWN);
    }
}
