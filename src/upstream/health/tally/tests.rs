//! The machine as a table, and what holds for every sequence of signs.

use proptest::prelude::*;

use super::*;

/// `w` works, `s` stands by, `f` fails, `a` a request was answered, `n` a request got no connection.
fn signs(text: &str) -> impl Iterator<Item = Sign> {
    text.chars().map(|letter| match letter {
        'w' => Sign::Works,
        's' => Sign::StandsBy,
        'f' => Sign::Fails,
        'a' => Sign::Answered,
        _ => Sign::NoConnection,
    })
}

/// The condition after each sign: `?` unknown, `U` up, `S` standby, `D` down.
fn after(text: &str, rise: u32, fall: u32) -> String {
    let mut tally = Tally::new(true);
    signs(text)
        .map(|sign| match tally.see(sign, Thresholds { rise, fall }) {
            Condition::Unchecked => '-',
            Condition::Unknown => '?',
            Condition::Up => 'U',
            Condition::Standby => 'S',
            Condition::Down => 'D',
        })
        .collect()
}

#[test]
fn each_sequence_of_signs_leads_where_the_table_says() {
    for (seen, expected) in [
        // The first probe decides, and requests alone make nobody known.
        ("w", "U"),
        ("s", "S"),
        ("f", "D"),
        ("aaa", "???"),
        ("nnn", "??D"),
        ("nanaw", "????U"),
        // Three failures in a row, whoever saw them.
        ("wfff", "UUUD"),
        ("wfnf", "UUUD"),
        ("wnnn", "UUUD"),
        ("wffwff", "UUUUUU"),
        // An answer takes back what other requests met, and not what probes met.
        ("wnnann", "UUUUUU"),
        ("wffaf", "UUUUD"),
        ("wfnaf", "UUUUU"),
        // Two good probes in a row, which nothing else stands in for.
        ("fww", "DDU"),
        ("faaaa", "DDDDD"),
        ("fwaw", "DDDU"),
        ("fwfwfw", "DDDDDD"),
        ("fwnw", "DDDD"),
        // A backup stays one, however often requests are answered.
        ("saaaa", "SSSSS"),
        ("sfffss", "SSSDDS"),
        ("wfffss", "UUUDDS"),
        ("sfffww", "SSSDDU"),
        ("fsw", "DDU"),
        // From one sort to the other it takes as many as from down to up.
        ("wss", "UUS"),
        ("wswsws", "UUUUUU"),
        ("swws", "SSUU"),
        ("wsfs", "UUUU"),
        ("wsas", "UUUS"),
    ] {
        assert_eq!(after(seen, 2, 3), expected, "{seen}");
    }
    assert_eq!(after("wfwf", 1, 1), "UDUD");
}

#[test]
fn a_server_that_nobody_asks_stays_unchecked() {
    let mut tally = Tally::new(false);
    for sign in signs("nnnnfffwwa") {
        let rule = Thresholds { rise: 1, fall: 1 };
        assert_eq!(tally.see(sign, rule), Condition::Unchecked);
    }
}

fn any_sign() -> impl Strategy<Value = Sign> {
    proptest::sample::select(signs("wsfan").collect::<Vec<_>>())
}

proptest! {
    /// Down only after `fall` failures without a good probe between them, or by the first probe; anything else only after `rise`
    /// good probes without a failure between them.
    #[test]
    fn no_condition_changes_without_enough_signs_in_a_row(
        seen in proptest::collection::vec(any_sign(), 0..60),
        rise in 1u32..5,
        fall in 1u32..5,
    ) {
        let mut tally = Tally::new(true);
        for (position, sign) in seen.iter().enumerate() {
            let before = tally.condition();
            let now = tally.see(*sign, Thresholds { rise, fall });
            if before == now {
                continue;
            }
            // Answers of requests are no failures, and nothing good that counts.
            let in_a_row = |kind: &[Sign]| {
                let back = seen[..=position].iter().rev().filter(|sign| **sign != Sign::Answered);
                u32::try_from(back.take_while(|sign| kind.contains(sign)).count()).unwrap()
            };
            let bad = [Sign::Fails, Sign::NoConnection];
            prop_assert!(*sign != Sign::Answered);
            match (before, now) {
                (Condition::Unknown, Condition::Down) => {
                    prop_assert!(*sign == Sign::Fails || in_a_row(&bad) >= fall);
                }
                (Condition::Unknown, _) => prop_assert!(!bad.contains(sign)),
                (_, Condition::Down) => prop_assert!(in_a_row(&bad) >= fall),
                (Condition::Down, _) => {
                    prop_assert!(in_a_row(&[Sign::Works, Sign::StandsBy]) >= rise);
                }
                (_, Condition::Up) => prop_assert!(in_a_row(&[Sign::Works]) >= rise),
                (_, _) => prop_assert!(in_a_row(&[Sign::StandsBy]) >= rise),
            }
        }
    }

    /// Whatever was before, enough of one sort lead there.
    #[test]
    fn enough_of_one_sort_always_lead_there(
        seen in proptest::collection::vec(any_sign(), 0..30),
        rise in 1u32..5,
        fall in 1u32..5,
    ) {
        for (sign, times, goal) in [
            (Sign::Works, rise, Condition::Up),
            (Sign::StandsBy, rise, Condition::Standby),
            (Sign::Fails, fall, Condition::Down),
            (Sign::NoConnection, fall, Condition::Down),
        ] {
            let mut tally = Tally::new(true);
            let rule = Thresholds { rise, fall };
            for sign in &seen {
                tally.see(*sign, rule);
            }
            for _ in 0..times {
                tally.see(sign, rule);
            }
            prop_assert_eq!(tally.condition(), goal);
        }
    }
}
