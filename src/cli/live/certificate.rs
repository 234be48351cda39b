//! How long certificates are still good for: those that the listeners show, and those that servers show.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::ssl::{HandshakeError, SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::{X509, X509Ref};

use super::{Finding, bad, good, soon};
use crate::config::CertificateFiles;
use crate::upstream::tls;

/// From here on somebody should order the next one.
const SOON: i32 = 30;

/// The certificate of a listener, by its file.
pub(super) fn of_listener(files: &CertificateFiles) -> Option<Finding> {
    let chain = tls::certificates(files.cert.path()).ok()?;
    let whose = format!("the certificate {}", files.cert.as_str());
    Some(lifetime(&whose, chain.first()?))
}

/// Until when a certificate is good.
pub(super) fn lifetime(whose: &str, certificate: &X509Ref) -> Finding {
    let (from, until) = (certificate.not_before(), certificate.not_after());
    let days = |time| Some(Asn1Time::days_from_now(0).ok()?.diff(time).ok()?);
    let (Some(begun), Some(left)) = (days(from), days(until)) else {
        return bad(format!("{whose} has no readable dates"));
    };
    if (begun.days, begun.secs) > (0, 0) {
        return bad(format!("{whose} is not valid before {from}"));
    }
    if (left.days, left.secs) < (0, 0) {
        return bad(format!("{whose} expired on {until}"));
    }
    let text = format!("{whose} is good until {until}, {} more days", left.days);
    if left.days < SOON {
        soon(text)
    } else {
        good(text)
    }
}

/// The certificate that a server shows, whether it verifies or not. Blocks for at most twice `patience`.
pub(super) fn shown_by(server: SocketAddr, name: &str, patience: Duration) -> Option<X509> {
    let tcp = TcpStream::connect_timeout(&server, patience).ok()?;
    tcp.set_read_timeout(Some(patience)).ok()?;
    tcp.set_write_timeout(Some(patience)).ok()?;
    let mut builder = SslConnector::builder(SslMethod::tls_client()).ok()?;
    // Looked at only: nothing is sent over this connection, and another one has verified or refused the same certificate.
    builder.set_verify(SslVerifyMode::NONE);
    let ssl = builder.build().configure().ok()?;
    let ssl = ssl
        .verify_hostname(false)
        .use_server_name_indication(!name.is_empty());
    match ssl.connect(name, tcp) {
        Ok(stream) => stream.ssl().peer_certificate(),
        // A server that wants a certificate of ours has shown its own by then.
        Err(HandshakeError::Failure(half) | HandshakeError::WouldBlock(half)) => {
            half.ssl().peer_certificate()
        }
        Err(HandshakeError::SetupFailure(_)) => None,
    }
}
