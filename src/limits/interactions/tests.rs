//! The registry, and whole pairs against the simulated servers' own truth.

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::limits::address::Address;

mod agreement;
mod storm;
mod threads;

pub(super) fn address(last: u8) -> Address {
    IpAddr::from([192, 0, 2, last]).into()
}

pub(super) fn ask(kind: Kind, last: u8) -> Ask<'static> {
    Ask {
        kind,
        address: address(last),
        trusted: false,
        user: User::Anonymous,
    }
}

/// The vendor's rules without bursts.
pub(super) fn calm() -> Rules {
    let burst = Burst {
        most: 1,
        within: Duration::ZERO,
    };
    Rules {
        interaction_burst: burst,
        chat_burst: burst,
        callback_burst: burst,
        ..Rules::default()
    }
}

#[test]
fn a_name_is_the_same_pair_ever_after_and_pairs_count_apart() {
    let interactions = Interactions::new();
    let held = interactions
        .pair("one")
        .reserve(ask(Kind::Chat, 1), &calm(), Now(0));
    assert_eq!(interactions.pair("one").of(address(1)), 1);
    assert_eq!(interactions.pair("two").of(address(1)), 0);
    drop(held);
    assert_eq!(interactions.pair("one").of(address(1)), 0);
}

#[test]
fn the_totals_are_over_all_pairs_and_a_refusal_by_them_costs_nothing() {
    let interactions = Interactions::new();
    let rules = Rules {
        total_chats: Some(2),
        ..calm()
    };
    let reserve = |name, kind| {
        interactions
            .pair(name)
            .reserve(ask(kind, 1), &rules, Now(0))
    };
    let held = [reserve("one", Kind::Chat), reserve("two", Kind::Chat)];
    let refused = reserve("three", Kind::Chat);
    assert_eq!(refused.unwrap_err(), Parameter::TotalChats);
    assert!(
        reserve("three", Kind::Callback).is_ok(),
        "callbacks have their own"
    );
    assert_eq!(interactions.pair("three").counts(), Counts::default());
    drop(held);
    assert!(reserve("three", Kind::Chat).is_ok());
}

#[test]
fn a_pair_that_the_file_no_longer_names_is_forgotten_once_nothing_is_left_of_it() {
    let interactions = Interactions::new();
    let held = interactions
        .pair("old")
        .reserve(ask(Kind::Chat, 1), &calm(), Now(0));
    interactions.pair("new");
    let second = |second: u64| Now(second * 1_000_000_000);
    let sweep = |now| {
        let silence = |name: &str| (name == "new").then(Silence::default);
        let ended = interactions.sweep(silence, now);
        (ended, interactions.pairs().len())
    };
    let mut slot = held.unwrap().slot;
    assert_eq!(sweep(second(1)), (0, 2));
    slot.sent();
    drop(slot);
    assert_eq!(sweep(second(2)), (0, 2), "there is a doubt left");
    let snapshot = interactions.pair("old");
    assert_eq!(sweep(second(182)), (1, 2), "a request may still use it");
    drop(snapshot);
    assert_eq!(sweep(second(183)), (0, 1));
    assert_eq!(interactions.pairs()[0].name().as_ref(), "new");
}

#[test]
fn every_parameter_has_a_name_of_its_own() {
    let mut names = Parameter::ALL.map(Parameter::name).to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Parameter::ALL.len());
}
