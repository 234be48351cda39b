//! Certificates made on the spot, and the server side of TLS.
//!
//! ```
//! use loadtest::wire::Authority;
//! let authority = Authority::new("Simulated CIC authority").unwrap();
//! let identity = authority.issue(&["icserver1", "127.0.0.1"]).unwrap();
//! assert!(identity.certificate_pem.starts_with("-----BEGIN CERTIFICATE-----"));
//! ```

use std::io;

use openssl::pkey::PKey;
use openssl::ssl::{
    AlpnError, SslAcceptor, SslMethod, SslVerifyMode, SslVersion, select_next_proto,
};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// A certificate with its private key, both PEM.
#[derive(Clone)]
pub struct Identity {
    /// The leaf certificate.
    pub certificate_pem: String,
    /// Its private key (PKCS#8).
    pub key_pem: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Identity")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// As appliances install themselves: one self-signed certificate that is its own authority (`CA:TRUE`), with these names.
    ///
    /// # Errors
    /// A name that is neither a DNS name nor an address.
    pub fn appliance_self_signed(names: &[&str]) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = leaf(names, names)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        let certificate = params.self_signed(&key).map_err(io::Error::other)?;
        Ok(Self {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

/// A certificate authority of our own.
pub struct Authority {
    issuer: rcgen::CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes an authority with this common name.
    ///
    /// # Errors
    /// Key generation failed.
    pub fn new(common_name: &str) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = rcgen::CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        Ok(Self { issuer })
    }

    /// The authority's certificate, to be trusted.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for servers and clients with these DNS names or addresses as subject alternative names; the first is the common name too.
    ///
    /// # Errors
    /// A name that is neither a DNS name nor an address.
    pub fn issue(&self, names: &[&str]) -> io::Result<Identity> {
        self.sign(leaf(names, names)?)
    }

    /// As old products have it: the name stands in the common name only, there is no subject alternative name.
    ///
    /// # Errors
    /// Key generation failed.
    pub fn issue_common_name_only(&self, name: &str) -> io::Result<Identity> {
        self.sign(leaf(&[name], &[])?)
    }

    fn sign(&self, params: CertificateParams) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(io::Error::other)?;
        Ok(Identity {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

fn leaf(common_names: &[&str], alternative_names: &[&str]) -> io::Result<CertificateParams> {
    let names: Vec<String> = alternative_names
        .iter()
        .map(|&name| name.to_owned())
        .collect();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    let common_name = common_names.first().copied().unwrap_or("unnamed");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    Ok(params)
}

/// How a server speaks TLS. ALPN offers `http/1.1` only.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// What the server shows.
    pub identity: Identity,
    /// With a PEM of authorities here, a client without a certificate from one of them is turned away.
    pub client_authorities: Option<String>,
    /// Stay with TLS 1.2, as older products do.
    pub only_tls12: bool,
}

impl ServerTls {
    /// TLS with this identity, no client certificate asked for.
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            client_authorities: None,
            only_tls12: false,
        }
    }

    pub(super) fn acceptor(&self) -> io::Result<SslAcceptor> {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
        builder
            .set_certificate(X509::from_pem(self.identity.certificate_pem.as_bytes())?.as_ref())?;
        builder.set_private_key(
            PKey::private_key_from_pem(self.identity.key_pem.as_bytes())?.as_ref(),
        )?;
        builder.check_private_key()?;
        builder.set_alpn_select_callback(|_, offered| {
            select_next_proto(b"\x08http/1.1", offered).ok_or(AlpnError::NOACK)
        });
        if self.only_tls12 {
            builder.set_max_proto_version(Some(SslVersion::TLS1_2))?;
        }
        if let Some(authorities) = &self.client_authorities {
            let mut store = X509StoreBuilder::new()?;
            for authority in X509::stack_from_pem(authorities.as_bytes())? {
                builder.add_client_ca(&authority)?;
                store.add_cert(authority)?;
            }
            builder.set_verify_cert_store(store.build())?;
            builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
            builder.set_session_id_context(b"simulation")?;
        }
        Ok(builder.build())
    }
}
