//! One TLS handshake.
//!
//! ```ignore
//! let accepted = acceptors.accept(socket, settings.tls_handshake).await?;
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use openssl::ssl::{NameType, Ssl, SslContext};
use pingora_core::protocols::tls::SslStream;
use tokio::time::timeout;

use super::names::Names;
use super::{Acceptors, tickets};
use crate::front_door::ConnectionTls;
use crate::front_door::serve::NoEntry;
use crate::front_door::socket::Socket;
use crate::reason::Reason;

/// Rides along in a handshake: which names there are, and whether the client's was not among them.
pub(super) struct Greeting {
    names: Arc<Names>,
    unknown: AtomicBool,
}

impl Greeting {
    /// The context for what the client asked for; `None` refuses it.
    pub(super) fn choose(&self, name: Option<&str>) -> Option<SslContext> {
        let context = match name {
            Some(name) => self.names.find(&name.to_ascii_lowercase()),
            None => self.names.unnamed(),
        };
        self.unknown.store(context.is_none(), Ordering::Relaxed);
        context.cloned()
    }
}

/// What a handshake came to.
pub(in crate::front_door) struct Accepted {
    pub stream: Box<SslStream<Socket>>,
    pub tls: ConnectionTls,
    pub http2: bool,
}

impl Acceptors {
    /// The server's side of a handshake, whole within `within`.
    ///
    /// # Errors
    /// [`Reason::UnknownSni`], [`Reason::TlsHandshake`], or that nothing came.
    pub(in crate::front_door) async fn accept(
        &self,
        mut socket: Socket,
        within: Duration,
    ) -> Result<Accepted, NoEntry> {
        socket.expect_tls();
        let greeting = Arc::new(Greeting {
            names: self.names.clone(),
            unknown: AtomicBool::new(false),
        });
        let failed = |why: &dyn std::fmt::Display| {
            log::error!("TLS cannot begin: {why}");
            NoEntry::Refused(Reason::Internal)
        };
        let base = self.tickets.base(&self.rules).map_err(|e| failed(&e))?;
        let slot = tickets::slot().map_err(|e| failed(&e))?;
        let mut ssl = Ssl::new(&base).map_err(|e| failed(&e))?;
        ssl.set_ex_data(slot, greeting.clone());
        let mut stream = SslStream::new(ssl, socket).map_err(|e| failed(&e))?;
        let began = Instant::now();
        let accepted = timeout(within, stream.accept()).await;
        if !matches!(accepted, Ok(Ok(()))) {
            let reason = match greeting.unknown.load(Ordering::Relaxed) {
                true => Reason::UnknownSni,
                false => Reason::TlsHandshake,
            };
            let said_something = !stream.get_ref().expects_tls();
            return Err(NoEntry::of(said_something, accepted.is_err(), reason));
        }
        let ssl = stream.ssl();
        let tls = ConnectionTls {
            sni: ssl
                .servername(NameType::HOST_NAME)
                .map(str::to_ascii_lowercase),
            version: ssl.version_str(),
            cipher: ssl.current_cipher().map_or("", |cipher| cipher.name()),
            took: began.elapsed(),
        };
        let http2 = ssl.selected_alpn_protocol() == Some(b"h2");
        Ok(Accepted {
            stream: Box::new(stream),
            tls,
            http2,
        })
    }
}
