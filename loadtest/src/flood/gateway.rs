//! The measured gateway: the real program as a process of its own, and what the system and its admin listener tell of it.
//!
//! ```ignore
//! let gateway = Gateway::start(&program, server, "", 0)?;
//! println!("{} KiB", gateway.memory()?);
//! ```

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{HOST, cores};
use crate::wire::Authority;

/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Gateway {
    child: Child,
    folder: TempDir,
    pub https: SocketAddr,
    pub plain: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    /// Starts `program` on one core, with routes to `server` and these further lines in its file.
    ///
    /// # Errors
    /// It does not start; with its log.
    pub(super) fn start(
        program: &Path,
        server: SocketAddr,
        more: &str,
        core: usize,
    ) -> io::Result<Gateway> {
        let folder = TempDir::new()?;
        let authority = Authority::new("Portcullis flood authority")?;
        let identity = authority.issue(&[HOST])?;
        let file = |name: &str| folder.path().join(name);
        fs::write(file("edge.pem"), &identity.certificate_pem)?;
        fs::write(file("edge.key"), &identity.key_pem)?;
        fs::write(file("authority.pem"), authority.pem())?;
        fs::write(file("flood.yaml"), configuration(server, more))?;
        let mut command = Command::new(program);
        command
            .arg("run")
            .arg("-c")
            .arg(file("flood.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(file("log"))?);
        let mut child = cores::on(core, || command.spawn())??;
        let Some([https, plain, admin]) = addresses(&file("log"), &mut child) else {
            let _ = child.kill();
            let log = fs::read_to_string(file("log")).unwrap_or_default();
            let program = program.display();
            return Err(io::Error::other(format!("{program} does not start: {log}")));
        };
        Ok(Gateway {
            child,
            folder,
            https,
            plain,
            admin,
        })
    }

    /// The file that vouches for its certificate.
    pub(super) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Resident memory in KiB.
    pub(super) fn memory(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .ok_or_else(|| io::Error::other("no VmRSS"))
    }

    /// Processor time so far, of the program and of the system on its behalf.
    pub(super) fn processor(&self) -> io::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // proc_pid_stat(5): the name in parentheses is field 2, utime and stime are fields 14 and 15.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let fields = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
        let millis = ticks * 1000 / rustix::param::clock_ticks_per_second();
        Ok(Duration::from_millis(millis))
    }

    /// Lines it has logged.
    pub(super) fn log_lines(&self) -> io::Result<usize> {
        let log = fs::read(self.folder.path().join("log"))?;
        Ok(log.iter().filter(|&&byte| byte == b'\n').count())
    }

    /// A metric without labels.
    pub(super) fn metric(&self, name: &str) -> io::Result<u64> {
        let text = self.ask("GET /metrics", "")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse::<f64>().ok())
            // Counts: whole and small enough.
            .map(|value| value as u64)
            .ok_or_else(|| io::Error::other(format!("no {name} in {text}")))
    }

    /// Bans an address for an hour.
    pub(super) fn ban(&self, address: std::net::Ipv4Addr) -> io::Result<()> {
        let body = format!(r#"{{"address": "{address}", "seconds": 3600}}"#);
        let answer = self.ask("POST /api/bans", &body)?;
        match answer.starts_with("HTTP/1.1 200 ") {
            true => Ok(()),
            false => Err(io::Error::other(answer)),
        }
    }

    fn ask(&self, line: &str, body: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.admin)?;
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It is measured, not served: nothing waits for its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(server: SocketAddr, more: &str) -> String {
    format!(
        "\
admin: {{ listen: 127.0.0.1:0 }}
listeners:
  - {{ listen: 127.0.0.1:0, tls: {{}} }}
  - {{ listen: 127.0.0.1:0 }}
tls: {{ certificates: [ {{ cert: edge.pem, key: edge.key }} ] }}
client_address: {{ trusted_proxies: [127.1.0.0/16], proxy_protocol: accept }}
{more}
servers:
  web: {{ kind: http, url: 'http://{server}' }}
hosts:
  {HOST}:
    routes:
      - {{ path: /web/, server: web }}
      - {{ path: /narrow/, server: web, limits: {{ requests: {{ rate: 1/h, burst: 1 }} }} }}
"
    )
}

/// TLS, plain and admin listener, as its log names them; `None` if it has ended or says nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "the conductor's only thread, between two looks at a file"
)]
fn addresses(log: &Path, child: &mut Child) -> Option<[SocketAddr; 3]> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
        let text = fs::read_to_string(log).unwrap_or_default();
        let after = |mark: &str| -> Vec<SocketAddr> {
            let lines = text.lines().filter_map(|line| line.split_once(mark));
            lines
                .filter_map(|(_, address)| address.trim().parse().ok())
                .collect()
        };
        let (listeners, admin) = (after("listening on "), after("health on http://"));
        if let ([https, plain], [admin]) = (&*listeners, &*admin) {
            return Some([*https, *plain, *admin]);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}
