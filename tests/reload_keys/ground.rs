//! Where a row is played: simulated servers, and a gateway whose file is the row's text with the rest filled in.
//!
//! `<web>` and `<two>` are servers, `<safe>` has a certificate of `ca-a.pem`, `<strict>` also wants one, `<old>` speaks TLS 1.2 only,
//! `<stalled>` never finishes a handshake, `<echo>` echoes WebSockets, `<chat>` is a Web Tools server. `<free1>` and `<free2>` are
//! addresses that nobody has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Got};
use loadtest::rude::{Rude, Upgrade, websocket_echo};
use loadtest::webtools::Pair;
use loadtest::wire::{Authority, Identity, Server, ServerTls};

use super::behind::server;

/// Longer than anything here takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);
/// The public name of the rows.
pub const HOST: &str = "proxy.example.com";
/// That of the bystanders.
pub const OTHER: &str = "other.example.com";
/// The bystanders come from here, and no limit holds for them.
const EXEMPT: &str = "127.0.0.48/28";

pub struct Ground {
    pub web: Server,
    two: Server,
    other: Server,
    crowd: Server,
    safe: Server,
    strict: Server,
    old: Server,
    stalled: Server,
    echo: Rude,
    pub pair: Pair,
    authorities: [Authority; 2],
    free: [SocketAddr; 2],
    edge: Option<Edge>,
    strangers: AtomicU8,
}

impl Ground {
    pub async fn start() -> Ground {
        let authorities = [Authority::new("A").unwrap(), Authority::new("B").unwrap()];
        let identity = |name: &str| authorities[0].issue(&[name]).unwrap();
        let safe = ServerTls::new(identity("safe.example.com"));
        let strict = ServerTls {
            client_authorities: Some(authorities[0].pem()),
            ..safe.clone()
        };
        let old = ServerTls {
            only_tls12: true,
            ..safe.clone()
        };
        let stalled = server("stalled", Some(safe.clone())).await;
        stalled.stall_new_connections(true);
        let pair = Pair::start().await.unwrap();
        for parameter in [
            "MaxInteractionsAllowedPerIP",
            "MaxInteractionsAllowedPerUnitTime",
            "MaxChatsAllowedPerUnitTime",
            "MaxCallbacksAllowedPerUnitTime",
            "MaxInteractionsAllowedPerUser",
        ] {
            pair.set(parameter, "1000000").unwrap();
        }
        pair.site().set_account("wally", "secret");
        Ground {
            web: server("web", None).await,
            two: server("two", None).await,
            other: server("other", None).await,
            crowd: server("crowd", None).await,
            safe: server("safe", Some(safe)).await,
            strict: server("strict", Some(strict)).await,
            old: server("old", Some(old)).await,
            stalled,
            echo: websocket_echo(Upgrade::Plain).await.unwrap(),
            pair,
            authorities,
            free: [free(), free()],
            edge: None,
            strangers: AtomicU8::new(0),
        }
    }

    /// Starts the gateway with this file.
    pub async fn open(mut self, file: &str) -> Arc<Ground> {
        let names = [HOST, OTHER];
        let edge = Edge::with(file, &names, |folder| self.prepare(folder)).await;
        self.edge = Some(edge.unwrap_or_else(|error| panic!("{file}\n{error}")));
        Arc::new(self)
    }

    fn prepare(&self, folder: &Path) -> std::io::Result<()> {
        let pair = |name: &str, identity: Identity| {
            std::fs::write(folder.join(format!("{name}.pem")), identity.certificate_pem)?;
            std::fs::write(folder.join(format!("{name}.key")), identity.key_pem)
        };
        let [a, b] = &self.authorities;
        pair("new", a.issue(&[HOST, OTHER])?)?;
        pair("us", a.issue(&["us.example"])?)?;
        pair("them", a.issue(&["them.example"])?)?;
        std::fs::write(folder.join("ca-a.pem"), a.pem())?;
        std::fs::write(folder.join("ca-b.pem"), b.pem())?;
        for www in ["www", "www2"] {
            std::fs::create_dir(folder.join(www))?;
            std::fs::write(
                folder.join(www).join("index.html"),
                format!("server: {www}\n"),
            )?;
            std::fs::write(folder.join(www).join("a.css"), "a {}\n")?;
        }
        Ok(())
    }

    pub async fn reload(&self, file: &str) {
        let reloaded = self.edge().reload(file).await;
        reloaded.unwrap_or_else(|error| panic!("{file}\n{error}"));
    }

