//! The `admin` section, compiled: where the admin listener is, by which names, and who is let in.
//!
//! ```text
//! p.yaml:4:19: error: the token is shorter than 16 characters, so it could be guessed
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use openssl::x509::X509Ref;

use super::pem;
use crate::admin::{Tls, Token};
use crate::config::value::{HostName, Secret, TlsVersion};
use crate::config::{At, Config};
use crate::diagnostic::Diagnostic;
use crate::front_door::tls::{MinVersion, names_of, unknown_ciphers};
use crate::upstream::tls::{TlsFiles, Trust};

/// What the file says about the admin listener.
pub struct Admin {
    /// Its address.
    pub listen: SocketAddr,
    /// What it is called besides its address.
    pub names: Vec<HostName>,
    /// Its certificate, and who vouches for clients; without it it speaks plain HTTP.
    pub tls: Option<Arc<Tls>>,
    /// What programs and people have to know.
    pub token: Option<Token>,
}

pub(super) fn compile(
    config: &Config,
    files: &TlsFiles,
    wrong: &mut Vec<Diagnostic>,
) -> Arc<Admin> {
    let admin = &config.admin;
    let token = admin.token.as_ref();
    Arc::new(Admin {
        listen: *admin.listen,
        names: admin.names.iter().map(|name| name.value.clone()).collect(),
        token: token.and_then(|secret| self::token(secret, files, wrong)),
        tls: tls(config, files, wrong).map(Arc::new),
    })
}

fn token(secret: &At<Secret>, files: &TlsFiles, wrong: &mut Vec<Diagnostic>) -> Option<Token> {
    let bytes_of = |file: &_| {
        let read = files.secret(AsRef::as_ref(file));
        read.map_err(|error| pem::as_written(error, &[file]))
    };
    let made = match secret.reveal(bytes_of) {
        Err(why) => Err((
            why,
            "name a file that the gateway's user may read, or a variable of its environment; `openssl rand -hex 32 > FILE` makes a token",
        )),
        Ok(text) => Token::new(&text).map_err(|why| {
            (
                why.to_owned(),
                "`openssl rand -hex 32 > FILE` makes a good one",
            )
        }),
    };
    match made {
        Ok(token) => Some(token),
        Err((why, remedy)) => {
            wrong.push(Diagnostic::new(secret.place, why).remedy(remedy));
            None
        }
    }
}

fn tls(config: &Config, files: &TlsFiles, wrong: &mut Vec<Diagnostic>) -> Option<Tls> {
    let admin = &config.admin;
    let client_ca = admin.client_ca.as_ref().map(|ca| {
        let trust = files.trust(ca.path());
        trust.map_err(|error| wrong.push(pem::client_authority(ca, error)))
    });
    let pair = pem::pair(admin.tls.as_ref()?, files, wrong)?;
    if let Some(leaf) = pair.0.first() {
        wrong.extend(admin.names.iter().filter_map(|name| uncovered(name, leaf)));
    }
    // Its mistakes are those of the section `tls`, which reports them.
    let ciphers = config.tls.ciphers.as_ref().map(|list| list.as_str());
    let ciphers = ciphers.filter(|list| unknown_ciphers(list).is_empty());
    let min_version = match *config.tls.min_version {
        TlsVersion::V1_2 => MinVersion::Tls12,
        TlsVersion::V1_3 => MinVersion::Tls13,
    };
    let client_ca: Option<Trust> = client_ca.transpose().ok()?;
    let built = Tls::build(&pair, client_ca.as_ref(), min_version, ciphers);
    built
        .map_err(|error| {
            let place = admin.tls.as_ref().and_then(|files| files.cert.place);
            wrong.push(Diagnostic::new(place, error.to_string()).remedy(
                "OpenSSL does not take this certificate: look at its key with `openssl x509 -text -in FILE`",
            ));
        })
        .ok()
}

/// A name for which no browser and no scraper would accept the certificate. Addresses are not looked at: not everybody verifies those.
fn uncovered(name: &At<HostName>, leaf: &X509Ref) -> Option<Diagnostic> {
    let text = name.as_str();
    let names = names_of(leaf);
    let covers = |of: &String| match of.strip_prefix("*.") {
        Some(parent) => text.split_once('.').is_some_and(|(_, rest)| rest == parent),
        None => of == text,
    };
    if name.ip().is_some() || names.iter().any(covers) {
        return None;
    }
    let list: Vec<String> = names
        .iter()
        .take(8)
        .map(|name| format!("`{name}`"))
        .collect();
    let list = match list.as_slice() {
        [] => "no name at all".to_owned(),
        names => names.join(", "),
    };
    let what = format!("the certificate of the admin listener does not cover `{text}`");
    Some(Diagnostic::new(name.place, what).remedy(format!(
        "have one made with this name, or remove the name; this one is for {list}"
    )))
}
