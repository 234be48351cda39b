//! A whole gateway in this process: for tests and for the demo.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use loadtest::edge::Edge;
//! let edge = Edge::start("servers: {}\nhosts: { proxy.example.com: { files: www } }\n", &["proxy.example.com"]).await?;
//! println!("https on {}, plain on {}", edge.https(), edge.plain());
//! # Ok(()) }
//! ```

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use portcullis::config::{self, Config, Health};
use portcullis::diagnostic::{Report, Source};
use portcullis::server::{Server, StartError};
use tempfile::TempDir;

use crate::wire::Authority;

/// What every file for an [`Edge`] begins with, unless it has listeners of its own.
const LISTENERS: &str = "\
admin: { listen: 127.0.0.1:0 }
listeners:
  - { listen: 127.0.0.1:0, tls: {} }
  - { listen: 127.0.0.1:0 }
tls: { certificates: [ { cert: edge.pem, key: edge.key } ] }
";

/// A running gateway with a folder and a certificate of its own.
pub struct Edge {
    server: Server,
    folder: TempDir,
    authority: Authority,
}

impl Edge {
    /// Starts a gateway. Unless the file speaks of `health`, no server is probed: what a server of a test sees is what its clients sent.
    /// `yaml` is the file; without `listeners:` in it the gateway listens with TLS and plainly, each on a port
    /// of the system's choice, with a certificate for `names`. Relative paths start in a folder of its own, see [`Edge::with`].
    ///
    /// # Errors
    /// The whole report if the configuration is wrong.
    pub async fn start(yaml: &str, names: &[&str]) -> io::Result<Edge> {
        Edge::with(yaml, names, |_| Ok(())).await
    }

    /// The same, after `prepare` has put files into the folder.
    ///
    /// # Errors
    /// As [`Edge::start`].
    pub async fn with(
        yaml: &str,
        names: &[&str],
        prepare: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<Edge> {
        let folder = TempDir::new()?;
        let authority = Authority::new("Portcullis test authority")?;
        let identity = authority.issue(names)?;
        std::fs::write(folder.path().join("edge.pem"), &identity.certificate_pem)?;
        std::fs::write(folder.path().join("edge.key"), &identity.key_pem)?;
        std::fs::write(folder.path().join("authority.pem"), authority.pem())?;
        prepare(folder.path())?;
        let text = whole(yaml);
        let source = Source::new("edge.yaml", folder.path(), text.as_str());
        let config = unasked(config::parse(&source).map_err(io::Error::other)?, &text);
        let server = Server::start(&config)
            .await
            .map_err(|error| report(error, &source))?;
        Ok(Edge {
            server,
            folder,
            authority,
        })
    }

    /// Gives the running gateway another file.
    ///
    /// # Errors
    /// The report; the old file stays in force.
    pub async fn reload(&self, yaml: &str) -> io::Result<()> {
        let text = whole(yaml);
        let source = Source::new("edge.yaml", self.folder.path(), text.as_str());
        let config = unasked(config::parse(&source).map_err(io::Error::other)?, &text);
        self.server
            .reload(&config)
            .await
            .map_err(|error| report(error, &source))
    }

    /// The first listener: TLS, unless the file has listeners of its own.
    pub fn https(&self) -> SocketAddr {
        self.listener(0)
    }

    /// The second listener: plain, unless the file has listeners of its own.
    pub fn plain(&self) -> SocketAddr {
        self.listener(1)
    }

    /// The listener at this position of the file.
    ///
    /// # Panics
    /// There are fewer.
    pub fn listener(&self, position: usize) -> SocketAddr {
        self.server.bound()[position].1
    }

    /// The admin listener.
    pub fn admin(&self) -> SocketAddr {
        self.server.admin()
    }

    /// The folder that relative paths start in. `authority.pem` in it vouches for the gateway's certificate.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Who vouches for the gateway's certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The running server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Stops it, at the latest after `within`. Returns how many connections had to be cut then.
    pub async fn stop(self, within: Duration) -> usize {
        self.server.stop(within).await
    }
}

fn unasked(mut config: Config, text: &str) -> Config {
    if !text.contains("health:") {
        for server in config.servers.values_mut() {
            server.health = Health::Off;
        }
    }
    config
}

fn whole(yaml: &str) -> String {
    if yaml.contains("listeners:") {
        yaml.to_owned()
    } else {
        format!("{LISTENERS}{yaml}")
    }
}

fn report(error: StartError, source: &Source) -> io::Error {
    match error {
        StartError::Config(mistakes) => io::Error::other(Report::new(source.clone(), mistakes)),
        other => io::Error::other(other),
    }
}
