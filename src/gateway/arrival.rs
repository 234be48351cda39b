//! From a request's head to its route: who sent it, where it goes, or why not.

use http::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, LOCATION, UPGRADE};
use http::{Method, Version};
use pingora_http::RequestHeader;
use pingora_proxy::Session;

use super::{failure, file, interaction, limits};

use crate::exchange::{Call, Exchange};
use crate::reason::Reason;
use crate::request_id::{RequestId, X_REQUEST_ID};
use crate::respond::{self, Answer};
use crate::rewrite::{self, Scheme};
use crate::routing::decide::{self, Decision, Goal, Incoming, Refusal};
use crate::runtime::Runtime;

/// What became of an admitted request.
#[derive(Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It goes to a server.
    ToServer,
    /// The gateway has answered it.
    Answered,
}

/// What must be known before anything is decided: who the client is.
pub fn settle(session: &mut Session, exchange: &mut Exchange) {
    if session.req_header().version == Version::HTTP_10 {
        // A 1xx answer is unknown to HTTP/1.0 (RFC 9110, 15.2).
        session.set_ignore_info_resp(true);
    }
    drop_other_upgrades(session);
    let Some(peer) = exchange
        .connection
        .as_ref()
        .map(|connection| connection.peer.ip())
    else {
        return;
    };
    let trust = &exchange.snapshot.client_address;
    let chain = session
        .req_header()
        .headers
        .get_all(&trust.header)
        .iter()
        .map(HeaderValue::as_bytes);
    exchange.client = Some(rewrite::client_address(peer, chain, &trust.trusted));
    exchange.peer_trusted = trust.trusts(peer);
    if exchange.peer_trusted
        && let Some(told) = session.get_header(X_REQUEST_ID)
        && let Some(id) = RequestId::told(told.as_bytes())
    {
        exchange.id = id;
    }
}

/// SECURITY: without `Connection: upgrade` the field means nothing (RFC 9110, 7.8), so a proxy before us does not expect a switch of
/// protocols and would take a tunnel's bytes for answers. Pingora asks for the field alone. What is no WebSocket, which begins with a GET
/// (RFC 6455, 4.1), is not upgraded either; its request is one as any other (RFC 9110, 7.8).
fn drop_other_upgrades(session: &mut Session) {
    let head = session.req_header();
    let headers = &head.headers;
    let mut wanted = headers.get_all(UPGRADE).iter();
    let websocket = head.method == Method::GET
        && wanted
            .next()
            .is_some_and(|value| is_websocket(value.as_bytes()))
        && wanted.next().is_none();
    let mut options = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&b| b == b','));
    let is_upgrade = |option: &[u8]| option.trim_ascii().eq_ignore_ascii_case(b"upgrade");
    if headers.contains_key(UPGRADE) && !(websocket && options.any(is_upgrade)) {
        session.req_header_mut().remove_header(&UPGRADE);
    }
}

/// Whether a value of `Upgrade` names WebSocket, and nothing else (RFC 6455, 11.2).
pub fn is_websocket(upgrade: &[u8]) -> bool {
    upgrade.trim_ascii().eq_ignore_ascii_case(b"websocket")
}

