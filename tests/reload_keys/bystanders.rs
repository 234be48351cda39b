//! Everything else: clients of another host with open connections and streams, a counter and a ban. No reload may touch any of it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use h2::client::SendRequest;
use loadtest::rude::client::{Dial, Line};

use super::ground::{Ground, OTHER, SOON};
use super::looks::field;

/// Banned by an operator.
const BANNED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 66);
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

pub struct Bystanders {
    ground: Arc<Ground>,
    kept: Line,
    http2: SendRequest<Bytes>,
    websocket: Line,
    events: Line,
    /// The connection to a server of its own that the first request took: it is used again and again.
    inside: String,
    asked: u64,
    echoed: u8,
    heard: u64,
}

impl Bystanders {
    pub async fn open(ground: &Arc<Ground>) -> Bystanders {
        let from = |last: u8| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let line = async |last: u8| ground.plain().from(from(last)).open().await.unwrap();
        let mut websocket = line(51).await;
        websocket
            .write(request("/ws/x", UPGRADE).as_bytes())
            .await
            .unwrap();
        let head = websocket.read_until(b"\r\n\r\n", SOON).await.unwrap();
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{head:?}");
        let mut events = line(52).await;
        events
            .write(request("/crowd/ticks", "").as_bytes())
            .await
            .unwrap();
        let tls = Dial::tls(ground.edge().https()).sni(OTHER).alpn(&["h2"]);
        let io = tls.from(from(53)).open().await.unwrap().into_io();
        let (http2, driver) = h2::client::handshake(io).await.unwrap();
        tokio::spawn(driver);
        let ban = format!("{{\"address\":\"{BANNED}\",\"seconds\":3600}}");
        let banned = ground.admin("POST /api/bans", &ban).await;
        assert_eq!(banned.status(), Some(200), "{}", banned.text());
        let mut all = Bystanders {
            ground: ground.clone(),
            kept: line(50).await,
            http2,
            websocket,
            events,
            inside: String::new(),
            asked: 0,
            echoed: 0,
            heard: 0,
        };
        all.inside = field(&all.ask().await, "connection");
        all
    }

    /// Asks each of them, on the connection it has had from the beginning.
    pub async fn are_well(&mut self, when: &str) {
        let answer = self.ask().await;
        assert_eq!(
            field(&answer, "connection"),
            self.inside,
            "{when}: {answer}"
        );
        assert_eq!(self.ask_http2().await, 200, "{when}");
        self.echo(when).await;
        self.hear(when).await;
        self.is_counted(when).await;
        self.is_banned(when).await;
    }

    async fn ask(&mut self) -> String {
        self.kept
            .write(request("/web/x", "").as_bytes())
            .await
            .unwrap();
        let head = self.kept.read_until(b"\r\n\r\n", SOON).await.unwrap();
        let head = String::from_utf8_lossy(&head).into_owned();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let length = field(&head.to_ascii_lowercase(), "content-length");
        let body = self.kept.read_exactly(length.parse().unwrap(), SOON).await;
        self.asked += 1;
        String::from_utf8_lossy(&body.unwrap()).into_owned()
    }

    async fn ask_http2(&mut self) -> u16 {
        let request = http::Request::get(format!("https://{OTHER}/crowd/x"));
        let mut sender = self.http2.clone().ready().await.unwrap();
        let (answer, _) = sender
            .send_request(request.body(()).unwrap(), true)
            .unwrap();
        let (head, mut body) = answer.await.unwrap().into_parts();
        while let Some(piece) = body.data().await {
            let size = piece.unwrap().len();
            body.flow_control().release_capacity(size).unwrap();
        }
        head.status.as_u16()
    }

    async fn echo(&mut self, when: &str) {
        self.echoed += 1;
        let sent = [0x82, 0x81, 0, 0, 0, 0, self.echoed];
        self.websocket.write(&sent).await.unwrap();
        let back = self.websocket.read_exactly(3, SOON).await;
        assert_eq!(back.unwrap()[..], [0x82, 1, self.echoed], "{when}");
    }

    async fn hear(&mut self, when: &str) {
        // Chunk sizes stand between the events, and a head before the first.
        let event = self.events.read_until(b"\n\n", SOON).await.unwrap();
        self.heard += 1;
        let event = String::from_utf8_lossy(&event).into_owned();
        let expected = format!("data: {}\n\n", self.heard);
        assert!(event.ends_with(&expected), "{when}: {event}");
    }

    /// The answer is there before it is counted.
    async fn is_counted(&self, when: &str) {
        let route = format!("route=\"{OTHER}/web/\"");
        let of_it = |line: &&str| {
            line.starts_with("portcullis_requests_total{code=\"200\"") && line.contains(&route)
        };
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let text = self.ground.admin("GET /metrics", "").await.text();
            let numbers = text.lines().filter(of_it);
            let numbers = numbers.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
            let counted: u64 = numbers.sum();
            if counted == self.asked {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{when}: {} {counted}",
                self.asked
            );
        }
    }

    async fn is_banned(&self, when: &str) {
        let bans = self.ground.admin("GET /api/bans", "").await.text();
        assert!(bans.contains(&BANNED.to_string()), "{when}: {bans}");
        let dial = self.ground.plain().from(IpAddr::V4(BANNED));
        let shut = match dial.send(request("/web/x", ""), SOON).await {
            Ok(got) => got.bytes.is_empty(),
            Err(_) => true,
        };
        assert!(shut, "{when}");
    }
}

fn request(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {OTHER}\r\n{more}\r\n")
}
