//! What one listener is told: addresses, limits and deadlines. Plain data, compared to find out whether a reload changed anything.
//!
//! ```
//! use portcullis::front_door::ListenerSettings;
//! use std::time::Duration;
//! let mut settings = ListenerSettings::new(([0, 0, 0, 0], 8080).into());
//! settings.head.within = Duration::from_secs(5);
//! assert!(settings.tls.is_none());
//! ```

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::tls::Acceptors;

/// TLS of a listener: certificates by name and the protocol rules, prepared once per snapshot.
pub type TlsSettings = Arc<Acceptors>;

/// Whether a listener believes a PROXY protocol header. Only peers in [`ListenerSettings::trusted`] are ever believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyProtocol {
    /// No header is looked for.
    #[default]
    Never,
    /// A trusted peer may send one.
    Accept,
    /// Only trusted peers are served, and each connection must begin with one.
    Require,
}

/// Limits of an HTTP/1 request head, and of an HTTP/2 header list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// From its first byte to its last. Also the wait for the first byte of a new connection, for the PROXY header, and for any
    /// HTTP/2 preface, frame header or header block.
    pub within: Duration,
    /// Bytes, request line included. HTTP/2 counts 32 more for each field (RFC 9113 section 6.5.2).
    pub size: usize,
    /// Header fields. More than 256 cannot be had: Pingora's parser stops there.
    pub fields: usize,
}

/// Limits of an HTTP/2 connection. Its header list is bounded by [`HeadLimits::size`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http2Limits {
    /// Streams open at a time.
    pub streams: u32,
    /// A connection without a stream is closed after this.
    pub idle: Duration,
    /// Streams that the client reset before the gateway took them up.
    pub pending_resets: usize,
    /// RST_STREAM frames in the life of the connection; one more ends it.
    pub resets: u32,
}

/// One listener. Living connections keep the settings they began with.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerSettings {
    /// Where to listen. Port 0 lets the system choose. An IPv6 address means IPv6 only, so `0.0.0.0` and `::` live side by side.
    pub listen: SocketAddr,
    /// `None`: plain HTTP/1.
    pub tls: Option<TlsSettings>,
    /// The https port a redirecting listener names. The front door only carries it to the request.
    pub redirect_port: Option<u16>,
    /// Whether a PROXY protocol header is looked for.
    pub proxy_protocol: ProxyProtocol,
    /// Peers whose PROXY protocol header is believed.
    pub trusted: Arc<[IpNet]>,
    /// Limits of the request head.
    pub head: HeadLimits,
    /// HTTP/1: the wait for the next request.
    pub keep_alive_idle: Duration,
    /// Requests on one connection. HTTP/1 closes after the last, HTTP/2 says GOAWAY and finishes.
    pub keep_alive_requests: u32,
    /// The whole TLS handshake.
    pub tls_handshake: Duration,
    /// Limits of HTTP/2.
    pub http2: Http2Limits,
    /// The longest silence inside a request body.
    pub body_idle: Duration,
    /// Bytes per second of a request body, once the client is `body_idle` behind.
    pub body_rate: u64,
    /// The longest time a client may take nothing of what is written to it. What it takes at less than 500 bytes per second buys no
    /// more than that share of the time. Over HTTP/2 also the time for each piece of an answer, up to 64 KiB.
    pub write_idle: Duration,
}

impl ListenerSettings {
    /// A plain listener with the defaults of the configuration file.
    pub fn new(listen: SocketAddr) -> ListenerSettings {
        ListenerSettings {
            listen,
            tls: None,
            redirect_port: None,
            proxy_protocol: ProxyProtocol::Never,
            trusted: Arc::from([]),
            head: HeadLimits {
                within: Duration::from_secs(10),
                size: 32 * 1024,
                fields: 100,
            },
            keep_alive_idle: Duration::from_secs(75),
            keep_alive_requests: 1000,
            tls_handshake: Duration::from_secs(10),
            http2: Http2Limits {
                streams: 100,
                idle: Duration::from_secs(75),
                pending_resets: 20,
                resets: 500,
            },
            body_idle: Duration::from_secs(10),
            body_rate: 500,
            write_idle: Duration::from_secs(30),
        }
    }

    /// Whether the PROXY protocol header of this peer is believed.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted.iter().any(|net| net.contains(&peer))
    }
}
