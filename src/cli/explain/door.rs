//! The front door, as a request would find it: the listener, its TLS, the limits of a connection and a head.

use super::No;
use super::asked::Asked;
use super::text::{Text, size, time};
use crate::config::Config;
use crate::front_door::ListenerSettings;
use crate::front_door::tls::{Acceptors, names_of};
use crate::observe::line::counted;
use crate::snapshot::Snapshot;

/// The listener that takes the connection: of several on one port the first that speaks the URL's scheme.
pub(super) fn listener<'s>(
    text: &mut Text,
    snapshot: &'s Snapshot,
    asked: &Asked,
) -> Result<&'s ListenerSettings, No> {
    let Some(port) = asked.port() else {
        return Err(No::Connection(
            "the port is not a number from 1 to 65535".to_owned(),
        ));
    };
    let on_port = || {
        snapshot
            .listeners
            .iter()
            .filter(move |listener| listener.listen.port() == port)
    };
    let speaks = |listener: &&ListenerSettings| listener.tls.is_some() == asked.https;
    let Some(listener) = on_port().find(speaks).or(on_port().next()) else {
        let why = format!("no listener has port {port}, so nothing answers there");
        return Err(No::Connection(why));
    };
    let spoken = if listener.tls.is_some() {
        "https"
    } else {
        "http"
    };
    text.line("listener", &format!("{} ({spoken})", listener.listen));
    if speaks(&listener) {
        Ok(listener)
    } else {
        let why = format!("this listener speaks {spoken}, so the connection is closed");
        Err(No::Connection(why))
    }
}

/// The handshake, and the certificate that the client sees.
pub(super) fn tls(
    text: &mut Text,
    config: &Config,
    listener: &ListenerSettings,
    tls: &Acceptors,
    server_name: Option<&str>,
) -> Result<(), No> {
    let written = config
        .listeners
        .iter()
        .find(|written| *written.listen == listener.listen)
        .and_then(|written| written.tls.as_ref());
    let spoken = if written.is_some_and(|tls| tls.http2) {
        "HTTP/2 and HTTP/1.1"
    } else {
        "HTTP/1.1"
    };
    text.line(
        "tls",
        &format!(
            "at least TLS {}, {spoken}, handshake within {}",
            *config.tls.min_version,
            time(listener.tls_handshake)
        ),
    );
    let (asked_for, unknown) = match server_name {
        Some(name) => (
            format!("SNI {name}"),
            "the name is not in the host map for this listener",
        ),
        None => (
            "no SNI, since the host is an address".to_owned(),
            "this listener requires it (require_sni)",
        ),
    };
    let Some(certificate) = tls.shown_to(server_name) else {
        let why = format!("{asked_for}: {unknown}, so the handshake fails (unknown_sni)");
        return Err(No::Connection(why));
    };
    let names = names_of(&certificate).join(", ");
    let warning = match server_name {
        Some(_) => "",
        None => ", the first one; browsers warn unless it names the address too",
    };
    text.line(
        "",
        &format!("{asked_for}: the certificate for {names}{warning}"),
    );
    Ok(())
}

/// What one connection and one head may use.
pub(super) fn limits(text: &mut Text, listener: &ListenerSettings) {
    let head = &listener.head;
    text.line(
        "head",
        &format!(
            "whole within {}, at most {} and {} fields",
            time(head.within),
            size(head.size as u64),
            head.fields
        ),
    );
    text.line(
        "",
        &format!(
            "connection kept for {} of silence, {}",
            time(listener.keep_alive_idle),
            counted(listener.keep_alive_requests, "request")
        ),
    );
}
