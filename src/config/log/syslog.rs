//! `log.access.syslog`: a receiver of syslog messages (RFC 5424).

use super::access::AccessFormat;
use crate::config::At;
use crate::config::choice::choice;
use crate::config::decode::Context;
use crate::config::section::{Fields, section};
use crate::config::tls::CertificateFiles;
use crate::config::value::{AppName, FilePath, HostName, SyslogUrl, Transport};
use crate::diagnostic::Diagnostic;

section! {
    /// A receiver of syslog messages (RFC 5424).
    pub struct Syslog {
        /// Transport, host and port: `udp://`, `tcp://` or `tls://`. Without a port it is 514 for UDP and 6514 for TLS. Only TLS keeps others from reading and forging lines.
        to: At<SyslogUrl> = required,
        /// PEM file with the certificates of the authorities that may vouch for the receiver. Without it: those of the system. Only with tls.
        ca: Option<At<FilePath>> = optional,
        /// Name that the receiver's certificate must have, when it is not the host of the URL. Only with tls.
        server_name: Option<At<HostName>> = optional,
        /// Certificate that the gateway shows to the receiver. Only with tls.
        client_certificate: Option<At<CertificateFiles>> = optional,
        /// The facility of every message. The severity is always `info`.
        facility: Facility = default Facility::Local0,
        /// What the gateway calls itself.
        app_name: AppName = default AppName::default(),
        /// How a line looks: `json` has every field, `combined` is that of Apache and nginx.
        format: AccessFormat = default AccessFormat::Json,
    }
    parts SyslogParts check;
}

choice! {
    /// What a message is about, to the receiver.
    pub enum Facility: "syslog facility" {
        /// Programs of users.
        User = "user",
        /// Services.
        Daemon = "daemon",
        /// Security, for authorized readers.
        Authpriv = "authpriv",
        /// Of the site's own choice, like the others of this name.
        Local0 = "local0",
        /// Likewise.
        Local1 = "local1",
        /// Likewise.
        Local2 = "local2",
        /// Likewise.
        Local3 = "local3",
        /// Likewise.
        Local4 = "local4",
        /// Likewise.
        Local5 = "local5",
        /// Likewise.
        Local6 = "local6",
        /// Likewise.
        Local7 = "local7",
    }
}

fn check(syslog: SyslogParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    let Some(to) = syslog.to.filter(|to| to.transport != Transport::Tls) else {
        return;
    };
    for key in ["ca", "server_name", "client_certificate"] {
        let Some(place) = fields.key_place(key) else {
            continue;
        };
        cx.note(
            Diagnostic::new(
                place,
                format!("`{key}` has no meaning for a receiver that is reached without TLS"),
            )
            .related(to.place, "the URL is here")
            .remedy(format!("begin the URL with `tls://`, or remove `{key}`")),
        );
    }
}
