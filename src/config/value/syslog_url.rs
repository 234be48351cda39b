//! Where a syslog receiver is: `tls://logs.example.com:6514`.

use std::fmt;
use std::str::FromStr;

use super::host::split_port;
use super::server_url::userinfo;
use super::{HostName, Refusal, quote};
use crate::config::decode::{TextValue, text_values};

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram for each message (RFC 5426).
    Udp,
    /// A connection, each message with its length before it (RFC 6587, octet counting).
    Tcp,
    /// The same within TLS (RFC 5425).
    Tls,
}

impl Transport {
    /// As it stands in the URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// The port that is registered for it. TCP has none that everybody agrees on.
    const fn port(self) -> Option<u16> {
        match self {
            Self::Udp => Some(514),
            Self::Tcp => None,
            Self::Tls => Some(6514),
        }
    }
}

/// The URL of a syslog receiver: transport, host, port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SyslogUrl {
    /// How messages travel.
    pub transport: Transport,
    /// Name or address.
    pub host: HostName,
    /// The port.
    pub port: u16,
}

impl FromStr for SyslogUrl {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        // SECURITY: first of all, since every other message repeats the text.
        if text.contains('@') {
            return Err(userinfo());
        }
        let transports = [Transport::Udp, Transport::Tcp, Transport::Tls];
        let begins =
            |transport: &Transport, scheme: &str| scheme.eq_ignore_ascii_case(transport.as_str());
        let found = text.split_once("://").and_then(|(scheme, rest)| {
            let transport = transports.iter().find(|one| begins(one, scheme))?;
            Some((*transport, rest))
        });
        let Some((transport, authority)) = found else {
            return Err(Refusal::new(
                format!("{} does not begin with a transport", quote(text)),
                "begin with `udp://`, `tcp://` or `tls://`",
            ));
        };
        if authority.contains(['/', '?', '#']) {
            return Err(Refusal::new(
                format!("{} goes on behind host and port", quote(text)),
                "end it with the port",
            ));
        }
        let (host, port) = split_port(authority)?;
        let Some(port) = port.or(transport.port()) else {
            return Err(Refusal::new(
                format!("{} has no port, and TCP has no usual one", quote(text)),
                format!("write the receiver's port, such as `{text}:601`"),
            ));
        };
        Ok(Self {
            transport,
            host,
            port,
        })
    }
}

impl fmt::Display for SyslogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            transport,
            host,
            port,
        } = self;
        write!(f, "{}://{host}:{port}", transport.as_str())
    }
}

impl TextValue for SyslogUrl {
    const WORD: &'static str = "syslog URL";
    const PATTERN: &'static str = r"^([Uu][Dd][Pp]|[Tt][Cc][Pp]|[Tt][Ll][Ss])://[^@/?#\s]+$";
    const EXAMPLE: &'static str = "tls://logs.example.com:6514";
}

text_values!(SyslogUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_port_is_that_of_the_transport() {
        for (text, shown) in [
            ("udp://Logs.example.com", "udp://logs.example.com:514"),
            ("TLS://192.0.2.7", "tls://192.0.2.7:6514"),
            ("tcp://[2001:db8::7]:601", "tcp://[2001:db8::7]:601"),
        ] {
            let url: SyslogUrl = text.parse().expect(text);
            assert_eq!(url.to_string(), shown);
            assert_eq!(shown.parse::<SyslogUrl>().expect(shown), url);
        }
    }

    #[test]
    fn what_is_no_receiver_is_refused_with_what_to_write() {
        for (text, remedy) in [
            ("logs.example.com:514", "`udp://`"),
            ("unix:///dev/log", "`udp://`"),
            ("tcp://logs.example.com", "`tcp://logs.example.com:601`"),
            ("tls://logs.example.com/x", "the port"),
            ("tls://me:secret@logs.example.com", "`@`"),
            ("udp://logs.example.com:0", "65535"),
        ] {
            let refusal = text.parse::<SyslogUrl>().expect_err(text);
            assert!(refusal.remedy.contains(remedy), "{text}: {refusal}");
            assert!(!refusal.to_string().contains("secret"));
        }
    }
}
