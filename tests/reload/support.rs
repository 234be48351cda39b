//! A gateway with a file on disk, and everything that can be asked of it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use loadtest::rude::client::{Dial, Got};
use loadtest::wire::{Authority, Reply, Respond, Server as Inside, ServerOptions};
use portcullis::load::load;
use portcullis::reload::{Outcome, reload};
use portcullis::server::Server;
use portcullis::snapshot::Snapshot;
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here should take.
pub const SOON: Duration = Duration::from_secs(10);
/// The public host of every test.
pub const HOST: &str = "proxy.example.com";

/// A running gateway, and the folder with its file and certificates (`edge.pem`, `edge.key`).
pub struct Stage {
    pub server: Server,
    pub authority: Authority,
    folder: TempDir,
}

impl Stage {
    /// Starts a gateway with this behind the listeners and certificates that all tests have.
    pub async fn start(rest: &str) -> Stage {
        Stage::with(rest, |_, _| {}).await
    }

    /// The same, after something was put into the folder.
    pub async fn with(rest: &str, prepare: impl FnOnce(&Path, &Authority)) -> Stage {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new("Portcullis test authority").unwrap();
        certify(folder.path(), &authority, "edge");
        prepare(folder.path(), &authority);
        let file = folder.path().join("p.yaml");
        std::fs::write(&file, whole(rest)).unwrap();
        let (loaded, _) = load(&file).unwrap_or_else(|report| panic!("{report}"));
        let server = Server::start(loaded)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        Stage {
            server,
            authority,
            folder,
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("p.yaml")
    }

    /// Writes the file anew and reloads it.
    pub async fn reload(&self, rest: &str) -> Outcome {
        std::fs::write(self.file(), whole(rest)).unwrap();
        self.again().await
    }

    /// Reloads the file as it is.
    pub async fn again(&self) -> Outcome {
        reload(&self.server, &self.file()).await
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.server.snapshot()
    }

    /// GET over a plain connection of its own.
    pub async fn get(&self, target: &str) -> Got {
        let (_, plain) = self.server.bound()[1];
        get(plain, HOST, target).await
    }

    /// What the admin listener answers.
    pub async fn admin(&self, target: &str) -> String {
        let got = get(self.server.admin(), "localhost", target).await;
        assert_eq!(got.status(), Some(200), "{target}");
        String::from_utf8(got.body().to_vec()).unwrap()
    }

    /// `GET /api/reload`.
    pub async fn told(&self) -> Value {
        serde_json::from_str(&self.admin("/api/reload").await).unwrap()
    }

    /// The value behind this name (and labels) in the metrics.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let text = self.admin("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().parse().unwrap())
    }

    /// How many reloads ended each way: applied, unchanged, refused.
    pub async fn counted(&self) -> [f64; 3] {
        let mut counted = [0.0; 3];
        for (count, outcome) in counted.iter_mut().zip(Outcome::ALL) {
            let word = outcome.word();
            let name = format!("portcullis_config_reloads_total{{outcome=\"{word}\"}}");
            *count = self.metric(&name).await.unwrap();
        }
        counted
    }

    /// The hash in the metrics, of which there is exactly one.
    pub async fn hash(&self) -> String {
        let text = self.admin("/metrics").await;
        let mark = "portcullis_config_info{hash=\"";
        let mut all = text.lines().filter_map(|line| line.strip_prefix(mark));
        let hash = all.next().unwrap().strip_suffix("\"} 1").unwrap();
        assert_eq!(all.next(), None);
        hash.to_owned()
    }
}

/// Puts a certificate for [`HOST`] and its key into the folder.
pub fn certify(folder: &Path, authority: &Authority, name: &str) {
    let identity = authority.issue(&[HOST]).unwrap();
    let write = |ending: &str, text: &str| {
        std::fs::write(folder.join(format!("{name}.{ending}")), text).unwrap();
    };
    write("pem", &identity.certificate_pem);
    write("key", &identity.key_pem);
}

/// A TLS listener, a plain one, and the rest.
fn whole(rest: &str) -> String {
    let listeners = "listeners: [{ listen: 127.0.0.1:0, tls: {} }, { listen: 127.0.0.1:0 }]\n";
    let listeners = if rest.contains("listeners:") {
        ""
    } else {
        listeners
    };
    format!(
        "admin: {{ listen: 127.0.0.1:0 }}\n{listeners}tls: {{ certificates: [{{ cert: edge.pem, key: edge.key }}] }}\n{rest}"
    )
}

/// One host with a route to each of these servers: `/one/` to `one`.
pub fn servers(servers: &[(&str, &Inside)]) -> String {
    let lines = servers.iter().map(|(name, server)| {
        let url = server.base_url();
        // No probes: what the server sees is what a test has sent.
        format!(
            "  {name}: {{ kind: http, url: '{url}', health: off, timeouts: {{ pooled: 60s }} }}\n"
        )
    });
    let lines: String = lines.collect();
    let routes: Vec<String> = servers
        .iter()
        .map(|(name, _)| format!("{{ path: /{name}/, server: {name} }}"))
        .collect();
    let routes = routes.join(", ");
    format!("servers:\n{lines}hosts: {{ {HOST}: {{ routes: [{routes}] }} }}\n")
}

/// A server that answers everything with 200 and `ok`.
pub async fn answering() -> Inside {
    let reply = Respond(|_: &_| Reply::new(200).body("ok"));
    Inside::start(ServerOptions::default(), reply)
        .await
        .unwrap()
}

pub async fn get(to: SocketAddr, host: &str, target: &str) -> Got {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    Dial::plain(to).send(request, SOON).await.unwrap()
}

/// Waits until the condition holds.
pub async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < SOON, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
