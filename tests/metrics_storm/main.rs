//! A storm over everything that a gauge counts: clients break off in every place, reset, fall silent and run into deadlines, servers hang
//! and reset, the file is read anew. When it is over, every gauge of clients is 0 again, and so is what limits hold of them.
//!
//! ```text
//! PORTCULLIS_STORM_SEED=7 cargo test --test metrics_storm      the guests' decisions again; the timing is the machine's
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "../interactions/client.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod client;
#[path = "../interactions/storm/dice.rs"]
mod dice;
mod guest;
mod house;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dice::Dice;
use guest::{Guest, Tally};
use house::{House, SOON};

const GUESTS: usize = 40;
const STEPS: usize = 20;
const PHASES: usize = 3;
/// What the weather waits for between two of its moods.
const GUST: Duration = Duration::from_millis(25);

/// Gauges of what clients hold: each goes back to 0 when they are gone.
const OF_CLIENTS: [&str; 5] = [
    "portcullis_connected_users",
    "portcullis_connections_open",
    "portcullis_interactions",
    "portcullis_listener_connections_open",
    "portcullis_streams_open",
];
/// Gauges of something else: the table of limits, which remembers for a while, servers, the file, the process.
const OF_OTHERS: [&str; 18] = [
    "portcullis_bans",
    "portcullis_build_info",
    "portcullis_certificate_expiry_timestamp_seconds",
    "portcullis_config_generation",
    "portcullis_config_info",
    "portcullis_config_last_reload_success_timestamp_seconds",
    "portcullis_config_last_reload_successful",
    "portcullis_predecessor_connections",
    "portcullis_tracked_addresses",
    "portcullis_upstream_insecure",
    "portcullis_upstream_standby",
    "portcullis_upstream_up",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_virtual_memory_bytes",
];

/// What a gauge of clients is made of, added up.
fn sum(text: &str, gauge: &str) -> f64 {
    let lines = text.lines().filter_map(|line| line.strip_prefix(gauge));
    let own = lines.filter(|rest| rest.starts_with(['{', ' ']));
    own.map(|rest| rest.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

/// A gauge that nobody has thought of here has no place in the storm: it has to be put into one of the lists.
fn every_gauge_is_known(text: &str) {
    let gauges = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" gauge"));
    let mut seen = 0;
    for gauge in gauges {
        assert!(
            OF_CLIENTS.contains(&gauge) || OF_OTHERS.contains(&gauge),
            "{gauge} is in neither list"
        );
        seen += 1;
    }
    assert!(seen > 15, "{text}");
}

async fn until_nothing_is_left(house: &House, when: &str) {
    let began = Instant::now();
    loop {
        let text = house.admin("/metrics").await;
        let gauges = OF_CLIENTS.map(|gauge| (gauge, sum(&text, gauge)));
        let left: Vec<_> = gauges
            .into_iter()
            .filter(|(_, number)| *number != 0.0)
            .collect();
        let held = house.held().await;
        if left.is_empty() && held == (0, 0) {
            every_gauge_is_known(&text);
            return;
        }
        assert!(
            began.elapsed() < SOON,
            "{when}: {left:?} are not 0; limits hold {held:?} connections and requests"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everybody takes steps, all at once, in changing weather. Returns also the most that each gauge has shown meanwhile.
async fn storm(
    house: &Arc<House>,
    guests: Vec<Guest>,
    weather: &mut Dice,
) -> (Vec<Guest>, [f64; OF_CLIENTS.len()]) {
    let tasks: Vec<_> = guests
        .into_iter()
        .map(|mut guest| {
            let house = Arc::clone(house);
            tokio::spawn(async move {
                for _ in 0..STEPS {
                    guest.step(&house).await;
                }
                guest
            })
        })
        .collect();
    let over = AtomicBool::new(false);
    tokio::join!(
        async {
            let mut back = Vec::new();
            for task in tasks {
                back.push(task.await.unwrap());
            }
            over.store(true, Ordering::Relaxed);
            back
        },
        async {
            let mut most = [0.0; OF_CLIENTS.len()];
            while !over.load(Ordering::Relaxed) {
                house.mood(weather.below(12)).await;
                let text = house.admin("/metrics").await;
                for (most, gauge) in most.iter_mut().zip(OF_CLIENTS) {
                    *most = f64::max(*most, sum(&text, gauge));
                }
                tokio::time::sleep(GUST).await;
            }
            most
        }
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_storm_every_gauge_of_clients_is_zero() {
    let seed = std::env::var("PORTCULLIS_STORM_SEED").ok();
    let seed = seed.map_or(1, |seed| seed.parse().expect("a number"));
    println!("PORTCULLIS_STORM_SEED={seed}");
    let mut dice = Dice::new(seed);
    let house = Arc::new(House::start().await);
    let mut tally = Tally::default();
    for phase in 1..=PHASES {
        let guests = (0..GUESTS)
            .map(|number| Guest::new(&house, number, dice.split()))
            .collect();
        let (guests, most) = storm(&house, guests, &mut dice.split()).await;
        house.calm();
        println!("phase {phase}: {OF_CLIENTS:?} were up to {most:?}");
        assert!(
            most.iter().all(|number| *number > 0.0),
            "too little was there to come down"
        );
        for guest in guests {
            tally.add(&guest.tally);
            guest.leave().await;
        }
        until_nothing_is_left(&house, &format!("after phase {phase}")).await;
    }
    println!("{tally:?}");
    tally.must_have_had_everything();
}
