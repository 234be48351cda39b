//! The registry alone: what each answer changes, one after the other and all at once.

mod bound;
mod model;
mod proofs;

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::limits::Clock;
use crate::limits::interactions::Interactions;

fn second(second: u64) -> Now {
    Now(second * 1_000_000_000)
}

fn from(last: u8) -> Address {
    IpAddr::from([192, 0, 2, last]).into()
}

/// Short ones: 10 s for users, 5 s for visitors.
fn idle() -> Idle {
    Idle {
        icws: Duration::from_secs(10),
        webtools: Duration::from_secs(5),
    }
}

fn server() -> Arc<str> {
    Arc::from("icserver1")
}

fn newcomer(server: &Arc<str>, asked: Now) -> Newcomer<'_> {
    Newcomer {
        kind: Kind::Icws,
        server,
        address: from(7),
        asked,
    }
}

/// A registry with one session, signed in at 100 s.
fn one() -> (Arc<People>, SessionKey) {
    let people = Arc::new(People::new());
    let session = people.session(Kind::Icws, "icserver1", "1234");
    people.signed_in(
        session,
        &newcomer(&server(), second(99)),
        &idle(),
        second(100),
    );
    (people, session)
}

fn there(people: &People, at: u64) -> usize {
    let listed = people.list(&idle(), second(at)).len();
    let counted: u64 = people.counts(&idle(), second(at)).values().sum();
    assert_eq!(listed as u64, counted);
    listed
}

#[test]
fn a_user_is_there_from_the_sign_in_until_silence_and_comes_back_with_his_name_and_his_beginning() {
    let (people, session) = one();
    people.named(session, "agent1");
    assert_eq!(
        (
            there(&people, 100),
            there(&people, 110),
            there(&people, 111)
        ),
        (1, 1, 0)
    );
    let seen = people.seen(session, from(8), second(199), second(200));
    let here = Seen::Here {
        learns: true,
        user: Some("agent1".into()),
    };
    assert_eq!(seen, here);
    let views = people.list(&idle(), second(205));
    let expected = View {
        user: Some("agent1".into()),
        kind: Kind::Icws,
        server: server(),
        address: from(8),
        since: second(99),
        active: second(200),
        live: false,
        requests: 2,
    };
    assert_eq!(views, [expected]);
}

#[test]
fn an_end_counts_for_all_that_was_asked_before_it_and_a_later_success_refutes_it() {
    let (people, session) = one();
    people.signed_out(session, second(103));
    assert_eq!(there(&people, 103), 0);
    for asked in [101, 103] {
        let seen = people.seen(session, from(7), second(asked), second(104));
        assert_eq!((seen, there(&people, 104)), (Seen::Over, 0), "{asked}");
    }
    let seen = people.seen(session, from(7), second(105), second(106));
    let here = Seen::Here {
        learns: true,
        user: None,
    };
    assert_eq!((seen, there(&people, 106)), (here, 1));
}

#[test]
fn the_same_id_on_another_server_is_another_session_and_a_second_sign_in_is_a_new_one() {
    let (people, session) = one();
    assert!(session != people.session(Kind::Icws, "icserver2", "1234"));
    assert!(session != people.session(Kind::Icws, "icserver1", "1235"));
    people.named(session, "agent1");
    let channel = people.channel(session).unwrap();
    people.signed_in(
        session,
        &newcomer(&server(), second(150)),
        &idle(),
        second(150),
    );
    let views = people.list(&idle(), second(151));
    assert_eq!(
        (views.len(), views[0].user.as_deref(), views[0].live),
        (1, None, false)
    );
    drop(channel);
    assert_eq!((there(&people, 151), people.held()), (1, 1));
}

#[test]
fn an_open_channel_is_not_silent_and_none_of_what_is_not_known_opens() {
    let (people, session) = one();
    let (one, two) = (people.channel(session), people.channel(session));
    drop(one);
    assert_eq!(there(&people, 100_000), 1);
    people.sweep(&idle(), second(100_000));
    assert!(people.list(&idle(), second(100_000))[0].live);
    drop(two);
    assert_eq!(there(&people, 100_000), 0);
    let unknown = people.session(Kind::Icws, "icserver1", "9");
    assert!(people.channel(unknown).is_none());
    // The word of the server ends it with the channel still there, and the channel does no harm afterwards.
    let channel = people.channel(session);
    people.signed_out(session, second(200));
    assert_eq!(there(&people, 200), 0);
    people.sweep(&idle(), second(500));
    assert_eq!(people.held(), 0);
    drop(channel);
    assert_eq!((there(&people, 500), people.held()), (0, 0));
}

