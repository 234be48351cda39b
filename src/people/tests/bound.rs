//! The registry when it is full.

use super::*;

#[test]
fn a_full_registry_counts_whom_it_does_not_list_and_makes_room_of_what_is_over() {
    let people = Arc::new(People::new());
    let server = server();
    let begin = |number: usize, at: u64| {
        let session = people.session(Kind::Icws, &server, &number.to_string());
        let listed = people.signed_in(session, &newcomer(&server, second(at)), &idle(), second(at));
        (session, listed)
    };
    for number in 0..MOST_HELD {
        assert!(begin(number, 100).1);
    }
    let (late, listed) = begin(MOST_HELD, 105);
    assert!(!listed);
    people.named(late, "nobody");
    assert!(people.channel(late).is_none());
    assert_eq!(
        people.seen(late, from(7), second(105), second(105)),
        Seen::Unknown
    );
    // His requests find none either, and are no further sign-ins.
    let proofs = people.proofs(late, [Credential::Sent(b"cookie"), Credential::Missing]);
    for at in 105..109 {
        let who = newcomer(&server, second(at));
        people.found(late, &who, proofs, &idle(), second(at));
    }
    assert_eq!((people.unlisted(), people.held()), (1, MOST_HELD));
    // Who is there again is no newcomer.
    assert!(begin(5, 105).1);
    assert_eq!((people.unlisted(), people.held()), (1, MOST_HELD));
    // All but that one are silent now, and give way where a newcomer needs it.
    assert!(begin(MOST_HELD, 111).1);
    assert!(people.held() < MOST_HELD);
    people.sweep(&idle(), second(111));
    assert_eq!((people.held(), there(&people, 111)), (2, 2));
}

#[test]
fn a_record_is_as_small_as_the_page_says() {
    let record = size_of::<(SessionKey, record::Record)>();
    assert!(record <= 256, "{record}");
}
