//! Many at once: limits are exact, and nothing is left over.

use std::sync::Barrier;
use std::thread;

use super::*;

/// Asks `asks` times from each of `threads` threads at the same moment; keeps what was admitted.
fn together<T: Send>(
    threads: usize,
    asks: usize,
    ask: impl Fn(usize) -> Option<T> + Sync,
) -> Vec<T> {
    let barrier = Barrier::new(threads);
    let one = |thread: usize| {
        barrier.wait();
        let asked = (0..asks).filter_map(|turn| ask(thread * asks + turn));
        asked.collect::<Vec<T>>()
    };
    let one = &one;
    thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || one(thread)))
            .collect();
        all.into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}

#[test]
fn of_a_thousand_parallel_starts_exactly_fifteen_get_a_slot() {
    let interactions = Interactions::new();
    let (pair, rules) = (interactions.pair("cic"), calm());
    let slots = together(50, 20, |_| {
        pair.reserve(ask(Kind::Chat, 1), &rules, Now(0)).ok()
    });
    assert_eq!((slots.len(), pair.of(address(1))), (15, 15));
    drop(slots);
    assert_eq!(
        (pair.of(address(1)), interactions.total(Kind::Chat)),
        (0, 0)
    );
}

#[test]
fn a_burst_and_the_total_of_all_pairs_hold_exactly_among_threads() {
    let interactions = Interactions::new();
    let pairs: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| interactions.pair(name))
        .into();
    let total = Rules {
        total_callbacks: Some(101),
        ..calm()
    };
    let start = |rules: &Rules, turn: usize| {
        let last = u8::try_from(turn % 250).unwrap_or(0);
        pairs[turn % 4]
            .reserve(ask(Kind::Callback, last), rules, Now(0))
            .ok()
    };
    let slots = together(20, 50, |turn| start(&total, turn));
    assert_eq!(
        (slots.len(), interactions.total(Kind::Callback)),
        (101, 101)
    );
    drop(slots);
    assert_eq!(interactions.total(Kind::Callback), 0);
    let slots = together(20, 50, |turn| start(&Rules::default(), turn));
    assert_eq!(slots.len(), 4 * 5, "five in each pair's window");
}

#[test]
fn starts_and_ends_on_many_threads_leave_nothing() {
    let interactions = Interactions::new();
    let (pair, rules) = (interactions.pair("cic"), calm());
    let server: Arc<str> = "cic-a".into();
    let counted = together(8, 500, |turn| {
        let last = u8::try_from(turn % 7).unwrap_or(0);
        let mut slot = pair
            .reserve(ask(Kind::Chat, last), &rules, Now(1))
            .ok()?
            .slot;
        slot.sent();
        let (id, participant) = (format!("c{turn}"), format!("p{turn}"));
        match turn % 4 {
            0 => {
                slot.failed();
                return None;
            }
            1 => drop(pair.ended(&participant, Now(2))),
            _ => {}
        }
        let started = slot.started(&server, &id, &participant, Now(3));
        assert_eq!(started == Started::Over, turn % 4 == 1);
        if turn % 4 == 3 {
            return Some(participant);
        }
        pair.ended(&participant, Now(4));
        None
    });
    assert!(!counted.is_empty());
    assert_eq!(pair.counts().chats as usize, counted.len());
    assert!(pair.is_sound());
    for participant in &counted {
        assert!(pair.ended(participant, Now(5)));
    }
    assert_eq!(
        (pair.counts(), interactions.total(Kind::Chat)),
        (Counts::default(), 0)
    );
}
