//! The real program before a simulated ICWS server, and what the admin listener says and does.

use std::net::SocketAddr;

use loadtest::icws::{ClientOptions, IcwsClient, IcwsOptions, IcwsServer};
use serde_json::Value;

use super::gateway::Gateway;
use super::support::World;
use super::webdriver::agent;

/// A name that is markup, were it ever taken for that.
pub const MARKUP: &str = "<img src=x onerror=\"document.title='owned'\">";
const HOST: &str = "a.example.com";

pub struct Stage {
    pub world: World,
    pub gateway: Gateway,
    pub admin: SocketAddr,
    public: SocketAddr,
    /// Ends when it is dropped.
    _icws: IcwsServer,
    pub yaml: String,
}

impl Stage {
    pub async fn start() -> Stage {
        let mut options = IcwsOptions::named("icserver1");
        options.logins.push((MARKUP.to_owned(), "x".to_owned()));
        let icws = IcwsServer::start(options).await.unwrap();
        let yaml = format!(
            "admin: {{ listen: 127.0.0.1:0 }}
listeners: [{{ listen: 127.0.0.1:0 }}, {{ listen: 127.0.0.1:0, tls: {{}} }}]
tls: {{ certificates: [{{ cert: tls/a.pem, key: tls/a.key }}] }}
servers:
  icserver1: {{ kind: icws, url: '{}' }}
hosts:
  {HOST}:
    routes: [{{ path: /us/icserver1/, server: icserver1 }}]
",
            icws.wire().base_url()
        );
        let world = World::new();
        world.write("p.yaml", &yaml);
        let gateway = Gateway::start(&world);
        let (public, admin) = gateway.addresses();
        Stage {
            world,
            gateway,
            admin,
            public: public[0],
            _icws: icws,
            yaml,
        }
    }

    /// Somebody who is signed in.
    pub async fn signed_in(&self, user: &str, password: &str) -> IcwsClient {
        let options =
            ClientOptions::new(&format!("http://{HOST}/us/{{host}}")).resolve(HOST, self.public);
        let mut client = IcwsClient::new(options);
        client.login("icserver1", user, password).await.unwrap();
        client
    }

    pub fn get(&self, path: &str) -> Value {
        let request = agent().get(format!("http://{}{path}", self.admin));
        let text = request.call().unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub fn ban(&self, address: &str) {
        let request = agent().post(format!("http://{}/api/bans", self.admin));
        let what = serde_json::json!({ "address": address, "seconds": 3600 });
        let request = request.header("content-type", "application/json");
        request.send(what.to_string()).unwrap();
    }

    /// Addresses that are banned, as the API has them.
    pub fn banned(&self) -> Vec<String> {
        let told = self.get("/api/bans");
        let bans = told["bans"].as_array().unwrap().iter();
        let mut banned: Vec<String> = bans
            .map(|ban| ban["address"].as_str().unwrap().to_owned())
            .collect();
        banned.sort();
        banned
    }
}
