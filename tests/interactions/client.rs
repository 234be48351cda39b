//! A client with two ways to ask, so that every story can be told over both.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Line};
use serde_json::Value;
use tokio::sync::Mutex;

/// The host that every request is for.
pub const HOST: &str = "proxy.example.com";
/// Longer than anything here should take.
pub const SOON: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Fields of the head, their names in small letters.
    pub fields: Vec<(String, String)>,
    pub body: Bytes,
}

impl Answer {
    /// The first value of a field, by its name in small letters.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut all = self.fields.iter();
        all.find_map(|(own, value)| (own == name).then_some(value.as_str()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `Null` if it is something else.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What is inside the envelope, of a success only.
    pub fn success(&self) -> Option<Value> {
        let value = self.json();
        let inner = value.as_object()?.values().next()?.clone();
        (self.status == 200 && inner["status"]["type"] == "success").then_some(inner)
    }

    /// The reason of a failure envelope.
    pub fn reason(&self) -> Option<String> {
        let value = self.json();
        let inner = value.as_object()?.values().next()?;
        Some(inner["status"]["reason"].as_str()?.to_owned())
    }
}

/// A client at one address.
pub struct Client {
    way: Way,
    /// Fields of every request.
    fields: Vec<(String, String)>,
}

enum Way {
    Http1 {
        dial: Box<Dial>,
        line: Option<Line>,
    },
    Http2 {
        dial: Box<Dial>,
        shared: Arc<Mutex<Option<SendRequest<Bytes>>>>,
    },
}

impl Client {
    /// HTTP/1.1 in the clear, from this address of the loopback network.
    pub fn http1(edge: &Edge, from: impl Into<Ipv4Addr>) -> Self {
        Client::http1_at(edge.plain(), from)
    }

    /// The same to this listener.
    pub fn http1_at(to: SocketAddr, from: impl Into<Ipv4Addr>) -> Self {
        let dial = Dial::plain(to).from(IpAddr::V4(from.into()));
        let dial = Box::new(dial);
        let way = Way::Http1 { dial, line: None };
        let fields = Vec::new();
        Client { way, fields }
    }

    /// HTTP/2 over TLS, on a connection of its own, and on another one when that is over.
    pub async fn http2(edge: &Edge, from: impl Into<Ipv4Addr>) -> Self {
        Client::http2_at(edge.https(), from).await.unwrap()
    }

    /// The same to this listener, unless it ends the handshake.
    pub async fn http2_at(to: SocketAddr, from: impl Into<Ipv4Addr>) -> io::Result<Self> {
        let dial = Dial::tls(to).sni(HOST).alpn(&["h2"]);
        let dial = Box::new(dial.from(IpAddr::V4(from.into())));
        let shared = Arc::new(Mutex::new(Some(handshake(&dial).await?)));
        let way = Way::Http2 { dial, shared };
        let fields = Vec::new();
        Ok(Client { way, fields })
    }

    /// Another one on the same HTTP/2 connection, or from the same address.
    pub fn another(&self) -> Self {
        let way = match &self.way {
            Way::Http1 { dial, .. } => Way::Http1 {
                dial: dial.clone(),
                line: None,
            },
            Way::Http2 { dial, shared } => Way::Http2 {
                dial: dial.clone(),
                shared: Arc::clone(shared),
            },
        };
        let fields = self.fields.clone();
        Client { way, fields }
    }

    /// Sends this field with every request.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One request and its answer. Dropped before it is ready, it is aborted as a browser would: the connection goes, or the stream.
    pub async fn ask(&mut self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let asked = self.send(method, path, body);
        tokio::time::timeout(SOON, asked).await?
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        match &mut self.way {
            Way::Http1 { dial, line } => {
                let mut own = match line.take() {
                    Some(line) => line,
                    None => dial.open().await?,
                };
                let (answer, stays) = http1(&mut own, method, path, &self.fields, body).await?;
                *line = stays.then_some(own);
                Ok(answer)
            }
            Way::Http2 { dial, shared } => {
                let requests = open(dial, shared).await?;
                http2(requests, method, path, &self.fields, body).await
            }
        }
    }

    /// The same where an answer must come.
    pub async fn got(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let answer = self.ask(method, path, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }
}

async fn handshake(dial: &Dial) -> io::Result<SendRequest<Bytes>> {
    let line = dial.open().await?;
    let made = h2::client::handshake(line.into_io()).await;
    let (requests, connection) = made.map_err(io::Error::other)?;
    tokio::spawn(connection);
    Ok(requests)
}

/// The connection that is shared, or a new one in its place. A gateway says GOAWAY after so many requests.
async fn open(
    dial: &Dial,
    shared: &Mutex<Option<SendRequest<Bytes>>>,
) -> io::Result<SendRequest<Bytes>> {
    let mut shared = shared.lock().await;
    if let Some(requests) = shared.clone()
        && let Ok(ready) = requests.ready().await
    {
        return Ok(ready);
    }
    let requests = handshake(dial).await?;
    *shared = Some(requests.clone());
    requests.ready().await.map_err(io::Error::other)
}

async fn http1(
    line: &mut Line,
    method: &str,
    path: &str,
    fields: &[(String, String)],
    body: &str,
) -> io::Result<(Answer, bool)> {
    let length = body.len();
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n");
    for (name, value) in fields {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(body);
    line.write(request.as_bytes()).await?;
    let head = line.read_until(b"\r\n\r\n", SOON).await?;
    let head = String::from_utf8_lossy(&head).into_owned();
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(head.clone()))?;
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut answer = Answer {
        status,
        fields: lines
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: Bytes::new(),
    };
    let field = |name: &str| answer.field(name);
    let stays = !field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    answer.body = match field("content-length").map(|length| length.parse()) {
        Some(Ok(length)) => line.read_exactly(length, SOON).await?,
        Some(Err(_)) => return Err(io::Error::other(head)),
        None if field("transfer-encoding").is_some() => chunked(line).await?,
        None => Bytes::new(),
    };
    Ok((answer, stays))
}

async fn chunked(line: &mut Line) -> io::Result<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let size = line.read_until(b"\r\n", SOON).await?;
        let size = String::from_utf8_lossy(&size).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        let chunk = line.read_exactly(size + 2, SOON).await?;
        if size == 0 {
            return Ok(body.freeze());
        }
        body.extend_from_slice(&chunk.slice(..size));
    }
}

async fn http2(
    mut requests: SendRequest<Bytes>,
    method: &str,
    path: &str,
    fields: &[(String, String)],
    body: &str,
) -> io::Result<Answer> {
    let url = format!("https://{HOST}{path}");
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in fields {
        request = request.header(name.to_ascii_lowercase(), value);
    }
    let request = request.body(()).map_err(io::Error::other)?;
    let (answer, mut sending) = requests
        .send_request(request, body.is_empty())
        .map_err(io::Error::other)?;
    if !body.is_empty() {
        let body = Bytes::copy_from_slice(body.as_bytes());
        sending.send_data(body, true).map_err(io::Error::other)?;
    }
    let answer = answer.await.map_err(io::Error::other)?;
    let status = answer.status().as_u16();
    let fields = answer.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let fields = fields.collect();
    let mut stream = answer.into_body();
    let mut body = BytesMut::new();
    while let Some(piece) = stream.data().await {
        let piece = piece.map_err(io::Error::other)?;
        let _ = stream.flow_control().release_capacity(piece.len());
        body.extend_from_slice(&piece);
    }
    let body = body.freeze();
    Ok(Answer {
        status,
        fields,
        body,
    })
}
