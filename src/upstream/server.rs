//! One server of the file, compiled: everything a request needs to reach it, prepared once.
//!
//! The pool's key in Pingora holds the address, the TLS name and the client certificate but not the CA
//! (`pingora-core` upstreams/peer.rs, `impl Hash for HttpPeer`), so `group_key` is a digest of all that identifies the server and
//! how it is verified: two servers, two CAs or two identities never share a connection, and a reload that changes any of them
//! starts with fresh ones. How long a connection may lie unused is part of it too.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use pingora_core::connectors::L4Connect;
use pingora_core::protocols::{ALPN, TcpKeepalive};
use pingora_core::upstreams::peer::{HttpPeer, HttpUpstreamRequestPolicy};

use super::health::{Rule, ServerHealth};
use super::instant_upgrade::InstantUpgrade;
use super::resolve::Addresses;
use super::tls::{ClientIdentity, Trust};
use crate::kinds::Kind;
use crate::limits::interactions::Pair;
use crate::observe::metrics::UpstreamMeter;
use crate::reason::Reason;
use crate::rewrite::Origin;

/// The most addresses of one server that one request tries.
pub const TRIES: usize = 3;
/// A connection that the server was just closing shows it within a round trip. One that broke later had a server working on the
/// request.
pub const AT_ONCE: Duration = Duration::from_millis(500);

/// How long a server may be silent. Each is the time of one step, not of the whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timeouts {
    /// TCP connect and TLS handshake together. A name with several addresses shares it among those that are tried.
    pub connect: Duration,
    /// The longest silence before and within an answer.
    pub response: Duration,
    /// The longest silence of an event stream or a WebSocket, in either direction.
    pub stream: Duration,
    /// How long an unused connection is kept for the next request. Below the server's own keep-alive time, so that a POST
    /// never meets a connection that the server is just closing.
    pub pooled: Duration,
}

impl Timeouts {
    /// The longest time from a request's head to the beginning of its answer, or of the gateway's own in its place.
    pub fn longest_wait(&self) -> Duration {
        // All addresses share the time to connect, and a repeat happens at once or not at all.
        AT_ONCE + self.connect + self.response
    }
}

/// What a request is, as far as waiting for the server goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// A request with one answer.
    Answer,
    /// An event stream: silence is normal.
    EventStream,
    /// A WebSocket: a connection of its own, silence is normal.
    Upgrade,
}

/// A server that the gateway may connect to.
pub struct Upstream {
    /// What the file says of it.
    pub facts: Facts,
    /// What is counted of it.
    pub meter: UpstreamMeter,
    addresses: Arc<Addresses>,
    template: HttpPeer,
}

/// What [`Upstream::new`] needs besides the plain facts.
pub struct Reach {
    /// The addresses of the URL's host.
    pub addresses: Arc<Addresses>,
    /// `None` for plain HTTP.
    pub tls: Option<ReachTls>,
}

/// How the server proves itself, and we ourselves.
pub struct ReachTls {
    /// The DNS name the certificate must carry. Never empty: an empty name would switch verification off.
    pub name: String,
    /// Who vouches for the certificate; `None` is the system's roots.
    pub trust: Option<Trust>,
    /// Our own certificate, for servers that want one.
    pub identity: Option<ClientIdentity>,
    /// Take any certificate. Logged loudly by the caller.
    pub insecure: bool,
}

/// What the file says of a server, with its kind's defaults filled in.
pub struct Facts {
    /// Its name in the file, as written there.
    pub name: Arc<str>,
    /// The protocol it speaks.
    pub kind: &'static dyn Kind,
    /// What `Host` says to it.
    pub host: HeaderValue,
    /// `https://name:port/` as the file has it, for `explain` and logs.
    pub url: String,
    /// Its own origins, which must not reach a browser in a Location. Empty if the file wants absolute ones left alone.
    pub origins: Vec<Origin>,
    /// Its own host names, removed from the Domain of its cookies. Empty for kinds whose cookies change in nothing but the Path.
    pub cookie_domains: Vec<Box<str>>,
    /// Timeouts of the server; a route may have its own.
    pub timeouts: Timeouts,
    /// Add `Secure` to its cookies when the public side is https.
    pub secure_cookies: bool,
    /// `webtools`: turn the server's 500 and 504 into 502: see `kinds::webtools`.
    pub server_errors_as_502: bool,
    /// Whether TLS 1.2 from the server is refused. Checked when the handshake is complete, before anything is sent.
    pub only_tls_1_3: bool,
    /// The switchover pair it belongs to.
    pub pair: Option<String>,
    /// Chats and callbacks of the pair; `None` for kinds without them.
    pub interactions: Option<Arc<Pair>>,
    /// Whether requests may become WebSockets.
    pub websocket: bool,
    /// How it is probed; `None`: it is not.
    pub probe: Option<Rule>,
    /// What is known of its health.
    pub health: Arc<ServerHealth>,
}

