//! What each answer of a server does to the counts, in the right order and in the wrong ones.

use super::*;

fn new_pair() -> Arc<Pair> {
    Interactions::new().pair("cic")
}

/// A pair with one chat, `c`, of participant `p1` on the first server, started at second 1 from address 1.
fn with_chat() -> (Arc<Pair>, [Arc<str>; 2]) {
    let (pair, servers) = (new_pair(), servers());
    let slot = sent(&pair, ask(Kind::Chat, 1), at(1));
    let started = slot.started(&servers[0], "c", "p1", at(1));
    assert_eq!(started, Started::Counted);
    (pair, servers)
}

fn chats(pair: &Pair) -> u32 {
    assert!(pair.is_sound());
    pair.counts().chats
}

#[test]
fn a_start_counts_from_its_reserve_until_its_end() {
    let (pair, [a, _]) = (new_pair(), servers());
    let slot = sent(&pair, ask(Kind::Callback, 1), at(1));
    assert_eq!((pair.of(address(1)), pair.counts().reserved), (1, 1));
    assert_eq!(slot.started(&a, "c", "p", at(2)), Started::Counted);
    let counted = Counts {
        callbacks: 1,
        ..Counts::default()
    };
    assert_eq!((pair.of(address(1)), pair.counts()), (1, counted));
    assert!(pair.ended("p", at(3)));
    assert!(!pair.ended("p", at(3)), "once");
    assert_eq!((pair.of(address(1)), pair.counts()), (0, Counts::default()));
    assert!(pair.is_sound());
}

#[test]
fn a_chat_and_a_callback_may_have_the_same_id() {
    let (pair, [a, _]) = with_chat();
    let slot = sent(&pair, ask(Kind::Callback, 1), at(1));
    assert_eq!(slot.started(&a, "c", "p2", at(1)), Started::Counted);
    assert_eq!(pair.of(address(1)), 2);
    assert!(pair.ended("p2", at(2)));
    assert_eq!((chats(&pair), pair.counts().callbacks), (1, 0));
}

#[test]
fn a_slot_that_is_dropped_is_free_before_it_was_sent_and_in_doubt_after() {
    let pair = new_pair();
    drop(pair.reserve(ask(Kind::Chat, 1), &calm(), at(1)).unwrap());
    assert!(pair.is_empty());
    for kind in Kind::ALL {
        drop(sent(&pair, ask(kind, 1), at(1)));
    }
    assert_eq!((pair.of(address(1)), pair.counts().in_doubt), (2, 2));
    let silence = Silence::default();
    assert_eq!(pair.sweep(silence, at(181)), 0);
    assert_eq!(pair.sweep(silence, at(182)), 1, "the chat");
    assert_eq!(pair.sweep(silence, at(901)), 0, "not for hours");
    assert_eq!(pair.sweep(silence, at(902)), 1, "the callback");
    assert!(pair.is_empty() && pair.is_sound());
}

#[test]
fn a_doubt_begins_when_the_request_is_given_up_not_when_it_came() {
    let (pair, [a, _]) = with_chat();
    let slot = sent(&pair, ask(Kind::Chat, 1), at(1));
    assert!(pair.seen(&a, "p1", at(170)));
    assert!(pair.seen(&a, "p1", at(4)), "a task that was held up");
    drop(slot);
    assert_eq!(pair.sweep(Silence::default(), at(300)), 0);
    assert_eq!(pair.sweep(Silence::default(), at(351)), 2);
}

#[test]
fn a_doubt_counts_for_the_address_and_the_anonymous_but_for_no_account() {
    let pair = new_pair();
    let by = |user| Ask {
        user,
        ..ask(Kind::Chat, 1)
    };
    let one = Rules {
        per_user: 1,
        anonymous: 1,
        ..calm()
    };
    let mut named = pair.reserve(by(User::Named("wally")), &one, at(1)).unwrap();
    let second = pair.reserve(by(User::Named("wally")), &one, at(1));
    assert_eq!(second.unwrap_err(), Parameter::PerUser);
    named.slot.sent();
    drop(named);
    drop(pair.reserve(by(User::Named("wally")), &one, at(1)).unwrap());
    drop(sent(&pair, by(User::Anonymous), at(1)));
    let refused = pair.reserve(by(User::Anonymous), &one, at(1));
    assert_eq!(refused.unwrap_err(), Parameter::Anonymous);
    assert_eq!((pair.of(address(1)), pair.counts().in_doubt), (2, 2));
    assert!(pair.is_sound());
}

