//! Windows against the definition: all times are kept and counted.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;

fn burst(most: u32, within_ms: u64) -> Burst {
    Burst {
        most,
        within: Duration::from_millis(within_ms),
    }
}

fn try_take(window: &mut Window, burst: Burst, ms: u64) -> bool {
    let room = window.has_room(burst, Now(ms * MS));
    if room {
        window.take(Now(ms * MS));
    }
    room
}

#[test]
fn a_place_is_free_again_exactly_when_the_window_is_over() {
    let (mut window, five) = (Window::default(), burst(5, 1000));
    for ms in [0, 0, 300, 600, 999] {
        assert!(try_take(&mut window, five, ms));
    }
    assert!(!try_take(&mut window, five, 999));
    assert!(try_take(&mut window, five, 1000));
    assert!(try_take(&mut window, five, 1000));
    assert!(!try_take(&mut window, five, 1299));
    assert!(try_take(&mut window, five, 1300));
}

#[test]
fn none_admits_nothing_and_no_length_admits_everything() {
    let mut window = Window::default();
    assert!(!try_take(&mut window, burst(0, 1000), 7));
    for _ in 0..100 {
        assert!(try_take(&mut window, burst(1, 0), 7));
    }
    assert_eq!(window.0.len(), 1);
}

#[test]
fn a_kind_of_start_leaves_the_window_of_the_other_alone() {
    let rules = Rules {
        interaction_burst: burst(3, 1000),
        chat_burst: burst(2, 1000),
        callback_burst: burst(2, 1000),
        ..Rules::default()
    };
    let (mut bursts, now) = (Bursts::default(), Now(0));
    for (kind, full) in [
        (Kind::Chat, None),
        (Kind::Chat, None),
        (Kind::Chat, Some(Parameter::ChatBurst)),
        (Kind::Callback, None),
        (Kind::Callback, Some(Parameter::InteractionBurst)),
    ] {
        assert_eq!(bursts.full(kind, &rules, now), full);
        if full.is_none() {
            bursts.take(kind, now);
        }
    }
}

proptest! {
    #[test]
    fn it_admits_what_the_definition_admits_and_no_window_holds_more(
        most in 0u32..6,
        within in 1u64..50,
        gaps in proptest::collection::vec(0u64..20, 1..300),
    ) {
        let (mut window, burst) = (Window::default(), burst(most, within));
        let (mut now, mut admitted) = (0, Vec::new());
        for gap in gaps {
            now += gap;
            let recent = admitted.iter().filter(|&&then| then + within > now).count();
            let is_admitted = try_take(&mut window, burst, now);
            prop_assert_eq!(is_admitted, recent < most as usize);
            if is_admitted {
                admitted.push(now);
            }
            prop_assert!(window.0.len() <= most as usize);
        }
        for &from in &admitted {
            let inside = admitted.iter().filter(|&&at| at >= from && at < from + within).count();
            prop_assert!(inside <= most as usize);
        }
    }

    #[test]
    fn a_client_at_nine_tenths_of_the_rate_is_never_refused(most in 1u32..50, within in 1u64..5000) {
        let (mut window, burst) = (Window::default(), burst(most, within));
        let gap = within as f64 * MS as f64 / (0.9 * f64::from(most));
        for turn in 0..500u32 {
            let now = Now((f64::from(turn) * gap) as u64);
            prop_assert!(window.has_room(burst, now));
            window.take(now);
        }
    }

    #[test]
    fn a_clock_that_jumps_back_makes_no_room(jumps in proptest::collection::vec(0u64..3000, 1..200)) {
        let (mut window, five) = (Window::default(), burst(5, 1000));
        let mut latest = 0;
        let mut admitted: Vec<u64> = Vec::new();
        for at in jumps {
            if try_take(&mut window, five, at) {
                latest = latest.max(at);
                admitted.push(latest);
            }
        }
        for &from in &admitted {
            prop_assert!(admitted.iter().filter(|&&at| at >= from && at < from + 1000).count() <= 5);
        }
    }
}
