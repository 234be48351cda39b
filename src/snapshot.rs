//! The file, compiled: host map, routes, servers, certificates, listeners. Immutable, and replaced whole.
//!
//! Everything that a request would otherwise do again and again is done here once. Whatever the file's own reader could not know,
//! because it needs the files it names or two sections at once, is checked here and reported with the place of the value.

mod access_log;
mod admin;
mod draft;
mod folders;
mod hosts;
mod interactions;
pub(crate) mod lifecycle;
mod limits;
mod listeners;
mod pem;
mod people;
mod servers;

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use http::{HeaderName, HeaderValue, Method};
use ipnet::IpNet;

pub use admin::Admin;
pub use interactions::Interactions;
pub use lifecycle::Lifecycle;
pub use limits::{Limits, Scoped};
pub use people::People;

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::files::Site;
use crate::front_door::ListenerSettings;
use crate::kinds::Kind;
use crate::observe::access_log::Targets;
use crate::observe::metrics::RouteMeter;
use crate::routing::{Exposes, HostMap, Mapping, RouteTable};
use crate::runtime::Runtime;
use crate::upstream::tls::{Contents, TlsFiles};
use crate::upstream::{Timeouts, Upstream};

/// What the file says.
pub struct Snapshot {
    /// The public addresses.
    pub listeners: Vec<ListenerSettings>,
    /// The admin listener, and who is let in there.
    pub admin: Arc<Admin>,
    /// Whose word is believed about who the client is.
    pub client_address: ClientAddress,
    /// Every server of the file, whether a route leads to it or not, in the file's order.
    pub upstreams: Vec<Arc<Upstream>>,
    /// Public names with and without a port.
    pub hosts: HostMap<Arc<Host>>,
    /// The same names without any port: what a redirecting listener may send a browser to.
    pub names: HostMap<()>,
    /// What one client address may use.
    pub limits: Limits,
    /// Limits of chats and callbacks.
    pub interactions: Interactions,
    /// Who is connected.
    pub people: People,
    /// How the process ends.
    pub lifecycle: Lifecycle,
    /// Where lines of the access log go.
    pub access_log: Targets,
    /// What was in the files of certificates, keys and other secrets that it was made from.
    pub contents: Contents,
    folders: Vec<PathBuf>,
    without_hosts: OnceLock<Arc<Snapshot>>,
}

/// What runs while another configuration is compiled: what has not changed is taken over from it.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// The configuration that `snapshot` was compiled from.
    pub config: &'a Config,
    /// What runs.
    pub snapshot: &'a Snapshot,
}

/// Whose word is believed about who the client is.
#[derive(Clone)]
pub struct ClientAddress {
    /// The header with the chain of addresses.
    pub header: HeaderName,
    /// The proxies in front of the gateway.
    pub trusted: Arc<[IpNet]>,
}

impl ClientAddress {
    /// Whether `peer` is a proxy in front of the gateway.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted.iter().any(|network| network.contains(&peer))
    }
}

/// A public name.
pub struct Host {
    /// As the file has it.
    pub name: String,
    /// What is below it.
    pub routes: RouteTable<Arc<Route>>,
}

/// A path of a host, and what is behind it.
pub struct Route {
    /// Host and path as the file has them: the route's name in logs and metrics.
    pub name: String,
    /// What is behind it.
    pub target: Target,
    /// The methods let through, all of the gateway's if there is no list.
    pub methods: Option<Vec<Method>>,
    /// The largest request body, in bytes.
    pub body_limit: u64,
    /// What one client address may ask of it, and of everything that it is a part of.
    pub limits: Scoped,
    /// What is counted of it.
    pub meter: RouteMeter,
}

/// What is behind a route.
pub enum Target {
    /// A server, or one of several that the path names.
    Servers(Vec<Behind>),
    /// Servers that stand in for one another: the first of them that works. All map paths in the same way.
    InTurn(Vec<Behind>),
    /// Files, and the mapping that judges paths to them.
    Files(Arc<Site>, Mapping),
}

/// One server behind a route.
pub struct Behind {
    /// The name that stands for it in the path.
    pub name: Arc<str>,
    /// The server.
    pub upstream: Arc<Upstream>,
    /// How paths map to it and which it exposes here.
    pub mapping: Arc<Mapping>,
    /// Its timeouts here.
    pub timeouts: Timeouts,
}

impl Behind {
    /// Whether a request that may choose should choose it.
    pub fn is_usable(&self) -> bool {
        self.upstream.facts.health.is_usable()
    }
}

impl Target {
    /// The protocol of the servers; `None` for files.
    fn kind(&self) -> Option<&'static dyn Kind> {
        match self {
            Target::Servers(servers) | Target::InTurn(servers) => {
                servers.first().map(|behind| behind.upstream.facts.kind)
            }
            Target::Files(..) => None,
        }
    }
}

