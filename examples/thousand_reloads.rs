//! A running gateway with 10,000 hosts that reloads a thousand times, each time a file in which something has changed: prints how long
//! a reload takes and what the process holds in memory. `thousand_reloads [ROUNDS [HOSTS]]`.

use std::time::{Duration, Instant};

use loadtest::large::{Large, Variant};
use portcullis::load::load;
use portcullis::reload::{Outcome, reload};
use portcullis::server::Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // RUST_LOG=portcullis::reload=debug shows how long each step takes.
    env_logger::init();
    let mut numbers = std::env::args().skip(1).map_while(|word| word.parse().ok());
    let rounds = numbers.next().unwrap_or(1000);
    let hosts = numbers.next().unwrap_or(10_000);
    let folder = tempfile::tempdir()?;
    let large = Large::in_folder(folder.path())?.hosts(hosts);
    let file = folder.path().join("portcullis.yaml");
    let texts = [
        Variant::First,
        Variant::OneRoute,
        Variant::EveryHost,
        Variant::Everything,
    ]
    .map(|variant| (variant, large.text(variant)));
    std::fs::write(&file, &texts[0].1)?;
    println!("{} hosts, {} bytes", hosts, texts[0].1.len());
    let began = Instant::now();
    let (loaded, _) = load(&file)?;
    let server = Server::start(loaded).await?;
    println!(
        "start: {} ms, {} MB",
        began.elapsed().as_millis(),
        resident() / 1_000_000
    );

    once(&server, &file, "the same file").await;
    // To one of the others and back: each kind of change as often as the others.
    let mut took: [Vec<Duration>; 4] = Default::default();
    for round in 1..=rounds {
        let (variant, text) = match round % 2 {
            0 => &texts[0],
            _ => &texts[(round / 2) % 3 + 1],
        };
        std::fs::write(&file, text)?;
        let began = Instant::now();
        let outcome = reload(&server, &file).await;
        assert_eq!(outcome, Outcome::Applied, "round {round}");
        let at = match round % 2 {
            0 => ((round - 1) / 2) % 3 + 1,
            _ => *variant as usize,
        };
        took[at].push(began.elapsed());
        // As in life, where one reload does not come upon the heels of another.
        settle(&server).await;
        if round == 10 || round == 100 || round == rounds {
            println!("after {round} reloads: {} MB", resident() / 1_000_000);
        }
    }
    for (name, took) in ["", "one route", "every host", "everything"]
        .iter()
        .zip(&mut took)
    {
        took.sort_unstable();
        if let (Some(median), Some(most)) = (took.get(took.len() / 2), took.last()) {
            println!("{name} changed: {median:?}, at most {most:?}");
        }
    }
    Ok(())
}

async fn once(server: &Server, file: &std::path::Path, what: &str) {
    let began = Instant::now();
    let outcome = reload(server, file).await;
    println!("{what}: {} in {:?}", outcome.word(), began.elapsed());
}

/// Waits until what was replaced has been given back.
async fn settle(server: &Server) {
    while server.retired() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}
