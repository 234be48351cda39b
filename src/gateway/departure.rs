//! From the server to the client: the head that the client sees.

use std::borrow::Cow;

use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, HeaderName,
    HeaderValue, LOCATION, REFRESH, SET_COOKIE, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode, Version};
use pingora_core::{ErrorType, OrErr, Result};
use pingora_http::ResponseHeader;
use pingora_proxy::Session;

use super::arrival::is_websocket;
use super::body::OBSERVED;
use super::interaction::Awaited;
use super::{failure, interaction};
use crate::exchange::{Call, Exchange};
use crate::front_door::Connection;
use crate::reason::Reason;
use crate::request_id::X_REQUEST_ID;
use crate::rewrite::{CookieRewrite, LocationRewrite, Scheme, Secure};

/// Fields that concern one connection (RFC 9110, 7.6.1), or that speak of the server's own address to the client's browser.
const NOT_FOR_CLIENTS: [&str; 6] = [
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "alt-svc",
];

/// The most 1xx answers before the answer. A 102 now and then during a long upload is far below.
const INTERIM: usize = 100;

/// Whether what follows is a tunnel or a stream of events.
pub fn has_no_end(head: &ResponseHeader) -> bool {
    let media = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let events = b"text/event-stream";
    head.status == StatusCode::SWITCHING_PROTOCOLS
        || media
            .and_then(|media| media.get(..events.len()))
            .is_some_and(|media| media.eq_ignore_ascii_case(events))
}

/// Makes the head that the client sees. Returns what is worth telling the administrator of an answer that ends with it.
///
/// # Errors
/// [`Reason::UpstreamBroken`] for a 101 that nobody asked for, a flood of 1xx, and a transfer coding other than `chunked`; else only where a value cannot be a header.
pub fn prepare(
    session: &mut Session,
    exchange: &mut Exchange,
    head: &mut ResponseHeader,
) -> Result<Option<String>> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        // SECURITY: Pingora would hand a 101 to a client that asked for none, and both would go on in different protocols.
        // A WebSocket begins with a GET (RFC 6455, 4.1).
        let asked = session.is_upgrade_req()
            && exchange
                .call
                .as_ref()
                .is_some_and(|call| call.method == Method::GET && call.upstream.facts.websocket);
        let given = head.headers.get(UPGRADE).map(HeaderValue::as_bytes);
        return if asked && given.is_some_and(is_websocket) {
            head.insert_header(X_REQUEST_ID, exchange.id.to_string())?;
            Ok(None)
        } else {
            Err(failure::error(Reason::UpstreamBroken))
        };
    }
    if head.status.is_informational() {
        exchange.interim += 1;
        // SECURITY: Pingora passes them on for as long as they come, each a reason for its timer to start anew.
        return match exchange.interim {
            ..=INTERIM => Ok(None),
            _ => Err(failure::error(Reason::UpstreamBroken)),
        };
    }
    let Some(call) = &exchange.call else {
        return Ok(None);
    };
    only_chunked(head)?;
    one_length(head)?;
    drop_connection_fields(head);
    if Connection::closing() {
        session.set_keepalive(None);
    }
    if session.req_header().version == Version::HTTP_10 {
        // Pingora would send chunks to a client that does not know them (seen with 0.9.1).
        head.remove_header(&TRANSFER_ENCODING);
        session.set_keepalive(None);
    }
    head.insert_header(X_REQUEST_ID, exchange.id.to_string())?;
    map_cookies_back(call, head)?;
    map_locations_back(call, head)?;
    call.upstream.facts.kind.response(call, head)?;
    let wanted = wants_a_look(call, head);
    let (told, awaited) = match interaction::answered(exchange, head) {
        Awaited::Nothing(told) => (told, false),
        Awaited::Body => (None, true),
    };
    if awaited || wanted {
        exchange.observed = Some(Vec::new());
    }
    Ok(told)
}

