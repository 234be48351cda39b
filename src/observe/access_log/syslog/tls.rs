//! TLS towards a receiver (RFC 5425): 1.2 or newer, the certificate verified by authority and name.

use std::io;
use std::net::TcpStream;

use openssl::error::ErrorStack;
use openssl::ssl::{HandshakeError, SslConnector, SslMethod, SslStream, SslVersion};
use openssl::x509::X509VerifyResult;
use openssl::x509::store::X509StoreBuilder;

use super::Receiver;

/// Shakes hands, within the time that the stream gives.
pub(super) fn connect(receiver: &Receiver, stream: TcpStream) -> io::Result<SslStream<TcpStream>> {
    let handshake = connector(receiver)?.configure()?;
    // SECURITY: the name is compared, an address with the addresses in the certificate.
    handshake
        .connect(&receiver.name, stream)
        .map_err(|error| match error {
            HandshakeError::SetupFailure(error) => error.into(),
            HandshakeError::WouldBlock(_) => {
                io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long")
            }
            HandshakeError::Failure(broken) => match broken.ssl().verify_result() {
                X509VerifyResult::OK => io::Error::other(format!("TLS: {}", broken.error())),
                why => io::Error::other(format!(
                    "its certificate does not verify: {}",
                    why.error_string()
                )),
            },
        })
}

fn connector(receiver: &Receiver) -> Result<SslConnector, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    match &receiver.trust {
        Some(trust) => {
            let mut store = X509StoreBuilder::new()?;
            for root in trust.roots.iter() {
                store.add_cert(root.clone())?;
            }
            builder.set_verify_cert_store(store.build())?;
        }
        None => {
            if let Some(file) = openssl_probe::probe().cert_file {
                builder.set_ca_file(file)?;
            }
        }
    }
    if let Some(identity) = &receiver.identity {
        builder.set_certificate(identity.pair.leaf())?;
        builder.set_private_key(identity.pair.key())?;
        for certificate in identity.pair.intermediates() {
            builder.add_extra_chain_cert(certificate.clone())?;
        }
    }
    Ok(builder.build())
}