/// Finds the route and everything that must hold before a server hears of the request.
///
/// # Errors
/// Why the request is refused.
pub async fn admit(
    session: &mut Session,
    exchange: &mut Exchange,
    runtime: &Runtime,
) -> Result<Admitted, Refusal> {
    let Some(connection) = exchange.connection.clone() else {
        return Err(Reason::Internal.into());
    };
    let head = session.req_header();
    let host = public_host(head)?;
    let incoming = Incoming {
        host,
        port: connection.listener.listen.port(),
        sni: connection.tls.as_ref().and_then(|tls| tls.sni.as_deref()),
        method: &head.method,
        path: head.uri.path(),
        query: head.uri.query(),
    };
    if let Some(port) = connection.listener.redirect_port {
        let scopes = exchange.snapshot.limits.requests.clone();
        limits::check(exchange, runtime, &scopes)?;
        let location = decide::redirect(&exchange.snapshot, &incoming, port)?;
        let location = HeaderValue::try_from(location).map_err(|_| Reason::BadHost)?;
        let answer = Answer::new(308, "text/plain; charset=utf-8", "").with(LOCATION, location);
        exchange.refused = Some(Reason::RedirectToHttps);
        return answered(respond::send(session, &exchange.id, answer, false).await);
    }
    let (scopes, files) = match decide::decide(&exchange.snapshot, &incoming) {
        Ok(Decision { route, goal }) => {
            let scopes = route.limits.clone();
            exchange.route = Some(route.clone());
            let files = match goal {
                Goal::Files { site, path } => Some((site, path)),
                Goal::Server {
                    upstream,
                    timeouts,
                    path,
                } => {
                    exchange.call = Some(Call {
                        scheme: public_scheme(exchange, connection.tls.is_some(), head),
                        authority: host.to_owned(),
                        public_target: path_and_query(head).to_owned(),
                        method: head.method.clone(),
                        route,
                        upstream,
                        timeouts,
                        public_prefix: path.public_prefix,
                        inner_prefix: path.inner_prefix,
                        inner_target: path.inner,
                        peer_trusted: exchange.peer_trusted,
                    });
                    None
                }
            };
            (scopes, files)
        }
        // A request that finds no route counts like any other.
        Err(refusal) => {
            let scopes = match &refusal.route {
                Some(route) => route.limits.clone(),
                None => exchange.snapshot.limits.requests.clone(),
            };
            exchange.route = refusal.route.clone();
            limits::check(exchange, runtime, &scopes)?;
            return Err(refusal);
        }
    };
    limits::check(exchange, runtime, &scopes)?;
    let body_limit = exchange.route.as_ref().map_or(0, |route| route.body_limit);
    if declared_length(head).is_some_and(|declared| declared > body_limit) {
        return Err(Reason::BodyTooLarge.into());
    }
    match files {
        Some((site, path)) => {
            let answer = site.answer(&head.method, &path, &head.headers).await;
            answered(file::send(session, exchange, answer).await)
        }
        None => {
            interaction::begin(session, exchange, runtime).await?;
            Ok(Admitted::ToServer)
        }
    }
}

/// What the browser used: our own listener's scheme, unless a trusted proxy before us says what it ended.
fn public_scheme(exchange: &Exchange, tls: bool, head: &RequestHeader) -> Scheme {
    let told = head
        .headers
        .get("x-forwarded-proto")
        .filter(|_| exchange.peer_trusted);
    told.and_then(|told| Scheme::parse(told.as_bytes()))
        .unwrap_or(if tls { Scheme::Https } else { Scheme::Http })
}

fn answered(sent: pingora_core::Result<()>) -> Result<Admitted, Refusal> {
    // What broke an answer in its middle cannot be told to the client any more, only to the log.
    sent.map(|()| Admitted::Answered)
        .map_err(|error| match failure::reason(&error) {
            told @ (Reason::FileDisk | Reason::SlowReader) => told.into(),
            _ => Reason::ClientGone.into(),
        })
}

/// The host the client asks for: `:authority` or Host. Pingora has made sure that they agree where both are there.
fn public_host(head: &RequestHeader) -> Result<&str, Reason> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let authority = head.uri.authority().map(|authority| authority.as_str());
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().map_err(|_| Reason::BadHost),
        (None, _) => authority.ok_or(Reason::BadHost),
        (Some(_), Some(_)) => Err(Reason::BadHost),
    }
}

fn path_and_query(head: &RequestHeader) -> &str {
    head.uri
        .path_and_query()
        .map_or("/", |target| target.as_str())
}

/// What Content-Length says.
pub fn declared_length(head: &RequestHeader) -> Option<u64> {
    head.headers
        .get(CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Whether a person reads the answer in a browser.
pub fn is_person(head: &RequestHeader) -> bool {
    head.headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
