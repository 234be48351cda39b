//! Arbitrary calls in any order: whatever a server says, the numbers are those of what is there, and silence empties the pair.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Call {
    Reserve(Kind, u8, u8),
    Started(usize, bool, u8, u8),
    Failed(usize),
    Dropped(usize),
    Rejoined(Kind, bool, u8, u8, u8),
    Seen(bool, u8),
    Ended(u8),
    Unknown(bool, u8),
    Sweep,
    Forget(u8),
}

fn call() -> impl Strategy<Value = Call> {
    let kind = prop_oneof![Just(Kind::Chat), Just(Kind::Callback)];
    let (id, participant) = (0u8..5, 0u8..8);
    prop_oneof![
        4 => (kind.clone(), 0u8..4, 0u8..4).prop_map(|(kind, last, user)| Call::Reserve(kind, last, user)),
        3 => (0usize..8, any::<bool>(), id.clone(), participant.clone()).prop_map(|(slot, b, id, p)| Call::Started(slot, b, id, p)),
        1 => (0usize..8).prop_map(Call::Failed),
        1 => (0usize..8).prop_map(Call::Dropped),
        2 => (kind, any::<bool>(), id, participant.clone(), 0u8..20).prop_map(|(kind, b, id, p, age)| Call::Rejoined(kind, b, id, p, age)),
        2 => (any::<bool>(), participant.clone()).prop_map(|(b, p)| Call::Seen(b, p)),
        1 => participant.clone().prop_map(Call::Ended),
        1 => (any::<bool>(), participant).prop_map(|(b, p)| Call::Unknown(b, p)),
        1 => Just(Call::Sweep),
        1 => (0u8..4).prop_map(Call::Forget),
    ]
}

proptest! {
    #[test]
    fn the_numbers_are_sound_after_every_call(
        calls in proptest::collection::vec((call(), 0u64..90), 1..200),
        observe: bool,
    ) {
        let rules = Rules {
            mode: Some(if observe { Mode::Observe } else { Mode::Enforce }),
            per_address: 4,
            per_user: 2,
            anonymous: 5,
            active_interactions: 6,
            total_chats: Some(5),
            ..Rules::default()
        };
        let (interactions, servers) = (Interactions::new(), servers());
        let pair = interactions.pair("cic");
        let mut slots: Vec<Slot> = Vec::new();
        let mut now = 1000;
        let name = |kind: &str, number: u8| format!("{kind}{number}");
        for (call, gap) in calls {
            now += gap;
            let at = at(now);
            match call {
                Call::Reserve(kind, last, user) => {
                    let account = name("u", user);
                    let user = match user {
                        0 => User::Unknown,
                        1 => User::Anonymous,
                        _ => User::Named(&account),
                    };
                    let before = pair.of(address(last));
                    let answer = pair.reserve(Ask { user, ..ask(kind, last) }, &rules, at);
                    prop_assert!(!observe || answer.is_ok());
                    prop_assert!(answer.is_err() || observe || before < 4);
                    prop_assert_eq!(pair.of(address(last)), before + u32::from(answer.is_ok()));
                    slots.extend(answer.ok().map(|reserved| reserved.slot));
                }
                Call::Started(slot, b, id, participant) if slot < slots.len() => {
                    let server = &servers[usize::from(b)];
                    slots.swap_remove(slot).started(server, &name("c", id), &name("p", participant), at);
                }
                Call::Failed(slot) if slot < slots.len() => slots.swap_remove(slot).failed(),
                Call::Dropped(slot) if slot < slots.len() => {
                    let mut slot = slots.swap_remove(slot);
                    if now % 2 == 0 {
                        slot.sent();
                    }
                }
                Call::Started(..) | Call::Failed(_) | Call::Dropped(_) => {}
                Call::Rejoined(kind, b, id, participant, age) => {
                    let (id, participant) = (name("c", id), name("p", participant));
                    let asked = super::at(now - u64::from(age));
                    let rejoin = Rejoin { kind, ..rejoin(&servers[usize::from(b)], &id, &participant, asked) };
                    pair.reconnected(&rejoin, at);
                }
                Call::Seen(b, participant) => {
                    pair.seen(&servers[usize::from(b)], &name("p", participant), at);
                }
                Call::Ended(participant) => {
                    let participant = name("p", participant);
                    pair.ended(&participant, at);
                    prop_assert!(!pair.seen(&servers[0], &participant, at));
                }
                Call::Unknown(b, participant) => {
                    pair.unknown_session(&servers[usize::from(b)], &name("p", participant), at);
                }
                Call::Sweep => drop(pair.sweep(Silence::default(), at)),
                Call::Forget(last) => drop(pair.forget_doubts(address(last))),
            }
            prop_assert!(pair.is_sound());
            let counts = pair.counts();
            prop_assert_eq!(counts.reserved as usize, slots.len());
            let all = counts.chats + counts.callbacks + counts.reserved + counts.in_doubt;
            prop_assert_eq!(interactions.total(Kind::Chat) + interactions.total(Kind::Callback), all);
        }
        drop(slots);
        pair.sweep(Silence::default(), at(now + 100_000));
        prop_assert!(pair.is_empty() && pair.is_sound());
        prop_assert_eq!(pair.counts(), Counts::default());
        prop_assert_eq!(interactions.total(Kind::Chat) + interactions.total(Kind::Callback), 0);
    }
}
