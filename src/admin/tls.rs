//! TLS of the admin listener: one certificate whatever name is asked for, and the certificates of clients.
//!
//! ```ignore
//! let secured = tls.accept(socket).await?;
//! ```

use std::pin::Pin;

use openssl::pkey::{PKey, Private};
use openssl::ssl::{self, Ssl, SslContext, SslOptions, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509VerifyResult};
use tokio_openssl::SslStream;

use crate::front_door::Socket;
use crate::front_door::tls::{MinVersion, TlsError, builder_for_http1};
use crate::upstream::tls::Trust;

/// TLS of the listener, prepared.
pub struct Tls {
    context: SslContext,
    /// Which authorities vouch for clients.
    authorities: Option<u64>,
}

/// A connection that has shaken hands.
pub(super) struct Secured {
    pub stream: Box<SslStream<Socket>>,
    /// The authorities that vouch for the client, if it has shown a certificate of theirs.
    pub vouched: Option<u64>,
}

impl Tls {
    /// Prepares everything, so that a handshake looks nothing up.
    ///
    /// # Errors
    /// What OpenSSL does not like, such as a key that is too short.
    pub fn build(
        (chain, key): &(Vec<X509>, PKey<Private>),
        client_ca: Option<&Trust>,
        min_version: MinVersion,
        ciphers: Option<&str>,
    ) -> Result<Tls, TlsError> {
        let mut builder = builder_for_http1(min_version, ciphers)?;
        if let Some((leaf, rest)) = chain.split_first() {
            builder.set_certificate(leaf)?;
            builder.set_private_key(key)?;
            for link in rest {
                builder.add_extra_chain_cert(link.clone())?;
            }
        }
        // SECURITY: no session is resumed, or a client whose authority has been taken out of the file would come in by an old one.
        builder.set_options(SslOptions::NO_TICKET);
        builder.set_num_tickets(0)?;
        if let Some(trust) = client_ca {
            let mut store = X509StoreBuilder::new()?;
            // What is in the file is trusted, be it a root, an intermediate authority, or a client's own certificate.
            store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
            for authority in trust.roots.iter() {
                store.add_cert(authority.clone())?;
                builder.add_client_ca(authority)?;
            }
            builder.set_verify_cert_store(store.build())?;
            // Who shows none may still ask for its health, or know the token.
            builder.set_verify(SslVerifyMode::PEER);
        }
        Ok(Tls {
            context: builder.build().into_context(),
            authorities: client_ca.map(|trust| trust.digest),
        })
    }

    /// The authorities whose clients are let in.
    pub(super) fn authorities(&self) -> Option<u64> {
        self.authorities
    }

    /// The server's side of a handshake.
    pub(super) async fn accept(&self, mut socket: Socket) -> Result<Secured, ssl::Error> {
        socket.expect_tls();
        let ssl = Ssl::new(&self.context)?;
        let mut stream = Box::new(SslStream::new(ssl, socket)?);
        Pin::new(&mut *stream).accept().await?;
        let ssl = stream.ssl();
        let shown = ssl.peer_certificate().is_some();
        let verified = shown && ssl.verify_result() == X509VerifyResult::OK;
        Ok(Secured {
            vouched: self.authorities.filter(|_| verified),
            stream,
        })
    }
}
