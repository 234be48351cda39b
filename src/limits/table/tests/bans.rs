//! Bans: how they begin and end, what they refuse, and how many there may be.

use super::*;

fn anything() -> ConnectionRules {
    ConnectionRules::default()
}

#[test]
fn refusals_lead_to_a_ban_that_ends() {
    let table = Table::new(100);
    let rules = ban_after(3, Enforce);
    assert_eq!(table.strike(client(1), &rules, at(0)), None);
    assert_eq!(table.strike(client(1), &rules, at(0)), None);
    assert_eq!(table.strike(client(2), &rules, at(0)), None);
    assert_eq!(table.strike(client(1), &rules, at(10)), Some(true));
    assert_eq!(
        table.strike(client(1), &rules, at(20)),
        None,
        "it is banned already"
    );

    let connect = |ms| table.connect(client(1), &anything(), Some(&rules), at(ms));
    let refused = connect(5010).unwrap_err();
    assert_eq!(refused.limit, Limit::Banned);
    assert_eq!(refused.retry_after, Some(Duration::from_secs(55)));
    let asked = table.request(client(1), &[], Some(&rules), at(5010));
    assert_eq!(asked.unwrap_err().limit, Limit::Banned);
    assert!(
        table
            .connect(client(2), &anything(), Some(&rules), at(5010))
            .is_ok()
    );

    let [ban] = table.bans(at(5010))[..] else {
        panic!("one ban");
    };
    assert_eq!(
        (ban.address, ban.cause, ban.refused),
        (client(1), Cause::Refusals(3), 2)
    );
    assert_eq!((ban.since, ban.until), (at(10), at(60_010)));

    assert!(connect(60_009).is_err());
    assert!(connect(60_010).is_ok());
    assert_eq!(table.bans_len(at(60_010)), 0);
    // The old refusals do not count again.
    assert_eq!(table.strike(client(1), &rules, at(60_010)), None);
    table.check();
}

#[test]
fn refusals_that_are_spread_out_lead_to_nothing() {
    let table = Table::new(100);
    let rules = ban_after(3, Enforce);
    for strike in 0..100 {
        assert_eq!(table.strike(client(1), &rules, at(strike * 6_000)), None);
    }
}

#[test]
fn observed_bans_are_said_once_per_window_and_refuse_nothing() {
    let table = Table::new(100);
    let rules = ban_after(10, Observe);
    let told: Vec<u64> = (0..30_000)
        .step_by(10)
        .filter(|ms| table.strike(client(1), &rules, at(*ms)) == Some(false))
        .collect();
    assert!((2..=3).contains(&told.len()), "{told:?}");
    assert!(
        told.windows(2).all(|two| two[1] - two[0] >= 10_000),
        "{told:?}"
    );
    assert_eq!(table.bans_len(at(30_000)), 0);
    assert_eq!(table.missed_bans(), 0);
}

