//! The decision about one request, from plain facts: what the gateway does and what `explain` says come from here.

use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::{HostError, PathRefusal, fail_over, judge};
use crate::files::Site;
use crate::reason::Reason;
use crate::snapshot::{Behind, Host, Route, Snapshot, Target};
use crate::upstream::{Timeouts, Upstream};

/// What a request says of its goal.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Its Host or `:authority`.
    pub host: &'a str,
    /// The listener's port in the file.
    pub port: u16,
    /// The server name of the TLS handshake, in lower case.
    pub sni: Option<&'a str>,
    /// Its method.
    pub method: &'a Method,
    /// Its path, as sent.
    pub path: &'a str,
    /// Its query, as sent, without the question mark.
    pub query: Option<&'a str>,
}

/// Where a request goes.
pub struct Decision {
    /// The route that took it.
    pub route: Arc<Route>,
    /// What is behind the route.
    pub goal: Goal,
}

/// What is behind a route.
pub enum Goal {
    /// A server.
    Server {
        /// The one, with its timeouts on this route.
        upstream: Arc<Upstream>,
        /// Those.
        timeouts: Timeouts,
        /// What it is asked for.
        path: Mapped,
    },
    /// Files.
    Files {
        /// The folder and its rules.
        site: Arc<Site>,
        /// The path below the route's prefix, as sent, with its query.
        path: String,
    },
}

/// A path on its way from one side to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The prefix as the client wrote it, with its slash.
    pub public_prefix: String,
    /// What stands in its place for the server, with its slash.
    pub inner_prefix: String,
    /// Path and query for the server.
    pub inner: String,
}

/// Why a request is refused.
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// The route that would have taken it, so that it is refused in the form its clients understand.
    pub route: Option<Arc<Route>>,
    /// More than the reason says, for the log and for `explain`, never for the client.
    pub detail: Option<String>,
    /// After which time the same request may pass.
    pub retry_after: Option<Duration>,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Refusal {
            reason,
            route: None,
            detail: None,
            retry_after: None,
        }
    }
}

/// Finds the route of a request, and what its server is asked for.
///
/// # Errors
/// Why there is none.
pub fn decide(snapshot: &Snapshot, incoming: &Incoming<'_>) -> Result<Decision, Refusal> {
    let host = host(snapshot, incoming)?;
    let judged = judge(&host.routes, incoming.path).map_err(|refusal| refused(host, &refusal))?;
    let route = judged.route.clone();
    if route
        .methods
        .as_ref()
        .is_some_and(|methods| !methods.contains(incoming.method))
    {
        return Err(Refusal {
            route: Some(route),
            ..Reason::MethodNotAllowed.into()
        });
    }
    let goal = match &route.target {
        Target::Files(site, _) => Goal::Files {
            site: site.clone(),
            path: with_query(judged.rest.to_owned(), incoming.query),
        },
        Target::Servers(servers) | Target::InTurn(servers) => {
            let position = match &route.target {
                Target::InTurn(_) => in_turn(servers),
                _ => judged.server.unwrap_or(0),
            };
            let behind = servers.get(position).ok_or(Reason::Internal)?;
            let path = Mapped {
                public_prefix: judged.public_prefix.to_owned(),
                inner_prefix: judged.inner_prefix.to_owned(),
                inner: with_query(judged.inner_path(), incoming.query),
            };
            Goal::Server {
                upstream: behind.upstream.clone(),
                timeouts: behind.timeouts,
                path,
            }
        }
    };
    Ok(Decision { route, goal })
}

/// Which of the servers that stand in for one another a request goes to first.
fn in_turn(servers: &[Behind]) -> usize {
    let usable = |at: usize| servers.get(at).is_some_and(Behind::is_usable);
    fail_over::next(servers.len(), fail_over::Asked::default(), usable).unwrap_or(0)
}

/// Where a listener that only redirects sends a request: the same host and path over https.
///
/// # Errors
/// The host is unknown, so that nobody is sent where we do not serve.
pub fn redirect(
    snapshot: &Snapshot,
    incoming: &Incoming<'_>,
    port: u16,
) -> Result<String, Refusal> {
    snapshot.names.find(incoming.host, 0).map_err(bad_host)?;
    let port = if port == 443 {
        String::new()
    } else {
        format!(":{port}")
    };
    let path = with_query(incoming.path.to_owned(), incoming.query);
    Ok(format!(
        "https://{}{port}{path}",
        without_port(incoming.host)
    ))
}

fn host<'s>(snapshot: &'s Snapshot, incoming: &Incoming<'_>) -> Result<&'s Host, Refusal> {
    let found = snapshot.hosts.find(incoming.host, incoming.port);
    if let (Some(sni), Ok(_) | Err(HostError::Unknown)) = (incoming.sni, &found) {
        // SECURITY: what was decided for the name in the handshake must not serve another host (RFC 9110, 7.4).
        let host = without_port(incoming.host);
        if !host
            .strip_suffix('.')
            .unwrap_or(host)
            .eq_ignore_ascii_case(sni)
        {
            return Err(Reason::Misdirected.into());
        }
    }
    found.map(|host| &**host).map_err(bad_host)
}

fn bad_host(error: HostError) -> Refusal {
    let reason = match error {
        HostError::Bad(_) => Reason::BadHost,
        HostError::Unknown => Reason::UnknownHost,
    };
    Refusal {
        detail: Some(error.to_string()),
        ..reason.into()
    }
}

fn refused(host: &Host, refusal: &PathRefusal) -> Refusal {
    let (reason, route) = match refusal {
        PathRefusal::Bad(_) | PathRefusal::Ambiguous(_) => (Reason::AmbiguousPath, None),
        PathRefusal::UnknownPath => (Reason::UnknownPath, None),
        PathRefusal::UnknownServer { route, .. } => (Reason::UnknownServer, Some(*route)),
        PathRefusal::NotExposed { route, .. } => (Reason::NotExposed, Some(*route)),
    };
    Refusal {
        route: route
            .and_then(|index| host.routes.routes().nth(index))
            .map(|(_, route)| route.clone()),
        detail: Some(format!("{}: {refusal}", host.name)),
        ..reason.into()
    }
}

/// `host` or `[v6]` of `host:port`; the text has been parsed as a host before.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, _)) if !authority.ends_with(']') => host,
        _ => authority,
    }
}

fn with_query(mut path: String, query: Option<&str>) -> String {
    if let Some(query) = query {
        path.push('?');
        path.push_str(query);
    }
    path
}
