//! One request on its way: the snapshot it began with, who sent it, where it goes, what became of it.
//!
//! An exchange lives from the request's head to its log line. What it holds is released when it is dropped, so a request that is
//! cut off in the middle gives back everything (`guards`).

mod asked;
mod timings;

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

use http::Method;

pub use asked::Asked;
pub use timings::Timings;

use crate::front_door::Connection;
use crate::gateway::account;
use crate::gateway::interaction::Interaction;
use crate::gateway::people::Awaited;
use crate::limits::Address;
use crate::reason::Reason;
use crate::request_id::RequestId;
use crate::rewrite::{PathMap, PublicOrigin, Scheme};
use crate::routing::fail_over;
use crate::runtime::Runtime;
use crate::snapshot::{Route, Snapshot};
use crate::upstream::{Timeouts, Upstream};

/// The context of one request.
pub struct Exchange {
    /// What the file said when the request began. A reload does not touch it.
    pub snapshot: Arc<Snapshot>,
    /// What the client asked for, for the log.
    pub asked: Option<Asked>,
    /// The connection it came over.
    pub connection: Option<Arc<Connection>>,
    /// What finds this request in the log.
    pub id: RequestId,
    /// When each step was, and how many bytes passed.
    pub timings: Timings,
    /// The client's address, behind trusted proxies the one they vouch for.
    pub client: Option<IpAddr>,
    /// How limits know the client; `None` if none holds for it.
    pub counted_as: Option<Address>,
    /// Whether the peer itself is a trusted proxy, so that what it says of the client is believed.
    pub peer_trusted: bool,
    /// Who is signed in, once a server's answer has shown it.
    pub user: Option<Arc<str>>,
    /// The route it took, once that is known.
    pub route: Option<Arc<Route>>,
    /// The server it goes to, once that is known.
    pub call: Option<Call>,
    /// Why the gateway answered by itself, if it did.
    pub refused: Option<Reason>,
    /// The limit that refused it.
    pub limit: Option<String>,
    /// What the client was answered; 0 before that.
    pub status: u16,
    /// The stream that it has become.
    pub stream: Option<Stream>,
    /// Whom to tell how it ended, as long as that is not done.
    pub untold: Option<Arc<Runtime>>,
    /// How many connections to its server have been tried.
    pub tries: usize,
    /// The servers of its route that did not take it.
    pub asked_servers: fail_over::Asked,
    /// Whether it is sent for the second time, because the first connection was closed before any answer.
    pub repeated: bool,
    /// How many 1xx answers the server has given.
    pub interim: usize,
    /// A small answer kept for the kind to look at when it is complete.
    pub observed: Option<Vec<u8>>,
    /// What it does to a chat or callback.
    pub interaction: Option<Box<Interaction>>,
    /// What the answer's body has yet to say of a user's session.
    pub awaited: Option<Box<Awaited>>,
    /// Released when the request is over, however it ends: counts of streams, places in limits.
    pub guards: Vec<Box<dyn Any + Send + Sync>>,
}

impl Exchange {
    /// The beginning of a request.
    pub fn new(snapshot: Arc<Snapshot>, connection: Option<Arc<Connection>>) -> Self {
        Exchange {
            snapshot,
            asked: None,
            connection,
            id: RequestId::next(),
            timings: Timings::begin(),
            client: None,
            counted_as: None,
            peer_trusted: false,
            user: None,
            route: None,
            call: None,
            refused: None,
            limit: None,
            status: 0,
            stream: None,
            untold: None,
            tries: 0,
            asked_servers: fail_over::Asked::default(),
            repeated: false,
            interim: 0,
            observed: None,
            interaction: None,
            awaited: None,
            guards: Vec::new(),
        }
    }

    /// The answer is one without an end: what has led here may go with the next reload.
    pub fn lasts(&mut self) {
        self.snapshot = self.snapshot.without_hosts();
    }

    /// The route's name for logs and metrics, `-` where no route matched.
    pub fn route_name(&self) -> &str {
        self.route.as_ref().map_or("-", |route| &route.name)
    }
}

/// A request that is cut off in its middle reaches no hook any more; it is told of all the same.
impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(runtime) = self.untold.take() {
            account::is_cut(self, &runtime);
        }
    }
}

/// What a request has become that does not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// A WebSocket.
    WebSocket,
    /// An event stream.
    EventStream,
}

/// A request that has found its route and server.
#[derive(Clone)]
pub struct Call {
    /// The route.
    pub route: Arc<Route>,
    /// The server.
    pub upstream: Arc<Upstream>,
    /// How long it may be silent on this route.
    pub timeouts: Timeouts,
    /// Its method.
    pub method: Method,
    /// The scheme the browser used.
    pub scheme: Scheme,
    /// Host and port as the client wrote them.
    pub authority: String,
    /// Path and query exactly as the client sent them.
    pub public_target: String,
    /// The prefix the client sees, its slash included: for instance `/us/icserver1/`.
    pub public_prefix: String,
    /// The prefix the server sees instead: for instance `/`.
    pub inner_prefix: String,
    /// Path and query for the server: the client's bytes behind the server's prefix.
    pub inner_target: String,
    /// Whether the peer is a trusted proxy.
    pub peer_trusted: bool,
}

impl Call {
    /// The path the server sees, without the query.
    pub fn inner_path(&self) -> &str {
        self.inner_target
            .split_once('?')
            .map_or(&self.inner_target, |(path, _)| path)
    }

    /// The origin the browser sees.
    ///
    /// # Errors
    /// The host is not a host; routing has excluded that.
    pub fn public(&self) -> Result<PublicOrigin<'_>, Reason> {
        PublicOrigin::new(self.scheme, &self.authority).map_err(|_| Reason::BadHost)
    }

    /// The route's mapping, for the way back.
    ///
    /// # Errors
    /// A prefix that cannot stand in a cookie or a URL; routing has excluded that.
    pub fn path_map(&self) -> Result<PathMap<'_>, Reason> {
        let scope = self.upstream.facts.kind.scope();
        PathMap::new(&self.public_prefix, &self.inner_prefix, scope).map_err(|_| Reason::Internal)
    }
}