#[test]
fn a_ban_does_what_its_own_mode_says_and_an_operators_always_refuses() {
    let by_refusals = |table: &Table| {
        table
            .strike(client(1), &ban_after(1, Enforce), at(0))
            .unwrap();
    };
    let by_operator = |table: &Table| table.ban(client(1), SECOND, at(0)).unwrap();
    type Begin<'a> = &'a dyn Fn(&Table);
    let cases: [(Begin<'_>, Option<Mode>, &str); 6] = [
        (&by_refusals, Some(Enforce), "refused"),
        (&by_refusals, Some(Observe), "observed"),
        (&by_refusals, None, "admitted"),
        (&by_operator, Some(Enforce), "refused"),
        (&by_operator, Some(Observe), "refused"),
        (&by_operator, None, "refused"),
    ];
    for (begin, mode, expected) in cases {
        let table = Table::new(100);
        begin(&table);
        let rules = mode.map(|mode| ban_after(1, mode));
        let became = match table.connect(client(1), &anything(), rules.as_ref(), at(500)) {
            Err(exceeded) if exceeded.limit == Limit::Banned => "refused",
            Err(_) => "refused by something else",
            Ok(admitted) => match admitted.observed.map(|exceeded| exceeded.limit) {
                Some(Limit::Banned) => "observed",
                Some(_) => "something else observed",
                None => "admitted",
            },
        };
        assert_eq!(became, expected, "{mode:?}");
        let refused = u64::from(expected == "refused");
        assert_eq!(table.bans(at(500))[0].refused, refused);
    }
}

#[test]
fn the_operators_ban_replaces_one_that_runs_and_lifting_forgets_the_refusals() {
    let table = Table::new(100);
    let rules = ban_after(2, Enforce);
    table.strike(client(1), &rules, at(0));
    table.strike(client(1), &rules, at(0));
    table.ban(client(1), SECOND, at(0)).unwrap();
    let [ban] = table.bans(at(0))[..] else {
        panic!("one ban");
    };
    assert_eq!((ban.cause, ban.until), (Cause::Operator, at(1000)));
    assert!(table.lift(client(1), at(10)));
    assert!(!table.lift(client(1), at(10)));
    assert!(!table.lift(client(9), at(10)));
    assert_eq!(table.strike(client(1), &rules, at(20)), None);
    assert_eq!(table.process(client(1), at(20)).unwrap().refusals, 1);
    // One that has run out cannot be lifted any more.
    table.ban(client(2), SECOND, at(20)).unwrap();
    assert!(!table.lift(client(2), at(1020)));
    table.check();
}

#[test]
fn bans_are_listed_by_their_end() {
    let table = Table::new(20_000);
    for number in 1..=200 {
        let lasts = Duration::from_secs(u64::from(number * 7919 % 211) + 1);
        table.ban(client(number), lasts, at(0)).unwrap();
    }
    let bans = table.bans(at(100_000));
    assert!(bans.windows(2).all(|two| two[0].until <= two[1].until));
    assert!(bans.iter().all(|ban| ban.until > at(100_000)));
    assert_eq!(bans.len(), table.bans_len(at(100_000)));
    assert!(bans.len() > 50 && bans.len() < 200);
    table.check();
}

#[test]
fn the_newest_bans_are_told_and_how_many_there_are() {
    let table = Table::new(20_000);
    for number in 0..100 {
        let lasts = Duration::from_secs(1000 - u64::from(number));
        let began = at(u64::from(number));
        assert_eq!(table.ban(client(number), lasts, began), Ok(()));
    }
    let (total, newest) = table.newest_bans(3, at(200));
    assert_eq!(total, 100);
    let newest: Vec<Address> = newest.iter().map(|ban| ban.address).collect();
    assert_eq!(newest, [client(99), client(98), client(97)]);
    assert_eq!(table.newest_bans(0, at(200)), (100, Vec::new()));
    assert_eq!(table.newest_bans(500, at(200)).1.len(), 100);
}

#[test]
fn bans_take_a_quarter_at_most_and_room_comes_back_when_they_end() {
    let table = Table::new(100);
    let rules = ban_after(1, Enforce);
    let begun =
        (0..100).filter(|number| table.strike(client(*number), &rules, at(0)) == Some(true));
    assert_eq!(begun.count(), 25);
    assert_eq!(table.missed_bans(), 75);
    // Said once per window, tried every time.
    assert_eq!(table.strike(client(99), &rules, at(10)), None);
    assert_eq!(table.missed_bans(), 75);
    assert_eq!(table.ban(client(500), SECOND, at(10)), Err(BansFull));
    // Replacing one takes no room.
    assert_eq!(table.ban(client(0), SECOND, at(10)), Ok(()));
    assert!(table.lift(client(1), at(10)));
    assert_eq!(table.strike(client(99), &rules, at(20)), Some(true));
    // Then all end, and nobody has looked.
    assert_eq!(table.ban(client(500), SECOND, at(60_021)), Ok(()));
    assert_eq!(table.bans_len(at(60_021)), 1);
    table.check();
}

#[test]
fn bans_that_ended_unseen_are_dropped_as_new_addresses_come() {
    let table = Table::new(1000);
    for number in 0..200 {
        table.ban(client(number), SECOND, at(0)).unwrap();
    }
    for number in 1000..1110 {
        assert!(
            table
                .connect(client(number), &anything(), None, at(2000))
                .is_ok()
        );
    }
    let kept = table.sum(|state| state.bans.len());
    assert!(kept == 0, "{kept} of 200 are left");
    table.check();
}
