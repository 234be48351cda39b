//! The polite client: one address that uses nine tenths of what every address may, and measures each request.
//!
//! A request is due at a time that was fixed before the first one was sent, and its time counts from there. A request that has to wait
//! because the one before it was slow is slow itself: nothing is left out because the gateway was slow ("coordinated omission").
//! Threads that block and system calls that sleep are used on purpose: an asynchronous timer counts in whole milliseconds.
//!
//! ```text
//! 8 threads, 20 requests/s each      over a TLS connection that is kept
//! 2 threads, 10 requests/s each      each over a TLS connection of its own, handshake included
//! ```

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use openssl::ssl::{SslConnector, SslMethod, SslStream};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::figures::{Figures, Times};
use super::gateway::Gateway;
use super::{HOST, cores};

/// Its address: no other process here uses it.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const KEPT: (u32, Duration) = (8, Duration::from_millis(50));
const NEW: (u32, Duration) = (2, Duration::from_millis(100));
/// A request without an answer for so long counts as refused.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where and how long.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The gateway's TLS listener.
    #[arg(long)]
    pub to: SocketAddr,
    /// The file that vouches for its certificate.
    #[arg(long)]
    pub authority: PathBuf,
    /// Seconds to measure.
    #[arg(long)]
    pub seconds: u64,
    /// Only over kept connections: without handshakes, whose work would hide what is smaller.
    #[arg(long)]
    pub kept_only: bool,
    /// The core to stay on; otherwise any.
    #[arg(long)]
    pub core: Option<usize>,
}

/// What it saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Requests over kept connections, and over new ones.
    pub kept: Figures,
    pub new: Figures,
    /// How late the requests over kept connections began although nothing but this process was to blame.
    pub late: Figures,
    /// Requests without the server's answer.
    pub refused: u64,
    pub first_refusal: Option<String>,
}

impl Seen {
    pub(crate) fn from_json(value: &Value) -> Seen {
        Seen {
            kept: Figures::from_json(&value["kept"]),
            new: Figures::from_json(&value["new"]),
            late: Figures::from_json(&value["late"]),
            refused: value["refused"].as_u64().unwrap_or(u64::MAX),
            first_refusal: value["first_refusal"].as_str().map(str::to_owned),
        }
    }
}

/// The polite client as a process of its own, under way.
pub(crate) struct Measuring(Child);

/// Begins it: this program once more, with `polite` as its first argument.
///
/// # Errors
/// Those of the system.
pub(crate) fn begin(
    gateway: &Gateway,
    seconds: u64,
    kept_only: bool,
    core: Option<usize>,
) -> io::Result<Measuring> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("polite")
        .args(["--to", &gateway.https.to_string()])
        .arg("--authority")
        .arg(gateway.authority())
        .args(["--seconds", &seconds.to_string()])
        .stdout(Stdio::piped());
    if kept_only {
        command.arg("--kept-only");
    }
    if let Some(core) = core {
        command.args(["--core", &core.to_string()]);
    }
    command.spawn().map(Measuring)
}

impl Measuring {
    /// Waits for its end.
    ///
    /// # Errors
    /// It did not run.
    pub(crate) fn seen(self) -> io::Result<Seen> {
        let output = self.0.wait_with_output()?;
        if !output.status.success() {
            return Err(io::Error::other("the polite client did not run"));
        }
        let seen: Value = serde_json::from_slice(&output.stdout)?;
        Ok(Seen::from_json(&seen))
    }
}

