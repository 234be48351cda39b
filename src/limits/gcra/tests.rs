//! The rate limit against what it promises: windows, honest clients, waits, reloads.

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;

fn limit(count: u32, per: Duration, burst: u32) -> RateLimit {
    let number = |number| NonZeroU32::new(number).unwrap();
    RateLimit::new(number(count), per, number(burst))
}

#[test]
fn the_burst_comes_at_once_and_then_one_per_interval() {
    let limit = limit(10, Duration::from_secs(1), 3);
    let mut arrival = 0;
    let start = Now(5 * SECOND);
    assert_eq!(limit.burst(), 3);
    assert_eq!(limit.left(arrival, start), 3);
    for left in [2, 1, 0] {
        assert_eq!(limit.take(&mut arrival, start), Ok(()));
        assert_eq!(limit.left(arrival, start), left);
    }
    for (after_ms, waits_ms) in [(0, Some(100)), (99, Some(1)), (100, None), (100, Some(100))] {
        let now = start.after(Duration::from_millis(after_ms));
        let expected = waits_ms.map_or(Ok(()), |ms| Err(Duration::from_millis(ms)));
        assert_eq!(
            limit.take(&mut arrival, now),
            expected,
            "after {after_ms} ms"
        );
    }
    assert_eq!(limit.left(arrival, start.after(Duration::from_secs(60))), 3);
}

#[test]
fn no_limit_that_can_be_written_has_a_smaller_burst_than_written() {
    for seconds in [1, 60, 3600] {
        for (count, burst) in [(1, 1_000_000), (u32::MAX, 1_000_000), (7, 999_983), (1, 1)] {
            let limit = limit(count, Duration::from_secs(seconds), burst);
            assert_eq!(limit.burst(), u64::from(burst), "{count} in {seconds} s");
            // And still so after the longest time that a process runs.
            let now = Now(10 * 365 * 86_400 * SECOND);
            let mut arrival = 0;
            for _ in 0..burst {
                assert_eq!(limit.take(&mut arrival, now), Ok(()));
            }
            assert!(limit.take(&mut arrival, now).is_err());
        }
    }
}

#[test]
fn an_interval_that_does_not_divide_is_rounded_up() {
    let limit = limit(3, Duration::from_secs(1), 1);
    let mut arrival = 0;
    assert_eq!(limit.take(&mut arrival, Now(0)), Ok(()));
    assert!(limit.take(&mut arrival, Now(333_333_333)).is_err());
    assert_eq!(limit.take(&mut arrival, Now(333_333_334)), Ok(()));
}

#[test]
fn extremes_neither_panic_nor_shut_out_for_ever() {
    let times = [
        Now(0),
        Now(1),
        Now(SECOND),
        Now(u64::MAX - 1),
        Now(u64::MAX),
    ];
    for (count, per, burst) in [
        (u32::MAX, Duration::ZERO, u32::MAX),
        (1, Duration::MAX, u32::MAX),
        (1, Duration::MAX, 1),
        (u32::MAX, Duration::MAX, u32::MAX),
    ] {
        let limit = limit(count, per, burst);
        for now in times {
            for before in [0, SECOND, u64::MAX] {
                let mut arrival = before;
                let wait = limit.take(&mut arrival, now).err().unwrap_or_default();
                assert!(wait <= Duration::from_nanos(limit.interval));
                let _ = limit.left(arrival, now);
            }
        }
    }
}

/// A limit, and times in order: pauses from none to several windows.
fn schedules() -> impl Strategy<Value = (u32, u64, u32, Vec<u64>)> {
    let limits = (1..=50u32, 1..=10 * SECOND, 1..=20u32);
    limits.prop_flat_map(|(count, per, burst)| {
        let interval = per / u64::from(count) + 1;
        let pause = prop_oneof![
            3 => Just(0),
            4 => 0..=interval,
            2 => 0..=interval * 4,
            1 => 0..=per * 2,
        ];
        let pauses = prop::collection::vec(pause, 1..120);
        (Just(count), Just(per), Just(burst), pauses)
    })
}

fn times(pauses: &[u64]) -> impl Iterator<Item = Now> {
    pauses.iter().scan(0, |now, pause| {
        *now += pause;
        Some(Now(*now))
    })
}

proptest! {
    #[test]
    fn no_window_admits_more_than_burst_and_rate((count, per, burst, pauses) in schedules()) {
        let limit = limit(count, Duration::from_nanos(per), burst);
        let mut arrival = 0;
        let admitted: Vec<u64> = times(&pauses)
            .filter(|now| limit.take(&mut arrival, *now).is_ok())
            .map(|now| now.0)
            .collect();
        for (first, from) in admitted.iter().enumerate() {
            for (last, to) in admitted.iter().enumerate().skip(first) {
                let events = (last - first + 1) as u128;
                // events <= burst + count / per x window, in whole numbers; the window includes both ends.
                let window = u128::from(to - from);
                let most = u128::from(burst) * u128::from(per) + u128::from(count) * window;
                prop_assert!(events * u128::from(per) <= most, "{events} in {window} ns");
            }
        }
    }

    #[test]
    fn a_client_at_nine_tenths_of_its_rate_is_never_refused(
        count in 1..=1_000_000u32, per_s in 1..=3600u64, burst in 1..=20u32, start: u32,
    ) {
        let limit = limit(count, Duration::from_secs(per_s), burst);
        // One event per interval / 0.9, rounded down: a little more than nine tenths.
        let spacing = per_s * SECOND * 10 / (u64::from(count) * 9);
        let mut arrival = 0;
        for event in 0..500 {
            let now = Now(u64::from(start) + event * spacing);
            prop_assert_eq!(limit.take(&mut arrival, now), Ok(()));
        }
    }

    #[test]
    fn who_waits_as_told_is_admitted_and_who_comes_earlier_is_not((count, per, burst, pauses) in schedules()) {
        let limit = limit(count, Duration::from_nanos(per), burst);
        let mut arrival = 0;
        for now in times(&pauses) {
            let before = arrival;
            let left = limit.left(arrival, now);
            match limit.take(&mut arrival, now) {
                Ok(()) => {
                    prop_assert!(left > 0);
                    prop_assert_eq!(limit.left(arrival, now), left - 1);
                }
                Err(wait) => {
                    prop_assert_eq!(left, 0);
                    prop_assert_eq!(arrival, before, "a refused event costs nothing");
                    let (mut early, mut in_time) = (arrival, arrival);
                    let just_before = wait - Duration::from_nanos(1);
                    prop_assert!(limit.take(&mut early, now.after(just_before)).is_err());
                    prop_assert!(limit.take(&mut in_time, now.after(wait)).is_ok());
                }
            }
        }
    }

    #[test]
    fn a_reload_shuts_nobody_out_for_longer_than_the_new_limit_could(
        (_, _, _, pauses) in schedules(),
        old in (1..=50u32, 1..=100 * SECOND, 1..=20u32),
        new in (1..=50u32, 1..=100 * SECOND, 1..=20u32),
    ) {
        let [old, new] = [old, new].map(|(count, per, burst)| limit(count, Duration::from_nanos(per), burst));
        let mut arrival = 0;
        let mut last = Now(0);
        for now in times(&pauses) {
            let _ = old.take(&mut arrival, now);
            last = now;
        }
        if let Err(wait) = new.take(&mut arrival, last) {
            prop_assert!(wait <= Duration::from_nanos(new.interval));
            prop_assert_eq!(new.take(&mut arrival, last.after(wait)), Ok(()));
        }
    }
}
