//! One server of a pair on the wire: Host and X-Forwarded-For, dialects, modes, and answers changed on purpose.
//!
//! ```no_run
//! # async fn example(pair: loadtest::webtools::Pair) {
//! use loadtest::webtools::Canned;
//! pair.a.next_answer("/chat/poll/", 1, Canned::Status(429)); // the next poll only
//! pair.a.refuse_with(loadtest::webtools::Refusal::NotFound); // what a limit answers
//! # }
//! ```

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value};

use super::media::Dialect;
use super::operation::{NoOperation, Operation};
use super::pair::Death;
use super::reason::Reason;
use super::site::{Node, Site};
use super::visit::{Answer, Visit};
use super::xml::Style;
use crate::wire::{Exchange, Fault, Reply, Request, Server, ServerOptions, Service};

/// What a server is in its pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Serves.
    Active,
    /// Answers 503 to everything.
    Backup,
}

/// What a limit answers. The exact answer is not published; a comment in the vendor's page points to 404.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 404.
    NotFound,
    /// 200 with the failure `error.websvc.unavailable`.
    Failure,
}

/// An answer given in place of the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canned {
    /// This status with a short page.
    Status(u16),
    /// 200 with an HTML page.
    Html,
    /// 200 with a failure envelope.
    Failure(Reason),
    /// 301 to this place.
    Moved(String),
}

/// One server of a pair. Dropping it ends it.
#[derive(Debug)]
pub struct WebToolsServer {
    wire: Server,
    desk: Arc<Desk>,
}

#[derive(Debug)]
struct Desk {
    node: Node,
    site: Arc<Mutex<Site>>,
    settings: Mutex<Settings>,
}

#[derive(Debug)]
struct Settings {
    mode: Mode,
    refusal: Refusal,
    /// Right values of Host; None until the port is known.
    hosts: Option<Vec<String>>,
    canned: Vec<(String, u32, Canned)>,
    xml: Style,
}

impl WebToolsServer {
    pub(super) async fn start(
        node: Node,
        options: ServerOptions,
        names: Vec<String>,
        site: Arc<Mutex<Site>>,
    ) -> io::Result<Self> {
        let settings = Settings {
            mode: Mode::Active,
            refusal: Refusal::Failure,
            hosts: None,
            canned: Vec::new(),
            xml: Style::Elements,
        };
        let settings = Mutex::new(settings);
        let desk = Arc::new(Desk {
            node,
            site,
            settings,
        });
        let wire = Server::start(options, Arc::clone(&desk)).await?;
        let port = wire.address().port();
        let mut hosts = vec![wire.address().to_string()];
        hosts.extend(names.iter().map(|name| format!("{name}:{port}")));
        desk.settings().hosts = Some(hosts);
        Ok(Self { wire, desk })
    }

    /// The layer below: address, records, faults, connections.
    pub fn wire(&self) -> &Server {
        &self.wire
    }

    /// `http://address:port`.
    pub fn base_url(&self) -> String {
        self.wire.base_url()
    }

    /// Makes the server active or backup.
    pub fn set_mode(&self, mode: Mode) {
        self.desk.settings().mode = mode;
    }

    /// Chooses what a limit answers; [`Refusal::Failure`] at first.
    pub fn refuse_with(&self, refusal: Refusal) {
        self.desk.settings().refusal = refusal;
    }

    /// Chooses how XML answers are written, as the vendor's way is not published; [`Style::Elements`] at first.
    pub fn write_xml_as(&self, style: Style) {
        self.desk.settings().xml = style;
    }

    /// Gives this answer to the next `times` requests whose target contains this text, instead of performing them.
    pub fn next_answer(&self, in_target: &str, times: u32, canned: Canned) {
        self.desk
            .settings()
            .canned
            .push((in_target.to_owned(), times, canned));
    }

    /// Ends all answers ordered by [`Self::next_answer`] and all faults.
    pub fn behave(&self) {
        self.desk.settings().canned.clear();
        self.wire.faults().clear();
    }

    /// Dies.
    pub async fn die(&self, death: Death) {
        match death {
            Death::Unavailable => self.set_mode(Mode::Backup),
            Death::Hang => self.wire.faults().set(Fault::HangBeforeHead),
            Death::Reset => {
                self.wire.refuse_connections(true).await;
                self.wire.reset_connections();
            }
        }
    }

    /// Comes back from any death, active.
    pub async fn revive(&self) {
        self.wire.refuse_connections(false).await;
        self.behave();
        self.set_mode(Mode::Active);
    }
}

impl Desk {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn perform(&self, visitor: &str, operation: &Operation, body: &Value) -> Answer {
        let visit = Visit {
            node: self.node,
            visitor,
            now: Instant::now(),
        };
        let mut site = self.site.lock().unwrap_or_else(PoisonError::into_inner);
        site.perform(&visit, operation, body)
    }