    pub fn edge(&self) -> &Edge {
        self.edge.as_ref().unwrap()
    }

    pub fn free(&self) -> [SocketAddr; 2] {
        self.free
    }

    /// The row's text with what it does not say: two listeners before its own, the bystanders' server and host after its own.
    pub fn file(&self, text: &str) -> String {
        let mut sections: HashMap<&str, String> = HashMap::new();
        let mut current = "";
        for line in text.lines().filter(|line| !line.is_empty()) {
            if !line.starts_with(' ') {
                current = line.split(':').next().unwrap_or_default();
            }
            let section = sections.entry(current).or_default();
            section.push_str(line);
            section.push('\n');
        }
        let mut take = |name: &str, otherwise: &str| {
            sections
                .remove(name)
                .unwrap_or_else(|| format!("{name}: {otherwise}\n"))
        };
        let own = take("listeners", "");
        let own = own
            .strip_prefix("listeners:")
            .unwrap_or(&own)
            .trim_start_matches('\n');
        let mut limits = take("limits", "");
        if !limits.contains("exempt:") {
            limits.push_str(&format!("  exempt: [{EXEMPT}]\n"));
        }
        let file = [
            take("admin", "{ listen: 127.0.0.1:0 }"),
            "listeners:\n  - { listen: 127.0.0.1:0, tls: {} }\n  - { listen: 127.0.0.1:0 }\n".to_owned(),
            own.to_owned(),
            take("tls", "{ certificates: [{ cert: edge.pem, key: edge.key }] }"),
            take("client_address", "{}"),
            take("servers", "\n  web: { kind: http, url: '<web>' }"),
            "  other: { kind: http, url: '<other>', timeouts: { pooled: 1h } }\n  crowd: { kind: http, url: '<crowd>' }\n  echo: { kind: http, url: '<echo>', websocket: true }\n".to_owned(),
            take("hosts", &format!("\n  {HOST}:\n    routes:\n      - {{ path: /web/, server: web }}")),
            format!("  {OTHER}:\n    routes:\n      - {{ path: /web/, server: other }}\n      - {{ path: /crowd/, server: crowd }}\n      - {{ path: /ws/, server: echo }}\n"),
            limits,
        ]
        .concat();
        assert!(sections.is_empty(), "{sections:?}");
        self.with_addresses(&file)
    }

    fn with_addresses(&self, file: &str) -> String {
        let own = format!("http://{}", self.echo.address());
        let [first, second] = self.free.map(|free| free.to_string());
        [
            ("<web>", self.web.base_url()),
            ("<two>", self.two.base_url()),
            ("<other>", self.other.base_url()),
            ("<crowd>", self.crowd.base_url()),
            ("<safe>", self.safe.base_url()),
            ("<strict>", self.strict.base_url()),
            ("<old>", self.old.base_url()),
            ("<stalled>", self.stalled.base_url()),
            ("<echo>", own),
            ("<chat>", self.pair.a.base_url()),
            ("<free1>", first),
            ("<free2>", second),
            ("<exempt>", EXEMPT.to_owned()),
        ]
        .iter()
        .fold(file.to_owned(), |file, (from, to)| file.replace(from, to))
    }

    /// An address that has used nothing yet.
    pub fn stranger(&self) -> IpAddr {
        let last = self.strangers.fetch_add(1, Ordering::Relaxed);
        IpAddr::V4(Ipv4Addr::new(127, 0, 1, last + 1))
    }

    pub fn plain(&self) -> Dial {
        Dial::plain(self.edge().plain())
    }

    pub fn tls(&self) -> Dial {
        Dial::tls(self.edge().https()).sni(HOST)
    }

    /// One request and its answer, over a connection of its own.
    pub async fn ask(&self, dial: &Dial, line: &str, fields: &str) -> Got {
        let request =
            format!("{line} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{fields}\r\n");
        dial.send(request, SOON).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Got {
        self.ask(&self.plain(), &format!("GET {path}"), "").await
    }

    /// Asks the admin listener.
    pub async fn admin(&self, line: &str, body: &str) -> Got {
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let dial = Dial::plain(self.edge().admin());
        dial.send(request, SOON).await.unwrap()
    }
}

/// An address that was free a moment ago, in a network that nobody else uses here.
fn free() -> SocketAddr {
    let socket = TcpListener::bind("127.73.0.1:0").unwrap();
    socket.local_addr().unwrap()
}
