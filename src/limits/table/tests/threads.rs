//! Many at once: limits hold to the last one, and nothing is left behind.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::*;

const THREADS: u32 = 8;

/// Runs `body` on eight threads that begin together.
fn together(body: impl Fn(u32) + Sync) {
    let start = Barrier::new(THREADS as usize);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, body) = (&start, &body);
            scope.spawn(move || {
                start.wait();
                body(thread);
            });
        }
    });
}

#[test]
fn eight_threads_hold_a_number_at_a_time_exactly() {
    let table = Table::new(1000);
    let rules = connections(None, Some((10, Enforce)));
    let scopes = [
        (ScopeId::PROCESS, requests(None, Some((10, Enforce)))),
        (ScopeId(1), requests(None, Some((7, Enforce)))),
    ];
    let (open, most_open, running, most_running) =
        <(AtomicU32, AtomicU32, AtomicU32, AtomicU32)>::default();
    together(|_| {
        for _ in 0..3000 {
            let connected: Vec<_> = (0..3)
                .filter_map(|_| table.connect(client(1), &rules, None, at(0)).ok())
                .collect();
            let count = connected.len() as u32;
            most_open.fetch_max(
                open.fetch_add(count, Ordering::SeqCst) + count,
                Ordering::SeqCst,
            );
            let asked = table.request(client(1), &scopes, None, at(0)).ok();
            let asking = u32::from(asked.is_some());
            most_running.fetch_max(
                running.fetch_add(asking, Ordering::SeqCst) + asking,
                Ordering::SeqCst,
            );
            // Counted down before the guards go: the counts here are never above those of the table.
            running.fetch_sub(asking, Ordering::SeqCst);
            open.fetch_sub(count, Ordering::SeqCst);
            drop((connected, asked));
        }
    });
    assert!(most_open.into_inner() <= 10);
    assert!(most_running.into_inner() <= 7);
    assert_eq!(table.held(), 0);
    table.check();
}

#[test]
fn eight_threads_get_the_burst_and_not_one_more() {
    let table = Table::new(1000);
    let scopes = [
        (ScopeId::PROCESS, requests(Some((1, 1000, Enforce)), None)),
        (ScopeId(1), requests(Some((1, 900, Enforce)), None)),
    ];
    let admitted = AtomicU32::new(0);
    together(|_| {
        for _ in 0..500 {
            let asked = table.request(client(1), &scopes, None, at(0));
            admitted.fetch_add(u32::from(asked.is_ok()), Ordering::Relaxed);
        }
    });
    assert_eq!(admitted.into_inner(), 900);
    assert_eq!(table.held(), 0);
}

#[test]
fn a_clock_that_is_read_before_the_lock_admits_no_more_than_the_rate() {
    let table = Table::new(1000);
    // 1 per microsecond, 50 at once; the clock moves 10 ns with each look.
    let limit = RateLimit::new(
        NonZeroU32::new(1_000_000).unwrap(),
        SECOND,
        NonZeroU32::new(50).unwrap(),
    );
    let rules = [(
        ScopeId::PROCESS,
        RequestRules {
            rate: Some((limit, Enforce)),
            in_flight: None,
        },
    )];
    let clock = AtomicU64::new(at(0).0);
    let admitted = AtomicU64::new(0);
    together(|_| {
        for _ in 0..20_000 {
            let now = Now(clock.fetch_add(10, Ordering::SeqCst));
            let asked = table.request(client(1), &rules, None, now);
            admitted.fetch_add(u64::from(asked.is_ok()), Ordering::Relaxed);
        }
    });
    let passed = clock.into_inner() - at(0).0;
    let admitted = admitted.into_inner();
    assert!(admitted <= 50 + passed / 1000, "{admitted} in {passed} ns");
    // And it was the limit that held them back.
    assert!(admitted >= passed / 1000, "{admitted} in {passed} ns");
}

#[test]
fn threads_over_many_addresses_leave_nothing_behind() {
    let table = Table::new(200);
    let rules = connections(Some((100, 100, Enforce)), Some((5, Enforce)));
    let scopes = [
        (ScopeId::PROCESS, requests(None, Some((5, Enforce)))),
        (ScopeId(1), RequestRules::default()),
    ];
    let ban = ban_after(50, Enforce);
    together(|thread| {
        let mut random = u64::from(thread) + 1;
        let mut held = Vec::new();
        for step in 0..4000 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let address = client((random >> 33) as u32 % 600);
            let connected = table.connect(address, &rules, Some(&ban), at(step));
            let asked = table.request(address, &scopes, Some(&ban), at(step));
            if connected.is_err() {
                table.strike(address, &ban, at(step));
            }
            held.push((connected.ok(), asked.ok()));
            if held.len() > 20 {
                held.swap_remove((random >> 20) as usize % 20);
            }
            if random % 64 == 0 {
                table.lift(address, at(step));
            }
        }
    });
    table.check();
    assert_eq!(table.held(), 0);
    assert!(table.len() <= table.capacity());
}
