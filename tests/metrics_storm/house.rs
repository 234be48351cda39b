//! A gateway with short deadlines before one server of each kind, and the moods of these servers.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::icws::{ClientOptions, IcwsClient, IcwsOptions, IcwsServer, Protocol};
use loadtest::rude::client::Dial;
use loadtest::rude::{Rude, Upgrade, websocket_echo};
use loadtest::webtools::Pair;
use loadtest::wire::{Fault, Faults, Reply, Respond, Server, ServerOptions};
use serde_json::Value;

use super::client::HOST;

/// A deadline that only a failure reaches.
pub const SOON: Duration = Duration::from_secs(20);

pub struct House {
    pub edge: Edge,
    icserver1: IcwsServer,
    chat: Pair,
    web: Server,
    #[expect(dead_code, reason = "held only to be dropped")]
    echo: Rude,
    yaml: String,
}

impl House {
    pub async fn start() -> House {
        let icserver1 = IcwsServer::start(IcwsOptions::named("icserver1"))
            .await
            .unwrap();
        let chat = Pair::start().await.unwrap();
        for parameter in [
            "MaxInteractionsAllowedPerIP",
            "MaxInteractionsAllowedPerUnitTime",
            "MaxChatsAllowedPerUnitTime",
        ] {
            chat.set(parameter, "1000000").unwrap();
        }
        let page = Respond(|_: &_| Reply::new(200).body("x".repeat(20_000)));
        let web = Server::start(ServerOptions::default(), page).await.unwrap();
        let echo = websocket_echo(Upgrade::Plain).await.unwrap();
        let (at, a, page) = (
            icserver1.wire().base_url(),
            chat.a.base_url(),
            web.base_url(),
        );
        let yaml = format!(
            "people: {{ idle: {{ icws: 1s, webtools: 1s }} }}
limits:
  mode: observe
  request_head: {{ within: 300ms }}
  request_body: {{ idle: 300ms }}
  keep_alive: {{ idle: 1s }}
  http2: {{ idle: 1s }}
  tls_handshake: 300ms
  interactions: {{ silence: {{ chat: 1s, callback: 1s }} }}
servers:
  icserver1: {{ kind: icws, url: '{at}', timeouts: {{ response: 500ms }} }}
  chat1: {{ kind: webtools, url: '{a}', timeouts: {{ response: 500ms }} }}
  web: {{ kind: http, url: '{page}', timeouts: {{ response: 200ms }} }}
  echo: {{ kind: http, url: 'http://{}', websocket: true }}
hosts:
  {HOST}:
    routes:
      - {{ path: /us/icserver1/, server: icserver1 }}
      - {{ path: /I3Root/Server1/, server: chat1 }}
      - {{ path: /web/, server: web }}
      - {{ path: /echo/, server: echo }}
",
            echo.address()
        );
        let edge = Edge::start(&yaml, &[HOST]).await;
        House {
            edge: edge.unwrap_or_else(|error| panic!("{error}")),
            icserver1,
            chat,
            web,
            echo,
            yaml,
        }
    }

    /// An agent's application, over HTTP/1.1 in the clear or HTTP/2.
    pub fn application(&self, http2: bool) -> IcwsClient {
        let (scheme, protocol, to) = match http2 {
            true => ("https", Protocol::Http2, self.edge.https()),
            false => ("http", Protocol::Http1, self.edge.plain()),
        };
        let options = ClientOptions::new(&format!("{scheme}://{HOST}/us/{{host}}"));
        IcwsClient::new(options.resolve(HOST, to).protocol(protocol))
    }

    fn faults(&self) -> [&Faults; 3] {
        [
            self.web.faults(),
            self.icserver1.wire().faults(),
            self.chat.a.wire().faults(),
        ]
    }

    /// Something happens at the servers, or to the file. Half of all moods are fair.
    pub async fn mood(&self, number: u64) {
        let next = |fault: Fault| {
            for faults in self.faults() {
                faults.next("", 2, fault);
            }
        };
        match number {
            0 => self.web.reset_connections(),
            1 => self.icserver1.wire().reset_connections(),
            2 => next(Fault::HangBeforeHead),
            3 => next(Fault::CloseBeforeHead),
            4 => next(Fault::ResetAfter(120)),
            5 => next(Fault::Delay(Duration::from_millis(150))),
            6 => {
                for session in self.icserver1.sessions().iter().take(2) {
                    self.icserver1.end_session(&session.id);
                }
            }
            7 => {
                let other = format!("log: {{ level: warn }}\n{}", self.yaml);
                self.edge.reload(&other).await.unwrap();
                self.edge.reload(&self.yaml).await.unwrap();
            }
            _ => {}
        }
    }

    /// The sun is out again.
    pub fn calm(&self) {
        for faults in self.faults() {
            faults.clear();
        }
    }

    /// What the admin listener says.
    pub async fn admin(&self, path: &str) -> String {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let got = Dial::plain(self.edge.admin())
            .send(request, SOON)
            .await
            .unwrap();
        String::from_utf8_lossy(got.body()).into_owned()
    }

    /// Connections and requests at the same time that limits count of the guests' address.
    pub async fn held(&self) -> (u64, u64) {
        let told = self.admin("/api/limits?address=127.0.0.1").await;
        let told: Value = serde_json::from_str(&told).unwrap();
        let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{told}"));
        let (open, now) = (
            &told["connections"]["open"],
            &told["requests_in_flight"]["now"],
        );
        (number(open), number(now))
    }
}
