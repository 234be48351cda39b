//! What went wrong, and what is said about it: errors become a [`Reason`], a reason becomes an answer and a line in the log.

use std::io;
use std::net::SocketAddr;

use log::{debug, info, warn};
use pingora_core::upstreams::peer::{HttpPeer, Peer};
use pingora_core::{Error, ErrorSource, ErrorType, Result};
use pingora_proxy::{FailToProxy, Session};

use super::arrival::is_person;
use crate::exchange::Exchange;
use crate::reason::Reason;
use crate::respond::{self, Answer, Audience};
use crate::routing::decide::Refusal;

/// The most addresses of one server that one request tries.
const TRIES: usize = 3;

/// A reason as Pingora's error, so that it survives the way through the hooks.
pub fn error(reason: Reason) -> Box<Error> {
    Error::explain(
        ErrorType::CustomCode(reason.code(), reason.status().unwrap_or(500)),
        reason.message(),
    )
}

/// Answers a request that no server is to hear of.
///
/// # Errors
/// The client is gone.
pub async fn refuse(
    session: &mut Session,
    exchange: &mut Exchange,
    refusal: Refusal,
) -> Result<()> {
    exchange.refused = Some(refusal.reason);
    if let Some(detail) = &refusal.detail {
        debug!("{} {}: {detail}", exchange.id, refusal.reason.code());
    }
    if refusal.reason == Reason::ClientGone {
        return Err(error(Reason::ClientGone));
    }
    // What a body that nobody reads would cost, a new connection does not.
    let close = refusal
        .reason
        .status()
        .is_none_or(|status| status == 400 || status == 413 || status == 431);
    let answer = answer_for(session, exchange, refusal.reason);
    respond::send(session, answer, close).await
}

fn answer_for(session: &Session, exchange: &Exchange, reason: Reason) -> Answer {
    let id = exchange.id.to_string();
    let audience = Audience {
        person: is_person(session.req_header()),
        id: &id,
    };
    match exchange.route.as_ref().and_then(|route| route.kind()) {
        Some(kind) => kind.answer(reason, &audience),
        None => Answer::plain(reason, &audience),
    }
}

/// Nothing was sent yet: the server's next address may be tried, for any method.
pub fn next_address(exchange: &mut Exchange, peer: &HttpPeer, mut error: Box<Error>) -> Box<Error> {
    let Some(call) = &exchange.call else {
        return error;
    };
    let failed: Option<SocketAddr> = peer.address().as_inet().copied();
    let another = failed.is_some_and(|failed| call.upstream.avoid(failed));
    // A second handshake with a machine that showed a wrong certificate is not another address's business.
    let reachable = !matches!(
        error.etype(),
        ErrorType::InvalidCert | ErrorType::TLSHandshakeFailure
    );
    let patience = call.timeouts.connect * 2;
    error.set_retry(
        another && reachable && exchange.tries < TRIES && exchange.started.elapsed() < patience,
    );
    error
}

/// A connection broke after it was made. Only a reused connection that the server had closed meanwhile may be replaced, only for
/// methods that are idempotent, and only where the kind agrees.
pub fn repeat_or_not(
    session: &mut Session,
    exchange: &Exchange,
    mut error: Box<Error>,
    reused: bool,
) -> Box<Error> {
    let head = session.req_header();
    let repeatable = head.method.is_idempotent()
        && !session.as_ref().retry_buffer_truncated()
        && session.response_written().is_none()
        && !session.is_upgrade_req()
        && exchange.call.as_ref().is_some_and(|call| {
            call.upstream
                .facts
                .kind
                .may_repeat(&call.method, call.inner_path())
        });
    if repeatable {
        error.retry.decide_reuse(reused);
    } else {
        error.set_retry(false);
    }
    error
}

/// The reason behind an error.
pub fn reason(error: &Error) -> Reason {
    use ErrorType::*;
    if let CustomCode(code, _) = error.etype()
        && let Some(reason) = Reason::ALL.iter().find(|reason| reason.code() == *code)
    {
        return *reason;
    }
    match (error.esource(), error.etype()) {
        (ErrorSource::Downstream, ReadTimedout) => Reason::BodyTimeout,
        (ErrorSource::Downstream, ReadError) if is_malformed(error) => Reason::MalformedBody,
        (ErrorSource::Downstream, ReadError | WriteError | WriteTimedout | ConnectionClosed) => {
            Reason::ClientGone
        }
        (ErrorSource::Downstream, _) => Reason::MalformedHead,
        (_, ConnectTimedout | TLSHandshakeTimedout) => Reason::UpstreamTimeout,
        (_, TLSHandshakeFailure | InvalidCert | HandshakeError | TLSWantX509Lookup) => {
            Reason::UpstreamTls
        }
        (_, ConnectRefused | ConnectNoRoute | ConnectError | BindError | SocketError) => {
            Reason::UpstreamConnect
        }
        (ErrorSource::Upstream, ReadTimedout | WriteTimedout) => Reason::UpstreamTimeout,
        (ErrorSource::Upstream, _) => Reason::UpstreamBroken,
        _ => Reason::Internal,
    }
}

/// The front door's own word about chunks that are none.
fn is_malformed(error: &Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::InvalidData)
}

/// Answers a request that failed on its way, if there is still somebody to answer.
pub async fn answer(session: &mut Session, exchange: &mut Exchange, error: &Error) -> FailToProxy {
    let reason = reason(error);
    exchange.refused = Some(reason);
    let status = match reason.status() {
        Some(_) => {
            let answer = answer_for(session, exchange, reason);
            let status = answer.status;
            if let Err(gone) = respond::send(session, answer, true).await {
                debug!("{} client gone while it was answered: {gone}", exchange.id);
            }
            status
        }
        None => 0,
    };
    FailToProxy {
        error_code: status,
        can_reuse_downstream: false,
    }
}

/// What may be said of an error in the log.
///
/// SECURITY: of a head that cannot be read Pingora repeats every byte, cookies included.
fn said(error: &Error) -> String {
    let unreadable = [error.etype(), error.root_etype()].contains(&&ErrorType::InvalidHTTPHeader);
    match unreadable {
        true => format!("{} {}", error.source_str(), error.reason_str()),
        false => error.to_string(),
    }
}

/// The line about a request that the gateway answered itself. The query never appears, it may carry secrets.
pub fn log(session: &Session, exchange: &Exchange, error: Option<&Error>) {
    let Some(reason) = exchange.refused.or_else(|| error.map(reason)) else {
        return;
    };
    let head = session.req_header();
    let status = session
        .response_written()
        .map_or(0, |head| head.status.as_u16());
    let client = exchange
        .client
        .map_or_else(|| "-".to_owned(), |client| client.to_string());
    let server = exchange
        .call
        .as_ref()
        .map_or("-", |call| &call.upstream.facts.name);
    let line = format!(
        "{} {status} {} client={client} route={} server={server} {} {:?}",
        exchange.id,
        reason.code(),
        exchange.route_name(),
        head.method,
        head.uri.path(),
    );
    match (reason, error) {
        (Reason::Internal, Some(error)) => warn!("{line}: {}", said(error)),
        (
            Reason::UpstreamConnect
            | Reason::UpstreamTls
            | Reason::UpstreamBroken
            | Reason::UpstreamTimeout,
            Some(error),
        ) => {
            warn!("{line}: {}", said(error));
        }
        (Reason::Internal | Reason::UpstreamUnresolved, _) => warn!("{line}"),
        _ => info!("{line}"),
    }
}
