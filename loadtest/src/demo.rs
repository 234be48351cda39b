//! A whole contact center in one process: the gateway, and simulated servers behind it.
//!
//! The configuration is `conf/demo.yaml`, the very file a reader of the README is pointed at; a [`Demo`] on ports of the system's
//! choice replaces only the addresses in it.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use loadtest::demo::{Demo, Ports};
//! let demo = Demo::start(Ports::System).await?;
//! println!("{}", demo.origin());
//! # Ok(()) }
//! ```

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portcullis::diagnostic::Report;
use portcullis::load::load;
use portcullis::observe::logger;
use portcullis::reload::{self, Outcome};
use portcullis::server::{Server, StartError};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::icws::{IcwsOptions, IcwsServer, Role};
use crate::webhtml::WebHtml;
use crate::webtools::{Pair, PairOptions};
use crate::wire::{Authority, ServerOptions};

const CONFIGURATION: &str = include_str!("../../conf/demo.yaml");
const FILES: [(&str, &str); 3] = [
    (
        "index.html",
        include_str!("../../conf/demo/I3Root/index.html"),
    ),
    ("demo.css", include_str!("../../conf/demo/I3Root/demo.css")),
    ("demo.js", include_str!("../../conf/demo/I3Root/demo.js")),
];

/// Which ports the demo takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Those of `conf/demo.yaml`.
    OfTheFile,
    /// Whatever the system gives, so that several demos run side by side.
    System,
}

/// Where the demo of the README keeps its files, from the repository's top.
const FOLDER: &str = "target/demo";

/// A running demo. It ends when it is dropped.
pub struct Demo {
    server: Server,
    folder: Folder,
    /// The primary ICWS server.
    pub icserver1: Arc<IcwsServer>,
    /// The backup, which sends everybody to the primary.
    pub icserver2: Arc<IcwsServer>,
    /// Both Web Tools servers.
    pub chat: Pair,
    /// WebHTMLService.
    pub search1: WebHtml,
    news: JoinHandle<()>,
}

impl Demo {
    /// Starts everything.
    ///
    /// # Errors
    /// A port is taken, or the configuration is wrong.
    pub async fn start(ports: Ports) -> io::Result<Demo> {
        Demo::start_with(ports, "", "").await
    }

    /// Starts everything, with more `servers` and more `routes` of `localhost`: whole lines, as they stand in the file.
    ///
    /// # Errors
    /// As [`Demo::start`].
    pub async fn start_with(ports: Ports, servers: &str, routes: &str) -> io::Result<Demo> {
        let bind = |address: &str| -> io::Result<SocketAddr> {
            match ports {
                Ports::OfTheFile => address.parse().map_err(io::Error::other),
                Ports::System => Ok(SocketAddr::from(([127, 0, 0, 1], 0))),
            }
        };
        let icws = |name: &str, address: &str| {
            io::Result::Ok(IcwsOptions {
                bind: bind(address)?,
                ..IcwsOptions::named(name)
            })
        };
        let icserver1 = Arc::new(IcwsServer::start(icws("icserver1", "127.1.0.1:8018")?).await?);
        let icserver2 = Arc::new(IcwsServer::start(icws("icserver2", "127.1.0.2:8018")?).await?);
        icserver2.change(|behaviour| {
            behaviour.role = Role::Backup;
            behaviour.alternates = vec!["icserver1".to_owned()];
        });
        let addresses = [bind("127.1.0.1:8114")?, bind("127.1.0.2:8114")?];
        let chat = Pair::start_with(PairOptions {
            bind: addresses,
            ..PairOptions::default()
        })
        .await?;
        let html = ServerOptions {
            name: "WebHTMLService".to_owned(),
            bind: bind("127.1.0.3:8018")?,
            ..ServerOptions::default()
        };
        let search1 = WebHtml::start_with(html).await?;

        let folder = Folder::make(ports)?;
        prepare(folder.path())?;
        let mut text = CONFIGURATION
            .replace("\nservers:\n", &format!("\nservers:\n{servers}"))
            .replace("    routes:\n", &format!("    routes:\n{routes}"));
        if ports == Ports::System {
            for (written, actual) in [
                ("127.1.0.1:8018", icserver1.wire().address()),
                ("127.1.0.2:8018", icserver2.wire().address()),
                ("127.1.0.1:8114", chat.a.wire().address()),
                ("127.1.0.2:8114", chat.b.wire().address()),
                ("127.1.0.3:8018", search1.wire().address()),
                ("127.0.0.1:8443", SocketAddr::from(([127, 0, 0, 1], 0))),
                ("127.0.0.1:8080", SocketAddr::from(([127, 0, 0, 1], 0))),
                ("127.0.0.1:9145", SocketAddr::from(([127, 0, 0, 1], 0))),
            ] {
                text = text.replace(written, &actual.to_string());
            }
        }
        let file = folder.configuration();
        std::fs::write(&file, &text)?;
        let (loaded, source) = load(&file).map_err(io::Error::other)?;
        if ports == Ports::OfTheFile {
            // It has the process to itself, and so the log.
            logger::start(&loaded.config.log)?;
        }
        let server = Server::start(loaded).await.map_err(|error| match error {
            StartError::Config(mistakes) => io::Error::other(Report::new(source, mistakes)),
            other => io::Error::other(other),
        })?;
        let news = tokio::spawn(tell_news(icserver1.clone()));
        Ok(Demo {
            server,
            folder,
            icserver1,
            icserver2,
            chat,
            search1,
            news,
        })
    }

