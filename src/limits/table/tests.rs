//! The table by example; and in `model`, `eviction` and `threads` against everything that chance comes up with.

mod bans;
mod eviction;
mod model;
mod threads;

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use super::super::gcra::RateLimit;
use super::super::rules::Limit;
use super::*;

const SECOND: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(10);

fn client(number: u32) -> Address {
    Address::from(IpAddr::from(Ipv4Addr::from_bits(number)))
}

fn at(ms: u64) -> Now {
    Now(0).after(Duration::from_secs(1000) + Duration::from_millis(ms))
}

fn rate(count: u32, burst: u32) -> RateLimit {
    let number = |number| NonZeroU32::new(number).unwrap();
    RateLimit::new(number(count), SECOND, number(burst))
}

fn connections(new: Option<(u32, u32, Mode)>, open: Option<(u32, Mode)>) -> ConnectionRules {
    ConnectionRules {
        new: new.map(|(count, burst, mode)| (rate(count, burst), mode)),
        open,
    }
}

fn requests(new: Option<(u32, u32, Mode)>, in_flight: Option<(u32, Mode)>) -> RequestRules {
    RequestRules {
        rate: new.map(|(count, burst, mode)| (rate(count, burst), mode)),
        in_flight,
    }
}

fn ban_after(refusals: u32, mode: Mode) -> BanRules {
    BanRules {
        refusals,
        within: WINDOW,
        lasts: Duration::from_secs(60),
        mode,
    }
}

impl Table {
    fn check(&self) {
        for shard in &self.shards {
            shard.lock().check();
        }
    }

    fn held(&self) -> u64 {
        self.sum(|state| state.held())
    }

    fn process(&self, address: Address, now: Now) -> Option<Used> {
        self.used(address, ScopeId::PROCESS, WINDOW, now)
    }
}

use Mode::{Enforce, Observe};

#[test]
fn a_connection_is_counted_until_its_guard_goes() {
    let table = Table::new(100);
    let rules = connections(None, Some((2, Enforce)));
    let connect = || table.connect(client(1), &rules, None, at(0));
    let (first, second) = (connect().unwrap(), connect().unwrap());
    let refused = connect().unwrap_err();
    assert_eq!(refused.limit, Limit::OpenConnections);
    assert_eq!(refused.retry_after, None);
    assert!(table.connect(client(2), &rules, None, at(0)).is_ok());
    drop(first);
    let third = connect().unwrap();
    assert!(connect().is_err());
    drop((second, third));
    assert_eq!(table.process(client(1), at(0)).unwrap().open, 0);
    table.check();
}

#[test]
fn what_is_refused_is_charged_nowhere() {
    let table = Table::new(100);
    let rules = connections(Some((1, 2, Enforce)), Some((1, Enforce)));
    let held = table.connect(client(1), &rules, None, at(0)).unwrap();
    for _ in 0..10 {
        let refused = table.connect(client(1), &rules, None, at(0)).unwrap_err();
        assert_eq!(refused.limit, Limit::OpenConnections);
    }
    drop(held);
    // One token is left, and was not taken ten times.
    assert!(table.connect(client(1), &rules, None, at(0)).is_ok());
    let refused = table.connect(client(1), &rules, None, at(0)).unwrap_err();
    assert_eq!(refused.limit, Limit::NewConnections);
    assert_eq!(refused.retry_after, Some(SECOND));
}

#[test]
fn who_was_refused_for_the_first_time_takes_no_room() {
    let table = Table::new(100);
    let none = connections(None, Some((0, Enforce)));
    assert!(table.connect(client(1), &none, None, at(0)).is_err());
    assert!(table.is_empty());
}

#[test]
fn a_request_counts_in_all_of_its_scopes_or_in_none() {
    let table = Table::new(100);
    let (kind, route) = (ScopeId(1), ScopeId(2));
    let wide = requests(Some((10, 10, Enforce)), None);
    let narrow = requests(Some((1, 1, Enforce)), None);
    let scopes = [
        (ScopeId::PROCESS, wide.clone()),
        (kind, wide),
        (route, narrow),
    ];
    let held = table.request(client(1), &scopes, None, at(0)).unwrap();
    for _ in 0..20 {
        let refused = table.request(client(1), &scopes, None, at(0)).unwrap_err();
        assert_eq!((refused.limit, refused.scope), (Limit::Requests, route));
        assert_eq!(refused.retry_after, Some(SECOND));
    }
    let used = |scope| table.used(client(1), scope, WINDOW, at(0)).unwrap();
    for scope in [ScopeId::PROCESS, kind] {
        assert_eq!(rate(10, 10).left(used(scope).requests, at(0)), 9);
        assert_eq!(used(scope).in_flight, 1);
    }
    drop(held);
    for scope in [ScopeId::PROCESS, kind, route] {
        assert_eq!(used(scope).in_flight, 0);
    }
    table.check();
}

