//! The stage of these tests: simulated Session Managers, a gateway before them, and the ways a client may come in.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::icws::{
    Behaviour, ClientOptions, IcwsClient, IcwsOptions, IcwsServer, Protocol, Session, Trust,
};
use loadtest::rude::client::{Dial, Got};
use loadtest::wire::{Authority, Recorder, ServerTls};
use std::sync::Arc;

/// A deadline that only a failure reaches.
pub const SOON: Duration = Duration::from_secs(20);
/// The first public name: a route to `icserver1` alone, and one with a list of names.
pub const HOST: &str = "proxy.example.com";
/// The second: `/**/api/{server}/`.
pub const ANYWHERE: &str = "anywhere.example.com";

/// How a client comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Plain,
    Tls,
    Http2,
}

pub const WAYS: [Way; 3] = [Way::Plain, Way::Tls, Way::Http2];

impl Way {
    /// `http` or `https`.
    pub fn scheme(self) -> &'static str {
        if self == Way::Plain { "http" } else { "https" }
    }
}

/// Servers named `icserver1`, `icserver2` and `ossm1`, the last one with TLS, all on one record, and the gateway.
pub struct Stage {
    pub edge: Edge,
    servers: Vec<IcwsServer>,
    pub recorder: Recorder,
    /// The gateway's file, for a reload.
    pub yaml: String,
}

impl Stage {
    /// All servers accept.
    pub async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    /// The same, after `change` has set each server's behaviour by its name.
    pub async fn with(change: impl Fn(&str, &mut Behaviour)) -> Self {
        let authority = Authority::new("Simulated CIC authority").unwrap();
        let recorder = Recorder::default();
        let mut servers = Vec::new();
        for name in ["icserver1", "icserver2", "ossm1"] {
            let mut options = IcwsOptions::named(name);
            options.recorder = recorder.clone();
            options.tls =
                (name == "ossm1").then(|| ServerTls::new(authority.issue(&[name]).unwrap()));
            change(name, &mut options.behaviour);
            servers.push(IcwsServer::start(options).await.unwrap());
        }
        let [one, two, ossm] = [0, 1, 2].map(|at: usize| servers[at].wire().base_url());
        let yaml = format!(
            "limits: {{ exempt: [127.0.0.0/8] }}
servers:
  icserver1: {{ kind: icws, url: '{one}' }}
  icserver2: {{ kind: icws, url: '{two}' }}
  ossm1: {{ kind: icws, url: '{ossm}', ca: ic.pem, server_name: ossm1 }}
hosts:
  {HOST}:
    routes:
      - {{ path: /us/icserver1/, server: icserver1 }}
      - {{ path: /us/icserver2/, server: icserver2 }}
      - {{ path: '/apps/client/api/{{server}}/', servers: [icserver1, icserver2, ossm1] }}
  {ANYWHERE}:
    routes:
      - {{ path: '/**/api/{{server}}/', servers: [icserver1, icserver2] }}
"
        );
        let names = [HOST, ANYWHERE];
        let edge = Edge::with(&yaml, &names, |folder| {
            std::fs::write(folder.join("ic.pem"), authority.pem())
        });
        Stage {
            edge: edge.await.unwrap(),
            servers,
            recorder,
            yaml,
        }
    }

    /// A file for a reload in which the same public names lead nowhere.
    pub fn without_routes() -> String {
        format!(
            "servers: {{ other: {{ kind: http, url: \"http://127.0.0.1:9\" }} }}\n\
             hosts: {{ {HOST}: {{ server: other }}, {ANYWHERE}: {{ server: other }} }}\n"
        )
    }

    /// One of the servers.
    pub fn server(&self, name: &str) -> &IcwsServer {
        let place = ["icserver1", "icserver2", "ossm1"]
            .iter()
            .position(|known| *known == name);
        &self.servers[place.unwrap()]
    }

    /// The only server that the tests of one session need.
    pub fn icserver1(&self) -> &IcwsServer {
        self.server("icserver1")
    }

    /// A client that builds its URLs from `template`: what follows the public name, `{host}` in it.
    pub fn client(&self, way: Way, host: &str, template: &str) -> IcwsClient {
        IcwsClient::new(self.options(way, host, template))
    }

    pub fn options(&self, way: Way, host: &str, template: &str) -> ClientOptions {
        let (scheme, protocol) = match way {
            Way::Http2 => ("https", Protocol::Http2),
            _ => (way.scheme(), Protocol::Http1),
        };
        let to = if way == Way::Plain {
            self.edge.plain()
        } else {
            self.edge.https()
        };
        ClientOptions::new(&format!("{scheme}://{host}{template}"))
            .resolve(host, to)
            .trust(Trust::Authority(self.edge.authority().pem()))
            .protocol(protocol)
    }

    /// A client logged in at `icserver1` under `/us/icserver1/`, and its session at the server.
    pub async fn logged_in(&self, way: Way) -> (IcwsClient, Arc<Session>) {
        let mut client = self.client(way, HOST, "/us/{host}");
        client
            .login("icserver1", "agent1", "secret1")
            .await
            .unwrap_or_else(|error| panic!("{way:?}: {error}"));
        let session = self.icserver1().session(client.session_id().unwrap());
        (client, session.unwrap())
    }

    /// A plain HTTP/1.1 request of exactly these bytes (without Host and Connection) through the gateway.
    pub async fn ask(&self, head: &str, body: &str) -> Got {
        let request = format!("{head}\r\nHost: {HOST}\r\nConnection: close\r\n\r\n{body}");
        let dial = Dial::plain(self.edge.plain());
        dial.send(request, SOON).await.unwrap()
    }

    /// The same request straight to `icserver1`.
    pub async fn ask_directly(&self, head: &str, body: &str) -> Got {
        let to = self.icserver1().wire().address();
        let request = format!("{head}\r\nHost: {to}\r\nConnection: close\r\n\r\n{body}");
        Dial::plain(to).send(request, SOON).await.unwrap()
    }
}

/// The header lines with a session's proofs.
pub fn proofs(session: &Session) -> String {
    format!(
        "ININ-ICWS-CSRF-Token: {}\r\nCookie: {}={}",
        session.csrf_token,
        session.cookie_name(),
        session.cookie_value
    )
}

/// The values of a header of a raw answer.
pub fn header(got: &Got, name: &str) -> Vec<String> {
    let head = got.head();
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields
        .filter(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}
