//! A gateway with short deadlines before a server that never stops, and its own count of refusals.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::Rude;
use loadtest::rude::client::Dial;
use loadtest::slow::{BRIEF, ENDLESS, HOST};
use loadtest::wire::{Reply, Respond, Server, ServerOptions};

/// Longer than anything that is waited for; what has not ended then does not end.
pub const SOON: Duration = Duration::from_secs(20);
/// The deadlines of every kind.
pub const DEADLINE: Duration = Duration::from_secs(1);

pub struct Stage {
    pub edge: Edge,
    _servers: Option<(Rude, Server)>,
}

/// All deadlines are a second, but that of an idle HTTP/2 connection, which must not come before the one of the preface, and that of a
/// handshake, for which three clients at once may wait on a busy machine.
pub const SHORT: &str = "limits: { exempt: [127.0.0.0/8], request_head: { within: 1s }, request_body: { idle: 1s }, keep_alive: { idle: 1s }, \
    http2: { idle: 2s }, write_idle: 1s, tls_handshake: 3s }";

pub async fn stage(limits: &str) -> Stage {
    let endless = Rude::serve(|mut connection| async move {
        connection.read_head().await?;
        connection.write(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        loop {
            connection.write_watching(&[b'x'; 8192]).await?;
        }
    });
    let endless = endless.await.unwrap();
    let respond = Respond(|_: &_| Reply::new(200).body("ok"));
    let brief = Server::start(ServerOptions::default(), respond)
        .await
        .unwrap();
    let yaml = format!(
        "{limits}
servers:
  endless: {{ kind: http, url: 'http://{}/' }}
  brief: {{ kind: http, url: 'http://{}/' }}
hosts:
  {HOST}:
    routes:
      - {{ path: {ENDLESS}, server: endless }}
      - {{ path: {BRIEF}, server: brief, request_body: 1GiB }}
",
        endless.address(),
        brief.address(),
    );
    Stage {
        edge: Edge::start(&yaml, &[HOST]).await.unwrap(),
        _servers: Some((endless, brief)),
    }
}

impl Stage {
    /// With servers that somebody else keeps.
    pub fn before(edge: Edge) -> Stage {
        Stage {
            edge,
            _servers: None,
        }
    }

    pub fn plain(&self) -> Dial {
        Dial::plain(self.edge.plain())
    }

    pub fn tls(&self, protocol: &str) -> Dial {
        Dial::tls(self.edge.https()).sni(HOST).alpn(&[protocol])
    }

    /// Who asks politely gets an answer.
    pub async fn serves_others(&self) {
        let get = format!("GET {BRIEF} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        let deadline = tokio::time::Instant::now() + SOON;
        // On a busy machine this side may be too slow for the short deadlines: then once more, as a browser would.
        loop {
            let got = self.tls("http/1.1").send(get.clone(), SOON).await;
            if got.as_ref().is_ok_and(|got| got.status() == Some(200)) {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "nobody was served: {got:?}"
            );
        }
    }

    /// How often each reason was counted.
    pub async fn refusals(&self) -> Vec<(String, u64)> {
        let get = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let got = Dial::plain(self.edge.admin())
            .send(get, SOON)
            .await
            .unwrap();
        let text = got.text();
        assert!(text.contains("portcullis_refusals_total{"), "{text}");
        let counts = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("portcullis_refusals_total{mode=\"enforce\",reason=\"")
            })
            .filter_map(|line| line.split_once("\"} "))
            .map(|(reason, count)| (reason.to_owned(), count.trim().parse().unwrap()));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    pub async fn refused(&self, reason: &str) -> u64 {
        let all = self.refusals().await;
        let found = all.iter().find(|(name, _)| name == reason);
        found.map_or(0, |(_, count)| *count)
    }

    /// Waits until a reason was counted so often.
    pub async fn until_refused(&self, reason: &str, count: u64) {
        let reached = async {
            while self.refused(reason).await < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(SOON, reached).await.is_err() {
            panic!("no {count} {reason} but {:?}", self.refusals().await);
        }
    }
}
