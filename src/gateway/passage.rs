//! From the route to the server: the head that the server sees.

use http::header::{COOKIE, HOST, HeaderName, HeaderValue};
use pingora_core::protocols::Digest;
use pingora_core::{ErrorType, OrErr, Result};
use pingora_http::RequestHeader;

use super::failure;
use crate::exchange::{Call, Exchange};
use crate::reason::Reason;
use crate::request_id::X_REQUEST_ID;
use crate::rewrite::{self, ForwardingHeaders};

/// Refuses a server whose TLS is older than the file allows, before a byte of the request is sent.
///
/// # Errors
/// [`Reason::UpstreamTls`].
pub fn check_tls_version(exchange: &Exchange, reused: bool, digest: Option<&Digest>) -> Result<()> {
    let only_1_3 = exchange
        .call
        .as_ref()
        .is_some_and(|call| call.upstream.facts.only_tls_1_3 && call.upstream.is_tls());
    // A connection that is used again was looked at when it was new, under the same rule: the rule is part of the pool's key.
    if reused || !only_1_3 {
        return Ok(());
    }
    match digest.and_then(|digest| digest.ssl_digest.as_ref()) {
        Some(tls) if tls.version == "TLSv1.3" => Ok(()),
        _ => Err(failure::error(Reason::UpstreamTls)),
    }
}

/// Makes the head that the server sees.
///
/// # Errors
/// Only where a value cannot be a header, which the checks on arrival have excluded.
pub fn prepare(exchange: &Exchange, head: &mut RequestHeader) -> Result<()> {
    let Some(call) = &exchange.call else {
        return Err(failure::error(Reason::Internal));
    };
    // Always origin-form: an absolute target would be forwarded verbatim by Pingora 0.9.1.
    let target = http::Uri::try_from(call.inner_target.as_str())
        .or_err(ErrorType::InvalidHTTPHeader, "target")?;
    head.set_uri(target);
    head.insert_header(HOST, &call.upstream.facts.host)?;
    if let Some(joined) = rewrite::joined_cookies(&head.headers) {
        head.insert_header(COOKIE, joined)?;
    }
    say_who_asks(head, exchange, call)?;
    if call.route.methods.is_some() {
        // SECURITY: the route's list would have let another method through.
        drop_fields(head, rewrite::names_a_method);
    }
    head.insert_header(X_REQUEST_ID, exchange.id.to_string())?;
    call.upstream.facts.kind.request(call, head)
}

/// Puts the gateway's own word about the client in the place of whatever came.
fn say_who_asks(head: &mut RequestHeader, exchange: &Exchange, call: &Call) -> Result<()> {
    let Some(connection) = &exchange.connection else {
        return Err(failure::error(Reason::Internal));
    };
    let trust = &exchange.snapshot.client_address;
    let peer = connection.peer.ip();
    let chain = head
        .headers
        .get_all(&trust.header)
        .iter()
        .map(HeaderValue::as_bytes);
    let client = rewrite::forwarded_for(peer, chain, &trust.trusted);
    if !call.peer_trusted {
        // SECURITY: a server that reads any of these would believe the client's own word about itself.
        drop_fields(head, |name| rewrite::dropped_from_untrusted(name).is_some());
    }
    let public = call.public().map_err(failure::error)?;
    for (name, value) in ForwardingHeaders::new(client, public).into_headers() {
        head.insert_header(name, value)?;
    }
    Ok(())
}

fn drop_fields(head: &mut RequestHeader, dropped: impl Fn(&str) -> bool) {
    let names = head.headers.keys();
    let found: Vec<HeaderName> = names
        .filter(|name| dropped(name.as_str()))
        .cloned()
        .collect();
    for name in found {
        head.remove_header(&name);
    }
}
