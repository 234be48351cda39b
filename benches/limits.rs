//! Decisions about connections and requests with 1,000,000 addresses in the table. The aim is under 200 ns for a decision.
//!
//! What is measured is the decision and giving back what it counted, which takes the lock once more.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use divan::{Bencher, black_box};
use portcullis::limits::{
    Address, BanRules, Clock, ConnectionRules, Limits, Mode, RateLimit, RequestRules, ScopeId,
};

const TRACKED: u32 = 1_000_000;

fn main() {
    divan::main();
}

fn client(number: u32) -> Address {
    Address::from(IpAddr::from(Ipv4Addr::from_bits(number)))
}

/// So loose that nothing is refused, so slow that nothing comes to rest and is dropped while this runs.
fn rate() -> Option<(RateLimit, Mode)> {
    let limit = RateLimit::new(NonZeroU32::MIN, Duration::from_secs(600), NonZeroU32::MAX);
    Some((limit, Mode::Enforce))
}

fn connections() -> ConnectionRules {
    ConnectionRules {
        new: rate(),
        open: Some((u32::MAX, Mode::Enforce)),
    }
}

fn ban() -> BanRules {
    BanRules {
        refusals: 500,
        within: Duration::from_secs(10),
        lasts: Duration::from_secs(600),
        mode: Mode::Enforce,
    }
}

fn scopes(limits: &Limits, count: usize) -> Vec<(ScopeId, RequestRules)> {
    let ids = [
        ScopeId::PROCESS,
        limits.scope("kind icws"),
        limits.scope("route a/"),
    ];
    let rules = RequestRules {
        rate: rate(),
        in_flight: Some((u32::MAX, Mode::Enforce)),
    };
    ids.into_iter()
        .take(count)
        .map(|id| (id, rules.clone()))
        .collect()
}

static FULL: LazyLock<Limits> = LazyLock::new(|| {
    let limits = Limits::new();
    for number in 0..TRACKED {
        drop(
            limits
                .table
                .connect(client(number), &connections(), None, Clock::now()),
        );
    }
    assert!(limits.table.len() > TRACKED as usize * 99 / 100);
    limits
});

/// Numbers below `TRACKED` without a pattern, another for every thread.
struct Anyone(u32);

impl Anyone {
    fn new() -> Self {
        static SEED: AtomicU32 = AtomicU32::new(1);
        Anyone(SEED.fetch_add(0x9e37_79b1, Ordering::Relaxed) | 1)
    }

    fn next(&mut self) -> Address {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        client(((u64::from(self.0) * u64::from(TRACKED)) >> 32) as u32)
    }
}

/// One hot address, or any of the million. PERF: addresses are drawn in blocks, so that drawing them is not what is measured.
const BLOCK: usize = 64;

fn block(hot: bool) -> [Address; BLOCK] {
    let mut anyone = Anyone::new();
    std::array::from_fn(|_| if hot { client(7) } else { anyone.next() })
}

#[divan::bench(args = ["anyone", "one"], threads = [1, 2], items_count = BLOCK)]
fn connection(bencher: Bencher, who: &str) {
    let (table, rules, ban) = (&FULL.table, connections(), ban());
    bencher
        .with_inputs(|| block(who == "one"))
        .bench_values(|clients| {
            for client in clients {
                let admitted = table.connect(client, &rules, Some(&ban), black_box(Clock::now()));
                assert!(black_box(admitted).is_ok());
            }
        });
}

fn request(bencher: Bencher, who: &str, count: usize) {
    let (table, ban) = (&FULL.table, ban());
    let scopes = scopes(&FULL, count);
    bencher
        .with_inputs(|| block(who == "one"))
        .bench_values(|clients| {
            for client in clients {
                let admitted = table.request(client, &scopes, Some(&ban), black_box(Clock::now()));
                assert!(black_box(admitted).is_ok());
            }
        });
}

#[divan::bench(args = ["anyone", "one"], threads = [1, 2], items_count = BLOCK)]
fn request_in_one_scope(bencher: Bencher, who: &str) {
    request(bencher, who, 1);
}

#[divan::bench(args = ["one"], threads = [1, 2], items_count = BLOCK)]
fn request_in_three_scopes(bencher: Bencher, who: &str) {
    request(bencher, who, 3);
}

/// The usual request: its client has connections open.
#[divan::bench(items_count = BLOCK)]
fn request_in_one_scope_while_connected(bencher: Bencher) {
    let (table, ban) = (&FULL.table, ban());
    let scopes = scopes(&FULL, 1);
    let input = || {
        let clients = block(false);
        clients.map(|client| {
            (
                client,
                table.connect(client, &connections(), None, Clock::now()),
            )
        })
    };
    bencher.with_inputs(input).bench_refs(|clients| {
        for (client, _) in clients {
            let admitted = table.request(*client, &scopes, Some(&ban), black_box(Clock::now()));
            assert!(black_box(admitted).is_ok());
        }
    });
}

/// The flood: every address is new, and the oldest goes for it.
#[divan::bench(items_count = BLOCK)]
fn connection_of_somebody_new(bencher: Bencher) {
    let (table, rules, ban) = (&FULL.table, connections(), ban());
    let mut number = TRACKED;
    let input = || {
        number = number.wrapping_add(BLOCK as u32);
        number
    };
    bencher.with_inputs(input).bench_local_values(|first| {
        for number in first..first + BLOCK as u32 {
            let admitted =
                table.connect(client(number), &rules, Some(&ban), black_box(Clock::now()));
            assert!(black_box(admitted).is_ok());
        }
    });
}

#[divan::bench(items_count = BLOCK)]
fn the_clock_alone(bencher: Bencher) {
    bencher.bench(|| {
        for _ in 0..BLOCK {
            black_box(Clock::now());
        }
    });
}
