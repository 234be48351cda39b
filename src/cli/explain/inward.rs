//! What is behind the route: the file, or the server and what becomes of the request on its way there and back.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method};

use super::No;
use super::asked::{Asked, without_values};
use super::text::{Text, time};
use crate::exchange::Call;
use crate::files::Site;
use crate::kinds::icws::ORIGINAL_URL;
use crate::request_id::X_REQUEST_ID;
use crate::rewrite::{self, CookieRewrite, LocationRewrite, PublicOrigin, Scheme, Secure};
use crate::routing::decide::Mapped;
use crate::snapshot::{Route, Snapshot};
use crate::upstream::{Timeouts, Upstream};

/// The request as the gateway would hold it.
pub(super) fn call(
    asked: &Asked,
    route: Arc<Route>,
    upstream: Arc<Upstream>,
    timeouts: Timeouts,
    path: Mapped,
) -> Call {
    Call {
        route,
        upstream,
        timeouts,
        method: asked.method.clone(),
        scheme: if asked.https {
            Scheme::Https
        } else {
            Scheme::Http
        },
        authority: asked.authority.clone(),
        public_target: asked.target(),
        public_prefix: path.public_prefix,
        inner_prefix: path.inner_prefix,
        inner_target: path.inner,
        peer_trusted: false,
    }
}

/// The file, and how long browsers keep it.
pub(super) async fn file(
    text: &mut Text,
    site: &Site,
    method: &Method,
    path: &str,
) -> Result<(), No> {
    let answer = site.answer(method, path, &HeaderMap::new()).await;
    if let Some(refusal) = answer.refusal {
        let why = match refusal.status().as_u16() {
            405 => "files are read with GET and HEAD",
            404 => "there is no such file below the route's folder, or it is not for clients",
            _ => "the path names no file in one way only",
        };
        return Err(No::File(refusal.status().as_u16(), why));
    }
    let said = |name| {
        answer
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    match site.name_of(path) {
        Some(name) if site.makes(&name) => {
            text.line(
                "file",
                &format!("{name}, made by the gateway (servers_json)"),
            );
        }
        Some(name) => text.line("file", &format!("{name} below the route's folder")),
        None => {
            let to = said(LOCATION).unwrap_or("the same path with a slash");
            text.line("file", "a folder, asked for without its slash");
            text.line("answer", &format!("{} to {to}", answer.status.as_u16()));
            return Ok(());
        }
    }
    let kind = said(CONTENT_TYPE).unwrap_or("-");
    text.line("answer", &format!("{} {kind}", answer.status.as_u16()));
    if let Some(cache) = said(CACHE_CONTROL) {
        text.line("", &format!("Cache-Control: {cache}"));
    }
    Ok(())
}

/// The server, what it is asked and how its answer comes back.
pub(super) fn server(text: &mut Text, snapshot: &Snapshot, call: &Call, from: Option<IpAddr>) {
    let facts = &call.upstream.facts;
    let mut verified = match (call.upstream.is_tls(), call.upstream.is_insecure()) {
        (false, _) => "plain HTTP".to_owned(),
        (true, true) => "TLS, certificate NOT verified".to_owned(),
        (true, false) => format!("TLS, certificate verified for {}", call.upstream.tls_name()),
    };
    if facts.only_tls_1_3 {
        verified.push_str(", TLS 1.3 only");
    }
    text.line(
        "server",
        &format!(
            "{} (kind {}, {}, {verified})",
            facts.name,
            facts.kind.name(),
            facts.url
        ),
    );
    if let Some(pair) = &facts.pair {
        text.line("", &format!("one of the pair {pair}"));
    }
    let target = without_values(&call.inner_target);
    text.line("sends", &format!("{} {target}", call.method));
    text.line("", &format!("Host: {}", facts.host.to_str().unwrap_or("")));
    let trusted = from.is_some_and(|from| snapshot.client_address.trusts(from));
    who_asks(text, snapshot, call, from, trusted);
    let forged = if trusted {
        "nothing that a trusted proxy says; fields of one connection (Connection, TE, Keep-Alive ...)"
    } else {
        "X-Forwarded-*, Forwarded, X-Real-IP, Via, ININ-ICWS-Original-URL and the like; fields of one connection"
    };
    text.line("drops", forged);
    let upgrade = if facts.websocket {
        "WebSockets pass"
    } else {
        "Upgrade: there are no WebSockets on this server"
    };
    text.line("", upgrade);
    if let Ok(public) = call.public() {
        back(text, call, public);
    }
    let waits = &call.timeouts;
    text.line(
        "waits",
        &format!(
            "connect {}, answer {}, event stream or WebSocket {}",
            time(waits.connect),
            time(waits.response),
            time(waits.stream)
        ),
    );
}

/// The gateway's own word about the client.
fn who_asks(
    text: &mut Text,
    snapshot: &Snapshot,
    call: &Call,
    from: Option<IpAddr>,
    trusted: bool,
) {
    let client = from.map_or_else(
        || "(the client's address)".to_owned(),
        |from| from.to_string(),
    );
    let chain = if trusted {
        let header = &snapshot.client_address.header;
        format!("(the client, as {client} says in {header}), {client}")
    } else {
        client
    };
    text.line("", &format!("X-Forwarded-For: {chain}"));
    let Ok(public) = call.public() else { return };
    let proto = public.scheme().as_str();
    let unless = if trusted {
        " (or what the proxy says)"
    } else {
        ""
    };
    text.line("", &format!("X-Forwarded-Proto: {proto}{unless}"));
    text.line("", &format!("X-Forwarded-Host: {}", public.authority()));
    text.line("", &format!("X-Forwarded-Port: {}", public.port()));
    let id = match trusted {
        true => "(the proxy's, or the request's own id)",
        false => "(the request's id)",
    };
    text.line("", &format!("{X_REQUEST_ID}: {id}"));
    if call.upstream.facts.kind.name() == "icws"
        && let Some(url) = rewrite::original_url(public, &call.public_target)
    {
        let url = without_values(url.to_str().unwrap_or(""));
        text.line("", &format!("{ORIGINAL_URL}: {url}{unless}"));
    }
}

/// How an example of each thing that is mapped back would look outside.
fn back(text: &mut Text, call: &Call, public: PublicOrigin<'_>) {
    let Ok(map) = call.path_map() else { return };
    let facts = &call.upstream.facts;
    let path = if facts.kind.name() == "icws" {
        "/icws/1234"
    } else {
        call.inner_prefix.as_str()
    };
    let add = facts.secure_cookies && call.scheme == Scheme::Https;
    let secure = if add { Secure::Add } else { Secure::Keep };
    let cookies = CookieRewrite {
        map,
        secure,
        strip_domain: &facts.cookie_domains,
    };
    let cookie = format!("name=value; Path={path}");
    let mapped = cookies.rewrite(cookie.as_bytes());
    let mapped = String::from_utf8_lossy(&mapped);
    text.line("returns", &format!("Set-Cookie: {cookie}  ->  {mapped}"));
    let locations = LocationRewrite {
        map,
        server: &facts.origins,
        public,
    };
    let mut location = |from: &str| {
        let mapped = locations.rewrite(from.as_bytes());
        let mapped = String::from_utf8_lossy(&mapped);
        text.line("", &format!("Location: {from}  ->  {mapped}"));
    };
    location(path);
    if !facts.origins.is_empty() {
        let origin = facts.url.split('/').take(3).collect::<Vec<_>>().join("/");
        location(&format!("{origin}{path}"));
    }
    if facts.kind.name() == "webtools" && facts.server_errors_as_502 {
        text.line("", "500 and 504 of the server become 502");
    }
}