#[test]
fn the_longest_wait_is_told_because_only_that_one_helps() {
    let table = Table::new(100);
    let fast = requests(Some((10, 1, Enforce)), Some((1, Enforce)));
    let slow = requests(Some((1, 1, Enforce)), None);
    let scopes = [(ScopeId::PROCESS, fast), (ScopeId(7), slow)];
    let held = table.request(client(1), &scopes, None, at(0)).unwrap();
    let refused = table.request(client(1), &scopes, None, at(0)).unwrap_err();
    assert_eq!(
        (refused.limit, refused.scope),
        (Limit::Requests, ScopeId(7))
    );
    drop(held);
    assert!(table.request(client(1), &scopes, None, at(999)).is_err());
    assert!(table.request(client(1), &scopes, None, at(1000)).is_ok());
}

#[test]
fn any_number_of_scopes_is_given_back_and_a_scope_named_twice_counts_once() {
    let table = Table::new(100);
    let one = requests(None, Some((1, Enforce)));
    let scopes: Vec<_> = (0..8).map(|scope| (ScopeId(scope), one.clone())).collect();
    for _ in 0..3 {
        let held = table.request(client(1), &scopes, None, at(0)).unwrap();
        assert!(table.request(client(1), &scopes[7..], None, at(0)).is_err());
        drop(held);
        assert_eq!(table.held(), 0);
    }
    let twice = [(ScopeId(1), one.clone()), (ScopeId(1), one)];
    let held = table.request(client(1), &twice, None, at(0)).unwrap();
    assert_eq!(table.held(), 1);
    drop(held);
    assert_eq!(table.held(), 0);
}

#[test]
fn observing_refuses_nothing_and_says_what_would_have_been() {
    let table = Table::new(100);
    let rules = connections(Some((1, 1, Observe)), Some((2, Observe)));
    let mut observed = Vec::new();
    let held: Vec<_> = (0..4)
        .map(|_| table.connect(client(1), &rules, None, at(0)).unwrap())
        .inspect(|admitted| observed.push(admitted.observed.map(|exceeded| exceeded.limit)))
        .collect();
    let new = Some(Limit::NewConnections);
    assert_eq!(observed, [None, new, new, new]);
    drop(held);
    // Only the first one was charged: who would have been refused would have taken nothing.
    let later = table.connect(client(1), &rules, None, at(1000)).unwrap();
    assert_eq!(later.observed, None);
    // What is enforced is enforced beside it.
    let mixed = connections(Some((1, 1, Observe)), Some((1, Enforce)));
    let refused = table
        .connect(client(1), &mixed, None, at(1000))
        .unwrap_err();
    assert_eq!(refused.limit, Limit::OpenConnections);
}

#[test]
fn after_a_reload_to_a_looser_limit_one_wait_is_enough() {
    let table = Table::new(100);
    let hourly = |count| RateLimit::new(count, SECOND * 3600, NonZeroU32::new(100).unwrap());
    let rules = |limit| {
        [(
            ScopeId::PROCESS,
            RequestRules {
                rate: Some((limit, Enforce)),
                in_flight: None,
            },
        )]
    };
    let old = rules(hourly(NonZeroU32::MIN));
    for _ in 0..100 {
        assert!(table.request(client(1), &old, None, at(0)).is_ok());
    }
    assert!(table.request(client(1), &old, None, at(0)).is_err());
    let new = rules(rate(10, 10));
    let refused = table.request(client(1), &new, None, at(0)).unwrap_err();
    assert_eq!(refused.retry_after, Some(Duration::from_millis(100)));
    assert!(table.request(client(1), &new, None, at(99)).is_err());
    assert!(table.request(client(1), &new, None, at(100)).is_ok());
}

#[test]
fn who_read_the_clock_earlier_but_comes_later_gains_nothing() {
    let table = Table::new(100);
    let rules = [(ScopeId::PROCESS, requests(Some((1, 1, Enforce)), None))];
    assert!(table.request(client(1), &rules, None, at(5000)).is_ok());
    for early in [0, 4000, 4999] {
        let refused = table
            .request(client(1), &rules, None, at(early))
            .unwrap_err();
        assert_eq!(refused.retry_after, Some(SECOND));
    }
    assert!(table.request(client(1), &rules, None, at(5999)).is_err());
    assert!(table.request(client(1), &rules, None, at(6000)).is_ok());
}

#[test]
fn a_million_addresses_stay_within_the_stated_memory() {
    assert_eq!(size_of::<entry::Entry>(), 64);
    assert_eq!(size_of::<strikes::Strikes>(), 32);
    let table = Table::new(1_000_000);
    assert!((1_000_000..1_050_000).contains(&table.capacity()));
    // Everything that a shard allocates: buckets, slots, bans. `examples/memory.rs` has the measurement.
    assert!(table.bytes() < 125_000_000, "{} bytes", table.bytes());
    for capacity in [0, 1, 7, 4095, 4096, 10_000, 100_000] {
        let table = Table::new(capacity);
        let most = capacity.max(1) + capacity / 10;
        assert!(
            (capacity.max(1)..=most).contains(&table.capacity()),
            "{capacity}"
        );
    }
}
