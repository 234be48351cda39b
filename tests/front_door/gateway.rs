//! With Pingora's own proxy behind the front door: the hooks see the connection, upgrades pass, and clients that leave are noticed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use pingora::http::ResponseHeader;
use pingora::proxy::{HttpProxy, ProxyHttp, Session, http_proxy};
use pingora::upstreams::peer::HttpPeer;
use pingora_core::Result;
use pingora_core::server::configuration::ServerConf;
use portcullis::front_door::{AdmitAll, Connection, FrontDoor, ListenerSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::*;

/// Which hook ran, and the connection it saw.
type Seen = Mutex<Vec<(&'static str, Option<u64>)>>;

struct Proxy {
    upstream: std::net::SocketAddr,
    seen: Arc<Seen>,
}

impl Proxy {
    fn saw(&self, hook: &'static str) {
        let id = Connection::current().map(|connection| connection.id);
        self.seen.lock().unwrap().push((hook, id));
    }
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = ();

    fn new_ctx(&self) {
        self.saw("new_ctx");
    }

    async fn early_request_filter(&self, _: &mut Session, _: &mut ()) -> Result<()> {
        self.saw("early_request_filter");
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, _: &mut ()) -> Result<bool> {
        if session.req_header().uri.path() != "/refused" {
            return Ok(false);
        }
        let head = ResponseHeader::build(413, None)?;
        session
            .write_error_response(head, Bytes::from_static(b"too large"))
            .await?;
        Ok(true)
    }

    async fn upstream_peer(&self, _: &mut Session, _: &mut ()) -> Result<Box<HttpPeer>> {
        self.saw("upstream_peer");
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }

    async fn logging(&self, _: &mut Session, _: Option<&pingora_core::Error>, _: &mut ()) {
        self.saw("logging");
    }
}

struct Upstream {
    address: std::net::SocketAddr,
    connections: Arc<AtomicUsize>,
}

/// `/ws` switches protocols and echoes, `/no` does not switch, `/never` does not answer.
async fn upstream() -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = count.clone();
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                serve_upstream(stream).await;
                count.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    Upstream {
        address,
        connections,
    }
}

async fn serve_upstream(mut stream: TcpStream) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        if head.starts_with(b"GET /never ") {
            let _ = stream.read_u8().await;
            return None;
        }
        if !head.starts_with(b"GET /ws ") {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await
                .ok()?;
            continue;
        }
        // A switch faster than Pingora is ready for is another module's business.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(switch).await.ok()?;
        let (mut read, mut write) = stream.split();
        tokio::io::copy(&mut read, &mut write).await.ok()?;
        return None;
    }
}

struct Gateway {
    door: FrontDoor<HttpProxy<Proxy>>,
    seen: Arc<Seen>,
    upstream: Upstream,
}

impl Gateway {
    async fn open(settings: ListenerSettings) -> Gateway {
        let upstream = upstream().await;
        let seen = Arc::new(Seen::default());
        let proxy = Proxy {
            upstream: upstream.address,
            seen: Arc::clone(&seen),
        };
        let conf = Arc::new(ServerConf::default());
        let door = FrontDoor::new(Arc::new(http_proxy(&conf, proxy)), Arc::new(AdmitAll));
        door.apply(vec![settings]).await.unwrap();
        Gateway {
            door,
            seen,
            upstream,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.door.bound()[0].1).await.unwrap()
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")
}

fn upgrade(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
}

#[tokio::test]
async fn every_hook_sees_the_connection() {
    let gateway = Gateway::open(plain()).await;
    let mut client = gateway.connect().await;
    for _ in 0..2 {
        client.write_all(get("/x").as_bytes()).await.unwrap();
        assert_eq!(answer(&mut client).await.1, "ok");
    }
    drop(client);
    until(|| gateway.door.open_connections() == 0).await;
    let hooks = [
        "new_ctx",
        "early_request_filter",
        "upstream_peer",
        "logging",
    ]
    .map(|hook| (hook, Some(1)));
    assert_eq!(*gateway.seen.lock().unwrap(), [hooks, hooks].concat());
}

#[tokio::test]
async fn every_hook_sees_the_connection_on_http2() {
    use crate::tls::{certificate, ec_key, tls_listener};
    let settings = tls_listener(&[certificate(ec_key(), "a", &["a.example"])], |_| {});
    let gateway = Gateway::open(settings).await;
    let address = gateway.door.bound()[0].1;
    let tls = crate::http2::connect(address).await;
    let (client, connection) = h2::client::handshake(tls).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = http::Request::get("https://a.example/x").body(()).unwrap();
    let (response, _) = client.send_request(request, true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
    until(|| gateway.seen.lock().unwrap().len() == 4).await;
    let seen = gateway.seen.lock().unwrap().clone();
    assert!(seen.iter().all(|(_, id)| *id == Some(1)), "{seen:?}");
}

#[tokio::test]
async fn an_upgrade_becomes_a_tunnel_that_no_reload_disturbs() {
    let gateway = Gateway::open(plain()).await;
    let mut client = gateway.connect().await;
    client.write_all(upgrade("/ws").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    for round in 0..20u8 {
        let mut settings = plain();
        settings.keep_alive_requests = 100 + u32::from(round);
        gateway.door.apply(vec![settings]).await.unwrap();
        let said = [round; 3000];
        client.write_all(&said).await.unwrap();
        let mut heard = [0; 3000];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, said);
    }
    gateway.door.apply(vec![]).await.unwrap();
    client.write_all(b"still here").await.unwrap();
    let mut heard = [0; 10];
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"still here");
    drop(client);
    until(|| gateway.door.open_connections() == 0).await;
}

#[tokio::test]
async fn an_upgrade_that_does_not_come_about_leaves_the_connection_usable() {
    let gateway = Gateway::open(plain()).await;
    let mut client = gateway.connect().await;
    for path in ["/no", "/no", "/x"] {
        client.write_all(upgrade(path).as_bytes()).await.unwrap();
        let (head, body) = answer(&mut client).await;
        assert_eq!(
            (field(&head, "connection").as_str(), body.as_str()),
            ("keep-alive", "ok")
        );
    }
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_server_it_waits_for() {
    let gateway = Gateway::open(plain()).await;
    let mut client = gateway.connect().await;
    client.write_all(get("/never").as_bytes()).await.unwrap();
    until(|| gateway.upstream.connections.load(Ordering::SeqCst) == 1).await;
    drop(client);
    until(|| gateway.door.open_connections() == 0).await;
    until(|| gateway.upstream.connections.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn an_early_refusal_of_a_large_body_reaches_the_client() {
    let gateway = Gateway::open(plain()).await;
    let mut client = gateway.connect().await;
    let size = 500_000;
    let head = format!("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&vec![b'x'; size]).await.unwrap();
    let got = rest(&mut client).await;
    assert_eq!(status(&got), "413");
    assert!(got.ends_with("too large"), "{got}");
}

#[tokio::test]
async fn pipelined_requests_through_the_proxy_keep_their_order() {
    let gateway = Gateway::open(plain()).await;
    let mut client = gateway.connect().await;
    client
        .write_all(get("/x").repeat(10).as_bytes())
        .await
        .unwrap();
    for _ in 0..10 {
        assert_eq!(answer(&mut client).await.1, "ok");
    }
}
