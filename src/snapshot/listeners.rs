//! The `listeners`, `tls`, `client_address` and `limits` sections, compiled for the front door.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use indexmap::IndexMap;

use super::{pem, trusted};
use crate::config::value::TlsVersion;
use crate::config::{Config, Listener, ListenerTls, ProxyProtocol};
use crate::diagnostic::Diagnostic;
use crate::front_door::tls::{
    Acceptors, Certificate, MinVersion, Options, TlsError, names_of, unknown_ciphers,
};
use crate::front_door::{self, HeadLimits, Http2Limits, ListenerSettings};
use crate::runtime::Runtime;
use crate::upstream::tls::TlsFiles;

pub(super) fn compile(
    config: &Config,
    runtime: &Runtime,
    files: &TlsFiles,
    wrong: &mut Vec<Diagnostic>,
) -> Vec<ListenerSettings> {
    let certificates = certificates(config, files, wrong);
    let ciphers = ciphers(config, wrong);
    let mut settings = Vec::with_capacity(config.listeners.len());
    let mut uncovered: IndexMap<String, Vec<SocketAddr>> = IndexMap::new();
    for listener in &config.listeners {
        let tls = match (&listener.tls, &certificates) {
            (None, _) => None,
            // Which names are covered cannot be said while a certificate is unreadable.
            (Some(_), None) => continue,
            (Some(tls), Some(certificates)) => {
                match acceptors(config, listener, tls, certificates, ciphers, runtime) {
                    Ok(acceptors) => Some(Arc::new(acceptors)),
                    Err(diagnostic) => {
                        wrong.push(diagnostic);
                        continue;
                    }
                }
            }
        };
        for name in tls.iter().flat_map(|tls| tls.uncovered()) {
            let on = uncovered.entry(name.clone()).or_default();
            on.push(*listener.listen);
        }
        settings.push(ListenerSettings {
            tls,
            ..plain(config, listener)
        });
    }
    let covered = covered(certificates.as_deref().unwrap_or_default());
    for (name, on) in uncovered {
        let key = config.hosts.keys().find(|key| key.host.as_str() == name);
        let on = on
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" and ");
        wrong.push(
            Diagnostic::new(
                key.and_then(|key| key.place),
                format!("no certificate covers `{name}`, so no browser could reach it on {on}"),
            )
            .remedy(format!(
                "add a certificate with this name under `tls: certificates:`, or remove the host; there are certificates for {covered}"
            )),
        );
    }
    settings
}

/// The cipher list, if all of it is known.
fn ciphers<'c>(config: &'c Config, wrong: &mut Vec<Diagnostic>) -> Option<&'c str> {
    let list = config.tls.ciphers.as_ref()?;
    let unknown = unknown_ciphers(list.as_str());
    for item in &unknown {
        wrong.push(
            Diagnostic::new(list.place, format!("OpenSSL knows no cipher suite `{item}`")).remedy(
                "`openssl ciphers -s -tls1_2 ALL` lists what there is; those of TLS 1.3 are not chosen here",
            ),
        );
    }
    unknown.is_empty().then_some(list.as_str())
}

/// The names that the certificates are for, the first few of them.
fn covered(certificates: &[Certificate]) -> String {
    const SHOWN: usize = 8;
    let names: Vec<String> = certificates
        .iter()
        .filter_map(|certificate| certificate.chain.first())
        .flat_map(|leaf| names_of(leaf))
        .map(|name| format!("`{name}`"))
        .collect();
    let shown = names.get(..SHOWN).unwrap_or(&names).join(", ");
    match names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        Some(more) => format!("{shown} and {more} more"),
        None => shown,
    }
}

fn head(config: &Config) -> HeadLimits {
    let head = &config.limits.request_head;
    HeadLimits {
        within: head.within.get(),
        size: usize::try_from(head.size.bytes()).unwrap_or(usize::MAX),
        fields: usize::try_from(head.fields.get()).unwrap_or(usize::MAX),
    }
}

fn plain(config: &Config, listener: &Listener) -> ListenerSettings {
    let limits = &config.limits;
    let mut settings = ListenerSettings::new(*listener.listen);
    settings.redirect_port = listener.redirect.as_ref().map(|redirect| redirect.port);
    settings.proxy_protocol = match *config.client_address.proxy_protocol {
        ProxyProtocol::Never => front_door::ProxyProtocol::Never,
        ProxyProtocol::Accept => front_door::ProxyProtocol::Accept,
        ProxyProtocol::Require => front_door::ProxyProtocol::Require,
    };
    settings.trusted = trusted(config);
    settings.head = head(config);
    settings.keep_alive_idle = limits.keep_alive.idle.get();
    settings.keep_alive_requests = limits.keep_alive.requests.get();
    settings.tls_handshake = limits.tls_handshake.get();
    settings.http2 = Http2Limits {
        streams: limits.http2.streams.get(),
        idle: limits.http2.idle.get(),
        pending_resets: usize::try_from(limits.http2.pending_resets.get()).unwrap_or(usize::MAX),
        ..settings.http2
    };
    settings.body_idle = limits.request_body.idle.get();
    settings.body_rate = limits.request_body.rate.bytes();
    settings.write_idle = limits.write_idle.get();
    settings
}

/// All certificates, or `None` if one cannot be used.
fn certificates(
    config: &Config,
    read: &TlsFiles,
    wrong: &mut Vec<Diagnostic>,
) -> Option<Vec<Certificate>> {
    let read: Vec<_> = config
        .tls
        .certificates
        .iter()
        .map(|files| pem::pair(files, read, wrong))
        .collect();
    read.into_iter()
        .map(|pair| pair.map(|(chain, key)| Certificate { chain, key }))
        .collect()
}

fn acceptors(
    config: &Config,
    listener: &Listener,
    tls: &ListenerTls,
    certificates: &[Certificate],
    ciphers: Option<&str>,
    runtime: &Runtime,
) -> Result<Acceptors, Diagnostic> {
    let port = listener.listen.port();
    let on_this = config
        .hosts
        .keys()
        .filter(|key| key.port.is_none_or(|other| other == port));
    let names: HashSet<String> = on_this
        .filter(|key| key.host.ip().is_none())
        .map(|key| key.host.as_str().to_owned())
        .collect();
    let options = Options {
        min_version: match *config.tls.min_version {
            TlsVersion::V1_2 => MinVersion::Tls12,
            TlsVersion::V1_3 => MinVersion::Tls13,
        },
        ciphers,
        http2: tls.http2,
        require_sni: tls.require_sni,
        names: Some(names),
        ..Options::new(certificates, &runtime.tickets)
    };
    Acceptors::build(options).map_err(|error| match &error {
        // The same mistake as the file's reader reports where it could read everything else.
        TlsError::NoCertificate => Diagnostic::new(
            listener.tls.as_ref().and_then(|tls| tls.place),
            "a listener with `tls` needs a certificate, and the section `tls` has none",
        )
        .remedy("add `tls: { certificates: [{ cert: FILE, key: FILE }] }`"),
        TlsError::Ciphers(_) | TlsError::OpenSsl(_) => {
            Diagnostic::new(listener.listen.place, error.to_string()).remedy(
                "OpenSSL does not take these certificates: look at their keys with `openssl x509 -text -in FILE`",
            )
        }
        TlsError::EmptyChain { certificate } | TlsError::KeyMismatch { certificate } => {
            let files = config.tls.certificates.get(*certificate);
            Diagnostic::new(files.and_then(|files| files.cert.place), error.to_string())
                .remedy("name the key that the certificate was made for")
        }
    })
}