/// SECURITY: Pingora undoes `chunked` alone, and passes any other coding on with a body that it did not undo: the client would have
/// to guess where that ends.
fn only_chunked(head: &ResponseHeader) -> Result<()> {
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(failure::error(Reason::UpstreamBroken)),
    }
}

/// A length that a server says twice (`5, 5`, or two fields) is said once: Pingora has made sure that they agree, but passes both
/// on, and clients refuse that (RFC 9112, 6.3).
fn one_length(head: &mut ResponseHeader) -> Result<()> {
    let mut lengths = head.headers.get_all(CONTENT_LENGTH).iter();
    let Some(first) = lengths.next() else {
        return Ok(());
    };
    let more = lengths.next().is_some();
    let mut said = first.as_bytes().split(|&byte| byte == b',');
    let length = said.next().unwrap_or_default();
    if more || said.next().is_some() {
        let length = value(length.trim_ascii())?;
        head.insert_header(CONTENT_LENGTH, length)?;
    }
    Ok(())
}

/// The Path of every cookie by the inverse of the route's mapping; the rest of a cookie is nobody's business.
fn map_cookies_back(call: &Call, head: &mut ResponseHeader) -> Result<()> {
    if !head.headers.contains_key(SET_COOKIE) {
        return Ok(());
    }
    let facts = &call.upstream.facts;
    let add_secure = facts.secure_cookies && call.scheme == Scheme::Https;
    let cookies = CookieRewrite {
        map: call.path_map().map_err(failure::error)?,
        secure: if add_secure {
            Secure::Add
        } else {
            Secure::Keep
        },
        strip_domain: &facts.cookie_domains,
    };
    let set: Vec<HeaderValue> = head.headers.get_all(SET_COOKIE).iter().cloned().collect();
    head.remove_header(&SET_COOKIE);
    for cookie in set {
        let mapped = match cookies.rewrite(cookie.as_bytes()) {
            Cow::Borrowed(_) => cookie,
            Cow::Owned(mapped) => value(&mapped)?,
        };
        head.append_header(SET_COOKIE, mapped)?;
    }
    Ok(())
}

/// Where the server sends the browser, as the browser must see it.
fn map_locations_back(call: &Call, head: &mut ResponseHeader) -> Result<()> {
    for name in [LOCATION, CONTENT_LOCATION, REFRESH] {
        let Some(given) = head.headers.get(&name) else {
            continue;
        };
        let locations = LocationRewrite {
            map: call.path_map().map_err(failure::error)?,
            server: &call.upstream.facts.origins,
            public: call.public().map_err(failure::error)?,
        };
        let mapped = match name {
            REFRESH => locations.rewrite_refresh(given.as_bytes()),
            _ => locations.rewrite(given.as_bytes()),
        };
        if let Cow::Owned(mapped) = mapped {
            let mapped = value(&mapped)?;
            head.insert_header(name, mapped)?;
        }
    }
    Ok(())
}

fn value(bytes: &[u8]) -> Result<HeaderValue> {
    HeaderValue::from_bytes(bytes).or_err(ErrorType::InvalidHTTPHeader, "mapped header")
}

fn drop_connection_fields(head: &mut ResponseHeader) {
    let nominated: Vec<HeaderName> = head
        .headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .filter(|name| {
            !matches!(
                name.as_str(),
                "close" | "keep-alive" | "upgrade" | "content-length" | "transfer-encoding"
            )
        })
        .collect();
    for name in nominated {
        head.remove_header(&name);
    }
    for name in NOT_FOR_CLIENTS {
        head.remove_header(name);
    }
}

fn wants_a_look(call: &Call, head: &ResponseHeader) -> bool {
    let small = head
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok())
        .is_none_or(|length| length <= OBSERVED);
    let readable = !head.headers.contains_key(CONTENT_ENCODING);
    small && readable && call.upstream.facts.kind.observes(call, head)
}
