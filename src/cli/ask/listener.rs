//! The admin listener as a command reaches it: where, with which token, and whose certificate is believed.
//!
//! The configuration says all of it where the listener is that of the configuration. SECURITY: what is asked elsewhere (`--admin`) gets
//! nothing out of this file, for its token is nobody else's business.

use std::path::{Path, PathBuf};

use clap::Args;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::Place;
use crate::config::value::FilePath;
use crate::config::{self, Admin};
use crate::regular_file;
use crate::upstream::tls::TlsFiles;

/// The largest file of a token.
const LARGEST: u64 = 64 * 1024;

#[derive(Args, Default)]
pub(in crate::cli) struct Arguments {
    /// The admin listener; without it, the one in the configuration
    #[arg(long, value_name = "ADDRESS:PORT or URL", global = true)]
    admin: Option<Place>,
    /// A file with its token; without it, and without --admin, the one in the configuration
    #[arg(
        long,
        value_name = "FILE",
        env = "PORTCULLIS_ADMIN_TOKEN_FILE",
        global = true
    )]
    token_file: Option<PathBuf>,
    /// Who vouches for its certificate (PEM); without it, the authorities of the system, or what the configuration names
    #[arg(long, value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
    /// A certificate of our own and its key (PEM), for `admin.client_ca`
    #[arg(long, value_name = "FILE", global = true)]
    client_cert: Option<PathBuf>,
}

/// The admin listener, as it is asked.
pub(in crate::cli) struct Listener {
    pub(super) place: Place,
    pub(super) token: Option<String>,
    pub(super) trust: Trust,
    pub(super) identity: Option<(Vec<X509>, PKey<Private>)>,
}

/// Whose certificate is believed.
pub(super) enum Trust {
    /// This one alone, for it is in the file that the listener has it from.
    Exactly(Box<X509>),
    /// One of these authorities', for the name that was asked for.
    Authorities(Vec<X509>),
    /// One of those authorities' that the system knows.
    System,
}

impl Listener {
    /// As the arguments say, else as the file does.
    pub(in crate::cli) fn find(arguments: &Arguments, file: &Path) -> Result<Self, String> {
        let section = match &arguments.admin {
            Some(_) => Ok(None),
            None => config::load(file).map(|(config, _)| Some(config.admin)),
        };
        match section {
            Ok(section) => Ok(Listener {
                token: token(arguments, section.as_ref())?,
                ..Listener::open_to_all(arguments, section.as_ref())?
            }),
            Err(report) => Err(format!(
                "{report}\nportcullis: the address of the admin listener is read from this file; `--admin ADDRESS:PORT` says it otherwise\n"
            )),
        }
    }

    /// As this section of the configuration says.
    pub(in crate::cli) fn of(section: &Admin) -> Result<Self, String> {
        let nothing = Arguments::default();
        Ok(Listener {
            token: token(&nothing, Some(section))?,
            ..Listener::open_to_all(&nothing, Some(section))?
        })
    }

    /// Without the token, for what is open to all: by this section of the configuration, or at the default address.
    pub(in crate::cli) fn open_to_all(
        arguments: &Arguments,
        section: Option<&Admin>,
    ) -> Result<Self, String> {
        let admin = section.filter(|_| arguments.admin.is_none());
        let listen = admin.map_or(Admin::LISTEN, |admin| *admin.listen);
        let certificate = admin.and_then(|admin| admin.tls.as_ref());
        let place = match &arguments.admin {
            Some(place) => place.clone(),
            None => Place::of(listen, certificate.is_some()),
        };
        let trust = match (&arguments.ca, certificate) {
            (Some(ca), _) => Trust::Authorities(certificates(ca)?),
            (None, Some(files)) => Trust::Exactly(Box::new(first(files.cert.path())?)),
            (None, None) => Trust::System,
        };
        let identity = arguments.client_cert.as_ref().map(|file| {
            let read = TlsFiles::default().key_pair(file, file);
            read.map_err(|error| format!("portcullis: {error}\n"))
        });
        Ok(Listener {
            token: None,
            identity: identity.transpose()?,
            place,
            trust,
        })
    }

    /// What somebody who was turned away may try.
    pub(super) fn how_to_get_in(&self) -> &'static str {
        match self.token {
            None => "`--token-file FILE` names the token, `--client-cert FILE` a certificate\n",
            Some(_) => "",
        }
    }
}

fn certificates(file: &Path) -> Result<Vec<X509>, String> {
    let read = TlsFiles::default().certificates(file);
    read.map_err(|error| format!("portcullis: {error}\n"))
}

fn first(file: &Path) -> Result<X509, String> {
    let all = certificates(file)?;
    // The list has at least one.
    all.into_iter().next().ok_or_else(String::new)
}

fn token(arguments: &Arguments, section: Option<&Admin>) -> Result<Option<String>, String> {
    let read = |file: &Path| {
        regular_file::read(file, LARGEST)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))
    };
    let text = match (&arguments.token_file, section) {
        (Some(file), _) => read(file).and_then(|bytes| {
            let text = String::from_utf8(bytes);
            text.map_err(|_| format!("{} is no text", file.display()))
        }),
        (
            None,
            Some(Admin {
                token: Some(secret),
                ..
            }),
        ) => secret.reveal(|file: &FilePath| read(file.path())),
        (None, _) => return Ok(None),
    };
    let text = text.map_err(|why| {
        format!("portcullis: the token of the admin listener cannot be had: {why}\n`--token-file FILE` names it\n")
    })?;
    Ok(Some(text.trim().to_owned()))
}