    fn failure(&self, operation: &Operation, reason: Reason) -> Value {
        let site = self.site.lock().unwrap_or_else(PoisonError::into_inner);
        site.failure(operation, reason)
    }

    /// The answer to one request whose body has been read.
    fn answer(&self, request: &Request, peer: &str, body: &[u8]) -> Reply {
        let (refusal, canned, xml) = {
            let mut settings = self.settings();
            if settings.mode == Mode::Backup {
                return page(503, "This server is the backup of a switchover pair.");
            }
            if !settings.is_own_host(request) {
                return page(400, "The Host header is not this server's host and port.");
            }
            (
                settings.refusal,
                settings.take_canned(&request.target),
                settings.xml,
            )
        };
        let operation = match Operation::parse(&request.method, request.path()) {
            Ok(operation) => operation,
            Err(NoOperation::NotFound) => return page(404, "There is nothing here."),
            Err(NoOperation::WrongMethod) => return page(405, "Not with this method."),
        };
        let content_type = request.first("content-type");
        let accept = request.first("accept");
        let dialect = match Dialect::of_answer(content_type.as_deref(), accept.as_deref()) {
            Dialect::Xml if xml == Style::Attributes => Dialect::XmlAttributes,
            dialect => dialect,
        };
        match canned {
            Some(Canned::Status(status)) => return page(status, "This answer was ordered."),
            Some(Canned::Html) => return page(200, "This answer was ordered."),
            Some(Canned::Moved(to)) => return page(301, "Elsewhere.").header("Location", to),
            Some(Canned::Failure(reason)) => {
                return written(dialect, &self.failure(&operation, reason));
            }
            None => {}
        }
        let body = match read_body(&operation, content_type.as_deref(), body) {
            Ok(body) => body,
            Err(reason) => return written(dialect, &self.failure(&operation, reason)),
        };
        let visitor = visitor_address(request, peer);
        match (self.perform(&visitor, &operation, &body), refusal) {
            (Answer::Envelope(envelope), _) => written(dialect, &envelope),
            (Answer::Refused(envelope), Refusal::Failure) => written(dialect, &envelope),
            (Answer::Refused(_), Refusal::NotFound) => page(404, "Not now."),
            (Answer::NotFound, _) => page(404, "There is no such file."),
            (Answer::File(file), _) => Reply::new(200)
                .header("Content-Type", "application/octet-stream")
                .header("Content-Disposition", attachment(&file.name))
                .body(file.content),
        }
    }
}

impl Settings {
    /// "It does not expect the web server name and outside port", and never assumes port 80 (Technical Reference,
    /// "Troubleshooting Gateway Communications").
    fn is_own_host(&self, request: &Request) -> bool {
        let sent = request.all("host");
        let [host] = sent.as_slice() else {
            return false;
        };
        let right = |hosts: &Vec<String>| hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
        self.hosts.as_ref().is_some_and(right)
    }

    fn take_canned(&mut self, target: &str) -> Option<Canned> {
        let rule = self
            .canned
            .iter_mut()
            .find(|(part, _, _)| target.contains(part.as_str()))?;
        rule.1 = rule.1.saturating_sub(1);
        let canned = rule.2.clone();
        self.canned.retain(|(_, times, _)| *times > 0);
        Some(canned)
    }
}

impl Service for Desk {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> io::Result<()> {
        let body = exchange.body().await?;
        let peer = exchange.connected().peer.ip().to_string();
        let request = Arc::clone(exchange.request());
        let reply = self.answer(&request, &peer, &body);
        exchange.reply(reply).await
    }
}

/// The visitor is the first entry of X-Forwarded-For, or the peer when there is none.
fn visitor_address(request: &Request, peer: &str) -> String {
    let forwarded = request.first("x-forwarded-for").unwrap_or_default();
    let first = forwarded.split(',').next().unwrap_or_default().trim();
    if first.is_empty() { peer } else { first }.to_owned()
}

fn read_body(
    operation: &Operation,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Value, Reason> {
    let has_content = !matches!(
        operation,
        Operation::Exit(_) | Operation::DisconnectCallback(_)
    );
    if operation.method() == "GET" || !has_content {
        return Ok(Value::Object(Map::new()));
    }
    Dialect::read(content_type, body)
}

fn written(dialect: Dialect, envelope: &Value) -> Reply {
    Reply::new(200)
        .header("Content-Type", dialect.content_type())
        .header("Cache-Control", "no-cache")
        .body(dialect.write(envelope))
}

fn page(status: u16, text: &str) -> Reply {
    Reply::new(status)
        .header("Content-Type", "text/html; charset=utf-8")
        .body(format!("<html><body><p>{text}</p></body></html>"))
}

/// Only what cannot end the quoted text or the header goes into the shown name.
fn attachment(name: &str) -> String {
    let is_safe = |c: &char| c.is_ascii_graphic() && !matches!(c, '"' | '\\') || *c == ' ';
    let shown: String = name.chars().filter(is_safe).collect();
    format!("attachment; filename=\"{shown}\"")
}
