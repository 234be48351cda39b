//! The real program under traffic while one process after another takes over: no request fails, no stream drops, nobody is refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "reload_under_load/configurations.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod configurations;
#[path = "command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
#[path = "command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use loadtest::traffic::{Amount, Behind, Doors, Traffic};
use rustix::process::Signal;
use tokio::runtime::Runtime;

use configurations::Site;
use gateway::{Gateway, allow_many_descriptors, until};
use support::World;

const UPGRADES: usize = 10;
/// Requests answered between two of them, at least.
const BETWEEN: u64 = 100;

#[test]
fn ten_upgrades_under_traffic_fail_no_request_refuse_nobody_and_drop_no_stream() {
    allow_many_descriptors();

    let world = World::new();
    let runtime = Runtime::new().unwrap();
    let behind = runtime.block_on(Behind::start(&world.authority)).unwrap();
    let site = Site::new(&world, &behind);
    let text = site.file(0) + "upgrade: { socket: upgrade.sock, within: 1h }\n";
    world.write("p.yaml", &text);
    let socket = world.folder().join("upgrade.sock");
    let mut gateways = vec![Gateway::start(&world)];
    let (mut public, admin) = gateways[0].addresses();
    public.retain(|address| address.ip() == admin.ip());
    let doors = Doors {
        https: public[0],
        plain: public[1],
        authority: world.authority.pem(),
    };
    let traffic = runtime
        .block_on(Traffic::start(behind, doors, Amount::default()))
        .unwrap_or_else(|why| panic!("{why}\n{}", gateways[0].log()));

    for round in 1..=UPGRADES {
        until("the last process waits for its successor", || {
            std::os::unix::net::UnixStream::connect(&socket).ok()
        })
        .unwrap();
        let successor = Gateway::run(&world, &["run", "--take-over", "-c", "p.yaml"], &[]);
        let old = gateways.last().unwrap();
        old.wait_for("has taken over", 1);
        gateways.push(successor);
        let after = traffic.so_far().requests + BETWEEN;
        let goes_on = || (traffic.so_far().requests >= after).then_some(());
        until("traffic between two upgrades", goes_on).unwrap();
        let so_far = traffic.so_far();
        assert!(so_far.is_clean(), "upgrade {round}: {so_far}");
    }
    let outcome = runtime.block_on(traffic.finish());
    println!("{outcome}");
    assert!(outcome.is_clean(), "{outcome}");

    // With the last connection each of the old ones ends by itself.
    let last = gateways.pop().unwrap();
    for old in gateways {
        let (ended, log) = old.end();
        assert_eq!(ended.code(), Some(0), "{log}");
        assert!(log.contains("ended; 0 connections were cut"), "{log}");
    }
    last.signal(Signal::TERM);
    let (ended, log) = last.end();
    assert_eq!(ended.code(), Some(0), "{log}");
}