impl Route {
    /// The protocol behind the route; `None` for files. All servers of one route are of one kind.
    pub fn kind(&self) -> Option<&'static dyn Kind> {
        self.target.kind()
    }

    /// The route's own list of methods, as an `Allow` field says it (RFC 9110, 10.2.1).
    pub fn allow(&self) -> Option<HeaderValue> {
        let methods: Vec<&str> = self.methods.as_ref()?.iter().map(Method::as_str).collect();
        HeaderValue::try_from(methods.join(", ")).ok()
    }

    /// Whether the route leads to a server with this name, as a client would write it.
    pub fn reaches(&self, name: &str) -> bool {
        match &self.target {
            Target::Servers(servers) | Target::InTurn(servers) => servers
                .iter()
                .any(|behind| behind.name.eq_ignore_ascii_case(name)),
            Target::Files(..) => false,
        }
    }
}

/// PERF: an `Arc` in the table, so that a request keeps its route with one count and no look-up.
impl Exposes for Arc<Route> {
    fn mapping(&self, server: Option<usize>) -> &Mapping {
        match &self.target {
            Target::Files(_, mapping) => mapping,
            // The table is built from as many names as there are servers, at least one.
            Target::Servers(servers) | Target::InTurn(servers) => {
                &servers[server.unwrap_or(0)].mapping
            }
        }
    }
}

impl Snapshot {
    /// Compiles a configuration. Must be called inside a tokio runtime: names begin to be looked up.
    ///
    /// # Errors
    /// Everything that is wrong, at once; nothing has taken effect then.
    pub fn compile(config: &Config, runtime: &Runtime) -> Result<Self, Vec<Diagnostic>> {
        Snapshot::compile_over(config, runtime, None)
    }

    /// The rules that hold for a request to its end, without the tables that found its way.
    ///
    /// PERF: for what lasts. A WebSocket that was opened before a hundred reloads holds on to its route, and not to ten thousand hosts.
    pub fn without_hosts(&self) -> Arc<Snapshot> {
        let rules = || Snapshot {
            listeners: Vec::new(),
            admin: self.admin.clone(),
            client_address: self.client_address.clone(),
            upstreams: Vec::new(),
            hosts: HostMap::default(),
            names: HostMap::default(),
            limits: self.limits.clone(),
            interactions: self.interactions.clone(),
            lifecycle: self.lifecycle.clone(),
            people: self.people.without_places(),
            access_log: Targets::default(),
            contents: Contents::default(),
            folders: Vec::new(),
            without_hosts: OnceLock::new(),
        };
        let made = self.without_hosts.get_or_init(|| Arc::new(rules()));
        made.clone()
    }

    /// Whether every folder that it serves is still there: what else a start would stumble over has not changed with the file.
    pub fn is_whole(&self) -> bool {
        self.folders.iter().all(|folder| folder.is_dir())
    }

    /// The same with what runs at hand: servers and hosts that are the same in both stay the same objects.
    ///
    /// # Errors
    /// As [`Snapshot::compile`].
    pub fn compile_over(
        config: &Config,
        runtime: &Runtime,
        before: Option<Before<'_>>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let files = TlsFiles::default();
        let upstreams = servers::compile(config, runtime, before, &files, &mut wrong);
        let hosts = hosts::compile(config, &upstreams, runtime, before, &mut wrong);
        let listeners = listeners::compile(config, runtime, &files, &mut wrong);
        let admin = admin::compile(config, &files, &mut wrong);
        let lifecycle = lifecycle::compile(config, &mut wrong);
        let access_log = access_log::compile(config, &files, &mut wrong);
        let (Some((hosts, names)), true) = (hosts, wrong.is_empty()) else {
            return Err(once(wrong));
        };
        Ok(Snapshot {
            listeners,
            admin,
            client_address: ClientAddress {
                header: config.client_address.header.get().clone(),
                trusted: trusted(config),
            },
            people: people::compile(config, upstreams.values()),
            upstreams: upstreams.into_values().collect(),
            hosts,
            names,
            limits: limits::compile(config),
            interactions: interactions::compile(config, runtime),
            lifecycle,
            access_log,
            contents: files.contents(),
            folders: folders::all(config),
            without_hosts: OnceLock::new(),
        })
    }
}

/// A server or a certificate that several routes or listeners use is wrong once.
fn once(wrong: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = HashSet::with_capacity(wrong.len());
    wrong
        .into_iter()
        .filter(|found| seen.insert((found.place, found.message.clone())))
        .collect()
}

fn trusted(config: &Config) -> Arc<[IpNet]> {
    config
        .client_address
        .trusted_proxies
        .iter()
        .map(|network| ***network)
        .collect()
}
