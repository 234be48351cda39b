//! A client that behaves like the SDK in a browser: log-in with hops, cookies by path, polls, event streams, log-out by Location.
//!
//! The same script runs directly against a simulation and through a gateway; only the base URL differs.
//!
//! ```no_run
//! # async fn example(gateway: std::net::SocketAddr, ca: String) -> Result<(), loadtest::icws::ClientError> {
//! use loadtest::icws::{ClientOptions, IcwsClient, Protocol, Trust};
//! let options = ClientOptions::new("https://cc.example.com/apps/client/api/{host}")
//!     .resolve("cc.example.com", gateway)
//!     .trust(Trust::Authority(ca))
//!     .protocol(Protocol::Http2);
//! let mut client = IcwsClient::new(options);
//! let login = client.login("icserver1", "agent1", "secret1").await?;
//! println!("connected to {} after {:?}", login.host, login.hops);
//! # Ok(())
//! # }
//! ```

mod cookies;
mod events;
mod http1;
mod http2;
mod response;
mod transport;

use serde_json::{Value, json};

pub use cookies::{Cookie, CookieJar};
pub use events::{Event, EventStream};
pub use response::{Body, Response};
pub use transport::{ClientOptions, Protocol, Trust};
use transport::{Transport, Url};

/// Alternate hosts that a log-in follows at most, as public clients have it.
const MAX_HOPS: usize = 8;
const ACCEPT: &str = "application/vnd.inin.icws+JSON";
const CONTENT_TYPE: &str = "application/vnd.inin.icws+JSON;charset=utf-8";