#[test]
fn an_operator_can_drop_the_doubts_of_an_address_and_nothing_else() {
    let (pair, _) = with_chat();
    let _reserved = pair.reserve(ask(Kind::Chat, 1), &calm(), at(1)).unwrap();
    for last in [1, 1, 2] {
        drop(sent(&pair, ask(Kind::Callback, last), at(1)));
    }
    assert_eq!(pair.forget_doubts(address(1)), 2);
    assert_eq!((pair.of(address(1)), pair.of(address(2))), (2, 1));
    assert!(pair.is_sound());
}

#[test]
fn an_id_that_cannot_be_one_leaves_the_start_in_doubt() {
    let (pair, [a, _]) = (new_pair(), servers());
    let long = "x".repeat(257);
    for (id, participant) in [(&*long, "p"), ("c", &*long), ("", "p"), ("c", "")] {
        let slot = sent(&pair, ask(Kind::Chat, 1), at(1));
        assert_eq!(slot.started(&a, id, participant, at(1)), Started::InDoubt);
        let rejoin = rejoin(&a, id, participant, at(1));
        assert_eq!(pair.reconnected(&rejoin, at(1)), Rejoined::NotCounted);
    }
    assert_eq!(pair.counts().in_doubt, 4);
    let slot = sent(&pair, ask(Kind::Chat, 2), at(1));
    let longest = "x".repeat(256);
    assert_eq!(
        slot.started(&a, &longest, &longest, at(1)),
        Started::Counted
    );
    assert!(!pair.ended(&long, at(1)) && pair.ended(&longest, at(1)));
}

#[test]
fn a_reconnect_makes_the_old_participant_worthless_and_keeps_the_owner() {
    let (pair, [a, b]) = with_chat();
    let moved = pair.reconnected(&rejoin(&b, "c", "p2", at(5)), at(6));
    assert_eq!(moved, Rejoined::Rekeyed);
    assert_eq!((pair.of(address(1)), pair.of(address(99))), (1, 0));
    assert!(!pair.seen(&a, "p1", at(7)), "a late poll");
    assert!(!pair.ended("p1", at(7)));
    assert!(!pair.unknown_session(&a, "p1", at(7)));
    let view = pair.list().remove(0);
    assert_eq!(view.server.as_deref(), Some("cic-b"));
    assert_eq!(
        (view.since, view.active, view.phase),
        (at(1), at(6), Phase::Started)
    );
    assert_eq!(chats(&pair), 1);
    assert!(pair.ended("p2", at(8)));
    assert_eq!(chats(&pair), 0);
}

#[test]
fn a_reconnect_of_what_is_not_known_counts_anew_and_is_asked_for_no_limit() {
    let (pair, [a, _]) = (new_pair(), servers());
    for turn in 0..20 {
        let id = format!("c{turn}");
        let rejoined = pair.reconnected(&rejoin(&a, &id, &format!("p{turn}"), at(1)), at(1));
        assert_eq!(rejoined, Rejoined::Anew);
    }
    assert_eq!(pair.of(address(99)), 20);
    let next = pair.reserve(ask(Kind::Chat, 99), &calm(), at(1));
    assert_eq!(
        next.unwrap_err(),
        Parameter::PerAddress,
        "but counts for the next"
    );
    assert!(pair.is_sound());
}

#[test]
fn of_two_reconnects_the_one_asked_for_later_wins_in_any_order_of_answers() {
    for late_first in [false, true] {
        let (pair, [a, b]) = with_chat();
        let (early, late) = (rejoin(&a, "c", "p2", at(5)), rejoin(&b, "c", "p3", at(9)));
        if late_first {
            assert_eq!(pair.reconnected(&late, at(10)), Rejoined::Rekeyed);
            assert_eq!(pair.reconnected(&early, at(11)), Rejoined::Stale);
            assert_eq!(pair.list()[0].active, at(11), "it lives all the same");
        } else {
            assert_eq!(pair.reconnected(&early, at(10)), Rejoined::Rekeyed);
            assert_eq!(pair.reconnected(&late, at(11)), Rejoined::Rekeyed);
        }
        assert!(!pair.ended("p2", at(12)));
        assert_eq!(chats(&pair), 1);
        assert!(pair.ended("p3", at(12)));
        assert_eq!(chats(&pair), 0);
    }
}

