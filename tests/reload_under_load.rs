//! The real program under traffic while its file changes again and again: nobody notices a reload.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "reload_under_load/configurations.rs"]
mod configurations;
#[path = "reload_under_load/driver.rs"]
mod driver;
#[path = "command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
#[path = "reload_under_load/mistakes.rs"]
mod mistakes;
#[path = "command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use loadtest::traffic::{Amount, Behind, Doors, Traffic};
use tokio::runtime::Runtime;

use configurations::Site;
use driver::Driver;
use gateway::{Outcomes, allow_many_descriptors, until};
use support::World;

/// Reloads that are waited for, and every how many of them is a mistake.
const RELOADS: usize = 200;
const MISTAKE: usize = 4;
/// Signals that nobody waits for.
const BURST: usize = 60;
/// Requests answered between two reloads, at least.
const BETWEEN: u64 = 20;

#[test]
fn two_hundred_reloads_under_traffic_fail_no_request_and_drop_no_stream() {
    allow_many_descriptors();

    let world = World::new();
    let runtime = Runtime::new().unwrap();
    let behind = runtime.block_on(Behind::start(&world.authority)).unwrap();
    let mut driver = Driver::start(&world, Site::new(&world, &behind));
    let doors = Doors {
        https: driver.https(),
        plain: driver.plain(),
        authority: world.authority.pem(),
    };
    let traffic = Traffic::start(behind, doors, Amount::default());
    let traffic = runtime
        .block_on(traffic)
        .unwrap_or_else(|why| panic!("{why}\n{}", driver.log()));

    let before = traffic.so_far();
    for round in 1..=RELOADS {
        if round % MISTAKE == 0 {
            driver.mistaken(round);
        } else {
            driver.changed(round);
        }
        let after = traffic.so_far().requests + BETWEEN;
        let goes_on = || (traffic.so_far().requests >= after).then_some(());
        until("traffic between two reloads", goes_on).unwrap();
        let so_far = traffic.so_far();
        assert!(so_far.is_clean(), "round {round}: {so_far}");
    }
    let known = driver.outcomes();
    let mistakes = RELOADS / MISTAKE;
    assert_eq!(known.refused, mistakes);
    assert_eq!(known.applied + known.unchanged, RELOADS - mistakes);

    for round in RELOADS + 1..=RELOADS + BURST {
        driver.hurried(round);
    }
    driver.in_force(RELOADS + BURST);
    let all = driver.outcomes();
    assert_eq!(all.refused, known.refused);
    assert!(
        (1..=BURST).contains(&(all.applied - known.applied)),
        "{all:?}"
    );

    let after = traffic.so_far();
    let outcome = runtime.block_on(traffic.finish());
    println!("{outcome}");
    assert!(outcome.is_clean(), "{outcome}");
    // There was traffic all along, on old connections and on new ones.
    assert!(
        after.requests - before.requests > RELOADS as u64,
        "{outcome}"
    );
    assert!(
        after.connections - before.connections > RELOADS as u64 / 2,
        "{outcome}"
    );
    assert!(
        after.echoes > before.echoes && after.events > before.events,
        "{outcome}"
    );
    assert_ne!(all, Outcomes::default());
    driver.stop();
}
