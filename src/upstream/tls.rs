//! Certificates for the way inside: CAs that vouch for servers, and our own identity towards them.

mod files;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::sync::Arc;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use pingora_core::utils::tls::CertKey;

pub use files::{Contents, TlsFiles};

/// Certificates that vouch for a server: CAs, or the server's own self-signed certificate.
#[derive(Clone)]
pub struct Trust {
    /// The certificates of the file.
    pub roots: Arc<Box<[X509]>>,
    /// Changes when the file's certificates change.
    pub digest: u64,
}

/// Our certificate and key towards a server.
#[derive(Clone)]
pub struct ClientIdentity {
    /// Leaf, chain and key.
    pub pair: Arc<CertKey>,
    /// Changes when the certificate changes.
    pub digest: u64,
}

/// Why a certificate or key file cannot be used. The text names the file and what to do, never its content.
#[derive(Debug, thiserror::Error)]
pub enum TlsFileError {
    /// The file is not there or not readable.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// No certificate in the file.
    #[error(
        "{path} holds no certificate in PEM form (a block beginning -----BEGIN CERTIFICATE-----)"
    )]
    NoCertificate {
        /// The file.
        path: String,
    },
    /// No usable key in the file.
    #[error("{path} holds no private key in PEM form, or one protected by a password")]
    NoKey {
        /// The file.
        path: String,
    },
    /// Certificate and key are not a pair.
    #[error("the key in {key} does not belong to the first certificate in {cert}")]
    Mismatch {
        /// The certificate file.
        cert: String,
        /// The key file.
        key: String,
    },
}

impl TlsFileError {
    /// Whether it is about this file. A pair that does not match is about its key.
    pub fn concerns(&self, file: &Path) -> bool {
        let (Self::Unreadable { path, .. }
        | Self::NoCertificate { path }
        | Self::NoKey { path }
        | Self::Mismatch { key: path, .. }) = self;
        *path == file.display().to_string()
    }
}

/// An identity from a chain and the key of its first certificate.
pub fn identity_of(chain: Vec<X509>, private: PKey<Private>) -> ClientIdentity {
    let digest = digest_of(&chain);
    ClientIdentity {
        pair: Arc::new(CertKey::new(chain, private)),
        digest,
    }
}

fn digest_of(certificates: &[X509]) -> u64 {
    let mut digest = DefaultHasher::new();
    for certificate in certificates {
        certificate.to_der().unwrap_or_default().hash(&mut digest);
    }
    digest.finish()
}
