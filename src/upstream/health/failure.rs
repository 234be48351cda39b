//! Why a server cannot be reached or does not answer as it should: one word for metrics, one short sentence for people.
//!
//! Nothing in a sentence comes from what the server sent: it stands in logs, in the API and on `/readyz`.

use std::error::Error as Cause;
use std::fmt;
use std::io;
use std::time::Duration;

use pingora_core::{Error, ErrorType};
use rustix::io::Errno;

use crate::observe::line::Plain;

/// The longest reason that is kept of one server.
const LONGEST: usize = 160;

/// Why a probe failed, or a request got no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The name has no address.
    Unresolved,
    /// No connection, and what the system says of it.
    Connect(String),
    /// No TLS, or a certificate that does not verify.
    Tls(String),
    /// Nothing within this time.
    Timeout(Duration),
    /// The connection ended before an answer, or what came is no answer.
    Broken(&'static str),
    /// An answer with another status than expected.
    Status(u16),
    /// The gateway itself has nothing left to connect with, and the server was not asked.
    Ours(String),
}

/// What the system says when a process has no descriptor, no memory for a socket or no port left.
const OURS: [Errno; 5] = [
    Errno::MFILE,
    Errno::NFILE,
    Errno::NOBUFS,
    Errno::NOMEM,
    Errno::ADDRNOTAVAIL,
];

impl Failure {
    /// The word in `portcullis_upstream_probes_total`.
    pub fn word(&self) -> &'static str {
        match self {
            Failure::Unresolved => "unresolved",
            Failure::Connect(_) => "connect",
            Failure::Tls(_) => "tls",
            Failure::Timeout(_) => "timeout",
            Failure::Broken(_) => "broken",
            Failure::Status(_) => "status",
            Failure::Ours(_) => "untried",
        }
    }

    /// What an error of Pingora's says; `within` is the time that was given.
    pub fn of(error: &Error, within: Duration) -> Self {
        use ErrorType::*;
        match error.etype() {
            // SECURITY: a flood that leaves the gateway without descriptors must not make every server look down.
            _ if is_ours(error) => Failure::Ours(cause(error)),
            ConnectTimedout | TLSHandshakeTimedout | ReadTimedout | WriteTimedout => {
                Failure::Timeout(within)
            }
            TLSHandshakeFailure | InvalidCert | HandshakeError | TLSWantX509Lookup => {
                Failure::Tls(cause(error))
            }
            _ if is_tls_alert(error) => Failure::Tls(cause(error)),
            ConnectRefused => Failure::Connect("connection refused".to_owned()),
            ConnectNoRoute => Failure::Connect("no route to it".to_owned()),
            // The last one is Pingora's for a local firewall that forbids it.
            ConnectError | BindError | SocketError | InternalError => {
                Failure::Connect(format!("no connection: {}", cause(error)))
            }
            // SECURITY: the context of these two is what the server sent.
            InvalidHTTPHeader | H1Error => Failure::Broken("what it answers is not HTTP"),
            _ => Failure::Broken("the connection was closed before an answer"),
        }
    }
}

/// Whether the other side ended TLS with an alert (RFC 8446, 6). A TLS 1.3 server says only after the handshake that it wants another
/// client certificate, or one at all.
pub fn is_tls_alert(error: &Error) -> bool {
    // OpenSSL's error is behind two layers of I/O errors; its text is the one thing that all of them pass on.
    error.root_cause().to_string().contains("SSL alert number")
}

/// Whether it says something of the gateway and nothing of the server.
fn is_ours(error: &Error) -> bool {
    let mut next: Option<&(dyn Cause + 'static)> = Some(error.root_cause());
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return Errno::from_io_error(io).is_some_and(|told| OURS.contains(&told));
        }
        next = cause.source();
    }
    false
}

/// The innermost reason, as one bounded line.
fn cause(error: &Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(context) = &error.context {
            let context = context.as_str();
            // Where we came from is no reason why it failed.
            if !context.starts_with("local address") {
                context.clone_into(&mut text);
            }
        }
        next = None;
        if let Some(cause) = error.cause.as_deref() {
            match cause.downcast_ref::<pingora_core::BError>() {
                Some(inner) => next = Some(inner),
                None => text = cause.to_string(),
            }
        }
    }
    if text.is_empty() {
        error.etype().as_str().clone_into(&mut text);
    }
    let text: String = text.chars().take(LONGEST).collect();
    Plain(&text).to_string()
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unresolved => out.write_str("its name does not resolve"),
            Failure::Connect(why) => out.write_str(why),
            Failure::Tls(why) => write!(out, "TLS: {why}"),
            Failure::Timeout(within) => write!(out, "no answer within {within:?}"),
            Failure::Broken(why) => out.write_str(why),
            Failure::Status(status) => write!(out, "it answers {status}"),
            Failure::Ours(why) => {
                write!(out, "not asked, the gateway has nothing left for it: {why}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_the_server_sent_is_in_no_reason() {
        for etype in [ErrorType::InvalidHTTPHeader, ErrorType::H1Error] {
            let error = Error::because(etype, "HTTP/1.1 200 OK\r\nSet-Cookie: a=secret", "bad");
            let told = Failure::of(&error.into_up(), SECOND).to_string();
            assert_eq!(told, "what it answers is not HTTP");
        }
    }

    #[test]
    fn a_reason_is_one_bounded_line() {
        let inner = std::io::Error::other("a\nb".repeat(1000));
        let error = Error::because(ErrorType::ConnectError, "outer", inner).into_up();
        let told = Failure::of(&error, SECOND).to_string();
        assert!(told.starts_with(r"no connection: a\nba\nb"), "{told}");
        assert!(told.len() < 400 && !told.contains('\n'), "{told}");
    }

    #[test]
    fn what_the_gateway_itself_lacks_says_nothing_of_the_server() {
        // As Pingora wraps it: `socket()` fails, `connect()` fails.
        for code in OURS {
            let system = io::Error::from_raw_os_error(code.raw_os_error());
            let inner = Error::because(ErrorType::SocketError, "failed to create socket", system);
            let error = Error::because(
                ErrorType::InternalError,
                "Fail to connect to 10.0.0.1",
                inner,
            );
            let failure = Failure::of(&error, SECOND);
            assert_eq!(failure.word(), "untried", "{failure}");
        }
        for code in [Errno::CONNREFUSED, Errno::PERM, Errno::HOSTUNREACH] {
            let system = io::Error::from_raw_os_error(code.raw_os_error());
            let error = Error::because(ErrorType::InternalError, "Fail to connect", system);
            assert_eq!(Failure::of(&error, SECOND).word(), "connect");
        }
    }

    #[test]
    fn each_sort_of_error_has_its_word() {
        for (etype, word) in [
            (ErrorType::ConnectTimedout, "timeout"),
            (ErrorType::ReadTimedout, "timeout"),
            (ErrorType::InvalidCert, "tls"),
            (ErrorType::ConnectRefused, "connect"),
            (ErrorType::ConnectNoRoute, "connect"),
            (ErrorType::ConnectionClosed, "broken"),
            (ErrorType::ReadError, "broken"),
        ] {
            let failure = Failure::of(&Error::new_up(etype.clone()), SECOND);
            assert_eq!(failure.word(), word, "{etype:?}");
        }
    }
}