impl Upstream {
    /// Compiles a server.
    pub fn new(facts: Facts, reach: Reach) -> Self {
        let template = template(&facts, &reach);
        Upstream {
            facts,
            meter: UpstreamMeter::default(),
            addresses: reach.addresses,
            template,
        }
    }

    /// The peer for one request, with the address to try now. `fresh` asks for a connection that nothing was sent on before.
    ///
    /// # Errors
    /// [`Reason::UpstreamUnresolved`] while the name has no address.
    pub fn peer(
        &self,
        wait: Wait,
        timeouts: &Timeouts,
        fresh: bool,
    ) -> Result<Box<HttpPeer>, Reason> {
        let address = self.addresses.first().ok_or(Reason::UpstreamUnresolved)?;
        let mut peer = Box::new(self.template.clone());
        peer._address = address.into();
        // A connection lies in the pool for as long as the last request on it wanted: one that wants it shorter must not find it.
        let mut digest = DefaultHasher::new();
        (peer.group_key, timeouts.pooled).hash(&mut digest);
        peer.group_key = digest.finish();
        let options = &mut peer.options;
        // Shared, so that an address that does not answer leaves time for the next, and the client's patience holds for all.
        let tried = u32::try_from(self.addresses.count().clamp(1, TRIES)).unwrap_or(1);
        let connect = timeouts.connect / tried;
        options.connection_timeout = Some(connect);
        options.total_connection_timeout = Some(connect);
        options.idle_timeout = Some(timeouts.pooled);
        options.write_timeout = Some(timeouts.response);
        options.read_timeout = Some(match wait {
            Wait::Answer => timeouts.response,
            Wait::EventStream | Wait::Upgrade => timeouts.stream,
        });
        if !self.facts.websocket {
            // The request goes on without its Upgrade; a 101 to it would be refused.
            options.http_upstream_request_policy = HttpUpstreamRequestPolicy::deny_upgrades();
        }
        if wait == Wait::Upgrade {
            // Never one without the cure (see `instant_upgrade`).
            options.custom_l4 = Some(upgrade_connector(connect));
        }
        if fresh || wait == Wait::Upgrade {
            // Under a key of its own where nothing is ever put back: neither taken from the pool nor given to it.
            peer.group_key ^= APART;
            options.idle_timeout = Some(Duration::ZERO);
        }
        Ok(peer)
    }

    /// The address did not accept a connection: the next try goes to the server's next address.
    /// Returns whether there is another one.
    pub fn avoid(&self, failed: SocketAddr) -> bool {
        self.addresses.avoid(failed);
        self.addresses.count() > 1
    }

    /// How many addresses the name has now; zero while it has not resolved.
    pub fn addresses(&self) -> usize {
        self.addresses.count()
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.template.is_tls()
    }

    /// Whether the server's certificate is not verified.
    pub fn is_insecure(&self) -> bool {
        self.is_tls() && !self.template.options.verify_cert
    }

    /// The name the certificate must carry, empty for plain HTTP.
    pub fn tls_name(&self) -> &str {
        &self.template.sni
    }
}

const APART: u64 = 0x9e37_79b9_7f4a_7c15;

fn upgrade_connector(connect: Duration) -> Arc<dyn L4Connect + Send + Sync> {
    Arc::new(InstantUpgrade { connect })
}

fn template(facts: &Facts, reach: &Reach) -> HttpPeer {
    let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let name = reach
        .tls
        .as_ref()
        .map_or(String::new(), |tls| tls.name.clone());
    let mut peer = HttpPeer::new(nowhere, reach.tls.is_some(), name);
    let mut digest = DefaultHasher::new();
    (&facts.name, &facts.url, facts.only_tls_1_3).hash(&mut digest);
    if let Some(tls) = &reach.tls {
        // SECURITY: an empty name makes Pingora skip verification without a word; `snapshot::servers` lets none through.
        debug_assert!(tls.insecure || !tls.name.is_empty());
        peer.options.verify_cert = !tls.insecure;
        peer.options.verify_hostname = !tls.insecure;
        if let Some(trust) = &tls.trust {
            trust.digest.hash(&mut digest);
            peer.options.ca = Some(trust.roots.clone());
        }
        if let Some(identity) = &tls.identity {
            identity.digest.hash(&mut digest);
            peer.client_cert_key = Some(identity.pair.clone());
        }
    }
    peer.group_key = digest.finish();
    // ICWS asks for HTTP/1.1 (Web Proxies, "Configuration for Server-Sent Events"), and upgrades exist only there.
    peer.options.alpn = ALPN::H1;
    peer.options.tcp_keepalive = Some(TcpKeepalive {
        idle: Duration::from_secs(30),
        interval: Duration::from_secs(10),
        count: 3,
        user_timeout: Duration::ZERO,
    });
    peer
}
