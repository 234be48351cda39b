//! The real program as a process, and a client that speaks to it line by line.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::support::World;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running gateway, killed when it is dropped.
pub struct Gateway {
    pub child: Child,
    log: Arc<Mutex<String>>,
}

impl Gateway {
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

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log has this text so many times.
    pub fn wait_for(&self, text: &str, times: usize) {
        until(&format!("{text:?} in the log"), || {
            // The logger sets the further lines of one message in by four.
            let log = self.log().replace("\n    ", "\n");
            (log.matches(text).count() >= times).then_some(())
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

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end. Nothing may have panicked on the way there.
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = until("the process ends", || self.child.try_wait().unwrap())
            .unwrap_or_else(|why| panic!("{why}:\n{}", self.log()));
        let mut out = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
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

pub fn open(to: SocketAddr) -> TcpStream {
    // Children that end send SIGCHLD, which may interrupt this very call.
    let stream = until("connected", || match TcpStream::connect(to) {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => None,
        connected => Some(connected),
    });
    let stream = stream.unwrap().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a request over a connection that stays open and returns head and body (which must have a length).
pub fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        assert_eq!(
            stream.read(&mut byte).unwrap(),
            1,
            "{}",
            String::from_utf8_lossy(&answer)
        );
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap();
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(|n| n.trim().parse().unwrap())
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

pub fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

pub fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or(answer)
}

pub fn readiness(admin: SocketAddr) -> String {
    ask(&mut open(admin), &get("localhost", "/readyz"))
}

pub fn file(hosts: &str) -> String {
    format!(
        "admin: {{ listen: 127.0.0.1:0 }}\nlisteners: [{{ listen: 127.0.0.1:0 }}]\nhosts:\n  a.example.com: {{ files: www }}\n{hosts}"
    )
}

pub fn world(text: &str) -> World {
    let world = World::new();
    world.write("p.yaml", text);
    world
}

/// A server that takes one request and answers when it is told to.
pub fn slow_server() -> (
    SocketAddr,
    std::sync::mpsc::Receiver<()>,
    std::sync::mpsc::Sender<()>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (arrived, has_arrived) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).unwrap() > 0);
        arrived.send(()).unwrap();
        let _ = may_go.recv();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    });
    (address, has_arrived, go)
}

pub fn with_server(server: SocketAddr) -> String {
    file("  s.example.com: { server: s1 }\n")
        + &format!("servers: {{ s1: {{ kind: http, url: 'http://{server}' }} }}\n")
}
