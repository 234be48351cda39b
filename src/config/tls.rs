//! The `tls` section: what all TLS listeners share.

use super::At;
use super::section::section;
use super::value::{CipherList, FilePath, TlsVersion};

section! {
    /// TLS towards clients.
    pub struct Tls {
        /// Oldest TLS version that is offered.
        min_version: At<TlsVersion> = default TlsVersion::V1_2,
        /// Cipher suites for TLS 1.2 in OpenSSL's notation. Without it: ECDHE with AES-GCM or ChaCha20-Poly1305. TLS 1.3 has its own suites, all of them good.
        ciphers: Option<At<CipherList>> = optional,
        /// Certificates, chosen by the name the client asks for (SNI). A client that names none gets the first.
        certificates: Vec<CertificateFiles> = default Vec::new(),
    }
}

section! {
    /// A certificate and its private key.
    pub struct CertificateFiles {
        /// PEM file with the certificate and below it the intermediate ones.
        cert: At<FilePath> = required,
        /// PEM file with the private key, without a passphrase.
        key: At<FilePath> = required,
    }
}
