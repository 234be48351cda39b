//! Too many addresses: what goes, what never goes, and who does not notice.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn busy() -> ConnectionRules {
    // So slow that an entry is not at rest during any test.
    let hour = RateLimit::new(NonZeroU32::MIN, SECOND * 3600, NonZeroU32::new(50).unwrap());
    ConnectionRules {
        new: Some((hour, Enforce)),
        open: None,
    }
}

#[test]
fn what_was_idle_for_longest_goes_first() {
    let table = Table::new(4);
    for number in [1, 2, 3, 4] {
        drop(table.connect(client(number), &busy(), None, at(0)));
    }
    // Asked for again, even in vain: 1 is not the oldest any more.
    let full = connections(None, Some((0, Enforce)));
    assert!(table.connect(client(1), &full, None, at(0)).is_err());
    drop(table.connect(client(5), &busy(), None, at(0)));
    let known = |number| table.process(client(number), at(0)).is_some();
    assert_eq!([1, 2, 3, 4, 5].map(known), [true, false, true, true, true]);
    assert_eq!(table.len(), 4);
    table.check();
}

#[test]
fn what_is_at_rest_goes_before_there_is_need() {
    let table = Table::new(1000);
    let quick = connections(Some((10, 1, Enforce)), None);
    for number in 0..500 {
        drop(table.connect(client(number), &quick, None, at(0)));
    }
    assert_eq!(table.len(), 500);
    for number in 1000..1400 {
        drop(table.connect(client(number), &busy(), None, at(200)));
    }
    // Two old ones went for each new one, as long as there were any.
    assert_eq!(table.len(), 400);
    table.check();
}

#[test]
fn refusals_keep_an_entry_until_they_have_left_the_window() {
    let table = Table::new(1000);
    let rules = ban_after(2, Enforce);
    table.strike(client(1), &rules, at(0));
    drop(table.connect(client(2), &busy(), None, at(9_999)));
    assert_eq!(table.process(client(1), at(9_999)).unwrap().refusals, 1);
    assert_eq!(table.strike(client(1), &rules, at(10_000)), Some(true));
}

#[test]
fn a_table_in_full_use_admits_uncounted_and_forgets_nobody() {
    let table = Table::new(8);
    let one = connections(None, Some((1, Enforce)));
    let held: Vec<_> = (0..8)
        .map(|number| table.connect(client(number), &one, None, at(0)).unwrap())
        .collect();
    let more: Vec<_> = (0..3)
        .map(|_| table.connect(client(9), &one, None, at(0)).unwrap())
        .collect();
    assert_eq!(table.untracked(), 3);
    assert_eq!(table.len(), 8);
    for number in 0..8 {
        assert!(table.connect(client(number), &one, None, at(0)).is_err());
    }
    assert_eq!(table.ban(client(9), SECOND, at(0)), Err(BansFull));
    drop(more);
    drop(held);
    assert_eq!(table.held(), 0);
    let _first = table.connect(client(9), &one, None, at(0)).unwrap();
    assert!(table.connect(client(9), &one, None, at(0)).is_err());
    table.check();
}

/// One client at nine tenths of its limits, and in between thousands of addresses that take all they can get.
#[test]
fn a_flood_from_random_addresses_never_harms_one_that_behaves() {
    let table = Table::new(500);
    let connecting = connections(Some((10, 1, Enforce)), Some((2, Enforce)));
    let asking = [
        (
            ScopeId::PROCESS,
            requests(Some((10, 1, Enforce)), Some((2, Enforce))),
        ),
        (
            ScopeId(1),
            requests(Some((10, 1, Enforce)), Some((2, Enforce))),
        ),
    ];
    let ban = ban_after(3, Enforce);
    let honest = client(1);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut flooders_banned = 0;
    for step in 0..2_000 {
        // 9 a second, where 10 are allowed.
        let now = Now(at(0).0 + step * 1_000_000_000 / 9);
        let connected = table.connect(honest, &connecting, Some(&ban), now);
        assert!(connected.is_ok(), "{connected:?} at step {step}");
        let asked = table.request(honest, &asking, Some(&ban), now);
        assert!(asked.is_ok(), "{asked:?} at step {step}");
        let mut theirs = Vec::new();
        for _ in 0..60 {
            let number = if next(3) == 0 {
                next(20)
            } else {
                next(100_000)
            };
            let flooder = client(1_000_000 + number as u32);
            let refused = match table.request(flooder, &asking, Some(&ban), now) {
                Ok(admitted) => {
                    theirs.push(admitted);
                    false
                }
                Err(_) => true,
            };
            if refused && table.strike(flooder, &ban, now) == Some(true) {
                flooders_banned += 1;
            }
        }
        if step % 100 == 0 {
            table.check();
        }
    }
    assert!(flooders_banned > 20, "a flood that is not refused is none");
    assert!(table.len() <= 500);
}