/// Measures, and prints what it saw as one line of JSON.
///
/// # Errors
/// It could not begin: no such core, no authority.
pub fn run(options: &Options) -> io::Result<()> {
    if let Some(core) = options.core {
        cores::stay_on(core)?;
    }
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    connector.set_ca_file(&options.authority)?;
    let target = Arc::new(Target {
        to: options.to,
        connector: connector.build(),
    });
    // Everybody is connected by then.
    let begin = Instant::now() + Duration::from_millis(500);
    let end = begin + Duration::from_secs(options.seconds);
    let spawn = |(threads, every): (u32, Duration), kept: bool| -> Vec<_> {
        (0..threads)
            .map(|number| {
                let target = target.clone();
                // Spread evenly over the time between two requests of one thread.
                let first = begin + every * number / threads;
                thread::spawn(move || measure(&target, first, every, end, kept))
            })
            .collect()
    };
    let new = if options.kept_only { (0, NEW.1) } else { NEW };
    let (kept, new) = (spawn(KEPT, true), spawn(new, false));
    let (kept, new) = (joined(kept), joined(new));
    let line = json!({
        "kept": kept.times.figures().to_json(),
        "new": new.times.figures().to_json(),
        "late": kept.late.figures().to_json(),
        "refused": kept.refused + new.refused,
        "first_refusal": kept.first_refusal.or(new.first_refusal),
    });
    println!("{line}");
    Ok(())
}

struct Target {
    to: SocketAddr,
    connector: SslConnector,
}

type Connection = SslStream<TcpStream>;

impl Target {
    fn open(&self) -> io::Result<Connection> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((ADDRESS, 0)).into())?;
        socket.connect_timeout(&self.to.into(), PATIENCE)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        self.connector
            .connect(HOST, socket.into())
            .map_err(|error| io::Error::other(error.to_string()))
    }
}

#[derive(Default)]
struct Measured {
    times: Times,
    late: Times,
    refused: u64,
    first_refusal: Option<String>,
}

fn joined(threads: Vec<thread::JoinHandle<Measured>>) -> Measured {
    let mut all = Measured::default();
    for thread in threads {
        let Ok(one) = thread.join() else {
            all.refused += 1;
            continue;
        };
        all.times.join(one.times);
        all.late.join(one.late);
        all.refused += one.refused;
        all.first_refusal = all.first_refusal.or(one.first_refusal);
    }
    all
}

/// One request with every tick, over one connection or each over its own.
fn measure(target: &Target, first: Instant, every: Duration, end: Instant, keep: bool) -> Measured {
    let mut all = Measured::default();
    let mut kept = None;
    if keep {
        kept = target.open().ok();
    }
    let (mut due, mut free) = (first, first);
    while due < end {
        sleep_until(due);
        all.late
            .add(Instant::now().saturating_duration_since(due.max(free)));
        let asked = match kept.take() {
            Some(connection) => ask(connection),
            None => target.open().and_then(ask),
        };
        free = Instant::now();
        all.times.add(free.saturating_duration_since(due));
        match asked {
            Ok(connection) => kept = connection.filter(|_| keep),
            Err(error) => {
                all.refused += 1;
                all.first_refusal
                    .get_or_insert_with(|| format!("keep {keep}: {error}"));
            }
        }
        due += every;
    }
    all
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own, and exact to the microsecond where tokio's timer is to the millisecond"
)]
fn sleep_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}

/// One request; the connection again, unless the answer says that it was the last.
fn ask(mut connection: Connection) -> io::Result<Option<Connection>> {
    let request = format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    connection.write_all(request.as_bytes())?;
    let mut answer = Vec::with_capacity(1024);
    let mut space = [0; 1024];
    while !answer.ends_with(b"\r\n\r\nok") {
        let n = connection.read(&mut space)?;
        answer.extend_from_slice(space.get(..n).unwrap_or_default());
        if n == 0 || answer.len() > 8192 {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            return Err(io::Error::other(format!("the answer was {answer:?}")));
        }
    }
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        let answer = String::from_utf8_lossy(&answer).into_owned();
        return Err(io::Error::other(answer));
    }
    let head = answer.to_ascii_lowercase();
    let last = head.windows(17).any(|part| part == b"connection: close");
    Ok((!last).then_some(connection))
}
