//! No server is the gateway itself, as far as the file tells. What a name turns out to be is refused when it is connected to
//! (`gateway::itself`).
//!
//! ```text
//! p.yaml:4:15: error: this is the gateway's own admin listener, which a route would open to everybody
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use indexmap::IndexMap;

use super::At;
use super::admin::Admin;
use super::decode::Context;
use super::listeners::Listener;
use super::servers::Server;
use super::value::ServerName;
use crate::diagnostic::{Diagnostic, Place};
use crate::itself::reaches;

/// Checks every server.
pub(super) fn check(
    servers: &IndexMap<At<ServerName>, Server>,
    admin: Option<&Admin>,
    listeners: &[Listener],
    cx: &mut Context<'_>,
) {
    let admin = admin.map(|admin| {
        (
            &admin.listen,
            "admin listener, which a route would open to everybody",
        )
    });
    let public = listeners.iter().map(|listener| {
        let what = "listener, so that a request would go round in circles";
        (&listener.listen, what)
    });
    let own: Vec<_> = admin.into_iter().chain(public).collect();
    for server in servers.values() {
        let to = addresses(server);
        let reached = |(at, _): &&(&At<_>, _)| to.iter().any(|to| reaches(***at, *to, None));
        if let Some((at, what)) = own.iter().find(reached) {
            let place: Option<Place> = server.url.place;
            cx.note(
                Diagnostic::new(place, format!("this is the gateway's own {what}"))
                    .related(at.place, "it listens here")
                    .remedy("write the address of the machine that does the work"),
            );
        }
    }
}

/// Where it is reached for sure; nothing if only a name server knows.
fn addresses(server: &Server) -> Vec<SocketAddr> {
    let url = &server.url;
    let ips: Vec<IpAddr> = match url.host.ip() {
        Some(ip) => vec![ip],
        // RFC 6761, 6.3.
        None if url.host.as_str().eq_ignore_ascii_case("localhost") => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        None => Vec::new(),
    };
    ips.into_iter()
        .map(|ip| SocketAddr::new(ip, server.port()))
        .collect()
}
