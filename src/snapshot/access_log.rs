//! `log.access`, compiled: where lines go, with the certificates of a receiver read.

use std::sync::Arc;

use super::pem;
use crate::config::value::Transport;
use crate::config::{Config, Syslog};
use crate::diagnostic::Diagnostic;
use crate::observe::access_log::syslog::Receiver;
use crate::observe::access_log::{self, Targets};
use crate::upstream::tls::{TlsFiles, identity_of};

pub(super) fn compile(config: &Config, files: &TlsFiles, wrong: &mut Vec<Diagnostic>) -> Targets {
    let Some(access) = &config.log.access else {
        return Targets::default();
    };
    Targets {
        file: access.file.as_ref().map(|file| access_log::File {
            path: file.path().to_owned(),
            format: access.format,
        }),
        syslog: access.syslog.as_ref().map(|syslog| access_log::Syslog {
            receiver: Arc::new(receiver(syslog, files, wrong)),
            format: syslog.format,
        }),
        without_users: !access.users,
    }
}

/// What is wrong is noted, and the receiver then never used.
fn receiver(syslog: &Syslog, files: &TlsFiles, wrong: &mut Vec<Diagnostic>) -> Receiver {
    let is_tls = syslog.to.transport == Transport::Tls;
    let trust = syslog.ca.as_ref().filter(|_| is_tls).and_then(|ca| {
        let read = files.trust(ca.path());
        read.map_err(|error| wrong.push(pem::authority(ca, error)))
            .ok()
    });
    let shown = syslog.client_certificate.as_ref().filter(|_| is_tls);
    let pair = shown.and_then(|shown| pem::pair(shown, files, wrong));
    let name = syslog.server_name.as_deref().unwrap_or(&syslog.to.host);
    Receiver {
        url: syslog.to.value.clone(),
        name: name
            .ip()
            .map_or_else(|| name.as_str().to_owned(), |ip| ip.to_string()),
        trust,
        identity: pair.map(|(chain, key)| identity_of(chain, key)),
        facility: syslog.facility,
        app_name: syslog.app_name.clone(),
    }
}