#[derive(Debug, Clone)]
enum Step {
    Connect(u32),
    Ask(u32, u32),
    Close(usize),
    Ban(u32, u64),
    Strike(u32),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..60u32).prop_map(Step::Connect),
        4 => (0..60u32, 0..4u32).prop_map(|(number, scope)| Step::Ask(number, scope)),
        8 => any::<usize>().prop_map(Step::Close),
        1 => (0..60u32, 1..20_000u64).prop_map(|(number, ms)| Step::Ban(number, ms)),
        2 => (0..60u32).prop_map(Step::Strike),
        2 => (0..3_000u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..400)
}

#[derive(Debug)]
enum Guard {
    Connection { _guard: ConnectionGuard },
    Request { _guard: RequestGuard },
}

proptest! {
    /// Guards go in any order, in a table much too small: nobody who has something open or is banned is ever forgotten.
    #[test]
    fn the_living_and_the_banned_are_never_evicted(capacity in 1..24usize, steps in steps()) {
        let table = Table::new(capacity);
        let mut now = at(0);
        type Held = Vec<(u32, ScopeId, bool)>;
        let mut guards: Vec<(Held, Guard)> = Vec::new();
        let mut banned: HashMap<u32, Now> = HashMap::new();
        for step in steps {
            let untracked = table.untracked();
            match step {
                Step::Connect(number) => {
                    let admitted = table.connect(client(number), &busy(), None, now);
                    if let Ok(admitted) = admitted && table.untracked() == untracked {
                        let _guard = admitted.guard;
                        guards.push((vec![(number, ScopeId::PROCESS, true)], Guard::Connection { _guard }));
                    }
                }
                Step::Ask(number, scope) => {
                    let rules = RequestRules::default();
                    let scopes = [(ScopeId::PROCESS, rules.clone()), (ScopeId(scope + 1), rules)];
                    let admitted = table.request(client(number), &scopes, None, now);
                    // Where only one of the two found room, it is not known here which: let it go.
                    if let Ok(admitted) = admitted && table.untracked() == untracked {
                        let counted = scopes.iter().map(|(scope, _)| (number, *scope, false)).collect();
                        let _guard = admitted.guard;
                        guards.push((counted, Guard::Request { _guard }));
                    }
                }
                Step::Close(which) => {
                    if !guards.is_empty() {
                        guards.swap_remove(which % guards.len());
                    }
                }
                Step::Ban(number, ms) => {
                    let lasts = Duration::from_millis(ms);
                    if table.ban(client(number), lasts, now).is_ok() {
                        banned.insert(number, now.after(lasts));
                    }
                }
                Step::Strike(number) => {
                    table.strike(client(number), &ban_after(u32::MAX, Enforce), now);
                }
                Step::Wait(ms) => now = now.after(Duration::from_millis(ms)),
            }
            prop_assert!(table.len() <= table.capacity());
        }
        table.check();

        banned.retain(|_, until| *until > now);
        let mut listed: Vec<_> = table.bans(now).iter().map(|ban| (ban.address, ban.until)).collect();
        let mut expected: Vec<_> = banned.iter().map(|(number, until)| (client(*number), *until)).collect();
        listed.sort();
        expected.sort();
        prop_assert_eq!(listed, expected);

        let mut counts: HashMap<(u32, ScopeId), (u32, u32)> = HashMap::new();
        for (number, scope, is_connection) in guards.iter().flat_map(|(counted, _)| counted) {
            let count = counts.entry((*number, *scope)).or_default();
            if *is_connection { count.0 += 1 } else { count.1 += 1 }
        }
        for ((number, scope), count) in counts {
            let used = table.used(client(number), scope, WINDOW, now);
            prop_assert_eq!(used.map(|used| (used.open, used.in_flight)), Some(count));
        }
        drop(guards);
        prop_assert_eq!(table.held(), 0);
        table.check();
    }
}
