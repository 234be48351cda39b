//! A small app behind the front door, a doorkeeper that remembers, and clients.

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::http::ResponseHeader;
use pingora_core::apps::{HttpPersistentSettings, HttpServerApp, ReusedHttpStream};
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;
use portcullis::front_door::{
    BodyProgress, Connection, Doorkeeper, FrontDoor, Guard, ListenerSettings,
};
use portcullis::reason::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Longer than anything a test waits for on purpose; what is still open then was not closed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Echoes bodies and says what it knows of the connection. `/gate` answers only once the test opens the gate; `/big` answers with 64 MiB.
pub struct App {
    pub gate: Semaphore,
    pub entered: AtomicUsize,
    pub served: AtomicUsize,
    pub targets: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpServerApp for App {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        _shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        if !session.read_request().await.ok()? {
            return None;
        }
        self.entered.fetch_add(1, Ordering::SeqCst);
        let uri = session.req_header().uri.clone();
        self.targets.lock().unwrap().push(match session.is_http2() {
            true => uri.path().to_owned(),
            false => uri.to_string(),
        });
        if uri.path() == "/gate" {
            self.gate.acquire().await.ok()?.forget();
        }
        let mut body = Vec::new();
        while let Some(chunk) = session.read_request_body().await.ok()? {
            body.extend_from_slice(&chunk);
            if let Some(progress) = BodyProgress::current() {
                progress.tick(chunk.len());
            }
        }
        if let Some(progress) = BodyProgress::current() {
            progress.finished();
        }
        let connection = Connection::current()?;
        let mut head = ResponseHeader::build(200, None).ok()?;
        let mut say = |name: &'static str, value: String| head.insert_header(name, value).unwrap();
        say("x-id", connection.id.to_string());
        say("x-peer", connection.peer.to_string());
        say("x-tcp-peer", connection.tcp_peer.to_string());
        say("x-port", connection.local.port().to_string());
        say("x-closing", Connection::closing().to_string());
        say("x-http2", connection.http2.to_string());
        say(
            "x-redirect",
            format!("{:?}", connection.listener.redirect_port),
        );
        say("x-client-addr", session.client_addr()?.to_string());
        if let Some(tls) = &connection.tls {
            say("x-sni", format!("{:?}", tls.sni));
            say("x-tls", tls.version.to_owned());
        }
        if uri.path() == "/big" {
            body = vec![b'b'; 64 << 20];
        }
        say("content-length", body.len().to_string());
        session.write_response_header(Box::new(head)).await.ok()?;
        session
            .write_response_body(Bytes::from(body), true)
            .await
            .ok()?;
        self.served.fetch_add(1, Ordering::SeqCst);
        let persistent = HttpPersistentSettings::for_session(&session);
        let reusable = session.finish().await.ok()??;
        Some(ReusedHttpStream::from_reusable_stream(reusable, persistent))
    }
}

/// Remembers refusals and counts who is inside. Addresses in `banned` are not admitted.
#[derive(Default)]
pub struct Keeper {
    pub refused: Mutex<Vec<Reason>>,
    pub admitted: Mutex<Vec<IpAddr>>,
    pub banned: Mutex<Vec<IpAddr>>,
    pub inside: Arc<AtomicUsize>,
    pub opened: AtomicUsize,
    pub closed: AtomicUsize,
}

struct Inside(Arc<AtomicUsize>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Doorkeeper for Keeper {
    fn admit(&self, peer: IpAddr, _: &ListenerSettings) -> Option<Guard> {
        if self.banned.lock().unwrap().contains(&peer) {
            return None;
        }
        self.admitted.lock().unwrap().push(peer);
        self.inside.fetch_add(1, Ordering::SeqCst);
        Some(Box::new(Inside(self.inside.clone())) as Box<dyn Any + Send + Sync>)
    }

    fn refused(&self, reason: Reason, _: &Connection) {
        self.refused.lock().unwrap().push(reason);
    }

    fn opened(&self, _: &Connection) {
        self.opened.fetch_add(1, Ordering::SeqCst);
    }

    fn closed(&self, _: &Connection) {
        self.closed.fetch_add(1, Ordering::SeqCst);
    }
}

/// A front door with listeners on ports of the system's choice.
pub struct House {
    pub door: FrontDoor<App>,
    pub app: Arc<App>,
    pub keeper: Arc<Keeper>,
}

impl House {
    pub async fn open(listeners: Vec<ListenerSettings>) -> House {
        let app = Arc::new(App {
            gate: Semaphore::new(0),
            entered: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
            targets: Mutex::default(),
        });
        let keeper = Arc::new(Keeper::default());
        let door = FrontDoor::new(app.clone(), keeper.clone());
        door.apply(listeners).await.expect("loopback can be bound");
        House { door, app, keeper }
    }

    pub fn address(&self) -> SocketAddr {
        self.door.bound()[0].1
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.expect("connects")
    }

    /// Sends bytes, keeps the sending side open, and returns all that comes back until the front door closes.
    pub async fn ask(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.write_all(bytes.as_ref()).await.expect("sends");
        rest(&mut client).await
    }

    pub fn refusals(&self) -> Vec<Reason> {
        self.keeper.refused.lock().unwrap().clone()
    }

    /// Waits until every connection is over, and with it every guard.
    pub async fn emptied(&self) {
        until(|| self.door.open_connections() == 0).await;
        assert_eq!(
            self.keeper.inside.load(Ordering::SeqCst),
            0,
            "guards go with their connections"
        );
        assert_eq!(
            self.keeper.opened.load(Ordering::SeqCst),
            self.keeper.closed.load(Ordering::SeqCst)
        );
    }
}

/// A plain listener with short deadlines. The keep-alive is long, so that a test meaning another deadline is not ended by it.
pub fn plain() -> ListenerSettings {
    let mut settings = ListenerSettings::new(([127, 0, 0, 1], 0).into());
    settings.head.within = Duration::from_millis(300);
    settings.body_idle = Duration::from_millis(300);
    settings.write_idle = Duration::from_millis(300);
    settings.tls_handshake = Duration::from_millis(300);
    settings
}

pub async fn until(condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.expect("it comes true in time");
}

/// Everything until the other side closes. A reset counts as a close only after at least one byte: an answer that a reset swallowed
/// is an empty string.
pub async fn rest(client: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut all = Vec::new();
    let read = tokio::time::timeout(PATIENCE, client.read_to_end(&mut all)).await;
    let _ = read.expect("the front door closes in time");
    String::from_utf8(all).expect("text")
}

/// One answer with its Content-Length body; the connection stays.
pub async fn answer(client: &mut (impl AsyncReadExt + Unpin)) -> (String, String) {
    let read = tokio::time::timeout(PATIENCE, async {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.expect("an answer"));
        }
        let head = String::from_utf8(head).expect("text");
        let mut body = vec![0; field(&head, "content-length").parse().expect("a length")];
        client.read_exact(&mut body).await.expect("the whole body");
        (head, String::from_utf8(body).expect("text"))
    });
    read.await.expect("an answer in time")
}

pub fn field(head: &str, name: &str) -> String {
    head.lines()
        .find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
        .unwrap_or_else(|| panic!("no {name} in {head}"))
}

pub fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("")
}
