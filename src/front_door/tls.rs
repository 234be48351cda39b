//! TLS of a listener: which certificate for which name, and the rules of the handshake.
//!
//! A handshake begins in a base context that holds the rules and the ticket keys ([`Tickets`]) and no certificate. Its server-name
//! callback looks the name up in the snapshot's [`Acceptors`], which rides along in the connection, and moves the handshake to a
//! context prepared with that certificate. So a reload replaces certificates and names while session tickets stay good.
//!
//! ```
//! use openssl::{pkey::PKey, rsa::Rsa};
//! use portcullis::front_door::tls::{Acceptors, Options, Tickets, TlsError};
//! let none = Acceptors::build(Options::new(&[], &Tickets::new()));
//! assert!(matches!(none, Err(TlsError::NoCertificate)));
//! ```

mod handshake;
mod names;
mod tickets;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::sha::Sha256;
use openssl::ssl::{
    AlpnError, SslAcceptor, SslAcceptorBuilder, SslContext, SslMethod, SslMode, SslOptions,
    SslSessionCacheMode, SslVersion, select_next_proto,
};
use openssl::x509::X509;
use thiserror::Error;

use names::Names;
pub use names::names_of;
pub use tickets::Tickets;

/// Mozilla's intermediate list (version 5.7) without DHE.
///
/// SECURITY: finite-field Diffie-Hellman costs the server far more than the client (CVE-2002-20001) and every client of this list has
/// ECDHE.
const CIPHERS: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
    ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/// A certificate with its key.
#[derive(Clone)]
pub struct Certificate {
    /// The server's own first, then intermediates.
    pub chain: Vec<X509>,
    /// The key of the first.
    pub key: PKey<Private>,
}

/// The lowest protocol version that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MinVersion {
    /// TLS 1.2 and 1.3.
    #[default]
    Tls12,
    /// TLS 1.3 only.
    Tls13,
}

/// What [`Acceptors::build`] works from.
pub struct Options<'a> {
    /// In the order of the file: the first serves clients without SNI, and wins where several cover a name.
    pub certificates: &'a [Certificate],
    /// The lowest protocol version.
    pub min_version: MinVersion,
    /// OpenSSL cipher list for TLS 1.2; `None` for the built-in one. TLS 1.3 has its own three.
    pub ciphers: Option<&'a str>,
    /// Offer `h2` before `http/1.1`.
    pub http2: bool,
    /// Refuse clients that name no host.
    pub require_sni: bool,
    /// The hosts of the host map, in lower case; `*.` stands for one label. Other names are refused even if a certificate covers them.
    pub names: Option<HashSet<String>>,
    /// The ticket keys, shared by all snapshots of the process.
    pub tickets: &'a Arc<Tickets>,
}

impl<'a> Options<'a> {
    /// The defaults: TLS 1.2 and above, HTTP/2, every name of the certificates, clients without SNI welcome.
    pub fn new(certificates: &'a [Certificate], tickets: &'a Arc<Tickets>) -> Options<'a> {
        Options {
            certificates,
            min_version: MinVersion::default(),
            ciphers: None,
            http2: true,
            require_sni: false,
            names: None,
            tickets,
        }
    }
}

/// Why TLS could not be prepared. `certificate` counts from 0 in [`Options::certificates`].
#[derive(Debug, Error)]
pub enum TlsError {
    /// The list is empty.
    #[error("a TLS listener needs at least one certificate")]
    NoCertificate,
    /// A file without a certificate in it.
    #[error("certificate {certificate} is empty")]
    EmptyChain {
        /// Its place in the list.
        certificate: usize,
    },
    /// The key belongs to another certificate.
    #[error("the key of certificate {certificate} does not belong to it")]
    KeyMismatch {
        /// Its place in the list.
        certificate: usize,
    },
    /// OpenSSL does not know the cipher list.
    #[error("the cipher list names no usable cipher: {0}")]
    Ciphers(ErrorStack),
    /// Anything else OpenSSL does not like, such as a key that is too short.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] ErrorStack),
}

/// TLS of a listener, prepared.
pub struct Acceptors {
    names: Arc<Names>,
    rules: Rules,
    tickets: Arc<Tickets>,
    fingerprint: [u8; 32],
}

/// What every context of an [`Acceptors`] has in common. Contexts with equal rules share ticket keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rules {
    min_version: MinVersion,
    ciphers: Option<String>,
    http2: bool,
}