#[test]
fn a_session_unknown_to_the_other_server_ends_nothing() {
    let (pair, [a, b]) = with_chat();
    assert!(
        !pair.unknown_session(&b, "p1", at(2)),
        "typed during a fail-over"
    );
    assert_eq!(chats(&pair), 1);
    assert!(pair.unknown_session(&a, "p1", at(3)));
    assert_eq!(chats(&pair), 0);
}

#[test]
fn a_success_of_the_other_server_moves_the_interaction_there() {
    let (pair, [a, b]) = with_chat();
    assert!(pair.seen(&b, "p1", at(2)));
    assert!(!pair.unknown_session(&a, "p1", at(3)), "A has forgotten it");
    assert!(pair.unknown_session(&b, "p1", at(4)));
    assert_eq!(chats(&pair), 0);
}

#[test]
fn an_exit_that_is_processed_before_its_start_ends_it() {
    let (pair, [a, b]) = (new_pair(), servers());
    for (turn, end) in ["exit", "unknown"].into_iter().enumerate() {
        let (id, participant) = (format!("c{turn}"), format!("p{turn}"));
        let slot = sent(&pair, ask(Kind::Chat, 1), at(1));
        match end {
            "exit" => assert!(!pair.ended(&participant, at(2))),
            _ => assert!(!pair.unknown_session(&a, &participant, at(2))),
        }
        assert_eq!(slot.started(&a, &id, &participant, at(3)), Started::Over);
    }
    assert!(!pair.unknown_session(&b, "p", at(4)));
    let slot = sent(&pair, ask(Kind::Chat, 1), at(1));
    let started = slot.started(&a, "c", "p", at(5));
    assert_eq!(
        started,
        Started::Counted,
        "only the other server did not know it"
    );
    assert_eq!((chats(&pair), pair.of(address(1))), (1, 1));
}

#[test]
fn an_exit_that_is_processed_before_its_reconnect_ends_it() {
    let (pair, [_, b]) = with_chat();
    assert!(!pair.ended("p2", at(7)));
    let late = pair.reconnected(&rejoin(&b, "c", "p2", at(5)), at(8));
    assert_eq!(late, Rejoined::Over);
    assert_eq!(chats(&pair), 0);
    let unheard_of = pair.reconnected(&rejoin(&b, "other", "p2", at(5)), at(8));
    assert_eq!(unheard_of, Rejoined::Over);
    assert_eq!(chats(&pair), 0);
}

#[test]
fn an_end_covers_the_starts_and_reconnects_before_it_that_are_processed_late() {
    let (pair, [a, b]) = (new_pair(), servers());
    let slot = sent(&pair, ask(Kind::Chat, 1), at(1));
    // Asked in this order: start (p1), reconnect (p2), reconnect (p3), exit of p3. Processed backwards.
    assert!(!pair.ended("p3", at(9)));
    let third = pair.reconnected(&rejoin(&a, "c", "p3", at(5)), at(10));
    let second = pair.reconnected(&rejoin(&b, "c", "p2", at(3)), at(11));
    assert_eq!((third, second), (Rejoined::Over, Rejoined::Over));
    assert_eq!(slot.started(&a, "c", "p1", at(12)), Started::Over);
    assert!(pair.is_empty() && pair.is_sound());
    let newer = pair.reconnected(&rejoin(&b, "c", "p4", at(6)), at(13));
    assert_eq!(newer, Rejoined::Anew, "the server let it in after p3");
}

#[test]
fn a_reconnect_that_was_asked_for_after_the_end_refutes_it() {
    let (pair, [a, b]) = with_chat();
    assert!(pair.unknown_session(&a, "p1", at(5)), "A was restarted");
    let moved = pair.reconnected(&rejoin(&b, "c", "p2", at(6)), at(7));
    assert_eq!((moved, chats(&pair)), (Rejoined::Anew, 1));
    // ICWS keeps the participant id over a reconnect.
    assert!(pair.ended("p2", at(8)));
    let same = pair.reconnected(&rejoin(&b, "c", "p2", at(9)), at(10));
    assert_eq!((same, chats(&pair)), (Rejoined::Anew, 1));
    assert!(pair.ended("p2", at(11)));
}

#[test]
fn a_participant_id_that_stays_over_a_reconnect_stays_the_key() {
    let (pair, [_, b]) = with_chat();
    let moved = pair.reconnected(&rejoin(&b, "c", "p1", at(5)), at(6));
    assert_eq!((moved, chats(&pair)), (Rejoined::Rekeyed, 1));
    assert!(pair.seen(&b, "p1", at(7)) && pair.ended("p1", at(8)));
    assert_eq!(chats(&pair), 0);
}

