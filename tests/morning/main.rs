//! A morning in a contact center: people sign in, work, are sent to another server, fall silent and sign out, and a real Prometheus
//! watches. At every step its answer is the number of the load itself; at the end every metric there is has the right number.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod agent;
mod caller;
#[path = "../prometheus/center.rs"]
mod center;
#[path = "../interactions/client.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod client;
mod crowd;
mod families;
#[path = "../command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
mod judge;
mod ledger;
mod listener;
#[path = "../prometheus/names.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod names;
mod occasions;
mod people;
#[path = "../prometheus/server.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod prometheus;
#[path = "../command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
mod visitor;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use loadtest::icws::Role;
use loadtest::rude::client::Dial;
use loadtest::webtools::Death;

use agent::{Agent, SERVERS};
use caller::Door;
use center::Center;
use crowd::{Crowd, each};
use judge::Judge;
use listener::End;
use prometheus::Prometheus;
use visitor::{Visitor, Wish};

/// Agents, by waves in which they sign in.
const WAVES: usize = 4;
const AGENTS_OF_A_WAVE: usize = 6;
/// How long somebody may be silent: longer than two turns of a busy machine.
const IDLE: &str = "people: { idle: { icws: 6s, webtools: 6s } }\n";
/// Scrapes of steady work, one each second, before the fail-over and after it.
const STEADY: [usize; 2] = [20, 15];

fn seconds() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap().as_secs_f64()
}

/// Everybody works while Prometheus is asked.
async fn meanwhile(crowd: &mut Crowd, center: &Center, asked: impl Future<Output = ()>) {
    let over = AtomicBool::new(false);
    tokio::join!(crowd.work(center, &over), async {
        asked.await;
        over.store(true, Ordering::Relaxed);
    });
}

/// They come in waves. Every second agent has the backup at the head of his list, and is sent on.
async fn sign_in(center: &Center, prometheus: &Prometheus, door: &Arc<Door>) -> Crowd {
    let mut crowd = Crowd {
        agents: Vec::new(),
        visitors: Vec::new(),
    };
    people::at_once(prometheus, "nobody is there", &crowd.expected(center)).await;
    for wave in 0..WAVES {
        let mut agents = Vec::new();
        for number in 1..=AGENTS_OF_A_WAVE {
            agents.push(Agent::new(door, wave * AGENTS_OF_A_WAVE + number).await);
        }
        each(&mut agents, |mut agent| async {
            agent.sign_in(SERVERS[usize::from(agent.listens)]).await;
            agent.listen().await;
            agent
        })
        .await;
        crowd.agents.append(&mut agents);
        let mut visitors = Vec::new();
        for (number, wish) in [Wish::Chat, Wish::Chat, Wish::Chat, Wish::Callback]
            .into_iter()
            .enumerate()
        {
            visitors.push(Visitor::new(door, number, wish).await);
        }
        each(&mut visitors, |mut visitor| async {
            visitor.start().await;
            visitor
        })
        .await;
        crowd.visitors.append(&mut visitors);
        let step = format!("wave {} has signed in", wave + 1);
        people::at_once(prometheus, &step, &crowd.expected(center)).await;
    }
    crowd
}

/// The connections to the active ICWS server are lost, it comes back as the backup, and everybody signs in at the other one. Then the
/// Web Tools go over to their second server.
async fn fail_over(center: &Center, prometheus: &Prometheus, crowd: &mut Crowd) {
    let wire = center.icserver1.wire();
    wire.refuse_connections(true).await;
    wire.reset_connections();
    each(&mut crowd.agents, |mut agent| async {
        let end = agent.stream_ends().await;
        assert!(matches!(end, None | Some(End::Broken)));
        agent
    })
    .await;
    each(&mut crowd.agents, |mut agent| async {
        assert_eq!(agent.poll().await, 502);
        agent
    })
    .await;
    let step = "a server is lost, and nobody has heard that his session is gone";
    people::at_once(prometheus, step, &crowd.expected(center)).await;
    for session in center.icserver1.sessions() {
        center.icserver1.end_session(&session.id);
    }
    center.icserver2.change(|behaviour| {
        behaviour.role = Role::Primary;
        behaviour.alternates = Vec::new();
    });
    center.icserver1.change(|behaviour| {
        behaviour.role = Role::Backup;
        behaviour.alternates = vec!["icserver2".to_owned()];
    });
    wire.refuse_connections(false).await;
    each(&mut crowd.agents, |mut agent| async {
        assert_eq!(agent.poll().await, 401);
        agent
    })
    .await;
    people::at_once(
        prometheus,
        "everybody has lost his session",
        &crowd.expected(center),
    )
    .await;
    each(&mut crowd.agents, |mut agent| async {
        agent.sign_in(SERVERS[0]).await;
        agent.listen().await;
        agent
    })
    .await;
    people::at_once(
        prometheus,
        "everybody is at the other server",
        &crowd.expected(center),
    )
    .await;
    center.chat.switch_over(Death::Unavailable).await;
    each(&mut crowd.visitors, |mut visitor| async {
        assert_eq!(visitor.turn().await, 503);
        visitor.fail_over().await;
        visitor
    })
    .await;
    people::at_once(
        prometheus,
        "the pages are at the other server",
        &crowd.expected(center),
    )
    .await;
}