impl Acceptors {
    /// Prepares everything, so that a handshake only looks up.
    ///
    /// # Errors
    /// The first certificate or rule that does not work.
    pub fn build(options: Options<'_>) -> Result<Acceptors, TlsError> {
        let rules = Rules {
            min_version: options.min_version,
            ciphers: options.ciphers.map(str::to_owned),
            http2: options.http2,
        };
        for (certificate, Certificate { chain, key }) in options.certificates.iter().enumerate() {
            let leaf = chain.first().ok_or(TlsError::EmptyChain { certificate })?;
            if !leaf.public_key()?.public_eq(key) {
                return Err(TlsError::KeyMismatch { certificate });
            }
        }
        let fingerprint = fingerprint(&options, &rules)?;
        let names = Names::build(&options, &rules)?;
        Ok(Acceptors {
            names: Arc::new(names),
            rules,
            tickets: options.tickets.clone(),
            fingerprint,
        })
    }

    /// The names of the host map that no certificate covers: their clients are refused.
    pub fn uncovered(&self) -> &[String] {
        &self.names.uncovered
    }

    /// The certificate that a client gets who asks for `name` (in lower case), or who names nothing. `None` refuses it.
    pub fn shown_to(&self, name: Option<&str>) -> Option<X509> {
        let context = match name {
            Some(name) => self.names.find(name),
            None => self.names.unnamed(),
        };
        context?.certificate().map(ToOwned::to_owned)
    }
}

/// The same certificates and rules: a reload that changes nothing compares equal.
impl PartialEq for Acceptors {
    fn eq(&self, other: &Acceptors) -> bool {
        self.fingerprint == other.fingerprint && Arc::ptr_eq(&self.tickets, &other.tickets)
    }
}

impl fmt::Debug for Acceptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptors")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl Rules {
    /// A context with these rules and no certificate.
    fn builder(&self) -> Result<SslAcceptorBuilder, TlsError> {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder
            .set_cipher_list(self.ciphers.as_deref().unwrap_or(CIPHERS))
            .map_err(TlsError::Ciphers)?;
        builder.set_min_proto_version(Some(match self.min_version {
            MinVersion::Tls12 => SslVersion::TLS1_2,
            MinVersion::Tls13 => SslVersion::TLS1_3,
        }))?;
        builder.set_options(
            SslOptions::NO_RENEGOTIATION
                | SslOptions::NO_COMPRESSION
                | SslOptions::CIPHER_SERVER_PREFERENCE
                | SslOptions::PRIORITIZE_CHACHA,
        );
        // PERF: tickets carry the sessions; a cache of our own would only hold memory. Idle connections give their buffers back.
        builder.set_session_cache_mode(SslSessionCacheMode::OFF);
        builder.set_mode(SslMode::RELEASE_BUFFERS);
        builder.set_session_id_context(b"portcullis")?;
        let offer: &'static [u8] = if self.http2 {
            b"\x02h2\x08http/1.1"
        } else {
            b"\x08http/1.1"
        };
        // RFC 7301 section 3.2: no protocol in common is fatal. It also stops cross-protocol attacks.
        builder.set_alpn_select_callback(move |_, wanted| {
            select_next_proto(offer, wanted).ok_or(AlpnError::ALERT_FATAL)
        });
        Ok(builder)
    }
}

/// A context for a listener of its own with one certificate, by the same rules.
///
/// # Errors
/// A cipher list in which nothing is known.
pub(crate) fn builder_for_http1(
    min_version: MinVersion,
    ciphers: Option<&str>,
) -> Result<SslAcceptorBuilder, TlsError> {
    let rules = Rules {
        min_version,
        ciphers: ciphers.map(str::to_owned),
        http2: false,
    };
    rules.builder()
}

/// The items of a cipher list that OpenSSL does not know. It ignores them without a word as long as one other item is known.
pub fn unknown_ciphers(list: &str) -> Vec<&str> {
    let known = |item: &&str| {
        // What removes or reorders (`!`, `-`, `+`, `@`) adds nothing, so it cannot be tried alone.
        item.starts_with(['!', '-', '+', '@'])
            || SslContext::builder(SslMethod::tls_server())
                .and_then(|mut context| context.set_cipher_list(item))
                .is_ok()
    };
    list.split([':', ',', ' '])
        .filter(|item| !item.is_empty())
        .filter(|item| !known(item))
        .collect()
}

fn fingerprint(options: &Options<'_>, rules: &Rules) -> Result<[u8; 32], TlsError> {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(format!("{rules:?} {}", options.require_sni).as_bytes());
    for certificate in options.certificates {
        // The key needs no part in it: it belongs to the leaf.
        part(b"certificate");
        for link in &certificate.chain {
            part(&link.to_der()?);
        }
    }
    if let Some(names) = &options.names {
        let mut sorted: Vec<_> = names.iter().collect();
        sorted.sort_unstable();
        part(b"names");
        sorted.iter().for_each(|name| part(name.as_bytes()));
    }
    Ok(hash.finish())
}
