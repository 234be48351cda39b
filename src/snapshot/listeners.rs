//! The `listeners`, `tls`, `client_address` and `limits` sections, compiled for the front door.

use std::collections::HashSet;
use std::sync::Arc;

use super::trusted;
use crate::config::value::TlsVersion;
use crate::config::{Config, Listener, ListenerTls, ProxyProtocol};
use crate::diagnostic::Diagnostic;
use crate::front_door::tls::{Acceptors, Certificate, MinVersion, Options, TlsError};
use crate::front_door::{self, HeadLimits, Http2Limits, ListenerSettings};
use crate::runtime::Runtime;
use crate::upstream::tls::{TlsFileError, key_pair};

pub(super) fn compile(
    config: &Config,
    runtime: &Runtime,
    wrong: &mut Vec<Diagnostic>,
) -> Vec<ListenerSettings> {
    let before = wrong.len();
    let certificates = certificates(config, wrong);
    let readable = wrong.len() == before;
    let mut settings = Vec::with_capacity(config.listeners.len());
    for listener in &config.listeners {
        let tls = match &listener.tls {
            Some(tls) if readable => match acceptors(config, listener, tls, &certificates, runtime)
            {
                Ok(acceptors) => Some(Arc::new(acceptors)),
                Err(diagnostic) => {
                    wrong.push(diagnostic);
                    continue;
                }
            },
            Some(_) => continue,
            None => None,
        };
        settings.push(ListenerSettings {
            tls,
            ..plain(config, listener)
        });
    }
    settings
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
    settings.write_idle = limits.write_idle.get();
    settings
}

fn certificates(config: &Config, wrong: &mut Vec<Diagnostic>) -> Vec<Certificate> {
    let mut read = Vec::with_capacity(config.tls.certificates.len());
    for files in &config.tls.certificates {
        match key_pair(files.cert.path(), files.key.path()) {
            Ok((chain, key)) => read.push(Certificate { chain, key }),
            Err(error) => {
                let of_key = matches!(&error, TlsFileError::Unreadable { path, .. } | TlsFileError::NoKey { path }
                    if *path == files.key.path().display().to_string());
                let place = if of_key {
                    files.key.place
                } else {
                    files.cert.place
                };
                wrong.push(Diagnostic::new(place, error.to_string()));
            }
        }
    }
    read
}

fn acceptors(
    config: &Config,
    listener: &Listener,
    tls: &ListenerTls,
    certificates: &[Certificate],
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
        ciphers: config.tls.ciphers.as_ref().map(|ciphers| ciphers.as_str()),
        http2: tls.http2,
        require_sni: tls.require_sni,
        names: Some(names),
        ..Options::new(certificates, &runtime.tickets)
    };
    let built = Acceptors::build(options).map_err(|error| match &error {
        TlsError::NoCertificate => Diagnostic::new(
            listener.listen.place,
            "a listener with `tls` needs a certificate",
        )
        .remedy("add `tls: { certificates: [ { cert: FILE, key: FILE } ] }` at the top level"),
        TlsError::Ciphers(_) => Diagnostic::new(
            config
                .tls
                .ciphers
                .as_ref()
                .and_then(|ciphers| ciphers.place),
            error.to_string(),
        ),
        TlsError::EmptyChain { certificate } | TlsError::KeyMismatch { certificate } => {
            let files = config.tls.certificates.get(*certificate);
            Diagnostic::new(files.and_then(|files| files.cert.place), error.to_string())
        }
        TlsError::OpenSsl(_) => Diagnostic::new(listener.listen.place, error.to_string()),
    })?;
    if let Some(name) = built.uncovered().first() {
        let key = config.hosts.keys().find(|key| key.host.as_str() == name);
        return Err(Diagnostic::new(
            key.and_then(|key| key.place),
            format!(
                "no certificate covers `{name}`, so no browser could reach it on {}",
                *listener.listen
            ),
        )
        .remedy(
            "add a certificate with this name under `tls: certificates:`, or remove the host",
        ));
    }
    Ok(built)
}
