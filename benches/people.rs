//! What the registry of users costs a request: the digest of its session's id and one look-up, with 50,000 users signed in.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use divan::{Bencher, black_box};
use portcullis::limits::{Address, Clock, Now};
use portcullis::people::{Idle, Kind, Newcomer, People, Seen};

const USERS: u32 = 50_000;
const SERVER: &str = "icserver1";

fn main() {
    divan::main();
}

fn address() -> Address {
    Address::from(IpAddr::from([192, 0, 2, 7]))
}

static FULL: LazyLock<Arc<People>> = LazyLock::new(|| {
    let people = Arc::new(People::new());
    let (server, now) = (Arc::from(SERVER), Clock::now());
    let who = Newcomer {
        kind: Kind::Icws,
        server: &server,
        address: address(),
        asked: now,
    };
    for number in 0..USERS {
        let session = people.session(Kind::Icws, SERVER, &number.to_string());
        assert!(people.signed_in(session, &who, &Idle::default(), now));
    }
    people
});

/// Ids below `USERS` without a pattern, another row for every thread.
fn ids() -> Vec<String> {
    static THREADS: AtomicU32 = AtomicU32::new(1);
    let mut last = THREADS.fetch_add(1, Ordering::Relaxed);
    let mut next = || {
        last = last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (last >> 8) % USERS
    };
    (0..4096).map(|_| next().to_string()).collect()
}

fn seen(people: &People, id: &str, now: Now) -> Seen {
    let session = people.session(Kind::Icws, SERVER, id);
    people.seen(session, address(), now, now)
}

#[divan::bench(threads = [1, 2])]
fn a_request_of_a_signed_in_user(bencher: Bencher<'_, '_>) {
    let people = &*FULL;
    bencher
        .with_inputs(|| (ids(), Clock::now()))
        .input_counter(|(ids, _)| divan::counter::ItemsCount::new(ids.len()))
        .bench_refs(|(ids, now)| {
            for id in ids {
                black_box(seen(people, id, *now));
            }
        });
}

#[divan::bench]
fn a_scrape(bencher: Bencher<'_, '_>) {
    let people = &*FULL;
    bencher.bench(|| people.counts(&Idle::default(), Clock::now()));
}