/// Some close the lid of their notebook, without a word.
async fn fall_silent(center: &Center, prometheus: &Prometheus, crowd: &mut Crowd) {
    let (silent, rest) = std::mem::take(&mut crowd.agents)
        .into_iter()
        .partition::<Vec<_>, _>(|agent| !agent.listens && agent.number() > 2 * AGENTS_OF_A_WAVE);
    crowd.agents = rest;
    assert_eq!(silent.len(), 8);
    drop(silent);
    crowd.visitors.truncate(11);
    let rest = crowd.believes();
    meanwhile(
        crowd,
        center,
        people::at_last(prometheus, "some have fallen silent", &rest),
    )
    .await;
    // The servers forget them too.
    let held = crowd.agents.iter().filter_map(Agent::session);
    let held: BTreeSet<String> = held.map(str::to_owned).collect();
    for session in center.icserver2.sessions() {
        if !held.contains(&session.id) {
            center.icserver2.end_session(&session.id);
        }
    }
}

async fn sign_out(center: &Center, prometheus: &Prometheus, crowd: &mut Crowd) {
    let steps = ["half of them have signed out", "everybody has signed out"];
    for (step, left) in steps.into_iter().zip([crowd.agents.len() / 2, 0]) {
        let mut going = crowd.agents.split_off(left);
        each(&mut going, |mut agent| async {
            agent.sign_out().await;
            agent
        })
        .await;
        people::at_once(prometheus, step, &crowd.expected(center)).await;
    }
    each(&mut crowd.visitors, |mut visitor| async {
        visitor.leave().await;
        visitor
    })
    .await;
    people::at_once(prometheus, "nobody is left", &crowd.expected(center)).await;
    crowd.visitors.clear();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_every_step_of_a_morning_prometheus_has_the_numbers_of_the_load() {
    let before = seconds();
    let center = Center::start(&format!("{IDLE}{}", occasions::LIMITS)).await;
    let started = (before, seconds());
    let gateways = [("gw1", center.admin)];
    let Some(prometheus) = Prometheus::scraping("the morning", &gateways, None).await else {
        return;
    };
    {
        // The servers' patience is the gateway's.
        let mut site = center.chat.site();
        site.parameters.poll_silence = Duration::from_secs(6);
        site.parameters.callback_silence = Some(Duration::from_secs(6));
    }
    let door = Arc::new(Door {
        tls: center.tls,
        plain: center.plain,
        ledger: ledger::Ledger::default(),
    });
    let mut crowd = sign_in(&center, &prometheus, &door).await;
    let expected = crowd.expected(&center);
    let steady = people::throughout(&prometheus, "steady work", STEADY[0], &expected);
    meanwhile(&mut crowd, &center, steady).await;
    fail_over(&center, &prometheus, &mut crowd).await;
    let expected = crowd.expected(&center);
    let steady = people::throughout(
        &prometheus,
        "steady work at the other servers",
        STEADY[1],
        &expected,
    );
    meanwhile(&mut crowd, &center, steady).await;
    fall_silent(&center, &prometheus, &mut crowd).await;
    sign_out(&center, &prometheus, &mut crowd).await;
    drop(crowd);

    occasions::answers(&center, &door).await;
    occasions::handshakes(&center, &door).await;
    occasions::gone(&center, &door).await;
    let first = occasions::websocket(&center, &door).await;
    occasions::websocket_ends(first, &door);
    occasions::ban(&center, &door).await;
    center.reload(|file| file.replace("icws: 6s", "icws: 7s"));
    let since = seconds();
    center.reload(|file| file);
    let since = (since, seconds());
    center.reload(|file| file.replace("kind: icws", "kind: icwz"));
    // What is held open is there to be counted.
    let socket = occasions::websocket(&center, &door).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(Dial::plain(center.plain).open().await.unwrap());
    }
    held.push(
        Dial::tls(center.tls)
            .sni(client::HOST)
            .alpn(&["h2"])
            .open()
            .await
            .unwrap(),
    );
    door.ledger.handshake("TLSv1.3", "done");
    let reload = gateway::get(center.admin, "localhost", "/api/reload").unwrap();
    let reload: serde_json::Value =
        serde_json::from_str(reload.split_once("\r\n\r\n").unwrap().1).unwrap();
    let hash = reload["hash"].as_str().unwrap();

    let open_files = families::open_files(&center);
    let at = prometheus.sample_after(SystemTime::now()).await;
    let mut judge = Judge::new(&prometheus, at);
    families::requests(&mut judge, &door.ledger).await;
    families::limits(&mut judge, &door.ledger).await;
    let open = [(["127.0.0.4:0", "http1"], 4), (["127.0.0.2:0", "http2"], 1)];
    families::connections(&mut judge, &door.ledger, &open).await;
    families::servers(&mut judge, &center, &door.ledger).await;
    families::configuration(&mut judge, &center, hash, since).await;
    families::process(&mut judge, &center, started, open_files).await;
    assert!(
        judge.wrong.is_empty(),
        "{}\n{}",
        judge.wrong.join("\n"),
        center.gateway.log()
    );
    assert_eq!(judge.judged, names::documented(), "every metric is judged");
    let requests = door.ledger.read(|all| all.requests.values().sum::<u64>());
    println!("{requests} requests, {} metrics", judge.judged.len());
    drop((socket, held));
}
