//! What is told of a request when it is over, however it ends: its line in the access log and its place in the metrics. Of an event
//! stream or a WebSocket also that it begins.
//!
//! ```ignore
//! account::opens(session, exchange, &runtime);       // from here on it will be told of
//! account::streams(session, exchange, status, &runtime);
//! account::closes(session, exchange, error, &runtime);
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use pingora_core::Error;
use pingora_http::ResponseHeader;
use pingora_proxy::Session;

use super::failure;
use crate::exchange::{Asked, Exchange, Stream};
use crate::kinds;
use crate::observe::access_log::{Entry, Event};
use crate::respond;
use crate::runtime::Runtime;

/// What ended a request that nobody ended: the drain's deadline, `bans add --cut`, a body over HTTP/2 that stopped.
const CUT: &str = "cut";

/// The head is there.
pub fn opens(session: &Session, exchange: &mut Exchange, runtime: &Arc<Runtime>) {
    exchange.asked = Some(Asked::of(session.req_header()));
    exchange.untold = Some(runtime.clone());
}

/// The answer's head is on its way to the client: perhaps a stream begins with it.
pub fn answers(
    session: &Session,
    exchange: &mut Exchange,
    head: &ResponseHeader,
    runtime: &Runtime,
) {
    if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    exchange.status = head.status.as_u16();
    let Some(call) = &exchange.call else { return };
    let events = || {
        let media = head.headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
        head.status == StatusCode::OK
            && call.upstream.facts.kind.is_stream(session.req_header())
            && media
                .is_some_and(|media| media.to_ascii_lowercase().starts_with(b"text/event-stream"))
    };
    exchange.stream = match head.status {
        StatusCode::SWITCHING_PROTOCOLS => Some(Stream::WebSocket),
        _ if events() => Some(Stream::EventStream),
        _ => return,
    };
    if let (Some(call), Some(stream)) = (&exchange.call, exchange.stream) {
        let open = runtime.metrics.upstreams.streams(&call.upstream, stream);
        exchange.guards.push(Box::new(open));
    }
    if runtime.access_log.is_on() {
        write(exchange, Event::Start, None, runtime);
    }
}

/// The request is over.
pub fn closes(
    session: &Session,
    exchange: &mut Exchange,
    error: Option<&Error>,
    runtime: &Runtime,
) {
    // From here on there is nothing left to tell.
    exchange.untold = None;
    exchange.status = respond::begun(session).map_or(0, |head| head.status.as_u16());
    let timings = &mut exchange.timings;
    // The session knows also of what the gateway itself answered, and counts nothing twice that was sent to two servers.
    timings.received = session.body_bytes_read() as u64;
    timings.sent = session.body_bytes_sent() as u64;
    let reason = exchange.refused.or_else(|| error.map(failure::reason));
    tell(exchange, reason.map(|reason| reason.code()), runtime);
}

/// The request was cut in its middle, and what it held is being given back.
pub fn is_cut(exchange: &Exchange, runtime: &Runtime) {
    let reason = exchange.refused.map_or(CUT, |reason| reason.code());
    tell(exchange, Some(reason), runtime);
}

fn tell(exchange: &Exchange, reason: Option<&str>, runtime: &Runtime) {
    runtime.metrics.request(exchange);
    if runtime.access_log.is_on() {
        let event = match exchange.stream {
            Some(_) => Event::End,
            None => Event::Request,
        };
        write(exchange, event, reason, runtime);
    }
}

/// The path as logs show it.
pub fn shown_path<'a>(exchange: &Exchange, path: &'a str) -> Cow<'a, str> {
    kinds::shown(exchange.route.as_ref().and_then(|route| route.kind()), path)
}

fn write(exchange: &Exchange, event: Event, reason: Option<&str>, runtime: &Runtime) {
    let asked = exchange.asked.as_ref();
    let path = asked.map(|asked| shown_path(exchange, asked.path()));
    let host = asked.and_then(Asked::host);
    let user_agent = asked.and_then(Asked::user_agent);
    let facts = exchange.call.as_ref().map(|call| &call.upstream.facts);
    let connection = exchange.connection.as_ref();
    let timings = &exchange.timings;
    let over = event != Event::Start;
    let entry = Entry {
        event,
        time: None,
        id: Some(&exchange.id),
        client: exchange.client.map(|client| client.to_canonical()),
        user: exchange
            .user
            .as_deref()
            .filter(|_| runtime.access_log.names_users()),
        listener: connection.map(|connection| connection.listener.listen),
        host: host.as_deref(),
        method: asked.map(|asked| asked.method().as_str()),
        path: path.as_deref(),
        version: asked.map(Asked::version),
        status: exchange.status,
        route: exchange.route.as_ref().map(|route| route.name.as_str()),
        server: facts.map(|facts| &*facts.name),
        kind: facts.map(|facts| facts.kind.name()),
        upstream_status: timings.upstream_status,
        duration: over.then(|| timings.started.elapsed()),
        upstream_connect: timings.connect,
        upstream_reused: timings.reused,
        upstream_first_byte: timings.first_byte,
        received: timings.received,
        sent: timings.sent,
        tls: connection.and_then(|connection| connection.tls.as_ref().map(|tls| tls.version)),
        reason,
        limit: exchange.limit.as_deref(),
        user_agent: user_agent.as_deref(),
    };
    runtime.access_log.write(&entry);
}
