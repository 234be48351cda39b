//! What a reserve refuses, and that a refusal costs nothing.

use super::*;

/// Reserves and keeps the slots of what was admitted; returns the first refusal.
fn fill(
    pair: &Arc<Pair>,
    rules: &Rules,
    asks: impl IntoIterator<Item = Ask<'static>>,
) -> (Vec<Slot>, Option<Parameter>) {
    let mut slots = Vec::new();
    for ask in asks {
        match pair.reserve(ask, rules, at(1)) {
            Ok(reserved) => slots.push(reserved.slot),
            Err(parameter) => return (slots, Some(parameter)),
        }
    }
    (slots, None)
}

#[test]
fn every_limit_refuses_at_its_number_and_not_before() {
    let spread = |kind, user| {
        (0..40u8).map(move |last| Ask {
            user,
            ..ask(kind, last)
        })
    };
    let same = |user| {
        (0..40u8).map(move |turn| Ask {
            user,
            ..ask(Kind::ALL[usize::from(turn % 2)], 7)
        })
    };
    let five = Burst {
        most: 5,
        within: SECOND,
    };
    type Case = (Parameter, usize, Rules, Vec<Ask<'static>>);
    let cases: Vec<Case> = vec![
        (
            Parameter::PerAddress,
            15,
            calm(),
            same(User::Unknown).collect(),
        ),
        (
            Parameter::PerUser,
            5,
            calm(),
            spread(Kind::Callback, User::Named("wally")).collect(),
        ),
        (
            Parameter::Anonymous,
            11,
            Rules {
                anonymous: 11,
                ..calm()
            },
            spread(Kind::Chat, User::Anonymous).collect(),
        ),
        (
            Parameter::Anonymous,
            0,
            Rules {
                anonymous: 0,
                ..calm()
            },
            spread(Kind::Chat, User::Anonymous).collect(),
        ),
        (
            Parameter::ActiveInteractions,
            12,
            Rules {
                active_interactions: 12,
                ..calm()
            },
            spread(Kind::Callback, User::Anonymous).collect(),
        ),
        (
            Parameter::ActiveChats,
            3,
            Rules {
                active_chats: Some(3),
                ..calm()
            },
            spread(Kind::Chat, User::Anonymous).collect(),
        ),
        (
            Parameter::ActiveCallbacks,
            4,
            Rules {
                active_callbacks: Some(4),
                ..calm()
            },
            spread(Kind::Callback, User::Anonymous).collect(),
        ),
        (
            Parameter::TotalChats,
            6,
            Rules {
                total_chats: Some(6),
                ..calm()
            },
            spread(Kind::Chat, User::Anonymous).collect(),
        ),
        (
            Parameter::TotalCallbacks,
            7,
            Rules {
                total_callbacks: Some(7),
                ..calm()
            },
            spread(Kind::Callback, User::Anonymous).collect(),
        ),
        (
            Parameter::ChatBurst,
            5,
            Rules {
                chat_burst: five,
                ..calm()
            },
            spread(Kind::Chat, User::Anonymous).collect(),
        ),
        (
            Parameter::CallbackBurst,
            5,
            Rules {
                callback_burst: five,
                ..calm()
            },
            spread(Kind::Callback, User::Anonymous).collect(),
        ),
        (
            Parameter::InteractionBurst,
            5,
            Rules {
                interaction_burst: five,
                ..calm()
            },
            same(User::Anonymous).collect(),
        ),
    ];
    let mut covered = Vec::new();
    for (parameter, most, rules, asks) in cases {
        let interactions = Interactions::new();
        let pair = interactions.pair("cic");
        let (slots, refused) = fill(&pair, &rules, asks);
        assert_eq!((slots.len(), refused), (most, Some(parameter)));
        assert_eq!(pair.counts().reserved as usize, most, "{parameter:?}");
        assert!(pair.is_sound());
        drop(slots);
        assert!(pair.is_empty());
        let totals = Kind::ALL.map(|kind| interactions.total(kind));
        assert_eq!(totals, [0, 0]);
        covered.push(parameter);
    }
    for parameter in Parameter::ALL {
        assert!(
            covered.contains(&parameter),
            "{} has no case",
            parameter.name()
        );
    }
}

#[test]
fn chats_and_callbacks_have_the_active_limit_each_to_themselves() {
    let rules = Rules {
        active_interactions: 2,
        ..calm()
    };
    let pair = Interactions::new().pair("cic");
    let asks = [Kind::Chat, Kind::Callback, Kind::Chat, Kind::Callback].map(|kind| ask(kind, 1));
    assert_eq!(fill(&pair, &rules, asks).1, None);
}

#[test]
fn a_trusted_host_is_free_of_the_limit_per_address_only() {
    let pair = Interactions::new().pair("cic");
    let rules = Rules {
        active_chats: Some(20),
        ..calm()
    };
    let trusted = Ask {
        trusted: true,
        ..ask(Kind::Chat, 7)
    };
    let (slots, refused) = fill(&pair, &rules, [trusted; 30]);
    assert_eq!((slots.len(), refused), (20, Some(Parameter::ActiveChats)));
    assert_eq!(pair.of(address(7)), 20, "it is counted all the same");
    let other = pair.reserve(ask(Kind::Callback, 7), &rules, at(1));
    assert_eq!(other.unwrap_err(), Parameter::PerAddress);
}

#[test]
fn a_start_that_names_nobody_counts_for_no_user_and_not_as_anonymous() {
    let pair = Interactions::new().pair("cic");
    let rules = Rules {
        anonymous: 0,
        per_user: 0,
        ..calm()
    };
    assert_eq!(fill(&pair, &rules, [ask(Kind::Chat, 1); 3]).1, None);
    let by = |user| {
        pair.reserve(
            Ask {
                user,
                ..ask(Kind::Chat, 1)
            },
            &rules,
            at(1),
        )
    };
    assert_eq!(by(User::Anonymous).unwrap_err(), Parameter::Anonymous);
    assert_eq!(by(User::Named("")).unwrap_err(), Parameter::PerUser);
}

#[test]
fn a_refused_start_takes_no_place_in_a_burst() {
    let pair = Interactions::new().pair("cic");
    let rules = Rules {
        per_address: 3,
        ..Rules::default()
    };
    let (_slots, refused) = fill(&pair, &rules, [ask(Kind::Chat, 1); 4]);
    assert_eq!(refused, Some(Parameter::PerAddress));
    for _ in 0..10 {
        assert!(pair.reserve(ask(Kind::Chat, 1), &rules, at(1)).is_err());
    }
    let others = fill(&pair, &rules, [ask(Kind::Chat, 2); 3]);
    assert_eq!((others.0.len(), others.1), (2, Some(Parameter::ChatBurst)));
}

#[test]
fn a_failed_start_gives_its_place_back_but_not_that_of_its_burst() {
    let pair = Interactions::new().pair("cic");
    for _ in 0..5 {
        let reserved = pair.reserve(ask(Kind::Chat, 1), &Rules::default(), at(1));
        let mut slot = reserved.unwrap().slot;
        slot.sent();
        slot.failed();
    }
    assert!(pair.is_empty());
    let sixth = |now| pair.reserve(ask(Kind::Chat, 1), &Rules::default(), now);
    assert_eq!(sixth(at(1)).unwrap_err(), Parameter::ChatBurst);
    assert!(sixth(at(2)).is_ok());
}

#[test]
fn observing_refuses_nothing_and_tells_what_enforcing_would_have_refused() {
    let rules = Rules {
        mode: Some(Mode::Observe),
        per_address: 2,
        total_chats: Some(3),
        ..Rules::default()
    };
    let interactions = Interactions::new();
    let pair = interactions.pair("cic");
    let mut slots = Vec::new();
    let mut observe = |last, now| {
        let reserved = pair.reserve(ask(Kind::Chat, last), &rules, now).unwrap();
        slots.push(reserved.slot);
        reserved.observed
    };
    let told = [1, 1, 1, 2, 3].map(|last| observe(last, at(1)));
    let (address, total) = (Some(Parameter::PerAddress), Some(Parameter::TotalChats));
    assert_eq!(told, [None, None, address, total, total]);
    assert_eq!(observe(1, at(1)), address, "the first of two");
    assert_eq!(pair.counts().reserved, 6);
    assert_eq!(interactions.total(Kind::Chat), 6, "what passes is counted");
    drop(slots);
    assert_eq!(interactions.total(Kind::Chat), 0);
}

#[test]
fn under_observe_a_steady_excess_is_told_as_the_part_that_exceeds() {
    let rules = Rules {
        mode: Some(Mode::Observe),
        active_interactions: 10_000,
        per_address: 10_000,
        ..Rules::default()
    };
    let pair = Interactions::new().pair("cic");
    let start = |turn: u64| pair.reserve(ask(Kind::Chat, 1), &rules, Now(turn * 100_000_000));
    let exceeding = |turn: &u64| start(*turn).unwrap().observed.is_some();
    // Ten a second where five are allowed.
    assert_eq!((0..1000).filter(exceeding).count(), 500);
}

#[test]
fn new_rules_apply_to_what_is_counted_already() {
    let pair = Interactions::new().pair("cic");
    let (_slots, _) = fill(&pair, &calm(), [ask(Kind::Chat, 1); 10]);
    let tight = Rules {
        per_address: 4,
        ..calm()
    };
    let refused = pair.reserve(ask(Kind::Chat, 1), &tight, at(1));
    assert_eq!(refused.unwrap_err(), Parameter::PerAddress);
    assert!(pair.reserve(ask(Kind::Chat, 1), &calm(), at(1)).is_ok());
}

#[test]
fn a_full_pair_lets_pass_uncounted_and_says_so() {
    let rules = Rules {
        per_address: u32::MAX,
        active_interactions: u32::MAX,
        ..calm()
    };
    let interactions = Interactions::new();
    let pair = interactions.pair("cic");
    let full = fill(&pair, &rules, vec![ask(Kind::Chat, 1); MOST_HELD as usize]);
    assert_eq!((full.1, pair.counts().uncounted), (None, 0));
    let mut slot = pair
        .reserve(ask(Kind::Chat, 1), &rules, at(1))
        .unwrap()
        .slot;
    slot.sent();
    let [server, _] = servers();
    assert_eq!(slot.started(&server, "c", "p", at(1)), Started::NotCounted);
    let rejoined = pair.reconnected(&rejoin(&server, "c", "p", at(1)), at(1));
    assert_eq!(rejoined, Rejoined::NotCounted);
    assert_eq!(pair.counts().uncounted, 2);
    assert_eq!(interactions.total(Kind::Chat), MOST_HELD);
    drop(full);
    assert!(pair.is_empty() && pair.is_sound());
}

#[test]
fn without_a_mode_everything_is_counted_and_nothing_limited() {
    let rules = Rules {
        mode: None,
        total_chats: Some(0),
        ..Rules::default()
    };
    let pair = Interactions::new().pair("cic");
    let ask = Ask {
        kind: Kind::Chat,
        address: std::net::IpAddr::from([192, 0, 2, 7]).into(),
        trusted: false,
        user: User::Anonymous,
    };
    let all: Vec<_> = (0..40)
        .map(|_| pair.reserve(ask, &rules, Now(0)).unwrap())
        .collect();
    assert!(all.iter().all(|reserved| reserved.observed.is_none()));
    assert_eq!(pair.counts().reserved, 40);
}
