//! `servers` on a path without `{server}`: servers that stand in for one another. What they must have in common.
//!
//! ```yaml
//! routes:
//!   - { path: /wallboard/, servers: [wall1, wall2] }   # wall1, and wall2 while wall1 is down
//! ```

use indexmap::IndexMap;

use crate::diagnostic::Diagnostic;
use crate::routing::fail_over::MOST;

use super::At;
use super::decode::Context;
use super::hosts::{Host, Route};
use super::servers::{Kind, Server};
use super::value::{HostKey, PathPattern, ServerName};

type Servers = IndexMap<At<ServerName>, Server>;

/// Checks every such route.
pub(super) fn check(servers: &Servers, hosts: &IndexMap<At<HostKey>, Host>, cx: &mut Context<'_>) {
    for route in hosts.values().flat_map(Host::all_routes) {
        let list = route.servers.as_ref();
        if let Some(list) = list.filter(|_| !route.path.has_server())
            && kinds(servers, list, &route.path, cx)
        {
            count(list, cx);
            same_paths(servers, route, list, cx);
        }
    }
}

/// The clients of the vendors' protocols choose a server themselves, and sign in to it. Returns whether all are of kind `http`.
fn kinds(
    servers: &Servers,
    list: &At<Vec<At<ServerName>>>,
    path: &At<PathPattern>,
    cx: &mut Context<'_>,
) -> bool {
    let kind = |name: &At<ServerName>| servers.get(&name.value).map(|server| *server.kind);
    let other = list
        .iter()
        .find_map(|name| kind(name).filter(|kind| *kind != Kind::Http));
    let Some(kind) = other else { return true };
    cx.note(
        Diagnostic::new(
            list.place,
            format!("`servers` of kind `{kind}` need a path in which `{{server}}` says which of them is meant: their clients choose a server themselves, and only servers of kind `http` stand in for one another"),
        )
        .related(path.place, "the path is here")
        .remedy(format!(
            "write `\"{}/{{server}}/\"` as path, or `server: NAME`",
            path.as_str().trim_end_matches('/')
        )),
    );
    false
}

fn count(list: &At<Vec<At<ServerName>>>, cx: &mut Context<'_>) {
    if let Some(first) = list.get(MOST) {
        cx.refuse(
            first.place,
            format!(
                "at most {MOST} servers stand in for one another: a client would not wait for more"
            ),
            "remove it, or write a path with `{server}`",
        );
    }
}

/// A request that goes on to another server asks it for the same path.
fn same_paths(
    servers: &Servers,
    route: &Route,
    list: &At<Vec<At<ServerName>>>,
    cx: &mut Context<'_>,
) {
    let named = |name: &At<ServerName>| {
        servers
            .get(&name.value)
            .map(|server| (name.clone(), server))
    };
    let mut there = list.iter().filter_map(named);
    let Some((first, model)) = there.next() else {
        return;
    };
    for (name, server) in there {
        let different = if server.url.base_path != model.url.base_path {
            "the path of its URL"
        } else if route.expose.is_none() && server.expose != model.expose {
            "its `expose`"
        } else {
            continue;
        };
        cx.note(
            Diagnostic::new(
                name.place,
                format!("`{name}` cannot stand in for `{first}`: {different} is another"),
            )
            .related(first.place, format!("`{first}` is here"))
            .remedy("give both the same, or each a route of its own"),
        );
    }
}
