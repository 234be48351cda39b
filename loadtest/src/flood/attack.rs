//! The flood: a bounded number of attempts a second from ten thousand addresses, each attempt counted by its end.
//!
//! The rate is bounded because this machine is not the network: what an attacker's own machines would do is done by the same two
//! cores. How the gateway fares at more than it can take is said by the processor time that each attempt costs it.
//!
//! ```text
//! flood attack --way banned --plain 127.0.0.1:8080 --https 127.0.0.1:8443 --rate 4000 --addresses 10000 --core 1
//! ```

mod http2;
mod knock;
mod ways;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::MissedTickBehavior;

use crate::measured::cores;
use ways::Attempts;
pub use ways::Way;
pub(super) use ways::{BANNED, address};

/// Attempts under way at the same time; one more is not made, and counted.
const AT_ONCE: usize = 2000;
/// An attacker who was held up makes up for at most so much: the flood is to be even.
const MAKE_UP: Duration = Duration::from_millis(5);

/// What to do to whom.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The kind of flood.
    #[arg(long)]
    pub way: Way,
    /// The gateway's plain listener.
    #[arg(long)]
    pub plain: SocketAddr,
    /// The gateway's TLS listener.
    #[arg(long)]
    pub https: SocketAddr,
    /// Attempts a second.
    #[arg(long)]
    pub rate: u32,
    /// Client addresses.
    #[arg(long)]
    pub addresses: u32,
    /// Ends after so many attempts; otherwise with the end of the standard input.
    #[arg(long)]
    pub attempts: Option<u64>,
    /// The core to stay on.
    #[arg(long)]
    pub core: usize,
}

/// How attempts ended.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// With the server's answer, with a refusal as an answer, without a word, or not at all within the time.
    counts: [AtomicU64; 4],
}

/// How one attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Served,
    Refused,
    Closed,
    Failed,
}

impl Ends {
    fn add(&self, end: End) {
        if let Some(count) = self.counts.get(end as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What an attack came to.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub seconds: f64,
    /// Attempts that were made, and those left out because too many were under way or the attacker was held up.
    pub attempts: u64,
    pub left_out: u64,
    pub served: u64,
    pub refused: u64,
    pub closed: u64,
    pub failed: u64,
}

impl Made {
    pub(super) fn from_json(value: &Value) -> Made {
        let count = |name: &str| value[name].as_u64().unwrap_or_default();
        Made {
            seconds: value["seconds"].as_f64().unwrap_or_default(),
            attempts: count("attempts"),
            left_out: count("left_out"),
            served: count("served"),
            refused: count("refused"),
            closed: count("closed"),
            failed: count("failed"),
        }
    }
}

/// Attacks until told to stop, then prints what it came to as one line of JSON. Before the first attempt it prints `ready`.
///
/// # Errors
/// It could not begin.
pub fn run(options: &Options) -> io::Result<()> {
    cores::stay_on(options.core)?;
    cores::yield_to_others()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let made = runtime.block_on(attack(options))?;
    println!("{made}");
    // Connections that are still open are of no interest, and need not be closed one by one.
    runtime.shutdown_background();
    Ok(())
}

async fn attack(options: &Options) -> io::Result<Value> {
    let attempts = Arc::new(Attempts::prepare(options).await?);
    println!("ready");
    let ends = Arc::new(Ends::default());
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopped = end_of_input();
    let began = Instant::now();
    let (mut made, mut left_out) = (0, 0);
    let rate = f64::from(options.rate);
    let most_at_once = (rate * MAKE_UP.as_secs_f64()).ceil() as u64;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = &mut stopped => break,
        }
        // Small enough to be exact.
        let due = (began.elapsed().as_secs_f64() * rate) as u64;
        left_out += (due - made - left_out).saturating_sub(most_at_once);
        while made + left_out < due {
            let Ok(place) = places.clone().try_acquire_owned() else {
                left_out += 1;
                continue;
            };
            let (attempts, ends) = (attempts.clone(), ends.clone());
            let number = made;
            made += 1;
            tokio::spawn(async move {
                ends.add(attempts.make(number).await);
                drop(place);
            });
        }
        if options.attempts.is_some_and(|most| made >= most) {
            break;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    // Those under way come to their end.
    let _ = tokio::time::timeout(
        Duration::from_secs(5),
        places.acquire_many(u32::try_from(AT_ONCE).unwrap_or(u32::MAX)),
    )
    .await;
    let count = |end: End| {
        ends.counts
            .get(end as usize)
            .map(|count| count.load(Ordering::Relaxed))
    };
    Ok(json!({
        "seconds": seconds,
        "attempts": made,
        "left_out": left_out,
        "served": count(End::Served),
        "refused": count(End::Refused),
        "closed": count(End::Closed),
        "failed": count(End::Failed),
    }))
}

/// Completes with the end of the standard input: whoever started this has let go of it.
fn end_of_input() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        // An input that breaks has ended too.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = sender.send(());
    });
    receiver
}
