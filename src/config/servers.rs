//! The `servers` section: the only machines that the gateway ever connects to.

use super::At;
use super::choice::choice;
use super::section::section;
use super::tls::CertificateFiles;
use super::value::{
    DisplayName, Duration, FilePath, HostKey, HostName, PairName, PathPrefix, Scheme, ServerUrl,
    TlsVersion,
};
use crate::kinds;

mod check;
mod health;

pub use health::{Health, Probe};

section! {
    /// One machine inside, and the protocol that is spoken with it.
    pub struct Server {
        /// The protocol spoken there; it brings what that protocol needs.
        kind: At<Kind> = required,
        /// Scheme, host, port and, if everything is below a path, that path. Without a port the kind's own is used.
        url: At<ServerUrl> = required,
        /// PEM file with the certificates of the authorities that may vouch for the server. Without it: those of the system. Only with https.
        ca: Option<At<FilePath>> = optional,
        /// Name that the server's certificate must have, when it is not the host of the URL. Only with https.
        server_name: Option<At<HostName>> = optional,
        /// Certificate that the gateway shows to the server. Only with https.
        client_certificate: Option<At<CertificateFiles>> = optional,
        /// Does not check the server's certificate. Anybody between the gateway and the server can then read and change everything. Only with https.
        insecure: At<bool> = default false,
        /// Oldest TLS version that the gateway speaks with the server. Without it: 1.2. Only with https.
        min_tls: Option<At<TlsVersion>> = optional,
        /// Name shared by the two servers of a switchover pair; both must be of one kind. `explain` shows it.
        pair: Option<At<PairName>> = optional,
        /// What people see instead of the server's name, such as in `servers.json`.
        display_name: Option<At<DisplayName>> = optional,
        /// Adds `Secure` to the server's cookies when the client came over https.
        secure_cookies: bool = default false,
        /// Also maps a `Location` that names the server by scheme and host; relative ones are always mapped.
        location_absolute: bool = default true,
        /// What becomes of the server's own 500 and 504. Only for kind `webtools`, where it is `as_502` when not written: its browser client would repeat the request without end.
        server_errors: Option<At<ServerErrors>> = optional,
        /// What the server gets as `Host`. Without it: host and port of the URL, the port only if it is not the scheme's own.
        host: Option<At<HostKey>> = optional,
        /// Paths on the server that may be reached. Without it: `/icws/` for icws, `/websvcs/` for webtools, `/WebHTMLService/` for webhtml, everything below the path of the URL for http.
        expose: Option<Vec<At<PathPrefix>>> = optional,
        /// Lets WebSockets through. Only for kind `http`.
        websocket: At<bool> = default false,
        /// How the gateway finds out whether the server works; `off`: not at all.
        health: Health = nested,
        /// How long the server may take.
        timeouts: Timeouts = nested,
    }
    parts ServerParts check::parts;
    finish check::finish;
}

impl Server {
    /// The port: the one that is written, or the kind's own, or that of the scheme.
    pub fn port(&self) -> u16 {
        let is_tls = self.url.scheme == Scheme::Https;
        let kind = kinds::named(self.kind.word());
        let usual = kind.and_then(|kind| kind.default_port(is_tls));
        let of_scheme = if is_tls { 443 } else { 80 };
        self.url.port.or(usual).unwrap_or(of_scheme)
    }
}

choice! {
    /// The protocol that is spoken with a server.
    pub enum Kind: "kind of server" {
        /// ICWS, the REST interface of PureConnect's Session Manager (ports 8018 and 8019).
        Icws = "icws",
        /// Interaction Web Tools: chats and callbacks through WebProcessorBridge (ports 8114 and 3508).
        Webtools = "webtools",
        /// WebHTMLService of the CIC server (ports 8018 and 8019).
        Webhtml = "webhtml",
        /// Any other web server (ports 80 and 443).
        Http = "http",
    }
    planned ["finesse", "cuic", "livedata", "chat", "ids", "idp", "ucce_config"];
}

choice! {
    /// What becomes of a server's own 500 and 504.
    pub enum ServerErrors: "treatment of server errors" {
        /// The client gets a 502 instead.
        As502 = "as_502",
        /// The client gets them as they are.
        AsIs = "as_is",
    }
}

section! {
    /// How long a server may take. What is not written is as the kind of the server needs it.
    pub struct Timeouts {
        /// Until the connection stands, TLS included, per try. Without it: 5s; webtools 2s.
        connect: Option<At<Duration>> = optional,
        /// Longest silence before the answer begins and between two pieces of it, per request. Without it: 60s; webtools 7s, webhtml 310s.
        response: Option<At<Duration>> = optional,
        /// Longest silence of an event stream, or of either side of a WebSocket, per stream. Without it: 5m; webtools 7s, webhtml 310s, http 10m.
        stream: Option<At<Duration>> = optional,
        /// How long an unused connection to the server is kept for the next request, per connection. Without it: 4s. Should be shorter than the server's own keep-alive time.
        pooled: Option<At<Duration>> = optional,
    }
}