#[test]
fn what_is_over_is_forgotten_after_a_while() {
    let (people, session) = one();
    people.sweep(&idle(), second(8 * 3600 + 110));
    assert_eq!(people.held(), 1, "silent");
    people.sweep(&idle(), second(8 * 3600 + 111));
    assert_eq!(people.held(), 0);
    let (people, ended) = one();
    people.signed_out(ended, second(101));
    people.sweep(&idle(), second(221));
    assert_eq!(
        people.held(),
        1,
        "answers to what was asked before may still come"
    );
    people.sweep(&idle(), second(222));
    assert_eq!(people.held(), 0);
    assert_eq!(
        people.seen(session, from(7), second(1), second(2)),
        Seen::Unknown
    );
}

#[test]
fn many_threads_leave_nothing_behind() {
    let people = Arc::new(People::new());
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let people = Arc::clone(&people);
            scope.spawn(move || {
                for round in 0..500_u64 {
                    // Half of the sessions are shared by all threads.
                    let id = if round % 2 == 0 {
                        round
                    } else {
                        thread * 1000 + round
                    };
                    let session = people.session(Kind::Icws, "icserver1", &id.to_string());
                    let now = Clock::now();
                    people.signed_in(session, &newcomer(&server(), now), &idle(), now);
                    let channel = people.channel(session);
                    people.seen(session, from(7), now, Clock::now());
                    people.signed_out(session, Clock::now());
                    drop(channel);
                }
            });
        }
    });
    let end = Clock::now();
    assert!(people.list(&idle(), end).is_empty());
    people.sweep(&idle(), end.after(Duration::from_secs(121)));
    assert_eq!(people.held(), 0);
}

#[test]
fn a_successor_knows_who_is_there_and_tells_nobody_what_he_needs_to_be() {
    let interactions = Interactions::new();
    let old = Arc::new(People::under(&interactions.key()));
    let server = server();
    let begin = |id: &str, name: &str| {
        let session = old.session(Kind::Icws, &server, id);
        old.signed_in(
            session,
            &newcomer(&server, second(90)),
            &idle(),
            second(100),
        );
        old.named(session, name);
        session
    };
    let (quiet, live, ended) = (
        begin("1234567", "agent 1"),
        begin("2345678", "agent 2"),
        begin("3456789", "agent 3"),
    );
    let channel = old.channel(live);
    old.signed_out(ended, second(105));
    let text = serde_json::to_string(&Heritage::of(&old, second(105))).unwrap();
    assert!(
        !text.contains("1234567") && !text.contains("3456789"),
        "{text}"
    );

    let key = serde_json::to_string(&interactions.key()).unwrap();
    let new = People::under(&serde_json::from_str(&key).unwrap());
    let heritage: Heritage = serde_json::from_str(&text).unwrap();
    // Another clock: 5,105 s there is 105 s here.
    heritage.restore(&new, second(5105));
    assert_eq!(new.held(), 2);
    assert!(quiet == new.session(Kind::Icws, &server, "1234567"));
    assert_eq!(
        (there(&new, 5110), there(&new, 5111), there(&new, 9999)),
        (2, 1, 1)
    );
    let mut views = new.list(&idle(), second(5110));
    views.sort_by(View::order);
    assert_eq!(
        (
            views[0].user.as_deref(),
            views[0].since,
            views[0].live,
            views[1].live
        ),
        (Some("agent 1"), second(5090), false, true)
    );
    // Its stream is in the old process, which ends.
    new.predecessor_ended(second(9999));
    drop(channel);
    assert_eq!((there(&new, 10_009), there(&new, 10_010)), (1, 0));
}

#[test]
fn a_kind_that_a_successor_does_not_know_is_left_out() {
    let (people, _) = one();
    let text = serde_json::to_string(&Heritage::of(&people, second(100))).unwrap();
    let text = text.replace("\"icws\"", "\"telegraph\"");
    let new = People::new();
    serde_json::from_str::<Heritage>(&text)
        .unwrap()
        .restore(&new, second(100));
    assert_eq!(new.held(), 0);
}
