//! The `servers` section, compiled: CAs and certificates read, names followed, peers prepared.

use std::sync::Arc;

use http::HeaderValue;
use indexmap::IndexMap;
use log::debug;

use super::{Before, pem};
use crate::config::value::{Duration, Scheme, ServerName, TlsVersion};
use crate::config::{At, Config, Health, Server, ServerErrors};
use crate::diagnostic::Diagnostic;
use crate::kinds::{self, Kind};
use crate::rewrite::{self, Origin};
use crate::runtime::Runtime;
use crate::upstream::health::{Rule, Thresholds};
use crate::upstream::server::{Facts, Reach, ReachTls};
use crate::upstream::tls::{TlsFiles, identity_of};
use crate::upstream::{Timeouts, Upstream};

/// Compiled servers by name, in the file's order.
pub(super) type Upstreams = IndexMap<ServerName, Arc<Upstream>>;

pub(super) fn compile(
    config: &Config,
    runtime: &Runtime,
    before: Option<Before<'_>>,
    files: &TlsFiles,
    wrong: &mut Vec<Diagnostic>,
) -> Upstreams {
    let mut compiled = IndexMap::with_capacity(config.servers.len());
    for (name, server) in &config.servers {
        let kept = before.and_then(|before| kept(name, server, before, files));
        let upstream = kept.or_else(|| upstream(name, server, runtime, files, wrong).map(Arc::new));
        if let Some(upstream) = upstream {
            compiled.insert(name.value.clone(), upstream);
        }
    }
    compiled
}

/// The server as it runs, if nothing about it has changed: neither a word in the file nor a byte in a file that it names.
fn kept(
    name: &At<ServerName>,
    server: &Server,
    before: Before<'_>,
    files: &TlsFiles,
) -> Option<Arc<Upstream>> {
    let (position, old_name, old) = before.config.servers.get_full(&name.value)?;
    // The name is shown as it is written, though upper and lower case find the same server.
    let same = old_name.as_str() == name.as_str() && old == server;
    let pair = |server: &Server| server.pair.as_ref().map(ToString::to_string);
    if !same || pair(old) != pair(server) {
        return None;
    }
    let shown = server.client_certificate.as_ref();
    let named = [
        server.ca.as_ref().map(|ca| ca.path()),
        shown.map(|files| files.cert.path()),
        shown.map(|files| files.key.path()),
    ];
    let unchanged = |path| files.is_as_in(&before.snapshot.contents, path);
    let unchanged = named.into_iter().flatten().all(unchanged);
    // A snapshot has every server of its file, in the file's order.
    let upstream = before.snapshot.upstreams.get(position);
    upstream.filter(|_| unchanged).cloned()
}

fn upstream(
    name: &At<ServerName>,
    server: &Server,
    runtime: &Runtime,
    files: &TlsFiles,
    wrong: &mut Vec<Diagnostic>,
) -> Option<Upstream> {
    let Some(kind) = kinds::named(server.kind.word()) else {
        wrong.push(Diagnostic::new(
            server.kind.place,
            format!("the kind `{}` has no implementation", *server.kind),
        ));
        return None;
    };
    let is_tls = server.url.scheme == Scheme::Https;
    let scheme = if is_tls {
        rewrite::Scheme::Https
    } else {
        rewrite::Scheme::Http
    };
    let port = server.port();
    let host = server.url.host.as_str();
    let tls = if is_tls {
        Some(reach_tls(name, server, files, wrong)?)
    } else {
        None
    };
    let mut origins = vec![Origin::new(scheme, host, port)];
    let mut domains = vec![Box::from(host)];
    if let Some(alias) = &server.server_name {
        origins.push(Origin::new(scheme, alias.as_str(), port));
        domains.push(Box::from(alias.as_str()));
    }
    let authority = if port == scheme.default_port() {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    };
    let told = server.host.as_ref().map_or(authority, ToString::to_string);
    let Ok(told) = HeaderValue::try_from(told) else {
        wrong.push(Diagnostic::new(
            server.url.place,
            "the host cannot stand in a Host field",
        ));
        return None;
    };
    debug!("{name}: {kind} on port {port}", kind = kind.name());
    let url = format!(
        "{}://{host}:{port}{}",
        scheme.as_str(),
        server.url.base_path
    );
    let probe = probe(&server.health, kind);
    let health = runtime.health.of(name.as_str(), &url, probe.is_some());
    let facts = Facts {
        name: name.as_str().into(),
        kind,
        host: told,
        url,
        origins: if server.location_absolute {
            origins
        } else {
            Vec::new()
        },
        cookie_domains: if kind.strips_domain() {
            domains
        } else {
            Vec::new()
        },
        timeouts: timeouts(&server.timeouts, kind.timeouts()),
        secure_cookies: server.secure_cookies,
        server_errors_as_502: server
            .server_errors
            .as_ref()
            .is_none_or(|errors| errors.value == ServerErrors::As502),
        only_tls_1_3: server
            .min_tls
            .as_ref()
            .is_some_and(|version| version.value == TlsVersion::V1_3),
        interactions: kind.interactions().map(|_| {
            let pair = server
                .pair
                .as_ref()
                .map_or_else(|| name.to_string(), ToString::to_string);
            runtime.limits.interactions.pair(&pair)
        }),
        pair: server.pair.as_ref().map(ToString::to_string),
        websocket: server.websocket.value,
        probe,
        health,
    };
    Some(Upstream::new(
        facts,
        Reach {
            addresses: runtime.resolver.follow(host, port),
            tls,
        },
    ))
}

