//! TLS towards a receiver (RFC 5425): 1.2 or newer, the certificate verified by authority and name.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, HandshakeError, SslConnector, SslMethod, SslStream, SslVersion};
use openssl::x509::X509VerifyResult;
use openssl::x509::store::X509StoreBuilder;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::Receiver;

/// Shakes hands within this time, and leaves the stream as one that waits.
///
/// SECURITY: the time is that of the whole handshake. A receiver that sends it byte by byte would hold the sender for as long as it likes.
pub(super) fn connect(
    receiver: &Receiver,
    stream: TcpStream,
    within: Duration,
) -> io::Result<SslStream<TcpStream>> {
    let until = Instant::now() + within;
    stream.set_nonblocking(true)?;
    let handshake = connector(receiver)?.configure()?;
    // SECURITY: the name is compared, an address with the addresses in the certificate.
    let mut shaken = handshake.connect(&receiver.name, stream);
    loop {
        match shaken {
            Ok(stream) => {
                stream.get_ref().set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(HandshakeError::WouldBlock(middle)) => {
                let wants = match middle.error().code() {
                    ErrorCode::WANT_WRITE => PollFlags::OUT,
                    _ => PollFlags::IN,
                };
                wait(middle.get_ref(), wants, until)?;
                shaken = middle.handshake();
            }
            Err(HandshakeError::SetupFailure(error)) => return Err(error.into()),
            Err(HandshakeError::Failure(broken)) => {
                return Err(match broken.ssl().verify_result() {
                    X509VerifyResult::OK => io::Error::other(format!("TLS: {}", broken.error())),
                    why => io::Error::other(format!(
                        "its certificate does not verify: {}",
                        why.error_string()
                    )),
                });
            }
        }
    }
}

/// Returns when there is something to read, or room to write.
fn wait(stream: &TcpStream, wants: PollFlags, until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long");
    if left.is_zero() {
        return Err(late());
    }
    let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(stream, wants)], Some(&timeout)) {
        Ok(0) => Err(late()),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
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
