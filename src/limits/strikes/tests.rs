//! Refusals in slots against a list of every single one.

use proptest::prelude::*;

use super::*;

const WITHIN: Duration = Duration::from_secs(8);

fn at(ms: u64) -> Now {
    Now(0).after(Duration::from_millis(ms))
}

#[test]
fn it_is_thirty_two_bytes() {
    assert_eq!(size_of::<Strikes>(), 32);
}

#[test]
fn refusals_leave_after_the_window_and_before_an_eighth_more_is_over() {
    let mut strikes = Strikes::default();
    assert_eq!(strikes.add(WITHIN, at(100_000)), 1);
    assert_eq!(strikes.add(WITHIN, at(100_999)), 2);
    assert_eq!(strikes.add(WITHIN, at(101_000)), 3);
    assert_eq!(strikes.count(WITHIN, at(108_999)), 3);
    assert_eq!(strikes.count(WITHIN, at(109_000)), 1);
    assert_eq!(strikes.count(WITHIN, at(110_000)), 0);
    assert_eq!(Strikes::over(WITHIN, at(101_000)), at(110_000));
}

#[test]
fn a_slot_that_is_full_stays_full() {
    let mut strikes = Strikes::default();
    for _ in 0..MOST + 10 {
        strikes.add(WITHIN, at(0));
    }
    assert_eq!(strikes.count(WITHIN, at(0)), MOST);
}

#[test]
fn it_is_said_once_per_window() {
    let mut strikes = Strikes::default();
    let mut told = Vec::new();
    for ms in (0..30_000).step_by(100) {
        strikes.add(WITHIN, at(ms));
        if strikes.may_tell() {
            told.push(ms);
        }
    }
    assert_eq!(told, [0, 9_000, 18_000, 27_000]);
}

#[test]
fn extremes_do_not_panic() {
    for within in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let mut strikes = Strikes::default();
        for now in [Now(u64::MAX), Now(0), Now(1), Now(u64::MAX)] {
            assert!(strikes.add(within, now) >= 1);
            assert!(Strikes::over(within, now) >= now);
        }
    }
}

proptest! {
    #[test]
    fn no_window_is_missed_and_none_is_counted_an_eighth_too_long(
        within in 1..=100_000u64,
        pauses in prop::collection::vec(prop_oneof![Just(0), 0..200u64, 0..20_000u64, 0..300_000u64], 1..200),
    ) {
        let mut strikes = Strikes::default();
        let mut all: Vec<u64> = Vec::new();
        let mut now = 1_000_000;
        let window = Duration::from_nanos(within);
        for pause in pauses {
            now += pause;
            all.push(now);
            let counted = strikes.add(window, Now(now));
            let since = |span: u64| all.iter().filter(|at| **at >= now - span).count() as u32;
            let exact = since(within);
            // A slot is rounded up to whole nanoseconds: nine slots are this long at most.
            let longest = since(within.div_ceil(8) * 9);
            prop_assert!(counted >= exact, "{counted} counted, {exact} came");
            prop_assert!(counted <= longest, "{counted} counted, {longest} came");
            prop_assert_eq!(strikes.count(window, Strikes::over(window, Now(now))), 0);
        }
    }

    #[test]
    fn a_new_window_forgets_everything_after_its_own_length(
        old in 1..=1_000_000u64, new in 1..=1_000_000u64,
        pauses in prop::collection::vec(0..200_000u64, 1..50),
    ) {
        let mut strikes = Strikes::default();
        let mut now = Now(1_000_000);
        for pause in pauses {
            now.0 += pause;
            strikes.add(Duration::from_nanos(old), now);
        }
        let new = Duration::from_nanos(new);
        prop_assert_eq!(strikes.count(new, Strikes::over(new, now)), 0);
    }
}
