//! A real Prometheus on loopback: its own configuration and data in a folder that goes with it, one scrape a second.
//!
//! ```ignore
//! let Some(prometheus) = Prometheus::scraping("the test", &[("gw1", gateway.admin())], None) else { return };
//! let at = prometheus.sample_after(SystemTime::now()).await;
//! assert_eq!(prometheus.one("sum(portcullis_connected_users)", at).await, 12.0);
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything of Prometheus takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// By how much Prometheus may move the time of a sample to where it should have been.
const TOLERANCE: f64 = 0.01;

/// A running Prometheus, killed when it is dropped.
pub struct Prometheus {
    child: Child,
    folder: TempDir,
    address: SocketAddr,
    targets: usize,
}

/// One series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Sample {
    /// A label's value, empty where there is none, as PromQL has it.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// The first program of this name on the `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

impl Prometheus {
    /// Scrapes these gateways, each under its name, as the job that rules and dashboard ask for. `None`, with the reason printed,
    /// where there is no Prometheus.
    pub async fn scraping(
        who: &str,
        gateways: &[(&str, SocketAddr)],
        rules: Option<&Path>,
    ) -> Option<Prometheus> {
        let Some(program) = find("prometheus") else {
            // Written past the test runner's capture, so that a plain `cargo test` shows the reason too.
            let why = "no `prometheus` on the PATH (Debian: apt-get install prometheus)";
            let mut past = std::io::stderr();
            writeln!(past, "SKIPPED {who}: {why}").unwrap();
            return None;
        };
        let folder = TempDir::new().unwrap();
        let configuration = folder.path().join("prometheus.yml");
        std::fs::write(&configuration, configured(gateways, rules)).unwrap();
        let log = folder.path().join("log");
        let child = Command::new(&program)
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let mut prometheus = Prometheus {
            child,
            folder,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            targets: gateways.len(),
        };
        prometheus.address = prometheus.listens().await;
        Some(prometheus)
    }

    /// Where it listens, by its log: the port is of the system's choice.
    async fn listens(&mut self) -> SocketAddr {
        let began = Instant::now();
        loop {
            let log = self.log();
            let address = log
                .lines()
                .filter(|line| line.contains("msg=\"Listening on\""))
                .find_map(|line| line.rsplit_once("address=")?.1.trim().parse().ok());
            let ready = log.contains("Server is ready to receive web requests");
            if let Some(address) = address.filter(|_| ready) {
                return address;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "{ended:?}\n{log}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// What this path of its API answers, or its own words why not.
    async fn ask(&self, path: &str) -> Result<Value, String> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // HTTP/1.0: no answer in chunks.
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let told: Value = serde_json::from_str(body).map_err(|_| answer.clone())?;
        match told["status"] == "success" {
            true => Ok(told["data"].clone()),
            false => Err(told["error"].as_str().unwrap_or(body).to_owned()),
        }
    }

    /// The series of this expression at this time, or why it is none.
    pub async fn query(&self, expression: &str, at: f64) -> Result<Vec<Sample>, String> {
        let expression = utf8_percent_encode(expression, NON_ALPHANUMERIC);
        let path = format!("/api/v1/query?query={expression}&time={at:.3}");
        let data = self.ask(&path).await?;
        let number = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        if data["resultType"] == "scalar" {
            let value = number(&data["result"][1]).unwrap_or(f64::NAN);
            let labels = BTreeMap::new();
            return Ok(vec![Sample { labels, value }]);
        }
        let series = data["result"].as_array().unwrap().iter().map(|series| {
            let labels = series["metric"].as_object().unwrap().iter();
            Sample {
                labels: labels
                    .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                    .collect(),
                value: number(&series["value"][1]).unwrap(),
            }
        });
        Ok(series.collect())
    }

    /// The series of an expression that is right.
    pub async fn series(&self, expression: &str, at: f64) -> Vec<Sample> {
        let series = self.query(expression, at).await;
        series.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Waits until every gateway was scraped after this moment, and tells when the last one was: whatever is asked for that time is
    /// newer than what had happened.
    pub async fn sample_after(&self, moment: SystemTime) -> f64 {
        let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let after = since.as_secs_f64() + TOLERANCE;
        let began = Instant::now();
        loop {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let at = now.unwrap().as_secs_f64();
            // Of anything but a bare selector, `timestamp` is the time of the question.
            let scraped = "timestamp(up{job=\"portcullis\"}) and up{job=\"portcullis\"} == 1";
            let times = self.series(scraped, at).await;
            let first = times
                .iter()
                .map(|sample| sample.value)
                .fold(f64::INFINITY, f64::min);
            let last = times.iter().map(|sample| sample.value).fold(0.0, f64::max);
            if times.len() == self.targets && first > after {
                return last;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "no new sample: {times:?}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The alert rules as they are evaluated: their names and states, and what is wrong with them.
    pub async fn rules(&self) -> Value {
        self.ask("/api/v1/rules").await.unwrap()
    }
}

fn configured(gateways: &[(&str, SocketAddr)], rules: Option<&Path>) -> String {
    let targets = gateways.iter().map(|(name, admin)| {
        format!("      - {{ targets: ['{admin}'], labels: {{ instance: {name} }} }}\n")
    });
    let targets: String = targets.collect();
    let rules = rules.map(|rules| format!("rule_files: ['{}']\n", rules.display()));
    format!(
        "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\n{}scrape_configs:\n  - job_name: portcullis\n    static_configs:\n{targets}",
        rules.unwrap_or_default()
    )
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
