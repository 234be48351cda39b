//! What belongs together within one server.

use std::time::Duration;

use crate::config::At;
use crate::config::decode::Context;
use crate::config::section::Fields;
use crate::config::value::{Scheme, ServerUrl};
use crate::diagnostic::{Diagnostic, Place};

use super::{Kind, Server, ServerErrors, ServerParts};

/// The Web Tools browser client gives a request up after 12 s and then fails over; the gateway's own answer must come first.
const WEBTOOLS_PATIENCE: Duration = Duration::from_secs(12);

/// Checks what could be read of a server.
pub(super) fn parts(server: ServerParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    match server.url {
        Some(url) if url.scheme == Scheme::Http => https_only(url, server, fields, cx),
        _ => verification(server, fields, cx),
    }
    if let Some(kind) = server.kind {
        kind_only(**kind, server, fields, cx);
    }
}

/// Fills in what depends on the kind.
pub(super) fn finish(server: &mut Server, _: Place, cx: &mut Context<'_>) {
    server.health.finish(*server.kind, cx);
    if *server.kind == Kind::Webtools {
        server
            .server_errors
            .get_or_insert_with(|| At::from(ServerErrors::As502));
    }
}

fn https_only(
    url: &At<ServerUrl>,
    server: ServerParts<'_>,
    fields: &Fields<'_, '_>,
    cx: &mut Context<'_>,
) {
    for key in [
        "ca",
        "server_name",
        "client_certificate",
        "insecure",
        "min_tls",
    ] {
        // `insecure: false` says nothing new, and `--show` prints it.
        if key == "insecure" && server.insecure.is_none_or(|insecure| !insecure.value) {
            continue;
        }
        let Some(place) = fields.key_place(key) else {
            continue;
        };
        cx.note(
            Diagnostic::new(
                place,
                format!("`{key}` has no meaning for a server that is reached without TLS"),
            )
            .related(url.place, "the URL is here")
            .remedy(format!("begin the URL with `https://`, or remove `{key}`")),
        );
    }
}

fn verification(server: ServerParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    let Some(insecure) = server.insecure.filter(|insecure| insecure.value) else {
        return;
    };
    for key in ["ca", "server_name"] {
        let Some(place) = fields.key_place(key) else {
            continue;
        };
        cx.note(
            Diagnostic::new(
                place,
                format!("`{key}` is not looked at when `insecure` is true"),
            )
            .related(insecure.place, "it is set here")
            .remedy("remove `insecure`, which is the safer choice"),
        );
    }
}

fn kind_only(kind: Kind, server: ServerParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    if let Some(websocket) = server.websocket
        && websocket.value
        && kind != Kind::Http
    {
        cx.refuse(
            websocket.place,
            format!("`websocket` can only be true for the kind `http`, this is `{kind}`"),
            "remove it; for WebSockets to this machine add a server of kind `http`",
        );
    }
    if kind == Kind::Webtools {
        webtools(server, cx);
    } else if let Some(place) = fields.key_place("server_errors") {
        cx.refuse(
            place,
            format!("`server_errors` is only for the kind `webtools`, this is `{kind}`"),
            "remove it; answers of this server are passed on as they are",
        );
    }
}

fn webtools(server: ServerParts<'_>, cx: &mut Context<'_>) {
    let Some(timeouts) = server.timeouts else {
        return;
    };
    let written = [&timeouts.connect, &timeouts.response];
    let sum: Duration = written.into_iter().flatten().map(|at| at.get()).sum();
    if sum >= WEBTOOLS_PATIENCE {
        let longest = written.into_iter().flatten().max_by_key(|at| at.get());
        cx.refuse(
            longest.and_then(|at| at.place),
            "the Web Tools client gives up after 12s, so `connect` and `response` together must be shorter",
            "write for example `connect: 3s` and `response: 8s`",
        );
    }
}
