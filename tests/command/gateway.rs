//! The real program as a process: its log, its signals, its admin listener and its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

use super::support::World;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What became of the reloads so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    pub applied: usize,
    pub unchanged: usize,
    pub refused: usize,
}

impl Outcomes {
    pub fn all(self) -> usize {
        self.applied + self.unchanged + self.refused
    }
}

/// A running gateway, killed when it is dropped.
pub struct Gateway {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Gateway {
    /// Runs `p.yaml` of this folder.
    pub fn start(world: &World) -> Gateway {
        Gateway::with(world, &[])
    }

    pub fn with(world: &World, environment: &[(&str, &str)]) -> Gateway {
        Gateway::run(world, &["run", "-c", "p.yaml"], environment)
    }

    pub fn run(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> Gateway {
        let mut child = world
            .command(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (into, stderr) = (log.clone(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = into.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Gateway { child, log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// How often the log has this text.
    pub fn said(&self, text: &str) -> usize {
        // The logger sets the further lines of one message in by four.
        self.log().replace("\n    ", "\n").matches(text).count()
    }

    /// Waits until the log has this text so many times.
    pub fn wait_for(&self, text: &str, times: usize) {
        until(&format!("{text:?} in the log"), || {
            (self.said(text) >= times).then_some(())
        })
        .unwrap_or_else(|why| panic!("{why}:\n{}", self.log()));
    }

    /// Every address after `listening on `, in order, and the admin address.
    pub fn addresses(&self) -> (Vec<SocketAddr>, SocketAddr) {
        self.wait_for("metrics and health on http://", 1);
        let log = self.log();
        let after = |mark: &str| -> Vec<SocketAddr> {
            log.lines()
                .filter_map(|line| line.split_once(mark))
                .map(|(_, address)| address.trim().parse().unwrap())
                .collect()
        };
        (after("listening on "), after("health on http://")[0])
    }

    /// By the metrics, or by the log of a gateway that has none of its reloads.
    pub fn outcomes(&self, admin: SocketAddr) -> Outcomes {
        let text = get(admin, "localhost", "/metrics").unwrap();
        let of = |outcome: &str| -> usize {
            let name = format!("portcullis_config_reloads_total{{outcome=\"{outcome}\"}} ");
            let line = text.lines().find_map(|line| line.strip_prefix(&name));
            line.unwrap().trim().parse().unwrap()
        };
        Outcomes {
            applied: of("applied"),
            unchanged: of("unchanged"),
            refused: of("refused"),
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end. Nothing may have panicked on the way there.
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = until("the process ends", || self.child.try_wait().unwrap())
            .unwrap_or_else(|why| panic!("{why}:\n{}", self.log()));
        let mut out = String::new();
        let stdout = self.child.stdout.take();
        stdout.unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(out, "", "the log goes to standard error");
        // The last lines may still be on their way from the pipe.
        until("the log is complete", || {
            (Arc::strong_count(&self.log) == 1).then_some(())
        })
        .unwrap();
        let log = self.log();
        assert!(!log.contains("panicked"), "{log}");
        (status, log)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test's own thread, between two looks at a condition"
)]
/// What `probe` finds, asked again and again until it finds something.
pub fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> Result<T, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(format!("not within {PATIENCE:?}: {what}"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One GET over a connection of its own: everything that came back.
pub fn get(to: SocketAddr, host: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The status of such a GET.
pub fn status(to: SocketAddr, host: &str, path: &str) -> u16 {
    let answer = get(to, host, path).unwrap();
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no status: {answer:?}"))
}

/// Files that this process and the gateway may open: four for a stream on the way from here through the gateway and back.
const DESCRIPTORS: u64 = 8192;

/// Raises the limit of open files as far as a crowd of clients needs it and the system allows.
pub fn allow_many_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum.unwrap_or(DESCRIPTORS).min(DESCRIPTORS);
    let raised = Rlimit {
        current: limit.current.map(|soft| soft.max(current)),
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}