/// Why a call did not give what it should.
#[derive(Debug)]
pub enum ClientError {
    /// The connection could not be made or broke.
    Io(std::io::Error),
    /// An answer with a status that the call does not take, with its body.
    Status(u16, String),
    /// The answer is not what the protocol says.
    Protocol(String),
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(out, "connection: {error}"),
            Self::Status(status, body) => write!(out, "answered {status}: {body}"),
            Self::Protocol(what) => write!(out, "protocol: {what}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<std::io::Error> for ClientError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// A log-in that succeeded.
#[derive(Clone, Debug)]
pub struct Login {
    /// The host that accepted.
    pub host: String,
    /// Every host asked, the accepting one last.
    pub hops: Vec<String>,
    /// Body of the 201.
    pub body: Value,
    /// Header fields of the 201.
    pub headers: Vec<(String, String)>,
}

/// The client: one browser tab. Dropping it ends its HTTP/2 connections, open event streams included.
pub struct IcwsClient {
    options: ClientOptions,
    transport: Transport,
    jar: CookieJar,
    session: Option<Connected>,
    sent: u64,
}

#[derive(Clone)]
struct Connected {
    id: String,
    csrf_token: String,
    base: String,
    location: Url,
}

impl IcwsClient {
    /// A client without a session.
    pub fn new(options: ClientOptions) -> Self {
        let transport = Transport::new(&options);
        Self {
            options,
            transport,
            jar: CookieJar::default(),
            session: None,
            sent: 0,
        }
    }

    /// Logs in, following 503 with `alternateHostList` (its first name, under the same base URL template) up to 8 times.
    ///
    /// # Errors
    /// [`ClientError::Status`] for any other answer than 201 and such a 503; [`ClientError::Protocol`] for a 201 that lacks what a session needs.
    pub async fn login(
        &mut self,
        host: &str,
        user: &str,
        password: &str,
    ) -> Result<Login, ClientError> {
        let body = json!({
            "__type": "urn:inin.com:connection:icAuthConnectionRequestSettings",
            "applicationName": "Interaction Connect",
            "userID": user,
            "password": password,
        });
        self.login_with(host, &body, "features,version").await
    }

    /// [`Self::login`] with another request body and `include` list.
    ///
    /// # Errors
    /// As [`Self::login`].
    pub async fn login_with(
        &mut self,
        host: &str,
        body: &Value,
        include: &str,
    ) -> Result<Login, ClientError> {
        let mut hops = vec![host.to_owned()];
        loop {
            let host = hops.last().cloned().unwrap_or_default();
            let base = self.options.base_url(&host);
            let url = Url::parse(&format!("{base}/icws/connection?include={include}"))?;
            let headers = [
                ("Accept", ACCEPT),
                ("Content-Type", CONTENT_TYPE),
                ("Accept-Language", "en-us"),
            ];
            let mut response = self
                .send("POST", &url, &headers, body.to_string().into_bytes())
                .await?;
            let (status, answer) = (response.status, response.text().await?);
            let answer: Option<Value> = serde_json::from_str(&answer).ok();
            let Some(answer) = answer.filter(|_| matches!(status, 201 | 503)) else {
                return Err(ClientError::Status(status, response.text().await?));
            };
            if status == 201 {
                self.session = Some(connected(&response, &url, base)?);
                return Ok(Login {
                    host,
                    hops,
                    body: answer,
                    headers: response.headers,
                });
            }
            let Some(next) = answer["alternateHostList"][0]
                .as_str()
                .filter(|_| hops.len() <= MAX_HOPS)
            else {
                return Err(ClientError::Status(status, answer.to_string()));
            };
            hops.push(next.to_owned());
        }
    }

    /// One call of the session, as the SDK sends it: media types, CSRF token, correlation id, cookie. `path` follows `/icws/<sid>/`.
    ///
    /// # Errors
    /// There is no session, or the connection broke.
    pub async fn call(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, ClientError> {
        self.call_with(
            method,
            path,
            &[],
            body.map(Value::to_string).unwrap_or_default().into_bytes(),
        )
        .await
    }

    /// [`Self::call`] with more headers and any body.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_with(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response, ClientError> {
        let session = self.session()?.clone();
        let url = Url::parse(&format!("{}/icws/{}/{path}", session.base, session.id))?;
        let correlation = format!("{:08x}", self.sent);
        let mut headers = vec![
            ("Accept", ACCEPT),
            ("Content-Type", CONTENT_TYPE),
            ("ININ-ICWS-CSRF-Token", session.csrf_token.as_str()),
            ("X-ICWS-DevTools-CorrelationId", correlation.as_str()),
        ];
        headers.extend_from_slice(more);
        self.send(method, &url, &headers, body).await
    }

    /// Reads what is waiting: a short poll, without a CSRF token as the SDK does it.
    ///
    /// # Errors
    /// Any answer but 200 with a JSON array.
    pub async fn poll(&mut self) -> Result<Vec<Value>, ClientError> {
        let url = self.messages_url()?;
        let mut response = self
            .send(
                "GET",
                &url,
                &[("Accept", ACCEPT), ("Content-Type", CONTENT_TYPE)],
                Vec::new(),
            )
            .await?;
        let text = response.text().await?;
        if response.status != 200 {
            return Err(ClientError::Status(response.status, text));
        }
        serde_json::from_str(&text)
            .map_err(|error| ClientError::Protocol(format!("messages: {error} in {text:?}")))
    }

    /// Opens the event stream as an `EventSource` does: nothing but `Accept` and the cookie.
    ///
    /// # Errors
    /// Any answer but 200 with `text/event-stream`.
    pub async fn events(&mut self) -> Result<EventStream, ClientError> {
        let url = self.messages_url()?;
        let headers = [
            ("Accept", "text/event-stream"),
            ("Cache-Control", "no-cache"),
        ];
        let mut response = self.send("GET", &url, &headers, Vec::new()).await?;
        let media_type = response.header("content-type").unwrap_or_default();
        if response.status != 200 || !media_type.starts_with("text/event-stream") {
            return Err(ClientError::Status(response.status, response.text().await?));
        }
        Ok(EventStream::new(response.body))
    }

    /// Logs out by DELETE on the URL that the log-in's `Location` gave, and forgets the session.
    ///
    /// # Errors
    /// Any answer but 2xx; the session is forgotten all the same.
    pub async fn logout(&mut self) -> Result<(), ClientError> {
        let session = self.session.take().ok_or_else(no_session)?;
        let headers = [
            ("Accept", ACCEPT),
            ("Content-Type", CONTENT_TYPE),
            ("ININ-ICWS-CSRF-Token", session.csrf_token.as_str()),
        ];
        let mut response = self
            .send("DELETE", &session.location, &headers, Vec::new())
            .await?;
        match response.status {
            200..=299 => Ok(()),
            status => Err(ClientError::Status(status, response.text().await?)),
        }
    }

    /// GET of any URL with the cookies that belong there; redirects are returned, not followed.
    ///
    /// # Errors
    /// The URL is not one, or the connection broke.
    pub async fn get(
        &mut self,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<Response, ClientError> {
        self.send("GET", &Url::parse(url)?, headers, Vec::new())
            .await
    }

    /// POST to any URL with the cookies that belong there.
    ///
    /// # Errors
    /// The URL is not one, or the connection broke.
    pub async fn post(
        &mut self,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response, ClientError> {
        self.send("POST", &Url::parse(url)?, headers, body).await
    }

    /// Id of the session.
    pub fn session_id(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.id.as_str())
    }

    /// CSRF token of the session.
    pub fn csrf_token(&self) -> Option<&str> {
        self.session
            .as_ref()
            .map(|session| session.csrf_token.as_str())
    }

    /// Absolute URL that the log-in's Location resolved to.
    pub fn location(&self) -> Option<String> {
        self.session
            .as_ref()
            .map(|session| session.location.to_string())
    }

    /// The cookies, to look at or to spoil.
    pub fn jar(&mut self) -> &mut CookieJar {
        &mut self.jar
    }

    async fn send(
        &mut self,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response, ClientError> {
        self.sent += 1;
        let cookies = self.jar.for_request(&url.scheme, &url.host, url.path());
        let response = self
            .transport
            .send(method, url, headers, &cookies, body)
            .await?;
        for (name, value) in &response.headers {
            if name.eq_ignore_ascii_case("set-cookie") {
                self.jar.store(&url.scheme, &url.host, url.path(), value);
            }
        }
        Ok(response)
    }

    fn messages_url(&self) -> Result<Url, ClientError> {
        let session = self.session()?;
        Url::parse(&format!(
            "{}/icws/{}/messaging/messages",
            session.base, session.id
        ))
    }

    fn session(&self) -> Result<&Connected, ClientError> {
        self.session.as_ref().ok_or_else(no_session)
    }
}

fn no_session() -> ClientError {
    ClientError::Protocol("there is no session".to_owned())
}

/// What the SDK reads from the headers of a 201.
fn connected(response: &Response, url: &Url, base: String) -> Result<Connected, ClientError> {
    let header = |name: &str| {
        response
            .header(name)
            .ok_or_else(|| ClientError::Protocol(format!("the 201 lacks the header {name}")))
    };
    let location = url.join(&header("Location")?)?;
    Ok(Connected {
        id: header("ININ-ICWS-Session-ID")?,
        csrf_token: header("ININ-ICWS-CSRF-Token")?,
        base,
        location,
    })
}
