//! What went wrong, and what is said about it: errors become a [`Reason`], a reason becomes an answer and a line in the log.

mod told;

use std::io;
use std::time::Duration;

use http::header::{ALLOW, RETRY_AFTER};
use log::{debug, info, warn};
use pingora_core::{Error, ErrorSource, ErrorType, Result};
use pingora_proxy::{FailToProxy, Session};

pub use told::Told;

use super::arrival::is_person;
use super::{account, interaction};
use crate::exchange::Exchange;
use crate::front_door::{Connection, TooSlow};
use crate::kinds;
use crate::observe::line::Quoted;
use crate::observe::refusals::and_more;
use crate::reason::Reason;
use crate::respond::{self, Answer, Audience};
use crate::routing::decide::Refusal;
use crate::runtime::Runtime;
use crate::upstream::health::is_tls_alert;

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
    if refusal.route.is_some() {
        exchange.route = refusal.route;
    }
    if let Some(detail) = &refusal.detail {
        let told = kinds::shown_within(detail);
        debug!("{} {}: {told}", exchange.id, refusal.reason.code());
        exchange.limit = refusal.reason.is_limit().then(|| detail.clone());
    }
    if refusal.reason == Reason::ClientGone || respond::begun(session).is_some() {
        // An answer that has begun and cannot go on ends what carries it.
        return Err(error(refusal.reason));
    }
    let mut answer = answer_for(session, exchange, refusal.reason);
    if let Some(wait) = refusal.retry_after {
        answer = answer.with(RETRY_AFTER, seconds(wait).into());
    }
    if refusal.reason == Reason::MethodNotAllowed
        && let Some(allow) = exchange.route.as_ref().and_then(|route| route.allow())
    {
        answer = answer.with(ALLOW, allow);
    }
    let sent = respond::send(session, &exchange.id, answer, closes(refusal.reason)).await;
    if refusal.reason == Reason::Banned {
        Connection::finish();
    }
    sent
}

/// A time as Retry-After says it (RFC 9110, 10.2.3): who waits so long is admitted.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Whether the connection ends with this refusal: what a body that nobody reads would cost, a new connection does not.
pub fn closes(reason: Reason) -> bool {
    reason == Reason::Banned || matches!(reason.status(), None | Some(400 | 413 | 431))
}

/// The answer of a refusal, in the form that the clients of this route understand.
pub fn answer_for(session: &Session, exchange: &Exchange, reason: Reason) -> Answer {
    let id = exchange.id.to_string();
    let head = session.req_header();
    let audience = Audience {
        person: is_person(head),
        id: &id,
        asked: exchange
            .call
            .as_ref()
            .map(|call| (&call.method, call.inner_path())),
        headers: Some(&head.headers),
    };
    match exchange.route.as_ref().and_then(|route| route.kind()) {
        Some(kind) => kind.answer(reason, &audience),
        None => Answer::plain(reason, &audience),
    }
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
        (ErrorSource::Downstream, ReadError) if is_too_slow(error) => Reason::BodyTooSlow,
        (ErrorSource::Downstream, WriteTimedout) => Reason::SlowReader,
        (ErrorSource::Downstream, WriteError) if is_too_slow(error) => Reason::SlowReader,
        // `H2Error`: the head was judged long before this, so the client has reset its stream or left.
        (ErrorSource::Downstream, ReadError | WriteError | ConnectionClosed | H2Error) => {
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
        // A TLS 1.3 server says only after the handshake that it wants another client certificate, or one at all.
        (ErrorSource::Upstream, ReadError | WriteError) if is_tls_alert(error) => {
            Reason::UpstreamTls
        }
        (ErrorSource::Upstream, _) => Reason::UpstreamBroken,
        _ => Reason::Internal,
    }
}

/// The front door's own word about chunks that are none.
fn is_malformed(error: &Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::InvalidData)
}

/// The front door's own word about a client that does not keep up.
fn is_too_slow(error: &Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause
        .and_then(io::Error::get_ref)
        .is_some_and(|cause| cause.is::<TooSlow>())
}

/// Answers a request that failed on its way, if there is still somebody to answer.
pub async fn answer(session: &mut Session, exchange: &mut Exchange, error: &Error) -> FailToProxy {
    let reason = reason(error);
    exchange.refused = Some(reason);
    interaction::failed(exchange);
    let status = match reason.status() {
        Some(_) => {
            let answer = answer_for(session, exchange, reason);
            let status = answer.status;
            if let Err(gone) = respond::send(session, &exchange.id, answer, true).await {
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

/// The line about a request that the gateway answered itself. The query never appears, it may carry secrets.
pub fn log(session: &Session, exchange: &Exchange, error: Option<&Error>, runtime: &Runtime) {
    let Some(reason) = exchange.refused.or_else(|| error.map(reason)) else {
        return;
    };
    let Some(silent) = runtime.refusals.may_tell(reason) else {
        return;
    };
    let head = session.req_header();
    let status = respond::begun(session).map_or(0, |head| head.status.as_u16());
    let client = exchange
        .client
        .map_or_else(|| "-".to_owned(), |client| client.to_string());
    let server = exchange
        .call
        .as_ref()
        .map_or("-", |call| &call.upstream.facts.name);
    let line = format!(
        "{} {status} {} client={client} route={} server={server} {} {}{}",
        exchange.id,
        reason.code(),
        exchange.route_name(),
        head.method,
        Quoted(&account::shown_path(exchange, head.uri.path())),
        and_more(silent),
    );
    match (reason, error) {
        (Reason::Internal, Some(error)) => warn!("{line}: {}", Told(error)),
        (
            Reason::UpstreamConnect
            | Reason::UpstreamTls
            | Reason::UpstreamBroken
            | Reason::UpstreamTimeout,
            Some(error),
        ) => {
            warn!("{line}: {}", Told(error));
        }
        (Reason::Internal | Reason::UpstreamUnresolved | Reason::FileDisk, _) => warn!("{line}"),
        _ => info!("{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_leaves_is_gone_over_http1_and_http2_and_not_malformed() {
        for etype in [
            ErrorType::ReadError,
            ErrorType::WriteError,
            ErrorType::ConnectionClosed,
            ErrorType::H2Error,
        ] {
            let error = Error::new_down(etype.clone());
            assert_eq!(reason(&error), Reason::ClientGone, "{etype:?}");
        }
        let error = Error::new_down(ErrorType::InvalidHTTPHeader);
        assert_eq!(reason(&error), Reason::MalformedHead);
    }
}
