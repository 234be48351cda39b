//! What belongs together within one server.

use std::time::Duration;

use crate::config::At;
use crate::config::decode::Context;
use crate::config::value::Scheme;
use crate::diagnostic::{Diagnostic, Place};

use super::{Kind, Server, ServerErrors};

/// The Web Tools browser client gives a request up after 12 s and then fails over; the gateway's own answer must come first.
const WEBTOOLS_PATIENCE: Duration = Duration::from_secs(12);

/// Checks a server whose keys are each right, and fills in what depends on the kind.
pub(super) fn server(server: &mut Server, _: Place, cx: &mut Context<'_>) {
    https_only(server, cx);
    verification(server, cx);
    kind(server, cx);
}

fn https_only(server: &Server, cx: &mut Context<'_>) {
    if server.url.scheme == Scheme::Https {
        return;
    }
    let insecure = server.insecure.value.then_some(server.insecure.place);
    for (key, place) in [
        ("ca", server.ca.as_ref().map(|at| at.place)),
        (
            "server_name",
            server.server_name.as_ref().map(|at| at.place),
        ),
        (
            "client_certificate",
            server.client_certificate.as_ref().map(|at| at.place),
        ),
        ("insecure", insecure),
        ("min_tls", server.min_tls.as_ref().map(|at| at.place)),
    ] {
        let Some(place) = place else { continue };
        cx.note(
            Diagnostic::new(
                place,
                format!("`{key}` has no meaning for a server that is reached without TLS"),
            )
            .related(server.url.place, "the URL is here")
            .remedy(format!("begin the URL with `https://`, or remove `{key}`")),
        );
    }
}

fn verification(server: &Server, cx: &mut Context<'_>) {
    if !server.insecure.value {
        return;
    }
    for (key, place) in [
        ("ca", server.ca.as_ref().map(|at| at.place)),
        (
            "server_name",
            server.server_name.as_ref().map(|at| at.place),
        ),
    ] {
        let Some(place) = place else { continue };
        cx.note(
            Diagnostic::new(
                place,
                format!("`{key}` is not looked at when `insecure` is true"),
            )
            .related(server.insecure.place, "it is set here")
            .remedy("remove `insecure`, which is the safer choice"),
        );
    }
}

fn kind(server: &mut Server, cx: &mut Context<'_>) {
    let kind = *server.kind;
    if server.websocket.value && kind != Kind::Http {
        cx.refuse(
            server.websocket.place,
            format!("`websocket` can only be true for the kind `http`, this is `{kind}`"),
            "remove it; for WebSockets to this machine add a server of kind `http`",
        );
    }
    if kind == Kind::Webtools {
        webtools(server, cx);
    } else if let Some(errors) = &server.server_errors {
        cx.refuse(
            errors.place,
            format!("`server_errors` is only for the kind `webtools`, this is `{kind}`"),
            "remove it; answers of this server are passed on as they are",
        );
    }
}

fn webtools(server: &mut Server, cx: &mut Context<'_>) {
    server
        .server_errors
        .get_or_insert_with(|| At::from(ServerErrors::As502));
    let timeouts = &server.timeouts;
    let sum: Duration = [&timeouts.connect, &timeouts.response]
        .into_iter()
        .flatten()
        .map(|at| at.get())
        .sum();
    if sum >= WEBTOOLS_PATIENCE {
        let place = timeouts
            .response
            .as_ref()
            .or(timeouts.connect.as_ref())
            .and_then(|at| at.place);
        cx.refuse(
            place,
            "the Web Tools client gives up after 12s, so `connect` and `response` together must be shorter",
            "write for example `connect: 3s` and `response: 8s`",
        );
    }
}
