//! From the server to the client: the head that the client sees.

use std::borrow::Cow;

use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_LOCATION, HeaderName, HeaderValue,
    LOCATION, REFRESH, SET_COOKIE, TRANSFER_ENCODING,
};
use http::{Method, StatusCode, Version};
use pingora_core::{ErrorType, OrErr, Result};
use pingora_http::ResponseHeader;
use pingora_proxy::Session;

use super::body::OBSERVED;
use super::failure;
use crate::exchange::{Call, Exchange};
use crate::front_door::Connection;
use crate::reason::Reason;
use crate::rewrite::{CookieRewrite, LocationRewrite, Scheme, Secure};

/// Fields that concern one connection (RFC 9110, 7.6.1), or that speak of the server's own address to the client's browser.
const NOT_FOR_CLIENTS: [&str; 5] = ["keep-alive", "proxy-connection", "te", "trailer", "alt-svc"];

/// Makes the head that the client sees.
///
/// # Errors
/// Only where a value cannot be a header.
pub fn prepare(
    session: &mut Session,
    exchange: &mut Exchange,
    head: &mut ResponseHeader,
) -> Result<()> {
    let Some(call) = &exchange.call else {
        return Ok(());
    };
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        // SECURITY: whatever follows a 101 that nobody asked for, a client would take for answers to its next requests.
        // A WebSocket begins with a GET (RFC 6455, 4.1).
        let asked = session.is_upgrade_req() && call.method == Method::GET;
        return match asked && call.upstream.facts.websocket {
            true => Ok(()),
            false => Err(failure::error(Reason::UpstreamBroken)),
        };
    }
    if head.status.is_informational() {
        return Ok(());
    }
    drop_connection_fields(head);
    only_chunked(head)?;
    say_length_once(head)?;
    if Connection::closing() {
        session.set_keepalive(None);
    }
    if session.req_header().version == Version::HTTP_10 {
        // Pingora would send chunks to a client that does not know them (`pingora.md` 5.4).
        head.remove_header(&TRANSFER_ENCODING);
        session.set_keepalive(None);
    }
    map_cookies_back(call, head)?;
    map_locations_back(call, head)?;
    call.upstream.facts.kind.response(call, head)?;
    if wants_a_look(call, head) {
        exchange.observed = Some(Vec::new());
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

/// SECURITY: Pingora sends an answer of another coding on as it came, field and all; what stands behind reads its end differently.
fn only_chunked(head: &ResponseHeader) -> Result<()> {
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(failure::error(Reason::UpstreamBroken)),
    }
}

/// RFC 9112, 6.3: a length that is repeated goes on as one. Pingora has made sure that the repetitions are equal.
fn say_length_once(head: &mut ResponseHeader) -> Result<()> {
    let mut lengths = head.headers.get_all(CONTENT_LENGTH).iter();
    let (Some(first), second) = (lengths.next(), lengths.next()) else {
        return Ok(());
    };
    let digits = first.as_bytes().split(|&b| b == b',').next();
    let digits = digits.unwrap_or_default().trim_ascii();
    if second.is_some() || digits.len() != first.len() {
        let once = value(digits)?;
        head.insert_header(CONTENT_LENGTH, once)?;
    }
    Ok(())
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
