//! The measured gateway: the real program as a process of its own, and what the system and its admin listener tell of it.
//!
//! ```ignore
//! let gateway = Gateway::start(&program, &text, None)?;
//! println!("{} KiB", gateway.memory()?);
//! ```

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{HOST, cores};
use crate::large;
use crate::wire::Authority;

/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Gateway {
    child: Child,
    folder: TempDir,
    pub https: SocketAddr,
    pub plain: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    /// Starts `program` with this text as its file, on that core if one is named. The first listener is for TLS, the second is not.
    ///
    /// # Errors
    /// It does not start; with its log.
    pub(crate) fn start(program: &Path, text: &str, core: Option<usize>) -> io::Result<Gateway> {
        let folder = TempDir::new()?;
        let authority = Authority::new("Portcullis measurement")?;
        let identity = authority.issue(&[HOST, large::HOSTS])?;
        let file = |name: &str| folder.path().join(name);
        fs::write(file("edge.pem"), &identity.certificate_pem)?;
        fs::write(file("edge.key"), &identity.key_pem)?;
        fs::write(file("authority.pem"), authority.pem())?;
        fs::write(file("portcullis.yaml"), text)?;
        let mut command = Command::new(program);
        command
            .arg("run")
            .arg("-c")
            .arg(file("portcullis.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(file("log"))?);
        let mut child = match core {
            Some(core) => cores::on(core, || command.spawn())??,
            None => command.spawn()?,
        };
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
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Puts another text in the place of its file, in one step.
    ///
    /// # Errors
    /// Those of the disk.
    pub(crate) fn replace(&self, text: &str) -> io::Result<()> {
        let (new, file) = ("portcullis.yaml.new", "portcullis.yaml");
        let [new, file] = [new, file].map(|name| self.folder.path().join(name));
        fs::write(&new, text)?;
        fs::rename(new, file)
    }

    /// SIGHUP.
    ///
    /// # Errors
    /// It runs no more.
    pub(crate) fn hang_up(&self) -> io::Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let id = id.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(kill_process(id, Signal::HUP)?)
    }

    /// What `/api/reload` tells.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) fn reloads(&self) -> io::Result<Value> {
        let answer = self.ask("GET /api/reload", "")?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(serde_json::from_str(body)?)
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .ok_or_else(|| io::Error::other("no VmRSS"))
    }

    /// Processor time so far, of the program and of the system on its behalf.
    pub(crate) fn processor(&self) -> io::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // proc_pid_stat(5): the name in parentheses is field 2, utime and stime are fields 14 and 15.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let fields = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
        let millis = ticks * 1000 / rustix::param::clock_ticks_per_second();
        Ok(Duration::from_millis(millis))
    }

    /// Lines it has logged.
    pub(crate) fn log_lines(&self) -> io::Result<usize> {
        let log = fs::read(self.folder.path().join("log"))?;
        Ok(log.iter().filter(|&&byte| byte == b'\n').count())
    }

    /// A metric without labels.
    pub(crate) fn metric(&self, name: &str) -> io::Result<u64> {
        let text = self.ask("GET /metrics", "")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse::<f64>().ok())
            // Counts: whole and small enough.
            .map(|value| value as u64)
            .ok_or_else(|| io::Error::other(format!("no {name} in {text}")))
    }

    /// Bans an address for an hour.
    pub(crate) fn ban(&self, address: std::net::Ipv4Addr) -> io::Result<()> {
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
