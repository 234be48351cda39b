//! What is wrong with a PEM file, as a mistake at the place that names the file, under the name it has there.
//!
//! ```text
//! p.yaml:4:15: error: cannot read tls/edge.pem: No such file or directory (os error 2)
//! ```

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use crate::config::value::FilePath;
use crate::config::{At, CertificateFiles};
use crate::diagnostic::Diagnostic;
use crate::upstream::tls::{TlsFileError, TlsFiles};

/// A chain and its key, or everything that is wrong with the two files.
pub(super) fn pair(
    files: &CertificateFiles,
    read: &TlsFiles,
    wrong: &mut Vec<Diagnostic>,
) -> Option<(Vec<X509>, PKey<Private>)> {
    let error = match read.key_pair(files.cert.path(), files.key.path()) {
        Ok(pair) => return Some(pair),
        Err(error) => error,
    };
    let names = [&files.cert.value, &files.key.value];
    let key = read.private_key(files.key.path()).err();
    let cert = match (&error, &key) {
        (TlsFileError::Mismatch { .. }, _) => Some(error),
        // The error is that of the key, which comes next.
        (_, Some(key)) if key.to_string() == error.to_string() => None,
        _ => Some(error),
    };
    if let Some(error) = cert {
        let remedy = match &error {
            TlsFileError::Mismatch { .. } => {
                "name the key that the certificate was made for; the server's own certificate comes first in its file"
            }
            _ => {
                "name a PEM file with the server's own certificate first and the intermediate ones below it"
            }
        };
        wrong.push(Diagnostic::new(files.cert.place, as_written(error, &names)).remedy(remedy));
    }
    if let Some(error) = key {
        wrong.push(
            Diagnostic::new(files.key.place, as_written(error, &names)).remedy(
                "name a PEM file with a private key that the gateway's user may read; \
                 `openssl pkey -in FILE -out FILE` removes a password",
            ),
        );
    }
    None
}

/// What is wrong with the file of authorities.
pub(super) fn authority(ca: &At<FilePath>, error: TlsFileError) -> Diagnostic {
    Diagnostic::new(ca.place, as_written(error, &[&ca.value])).remedy(
        "name a PEM file with the certificate of the authority, or the server's own if it is self-signed; \
         `openssl x509 -inform der -in ca.cer -out ca.pem` makes one of a DER file",
    )
}

/// What is wrong with the file of those who vouch for clients.
pub(super) fn client_authority(ca: &At<FilePath>, error: TlsFileError) -> Diagnostic {
    Diagnostic::new(ca.place, as_written(error, &[&ca.value])).remedy(
        "name a PEM file with the certificate of the authority that signs those of the clients",
    )
}

/// The error's text with the files' names as the operator wrote them, wherever the configuration is.
pub(super) fn as_written(mut error: TlsFileError, files: &[&FilePath]) -> String {
    let rename = |path: &mut String| {
        let file = files
            .iter()
            .find(|file| file.path().display().to_string() == *path);
        if let Some(file) = file {
            file.as_str().clone_into(path);
        }
    };
    match &mut error {
        TlsFileError::Unreadable { path, .. }
        | TlsFileError::NoCertificate { path }
        | TlsFileError::NoKey { path } => rename(path),
        TlsFileError::Mismatch { cert, key } => {
            rename(cert);
            rename(key);
        }
    }
    error.to_string()
}