    /// `https://localhost:PORT`.
    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.https().port())
    }

    /// Where the TLS listener is.
    ///
    /// # Panics
    /// Never: the file has two listeners.
    pub fn https(&self) -> SocketAddr {
        self.server.bound()[0].1
    }

    /// Where the admin listener is.
    pub fn admin(&self) -> SocketAddr {
        self.server.admin()
    }

    /// The configuration that runs.
    pub fn configuration(&self) -> PathBuf {
        self.folder.configuration()
    }

    /// Reads the configuration again, as SIGHUP has it.
    pub async fn reload(&self) -> Outcome {
        reload::reload(&self.server, &self.configuration()).await
    }

    /// The certificate that vouches for the gateway's.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// The folder behind `/I3Root/`.
    pub fn i3root(&self) -> PathBuf {
        self.folder.path().join("I3Root")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.news.abort();
    }
}

/// Certificates, configuration and files of one demo.
enum Folder {
    /// The one of the README, made anew at each start.
    Known(PathBuf),
    /// One of its own, gone with the demo.
    Own(TempDir),
}

impl Folder {
    fn make(ports: Ports) -> io::Result<Folder> {
        if ports == Ports::System {
            return TempDir::new().map(Folder::Own);
        }
        let path = PathBuf::from(FOLDER);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::fs::create_dir_all(&path)?,
        }
        Ok(Folder::Known(path))
    }

    fn path(&self) -> &Path {
        match self {
            Folder::Known(path) => path,
            Folder::Own(folder) => folder.path(),
        }
    }

    fn configuration(&self) -> PathBuf {
        self.path().join("demo.yaml")
    }
}

fn prepare(folder: &Path) -> io::Result<()> {
    let authority = Authority::new("Portcullis demo authority")?;
    let identity = authority.issue(&["localhost"])?;
    std::fs::write(folder.join("demo.pem"), &identity.certificate_pem)?;
    write_secret(&folder.join("demo.key"), &identity.key_pem)?;
    std::fs::write(folder.join("authority.pem"), authority.pem())?;
    std::fs::create_dir(folder.join("I3Root"))?;
    for (name, text) in FILES {
        std::fs::write(folder.join("I3Root").join(name), text)?;
    }
    Ok(())
}

/// Writes a new file that nobody else may read.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// Something happens in the contact center every few seconds: each session hears of it.
async fn tell_news(server: Arc<IcwsServer>) {
    let mut waiting = 0u32;
    loop {
        tokio::time::sleep(Duration::from_secs(3)).await;
        waiting = (waiting + 1) % 5;
        for session in server.sessions() {
            let news = json!({
                "__type": "urn:inin.com:queues:queueContentsMessage",
                "isDelta": true,
                "interactionsWaiting": waiting,
            });
            server.push(&session.id, news);
        }
    }
}
