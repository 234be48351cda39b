//! Starts everything, one flood after the other, and prints the table.
//!
//! ```text
//! cargo run --release -p loadtest --bin flood -- --seconds 20 --way banned --way requests --addresses 0
//! ```

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::attack::{self, Made, Way};
use super::configuration::configuration;
use super::memory;
use super::table::{Row, Table};
use crate::measured::gateway::Gateway;
use crate::measured::polite::{self, Seen};
use crate::measured::server;

/// From the beginning of a flood to the first request that is measured: bans have begun by then, and queues are what they stay.
const SETTLE: Duration = Duration::from_secs(4);

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The gateway's program.
    #[arg(long, default_value = "target/release/portcullis")]
    pub gateway: PathBuf,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Attempts a second of each flood; floods that make the gateway answer a request have half of it.
    #[arg(long, default_value_t = 4000)]
    pub rate: u32,
    /// Addresses that take part.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=65_000))]
    pub addresses: u32,
    /// Only these floods; otherwise all.
    #[arg(long = "way")]
    pub ways: Vec<Way>,
    /// Addresses for the measurement of memory; 0 leaves it out.
    #[arg(long, default_value_t = 1_000_000)]
    pub memory: u64,
    /// The gateway's core.
    #[arg(long, default_value_t = 0)]
    pub gateway_core: usize,
    /// The core of everything else.
    #[arg(long, default_value_t = 1)]
    pub other_core: usize,
}

const WAYS: [Way; 7] = [
    Way::Control,
    Way::Over,
    Way::Banned,
    Way::BannedTls,
    Way::Requests,
    Way::Proxy,
    Way::Http2,
];

/// Measures all of it and prints it.
///
/// # Errors
/// Something could not be started or measured. A polite client that was refused something is an error too.
pub fn run(options: &Options) -> io::Result<()> {
    let server = server::start(Some(options.other_core))?;
    let ways = match &*options.ways {
        [] => WAYS.to_vec(),
        some => some.to_vec(),
    };
    let refused = measure(options, &ways, server)?;
    if options.memory > 0 {
        memory::measure(options, server)?;
    }
    match refused {
        0 => Ok(()),
        some => Err(io::Error::other(format!(
            "{some} requests of the polite client were refused"
        ))),
    }
}

fn measure(options: &Options, ways: &[Way], server: SocketAddr) -> io::Result<u64> {
    let gateway = Gateway::start(
        &options.gateway,
        &configuration(server, ""),
        Some(options.gateway_core),
    )?;
    for number in 0..u64::from(options.addresses) {
        if ways.iter().any(|way| way.is_of_banned()) {
            gateway.ban(attack::address(attack::BANNED, number))?;
        }
    }
    let mut table = Table::begin();
    // Warm: pages, pools and the branch predictor have seen it all once.
    polite(options, &gateway, 3)?;
    table.add(&idle(options, &gateway)?);
    for way in ways {
        table.add(&flood(options, &gateway, *way)?);
    }
    table.add(&idle(options, &gateway)?);
    Ok(table.end())
}

fn idle(options: &Options, gateway: &Gateway) -> io::Result<Row> {
    let (seen, processor) = watched(options, gateway)?;
    Row::new("idle".to_owned(), seen, processor, gateway)
}

fn flood(options: &Options, gateway: &Gateway, way: Way) -> io::Result<Row> {
    let attacker = Attacker::start(options, gateway, way, way.share(options.rate), None)?;
    pause(SETTLE);
    let (seen, processor) = watched(options, gateway)?;
    let mut row = Row::new(way.name(), seen, processor, gateway)?;
    row.made = Some(attacker.stop()?);
    // Nothing of this flood is to be left when the next one begins.
    pause(Duration::from_secs(1));
    Ok(row)
}

/// What the polite client sees, and the share of its core that the gateway uses meanwhile.
fn watched(options: &Options, gateway: &Gateway) -> io::Result<(Seen, f64)> {
    let (before, began) = (gateway.processor()?, Instant::now());
    let seen = polite(options, gateway, options.seconds)?;
    let used = gateway.processor()?.saturating_sub(before);
    Ok((seen, used.as_secs_f64() / began.elapsed().as_secs_f64()))
}

fn polite(options: &Options, gateway: &Gateway, seconds: u64) -> io::Result<Seen> {
    polite::begin(gateway, seconds, false, Some(options.other_core))?.seen()
}

/// A flood under way; it ends with its process.
pub(super) struct Attacker {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Attacker {
    pub(super) fn start(
        options: &Options,
        gateway: &Gateway,
        way: Way,
        rate: u32,
        attempts: Option<u64>,
    ) -> io::Result<Attacker> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("attack")
            .args(["--way", &way.name()])
            .args(["--plain", &gateway.plain.to_string()])
            .args(["--https", &gateway.https.to_string()])
            .args(["--rate", &rate.to_string()])
            .args(["--addresses", &options.addresses.to_string()])
            .args(["--core", &options.other_core.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(attempts) = attempts {
            command.args(["--attempts", &attempts.to_string()]);
        }
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut attacker = Attacker {
            child,
            stdin,
            stdout: BufReader::new(stdout),
        };
        let ready = attacker.line()?;
        match ready.trim() {
            "ready" => Ok(attacker),
            _ => Err(io::Error::other(format!("the flood said {ready:?}"))),
        }
    }

    /// Whether it has made all its attempts.
    pub(super) fn is_over(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Ends it and returns what it came to.
    pub(super) fn stop(mut self) -> io::Result<Made> {
        self.stdin = None;
        let made: Value = serde_json::from_str(&self.line()?)?;
        Ok(Made::from_json(&made))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the conductor's only thread, which serves nobody"
)]
pub(super) fn pause(time: Duration) {
    thread::sleep(time);
}
