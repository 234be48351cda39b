use super::*;
use crate::limits::rules::{BanRules, Mode};

const RULES: BanRules = BanRules {
    refusals: 3,
    within: Duration::from_secs(10),
    lasts: Duration::from_secs(600),
    mode: Mode::Enforce,
};

fn second(second: u64) -> Now {
    Now((86_400 + second) * 1_000_000_000)
}

fn client(text: &str) -> Address {
    text.parse().expect("an address")
}

/// Saved at `saved` by the old clock, restored at `now` by the new one, `since` later.
fn handed_on(old: &Table, saved: Now, since: u64, now: Now) -> Table {
    let text = serde_json::to_string(&Memory::of(old, saved)).expect("JSON");
    let memory: Memory = serde_json::from_str(&text).expect("the same");
    let new = Table::new(1000);
    memory.restore(&new, Duration::from_secs(since), now);
    new
}

#[test]
fn a_ban_goes_on_with_its_end_its_cause_and_what_it_has_refused() {
    let (old, one, other) = (
        Table::new(1000),
        client("192.0.2.7"),
        client("2001:db8::/64"),
    );
    for at in 0..3 {
        old.strike(one, &RULES, second(at));
    }
    old.ban(other, Duration::from_secs(60), second(5))
        .expect("room");
    let new = handed_on(&old, second(10), 20, second(1000));
    let bans = new.bans(second(1000));
    let [second_one, first] = bans.as_slice() else {
        panic!("{bans:?}");
    };
    assert_eq!(
        (second_one.address, second_one.cause),
        (other, Cause::Operator)
    );
    // Begun at 5, until 65; 25 s later by the world's clock it has 35 s left.
    assert_eq!(second_one.until, second(1035));
    assert_eq!(second_one.since, second(975));
    assert_eq!((first.address, first.cause), (one, Cause::Refusals(3)));
    assert_eq!(first.until, second(1572));
}

#[test]
fn a_ban_that_is_over_meanwhile_does_not_come_back() {
    let (old, one) = (Table::new(1000), client("192.0.2.7"));
    old.ban(one, Duration::from_secs(60), second(0))
        .expect("room");
    assert_eq!(
        handed_on(&old, second(1), 58, second(0))
            .bans(second(0))
            .len(),
        1
    );
    assert!(
        handed_on(&old, second(1), 59, second(0))
            .bans(second(0))
            .is_empty()
    );
}

#[test]
fn refusals_count_on_towards_the_ban_and_are_forgotten_at_the_same_time() {
    let (old, one) = (Table::new(1000), client("192.0.2.7"));
    old.strike(one, &RULES, second(0));
    old.strike(one, &RULES, second(1));
    let new = handed_on(&old, second(2), 1, second(50));
    assert_eq!(
        new.strike(one, &RULES, second(50)),
        Some(true),
        "the third within ten seconds"
    );
    let new = handed_on(&old, second(2), 30, second(50));
    assert_eq!(new.strike(one, &RULES, second(50)), None);
    assert!(new.len() == 1, "nothing came back of what was over");
}

#[test]
fn of_a_flood_those_with_the_most_refusals_are_kept() {
    let old = Table::new(10_000);
    for number in 0..300_u16 {
        let [high, low] = number.to_be_bytes();
        let address = Address::from(std::net::IpAddr::from([10, 0, high, low]));
        for _ in 0..=(number / 100) {
            old.strike(
                address,
                &BanRules {
                    refusals: 100,
                    ..RULES
                },
                second(0),
            );
        }
    }
    let kept = old.refusals(100, second(1));
    assert_eq!(kept.len(), 100);
    assert!(kept.iter().all(|of| of.slots.iter().sum::<u16>() == 3));
    assert_eq!(old.refusals(1000, second(1)).len(), 300);
}
