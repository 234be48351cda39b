//! A storm: some hundred visitors do whatever pages do, in whatever order, over both protocols, while servers die and come back. At
//! every quiet moment the gateway's counts are those of the servers, and no address ever has more than its limit.
//!
//! ```text
//! PORTCULLIS_STORM_SEED=7 cargo test --test interactions storm      the visitors' decisions again; the timing is the machine's
//! ```

mod dice;
mod visitor;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loadtest::webtools::Death;
use tokio::task::JoinSet;

use super::support::*;
use dice::Dice;
use visitor::{Tally, Visitor};

/// What one address may have. Six visitors share one.
const LIMIT: usize = 5;
const ADDRESSES: u8 = 20;
const PER_ADDRESS: u8 = 6;
const PHASES: u64 = 4;
const STEPS: usize = 14;
/// The servers' patience is shorter than the gateway's, as it should be in the field: what the gateway forgets is surely over.
const SERVERS_SILENCE: Duration = Duration::from_secs(1);

fn section() -> String {
    format!(
        "{{ MaxInteractionsAllowedPerIP: {LIMIT}, silence: {{ chat: 2s, callback: 2s }}, {WIDE} }}"
    )
}

const DOOR: &str = "connections: 5000, new_connections: { rate: 10000/s }, requests: { rate: 10000/s }, requests_in_flight: 5000";
const PROXY: &str = "client_address: { trusted_proxies: [127.0.0.1] }";

/// Half of the visitors come directly over HTTP/1.1, half over a few HTTP/2 connections of a proxy that names them.
async fn visitors(stage: &Stage, seed: u64) -> Vec<Visitor> {
    let mut dice = Dice::new(seed);
    let mut shared = Vec::new();
    for _ in 0..6 {
        shared.push(stage.http2(1).await);
    }
    let mut visitors = Vec::new();
    for address in 1..=ADDRESSES {
        for number in 0..PER_ADDRESS {
            let direct = Client::http1(&stage.edge, Ipv4Addr::new(127, 0, 1, address))
                .with("Content-Type", "application/json");
            visitors.push(Visitor::new(direct, dice.split()));
            let named = shared[usize::from(number) % shared.len()].another();
            let named = named.with("X-Forwarded-For", &format!("192.0.2.{address}"));
            visitors.push(Visitor::new(named, dice.split()));
        }
    }
    visitors
}

/// Everybody takes steps, all at once; meanwhile servers die, come back, and the file is read again.
async fn phase(stage: &Stage, phase: u64, visitors: Vec<Visitor>) -> Vec<Visitor> {
    let steps = Arc::new(AtomicUsize::new(0));
    let all = visitors.len() * STEPS;
    let mut tasks = JoinSet::new();
    for mut visitor in visitors {
        let steps = Arc::clone(&steps);
        tasks.spawn(async move {
            for _ in 0..STEPS {
                visitor.step().await;
                steps.fetch_add(1, Ordering::Relaxed);
            }
            visitor
        });
    }
    let death = [Death::Unavailable, Death::Reset, Death::Hang][phase as usize % 3];
    let mut events = vec![Event::Back, Event::Reload, Event::Over];
    let mut back = Vec::new();
    while next(&mut tasks, &mut back).await {
        for (address, own) in &stage.pair.truth().by_address {
            let has = own.chats.len() + own.callbacks.len();
            assert!(has <= LIMIT, "{address} has {has} at the servers: {own:?}");
        }
        let due = steps.load(Ordering::Relaxed) * 4 / all;
        if due > 3 - events.len()
            && let Some(event) = events.pop()
        {
            happen(stage, event, death).await;
        }
    }
    assert!(events.len() < 3, "no server died while it stormed");
    while let Some(event) = events.pop() {
        happen(stage, event, death).await;
    }
    back
}

enum Event {
    Over,
    Reload,
    Back,
}

async fn happen(stage: &Stage, event: Event, death: Death) {
    match event {
        Event::Over => stage.pair.switch_over(death).await,
        Event::Reload => {
            let yaml = file(&stage.pair, &section(), DOOR, PROXY);
            stage.edge.reload(&yaml).await.unwrap();
        }
        Event::Back => stage.pair.switch_back().await,
    }
}

/// Waits for one more visitor, or for a moment. Returns whether there is somebody still out.
async fn next(tasks: &mut JoinSet<Visitor>, back: &mut Vec<Visitor>) -> bool {
    let moment = Duration::from_millis(5);
    match tokio::time::timeout(moment, tasks.join_next()).await {
        Err(_) => true,
        Ok(None) => false,
        Ok(Some(visitor)) => {
            back.push(visitor.unwrap());
            true
        }
    }
}

/// Nobody begins anything any more, but open pages go on polling, until both sides agree.
async fn quiet(stage: &Stage, visitors: Vec<Visitor>, when: &str) -> Vec<Visitor> {
    let deadline = tokio::time::Instant::now() + SOON;
    let mut visitors = visitors;
    loop {
        let mut polls = JoinSet::new();
        for mut visitor in visitors {
            polls.spawn(async move {
                visitor.keep_alive().await;
                visitor
            });
        }
        visitors = polls.join_all().await;
        match stage.agree().await {
            Ok(()) => return visitors,
            Err(why) => assert!(tokio::time::Instant::now() < deadline, "{when}: {why}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_storm_the_counts_are_those_of_the_servers() {
    let seed = std::env::var("PORTCULLIS_STORM_SEED").ok();
    let seed = seed.map_or(1, |seed| seed.parse().expect("a number"));
    println!("PORTCULLIS_STORM_SEED={seed}");
    let stage = stage_with(&section(), DOOR, PROXY).await;
    {
        let mut site = stage.pair.site();
        site.parameters.poll_silence = SERVERS_SILENCE;
        site.parameters.callback_silence = Some(SERVERS_SILENCE);
    }
    let mut visitors = visitors(&stage, seed).await;
    for number in 0..PHASES {
        visitors = phase(&stage, number, visitors).await;
        visitors = quiet(&stage, visitors, &format!("after phase {number}")).await;
        let truth = stage.pair.truth();
        println!(
            "phase {number}: {} chats, {} callbacks run",
            truth.chats(),
            truth.callbacks()
        );
        assert!(truth.chats() > 0, "nothing is left to be compared");
    }
    let mut tally = Tally::default();
    for (number, mut visitor) in visitors.into_iter().enumerate() {
        // Half of them close their pages without a word.
        if number % 2 == 0 {
            visitor.leave().await;
        }
        tally.add(&visitor.tally);
    }
    until("the last page is forgotten", async || {
        let truth = stage.pair.truth();
        truth.by_address.is_empty() && stage.counts().await == sure(0, 0)
    })
    .await;
    println!("{tally:?}");
    tally.must_have_had_everything();
}
