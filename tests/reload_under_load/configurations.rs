//! Files that differ in everything a reload may change, and agree in what the traffic needs.

use std::net::SocketAddr;

use loadtest::traffic::{Behind, HOST};
use loadtest::wire::Authority;

use super::support::World;

/// Addresses of listeners that come and go. Nobody else in these tests uses the network.
const COMING: [&str; 3] = ["127.71.0.1", "127.71.0.2", "127.71.0.3"];

pub struct Site {
    servers: String,
    routes: String,
    /// Ports that were free a moment ago.
    coming: Vec<SocketAddr>,
}

impl Site {
    pub fn new(world: &World, behind: &Behind) -> Site {
        let free = |address: &&str| {
            let socket = std::net::TcpListener::bind((*address, 0)).unwrap();
            socket.local_addr().unwrap()
        };
        world.write("authority.pem", &world.authority.pem());
        let site = Site {
            servers: behind.servers("TIMEOUTS"),
            routes: behind.routes(),
            coming: COMING.iter().map(free).collect(),
        };
        site.renew(world);
        site
    }

    /// The public name that only the file of this round has.
    pub fn marker(round: usize) -> String {
        format!("r{round}.extra.example.com")
    }

    /// A new certificate with a new key under the old names.
    pub fn renew(&self, world: &World) {
        let names = [HOST, "*.extra.example.com"];
        let identity = Authority::issue(&world.authority, &names).unwrap();
        // A reload between the two would find a pair that does not match, and be refused.
        world.write("edge.pem", &identity.certificate_pem);
        world.write("edge.key", &identity.key_pem);
    }

    /// The file of a round: which variant of a section it has follows from the round alone.
    pub fn file(&self, round: usize) -> String {
        let pick = |step: usize, of: &[&str]| of[(round / step) % of.len()].to_owned();
        let n = |from: usize, to: usize| from + round * 7 % (to - from);
        let marker = Site::marker(round);
        let sni = pick(1, &["true", "false"]);
        let coming = self.coming(round);
        let (min, ciphers) = (
            pick(2, &["'1.2'", "'1.3'"]),
            pick(3, &["", ", ciphers: ECDHE-ECDSA-AES128-GCM-SHA256"]),
        );
        let more = pick(
            4,
            &[
                "",
                ", { cert: tls/a.pem, key: tls/a.key }",
                ", { cert: tls/b.pem, key: tls/b.key }",
            ],
        );
        let trusted = pick(
            3,
            &[
                "[198.51.100.0/24]",
                "[10.0.0.0/8]",
                "[127.99.0.0/16, 192.0.2.0/24]",
            ],
        );
        let header = pick(5, &["X-Forwarded-For", "X-Real-Client"]);
        let proxy = pick(6, &["never", "accept"]);
        let exempt = pick(7, &["[]", "[127.0.0.0/8]", "[192.0.2.0/24]"]);
        let kinds = pick(
            3,
            &[
                "{}",
                "{ http: { requests: { rate: 60000/s } } }",
                "{ webtools: { requests_in_flight: 5000 }, icws: { requests: { rate: 70000/s, burst: 90000 } } }",
            ],
        );
        let interactions = pick(
            4,
            &[
                "",
                "\n  interactions: { mode: observe }",
                "\n  interactions: { MaxInteractionsAllowedPerIP: 5000 }",
            ],
        );
        let mode = pick(5, &["enforce", "observe"]);
        let level = pick(2, &["info", "debug"]);
        let timeouts = format!(
            "timeouts: {{ connect: {}s, response: {}s, stream: {}s, pooled: {}s }}",
            n(2, 4),
            n(6, 9),
            n(60, 300),
            n(2, 6)
        );
        // A server under another name is another server: its connections are made anew.
        let (web, renamed) = (format!("web{}", round % 3), !round.is_multiple_of(3));
        let (mut servers, mut routes) = (
            self.servers.replace("TIMEOUTS", &timeouts),
            self.routes.clone(),
        );
        if renamed {
            servers = servers.replace("  web: {", &format!("  {web}: {{"));
            routes = routes.replace("server: web }", &format!("server: {web} }}"));
        }
        let spare = pick(
            1,
            &[
                "",
                "  spare: { kind: http, url: 'http://127.71.0.9:9/' }\n",
                "  spare: { kind: icws, url: 'http://127.71.0.9:8018/', secure_cookies: true }\n",
            ],
        );
        if !spare.is_empty() {
            routes = format!("      - {{ path: /spare/, server: spare }}\n{routes}");
        }
        format!(
            "\
admin: {{ listen: 127.0.0.1:0 }}
listeners:
{before}  - {{ listen: 127.0.0.1:0, tls: {{ require_sni: {sni} }} }}
  - {{ listen: 127.0.0.1:0 }}
{after}tls:
  min_version: {min}{ciphers_line}
  certificates: [{{ cert: edge.pem, key: edge.key }}{more}]
client_address: {{ trusted_proxies: {trusted}, header: {header}, proxy_protocol: {proxy} }}
servers:
{servers}{spare}hosts:
  {HOST}:
    routes:
      - {{ path: /round{round}/, files: www }}
{routes}  {marker}: {{ files: www }}
limits:
  mode: {mode}
  exempt: {exempt}
  connections: {connections}
  new_connections: {{ rate: {rate}/s, burst: 50000 }}
  requests: {{ rate: {rate}/s, burst: 50000 }}
  requests_in_flight: {connections}
  ban: {{ refusals: {refusals}, within: 10s, for: 10m }}
  kinds: {kinds}{interactions}
  request_head: {{ within: {within}s, size: {size}KiB, fields: {fields} }}
  request_body: {{ size: {body}MiB, idle: {within}s, rate: {refusals}B }}
  keep_alive: {{ idle: {idle}s, requests: {requests} }}
  http2: {{ streams: {streams}, idle: {idle}s, pending_resets: {streams} }}
  tls_handshake: {within}s
  write_idle: {idle}s
log: {{ level: {level} }}
",
            before = coming.0,
            after = coming.1,
            ciphers_line = ciphers.replace(", ", "\n  "),
            connections = n(5000, 9000),
            rate = n(20_000, 90_000),
            refusals = n(400, 600),
            within = n(10, 20),
            size = n(16, 64),
            fields = n(50, 150),
            body = n(1, 30),
            idle = n(30, 75),
            requests = n(30, 1000),
            streams = n(20, 120),
        )
    }

    /// Lines of listeners before and after those of the traffic.
    fn coming(&self, round: usize) -> (String, String) {
        let (mut before, mut after) = (String::new(), String::new());
        for (at, address) in self.coming.iter().enumerate() {
            let how = match (round + at) % 5 {
                0 => continue,
                1 => "",
                2 => ", tls: {}",
                3 => ", tls: { http2: false }",
                _ => ", redirect: https",
            };
            let lines = if round % 2 == at % 2 {
                &mut before
            } else {
                &mut after
            };
            lines.push_str(&format!("  - {{ listen: '{address}'{how} }}\n"));
        }
        (before, after)
    }
}
