//! What a crowd of slow clients makes a gateway hold: a process of its own for each attack, so that no number has a history.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use loadtest::slow::measure::{Crowd, Way};
//! let crowd = Crowd::new("target/release/portcullis", 2000).await?;
//! for attack in loadtest::slow::http1() {
//!     println!("{}: {:?}", attack.name, crowd.measure(&attack, Way::Plain).await?);
//! }
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Attack, BRIEF, ENDLESS, HOST};
use crate::rude::Rude;
use crate::rude::client::{Dial, Line};
use crate::wire::{Authority, Reply, Respond, Server, ServerOptions};

/// Connections that are made at the same time: the point is what they hold, not how fast they come.
const AT_ONCE: usize = 64;
/// Longer than a run: nothing is ended while it is measured.
const DEADLINE: &str = "10m";
const PATIENCE: Duration = Duration::from_secs(60);

/// How the clients come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// HTTP/1.1 without TLS.
    Plain,
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2 over TLS.
    Http2,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Bytes of resident memory that the process has more than before the clients came.
    pub resident: u64,
    /// Bytes that the kernel holds more for TCP, at both ends.
    pub kernel: u64,
    /// How long a polite client waited for its answer, handshake included, while the crowd was there.
    pub polite: Duration,
}

/// Servers behind the gateway and the folder it runs in.
pub struct Crowd {
    program: PathBuf,
    clients: usize,
    folder: TempDir,
    endless: Rude,
    brief: Server,
}

impl Crowd {
    /// Measures this program with so many clients.
    ///
    /// # Errors
    /// No port or folder can be had.
    pub async fn new(program: impl Into<PathBuf>, clients: usize) -> io::Result<Crowd> {
        let folder = TempDir::new()?;
        let identity = Authority::new("Slow clients")?.issue(&[HOST])?;
        std::fs::write(folder.path().join("edge.pem"), &identity.certificate_pem)?;
        std::fs::write(folder.path().join("edge.key"), &identity.key_pem)?;
        let endless = Rude::serve(|mut connection| async move {
            connection.read_head().await?;
            connection.write(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                connection.write_watching(&[b'x'; 8192]).await?;
            }
        });
        let respond = Respond(|_: &_| Reply::new(200).body("ok"));
        Ok(Crowd {
            program: program.into(),
            clients,
            folder,
            endless: endless.await?,
            brief: Server::start(ServerOptions::default(), respond).await?,
        })
    }

    /// One attack against a gateway of its own. Clients that hold on are measured when all are there, those that are ended at once
    /// by the most that the process ever had.
    ///
    /// # Errors
    /// The gateway does not start, or clients cannot connect.
    pub async fn measure(&self, attack: &Attack, way: Way) -> io::Result<Held> {
        let gateway = Gateway::start(self)?;
        gateway.wait_until_it_listens().await?;
        let polite = Dial::tls(gateway.tls).sni(HOST).alpn(&["http/1.1"]);
        for _ in 0..20 {
            ask(&polite).await?;
        }
        let (before, kernel_before) = (gateway.status("VmRSS:")?, kernel()?);
        let lines = self.come(attack, gateway.dial(way)).await?;
        let what = if attack.waits { "VmRSS:" } else { "VmHWM:" };
        let (mut resident, mut settled) = (gateway.status(what)?, false);
        while !settled {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = gateway.status(what)?;
            settled = now.abs_diff(resident) < 64 << 10;
            resident = now;
        }
        let held = Held {
            resident: resident.saturating_sub(before),
            kernel: kernel()?.saturating_sub(kernel_before),
            polite: ask(&polite).await?,
        };
        drop(lines);
        Ok(held)
    }

