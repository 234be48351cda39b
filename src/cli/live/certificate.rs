//! How long certificates are still good for: those that the listeners show, and those that servers show.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::ssl::{HandshakeError, SslConnector, SslMethod, SslRef, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Ref, X509VerifyResult};

use super::{Finding, bad, good, soon};
use crate::config::CertificateFiles;
use crate::observe::line::counted;
use crate::upstream::tls::TlsFiles;

/// From here on somebody should order the next one.
const SOON: i32 = 30;

/// The certificate of a listener, by its file.
pub(super) fn of_listener(files: &CertificateFiles) -> Option<Finding> {
    let chain = TlsFiles::default().certificates(files.cert.path()).ok()?;
    let whose = format!("the certificate {}", files.cert.as_str());
    Some(lifetime(&whose, chain.first()?))
}

/// Until when a certificate is good.
pub(super) fn lifetime(whose: &str, certificate: &X509Ref) -> Finding {
    let (from, until) = (certificate.not_before(), certificate.not_after());
    let days = |time| Asn1Time::days_from_now(0).ok()?.diff(time).ok();
    let (Some(begun), Some(left)) = (days(from), days(until)) else {
        return bad(format!("{whose} has no readable dates"));
    };
    if (begun.days, begun.secs) > (0, 0) {
        return bad(format!("{whose} is not valid before {from}"));
    }
    if (left.days, left.secs) < (0, 0) {
        return bad(format!("{whose} expired on {until}"));
    }
    let more = counted(left.days, "more day");
    let text = format!("{whose} is good until {until}, {more}");
    if left.days < SOON {
        soon(text)
    } else {
        good(text)
    }
}

/// What a server shows in the handshake.
pub(super) struct Shown {
    /// Its own certificate.
    pub leaf: X509,
    /// Why it does not verify for the name and by the authorities asked for; `None` if it does.
    pub unverified: Option<&'static str>,
}

/// The certificate that a server shows, whether it verifies or not. Blocks for at most three times `patience`.
pub(super) fn shown_by(
    server: SocketAddr,
    name: &str,
    authorities: Option<&[X509]>,
    patience: Duration,
) -> Option<Shown> {
    let tcp = TcpStream::connect_timeout(&server, patience).ok()?;
    tcp.set_read_timeout(Some(patience)).ok()?;
    tcp.set_write_timeout(Some(patience)).ok()?;
    let mut builder = SslConnector::builder(SslMethod::tls_client()).ok()?;
    if let Some(authorities) = authorities {
        let mut store = X509StoreBuilder::new().ok()?;
        for authority in authorities {
            store.add_cert(authority.clone()).ok()?;
        }
        builder.set_cert_store(store.build());
    }
    // The verdict is only noted, so that its reason can be told: nothing is ever sent over this connection.
    builder.set_verify(SslVerifyMode::NONE);
    let ssl = builder.build().configure().ok()?;
    let named = !name.is_empty();
    let ssl = ssl.verify_hostname(named).use_server_name_indication(named);
    let shown = |ssl: &SslRef| {
        let verdict = ssl.verify_result();
        Some(Shown {
            leaf: ssl.peer_certificate()?,
            unverified: (verdict != X509VerifyResult::OK).then(|| verdict.error_string()),
        })
    };
    match ssl.connect(name, tcp) {
        Ok(stream) => shown(stream.ssl()),
        // A server that wants a certificate of ours has shown its own by then.
        Err(HandshakeError::Failure(half) | HandshakeError::WouldBlock(half)) => shown(half.ssl()),
        Err(HandshakeError::SetupFailure(_)) => None,
    }
}
