//! Certificates for the way inside: CAs that vouch for servers, and our own identity towards them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::sync::Arc;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use pingora_core::utils::tls::CertKey;

/// Far more than every authority of the world in one file, in bytes.
const MAX_FILE_SIZE: u64 = 16 << 20;

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

fn read(path: &Path) -> Result<Vec<u8>, TlsFileError> {
    let text = || {
        // A pipe or a device would keep a reload waiting, or never end; every signal waits behind it.
        let kind = std::fs::metadata(path)?;
        if !kind.is_file() && !kind.is_dir() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if kind.len() > MAX_FILE_SIZE {
            return Err(io::Error::other("it is larger than 16 MiB"));
        }
        std::fs::read(path)
    };
    text().map_err(|source| TlsFileError::Unreadable {
        path: path.display().to_string(),
        source,
    })
}

/// All certificates of a PEM file, in its order.
///
/// # Errors
/// The file cannot be read, or holds no certificate.
pub fn certificates(path: &Path) -> Result<Vec<X509>, TlsFileError> {
    let none = || TlsFileError::NoCertificate {
        path: path.display().to_string(),
    };
    let found = X509::stack_from_pem(&read(path)?).map_err(|_| none())?;
    if found.is_empty() {
        Err(none())
    } else {
        Ok(found)
    }
}

/// A certificate chain and the key that belongs to its first certificate.
///
/// # Errors
/// A file cannot be read, holds nothing of use, or the two do not match.
pub fn key_pair(cert: &Path, key: &Path) -> Result<(Vec<X509>, PKey<Private>), TlsFileError> {
    let chain = certificates(cert)?;
    let private = private_key(key)?;
    let belongs = chain[0]
        .public_key()
        .is_ok_and(|public| public.public_eq(&private));
    if !belongs {
        return Err(TlsFileError::Mismatch {
            cert: cert.display().to_string(),
            key: key.display().to_string(),
        });
    }
    Ok((chain, private))
}

/// The private key of a PEM file.
///
/// # Errors
/// The file cannot be read, or holds no key, or one with a password.
pub fn private_key(path: &Path) -> Result<PKey<Private>, TlsFileError> {
    // SECURITY: an empty password given by callback, so that a protected key never asks on the terminal of a service.
    PKey::private_key_from_pem_callback(&read(path)?, |_| Ok(0)).map_err(|_| TlsFileError::NoKey {
        path: path.display().to_string(),
    })
}

/// Reads the CAs (or the self-signed certificate) that vouch for a server.
///
/// # Errors
/// As [`certificates`].
pub fn trust(path: &Path) -> Result<Trust, TlsFileError> {
    let roots = certificates(path)?;
    let digest = digest_of(&roots);
    Ok(Trust {
        roots: Arc::new(roots.into_boxed_slice()),
        digest,
    })
}

/// Reads our identity towards a server.
///
/// # Errors
/// As [`key_pair`].
pub fn identity(cert: &Path, key: &Path) -> Result<ClientIdentity, TlsFileError> {
    let (chain, private) = key_pair(cert, key)?;
    Ok(identity_of(chain, private))
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
