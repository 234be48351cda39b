//! Whose word counts for an end: only that to the session's own client.

use super::*;
use Credential::{Missing, Sent, Unasked};

const COOKIE: Credential<'_> = Sent(b"cookie");
const TOKEN: Credential<'_> = Sent(b"token");

#[test]
fn only_who_shows_everything_that_has_succeeded_before_from_where_it_did_is_the_sessions_own_client()
 {
    let (people, session) = one();
    let own =
        |address: u8, shown| people.is_own(session, from(address), people.proofs(session, shown));
    assert!(!own(7, [COOKIE, TOKEN]), "nothing has succeeded yet");
    people.learn(session, people.proofs(session, [COOKIE, Unasked]));
    assert!(!own(7, [COOKIE, TOKEN]), "the token has not");
    people.learn(session, people.proofs(session, [COOKIE, TOKEN]));
    for (address, shown, is_own) in [
        (7, [COOKIE, TOKEN], true),
        (7, [COOKIE, Unasked], true),
        (8, [COOKIE, TOKEN], false),
        (7, [COOKIE, Missing], false),
        (7, [COOKIE, Sent(b"cookie")], false),
        (7, [Missing, TOKEN], false),
        (7, [TOKEN, COOKIE], false),
        (7, [Sent(b""), TOKEN], false),
        (7, [Missing, Missing], false),
        (7, [Unasked, Unasked], false),
    ] {
        assert_eq!(own(address, shown), is_own, "{address}");
    }
    let other = people.session(Kind::Icws, "icserver1", "77");
    assert!(!people.is_own(other, from(7), people.proofs(other, [COOKIE, TOKEN])));
    // The proofs of one session are not those of another one, were their values the same.
    assert!(!people.is_own(session, from(7), people.proofs(other, [COOKIE, TOKEN])));
}

#[test]
fn the_last_that_succeeded_counts() {
    let (people, session) = one();
    people.learn(session, people.proofs(session, [COOKIE, TOKEN]));
    people.learn(session, people.proofs(session, [Sent(b"new"), Missing]));
    let own = |shown| people.is_own(session, from(7), people.proofs(session, shown));
    assert!(own([Sent(b"new"), TOKEN]) && !own([COOKIE, TOKEN]));
}

#[test]
fn nothing_that_identifies_a_session_is_in_what_is_shown() {
    let (people, session) = one();
    people.named(session, "agent1");
    people.learn(
        session,
        people.proofs(session, [Sent(b"0f1e2d3c"), Sent(b"4b5a6978")]),
    );
    let views = people.list(&idle(), second(101));
    let told = View::told(views, 0, second(101)).to_string();
    assert_eq!(
        told,
        r#"{"users":[{"user":"agent1","kind":"icws","server":"icserver1","address":"192.0.2.7","seconds_since":2,"seconds_idle":1,"live":false,"requests":1}],"connected":[{"kind":"icws","server":"icserver1","users":1}],"not_listed_since_start":0}"#
    );
}