    /// Brings all clients, and lets those that flood have their end.
    async fn come(&self, attack: &Attack, dial: Dial) -> io::Result<Vec<Line>> {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut coming = JoinSet::new();
        for _ in 0..self.clients {
            let (attack, dial, places) = (attack.clone(), dial.clone(), places.clone());
            coming.spawn(async move {
                let _place = places.acquire_owned().await.map_err(io::Error::other)?;
                let mut line = attack.begin(&dial).await?;
                if !attack.waits {
                    attack.hold(&mut line, PATIENCE).await;
                }
                Ok::<_, io::Error>(line)
            });
        }
        let mut lines = Vec::with_capacity(self.clients);
        while let Some(line) = coming.join_next().await {
            lines.push(line.map_err(io::Error::other)??);
        }
        Ok(lines)
    }

    fn configuration(&self, [tls, plain, admin]: [SocketAddr; 3]) -> String {
        format!(
            "admin: {{ listen: '{admin}' }}
listeners:
  - {{ listen: '{tls}', tls: {{}} }}
  - {{ listen: '{plain}' }}
tls: {{ certificates: [ {{ cert: edge.pem, key: edge.key }} ] }}
limits:
  exempt: [127.0.0.0/8]
  request_head: {{ within: {DEADLINE} }}
  request_body: {{ idle: {DEADLINE} }}
  keep_alive: {{ idle: {DEADLINE} }}
  http2: {{ idle: {DEADLINE} }}
  write_idle: {DEADLINE}
  tls_handshake: {DEADLINE}
servers:
  endless: {{ kind: http, url: 'http://{}/' }}
  brief: {{ kind: http, url: 'http://{}/' }}
hosts:
  {HOST}:
    routes:
      - {{ path: {ENDLESS}, server: endless }}
      - {{ path: {BRIEF}, server: brief }}
log: {{ level: error }}
",
            self.endless.address(),
            self.brief.address()
        )
    }
}

/// A running gateway, killed when it is dropped.
struct Gateway {
    child: Child,
    tls: SocketAddr,
    plain: SocketAddr,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // One that has ended already needs no killing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Gateway {
    fn start(crowd: &Crowd) -> io::Result<Gateway> {
        let ports = [free_port()?, free_port()?, free_port()?];
        let file = crowd.folder.path().join("slow.yaml");
        std::fs::write(&file, crowd.configuration(ports))?;
        let child = Command::new(&crowd.program)
            .args([Path::new("run"), Path::new("-c"), &file])
            .stdout(Stdio::null())
            .spawn()?;
        let [tls, plain, _] = ports;
        Ok(Gateway { child, tls, plain })
    }

    async fn wait_until_it_listens(&self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            match tokio::net::TcpStream::connect(self.plain).await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > until => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn dial(&self, way: Way) -> Dial {
        let tls = Dial::tls(self.tls).sni(HOST);
        match way {
            Way::Plain => Dial::plain(self.plain),
            Way::Tls => tls.alpn(&["http/1.1"]),
            Way::Http2 => tls.alpn(&["h2"]),
        }
    }

    /// Bytes of this line of proc_pid_status(5).
    fn status(&self, name: &str) -> io::Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.map(|kib| kib * 1024)
            .ok_or_else(|| io::Error::other(format!("no {name}")))
    }
}

/// Bytes the kernel holds for TCP (`/proc/net/sockstat`, in pages of 4 KiB).
fn kernel() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/net/sockstat")?;
    let line = text.lines().find_map(|line| line.strip_prefix("TCP: "));
    let pages = line
        .and_then(|line| line.split_once("mem "))
        .and_then(|(_, pages)| pages.trim().parse::<u64>().ok());
    Ok(pages.unwrap_or_default() * 4096)
}

fn free_port() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// A polite request, and how long it took.
async fn ask(dial: &Dial) -> io::Result<Duration> {
    let began = Instant::now();
    let get = format!("GET {BRIEF} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    let got = dial.send(get, PATIENCE).await?;
    match got.status() {
        Some(200) => Ok(began.elapsed()),
        _ => Err(io::Error::other(got.text())),
    }
}