/// How the server is probed; `None`: it is not.
fn probe(health: &Health, kind: &dyn Kind) -> Option<Rule> {
    let Health::Probed(probe) = health else {
        return None;
    };
    Some(Rule {
        path: probe.path.as_ref().map(|path| path.as_str().into()),
        expect: (probe.expect.as_ref()).and_then(|status| u16::try_from(status.get()).ok()),
        stands_by: kind.stands_by(),
        interval: probe.interval.get(),
        timeout: probe.patience(),
        thresholds: Thresholds {
            rise: probe.rise.get(),
            fall: probe.fall.get(),
        },
    })
}

/// What the file says where it says something, `otherwise` for the rest.
pub(super) fn timeouts(written: &crate::config::Timeouts, otherwise: Timeouts) -> Timeouts {
    let or = |written: &Option<At<Duration>>, otherwise| {
        written.as_ref().map_or(otherwise, |written| written.get())
    };
    Timeouts {
        connect: or(&written.connect, otherwise.connect),
        response: or(&written.response, otherwise.response),
        stream: or(&written.stream, otherwise.stream),
        pooled: or(&written.pooled, otherwise.pooled),
    }
}

fn reach_tls(
    name: &At<ServerName>,
    server: &Server,
    read: &TlsFiles,
    wrong: &mut Vec<Diagnostic>,
) -> Option<ReachTls> {
    // Each of the three is looked at even if another one is wrong.
    let certificate_name = certificate_name(name, server, wrong);
    let trust = server.ca.as_ref().map(|ca| {
        read.trust(ca.path())
            .map_err(|error| wrong.push(pem::authority(ca, error)))
            .ok()
    });
    let identity = server
        .client_certificate
        .as_ref()
        .map(|files| pem::pair(files, read, wrong).map(|(chain, key)| identity_of(chain, key)));
    Some(ReachTls {
        name: certificate_name?,
        trust: all_or_none(trust)?,
        identity: all_or_none(identity)?,
        insecure: server.insecure.value,
    })
}

/// `None` if what is written is wrong; `Some(None)` if nothing is written.
fn all_or_none<T>(written: Option<Option<T>>) -> Option<Option<T>> {
    written.map_or(Some(None), |right| right.map(Some))
}

/// The name that the server's certificate must have; empty if nothing is compared.
fn certificate_name(
    name: &At<ServerName>,
    server: &Server,
    wrong: &mut Vec<Diagnostic>,
) -> Option<String> {
    match (&server.server_name, server.url.host.ip()) {
        (Some(given), _) if given.ip().is_none() => Some(given.as_str().to_owned()),
        (None, None) => Some(server.url.host.as_str().to_owned()),
        // Nothing is compared then; and an address is no name to ask for.
        _ if server.insecure.value => Some(String::new()),
        (given, _) => {
            // SECURITY: an address would be asked for as a DNS name and never match; an empty name would switch verification off.
            let place = given.as_ref().map_or(server.url.place, |given| given.place);
            wrong.push(
                Diagnostic::new(place, format!("the certificate of `{name}` is checked by a DNS name, and this is an address"))
                    .remedy("add `server_name: ` with a name that stands in the server's certificate"),
            );
            None
        }
    }
}