#[test]
fn an_id_that_is_started_twice_counts_once_and_the_newer_participant_holds_it() {
    let (pair, [a, _]) = with_chat();
    let slot = sent(&pair, ask(Kind::Chat, 2), at(3));
    assert_eq!(slot.started(&a, "c", "p2", at(4)), Started::Again);
    assert_eq!((pair.of(address(1)), pair.of(address(2))), (1, 0));
    assert!(!pair.ended("p1", at(5)));
    assert!(pair.ended("p2", at(5)));
    assert_eq!(chats(&pair), 0);
}

#[test]
fn a_start_that_is_processed_after_its_reconnect_takes_the_ownership_and_not_the_key() {
    let (pair, [a, b]) = (new_pair(), servers());
    let slot = sent(&pair, ask(Kind::Chat, 1), at(1));
    let moved = pair.reconnected(&rejoin(&b, "c", "p2", at(5)), at(6));
    assert_eq!(moved, Rejoined::Anew);
    assert_eq!(slot.started(&a, "c", "p1", at(7)), Started::Again);
    assert_eq!((pair.of(address(1)), pair.of(address(99))), (1, 0));
    assert!(!pair.seen(&a, "p1", at(8)) && pair.seen(&b, "p2", at(8)));
    assert_eq!((chats(&pair), pair.list()[0].since), (1, at(1)));
    let again = sent(&pair, ask(Kind::Chat, 2), at(9));
    assert_eq!(again.started(&a, "c", "p3", at(9)), Started::Again);
    assert_eq!((pair.of(address(1)), pair.of(address(2))), (1, 0));
}

#[test]
fn a_participant_id_that_a_server_gives_out_twice_belongs_to_the_newer_interaction() {
    let (pair, [a, _]) = with_chat();
    let slot = sent(&pair, ask(Kind::Chat, 2), at(2));
    assert_eq!(slot.started(&a, "d", "p1", at(2)), Started::Counted);
    assert_eq!(chats(&pair), 2);
    assert_eq!(
        pair.sweep(Silence::default(), at(182)),
        1,
        "the older one, which nobody is heard of"
    );
    assert!(pair.seen(&a, "p1", at(182)));
    assert_eq!((pair.of(address(1)), pair.of(address(2))), (0, 1));
    assert!(pair.is_sound());
}

#[test]
fn silence_ends_a_chat_when_it_is_longer_than_allowed_and_an_answer_breaks_it() {
    let (pair, [a, _]) = with_chat();
    let silence = Silence {
        chat: Duration::from_secs(10),
        ..Silence::default()
    };
    assert_eq!(pair.sweep(silence, at(11)), 0);
    assert!(pair.seen(&a, "p1", at(11)));
    assert!(
        pair.seen(&a, "p1", at(4)),
        "an older answer, processed late"
    );
    assert_eq!(pair.sweep(silence, at(21)), 0);
    assert_eq!(pair.sweep(silence, at(22)), 1);
    assert!(!pair.seen(&a, "p1", at(23)), "nothing comes back by itself");
    assert!(pair.is_empty());
}

#[test]
fn a_start_on_its_way_is_not_ended_by_silence() {
    let pair = new_pair();
    let slot = sent(&pair, ask(Kind::Chat, 1), at(1));
    assert_eq!(pair.sweep(Silence::default(), at(100_000)), 0);
    assert_eq!(pair.counts().reserved, 1);
    slot.failed();
    assert!(pair.is_empty());
}

#[test]
fn what_is_shown_of_a_pair_contains_no_id() {
    let (pair, [a, _]) = (new_pair(), servers());
    let slot = sent(&pair, ask(Kind::Chat, 1), at(1));
    let shown_slot = format!("{slot:?}");
    slot.started(&a, "SECRET-chat", "SECRET-participant", at(2));
    drop(sent(&pair, ask(Kind::Callback, 2), at(3)));
    let _reserved = pair.reserve(ask(Kind::Callback, 3), &calm(), at(4));
    let phases = [Phase::Started, Phase::InDoubt, Phase::Reserved];
    let list = pair.list();
    assert_eq!(
        list.iter().map(|view| view.phase).collect::<Vec<_>>(),
        phases
    );
    let shown = format!("{list:?}{pair:?}{shown_slot}");
    assert!(
        shown.contains("cic-a") && !shown.contains("SECRET"),
        "{shown}"
    );
}
