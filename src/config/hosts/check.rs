//! What belongs together within one host and one route.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;

use crate::config::At;
use crate::config::decode::Context;
use crate::diagnostic::{Diagnostic, Place};

use super::{Host, Route, ServersJson};

/// Checks a host whose keys are each right.
pub(super) fn host(host: &mut Host, _: Place, cx: &mut Context<'_>) {
    // A list that is empty because its routes were wrong is not called empty as well.
    if let Some(routes) = host.routes.as_ref().filter(|routes| routes.is_empty())
        && cx.found.is_empty()
    {
        cx.refuse(
            routes.place,
            "a host without routes refuses everything",
            "add a route, or remove the host",
        );
    }
}

/// Checks a route whose keys are each right.
pub(super) fn route(route: &mut Route, _: Place, cx: &mut Context<'_>) {
    server_in_path(route, cx);
    files_only(route, cx);
    server_only(route, cx);
    if let Some(servers) = &route.servers {
        list(servers, "servers", cx);
    }
    if let Some(methods) = &route.methods {
        list(methods, "methods", cx);
    }
}

fn server_in_path(route: &Route, cx: &mut Context<'_>) {
    let named = route.path.has_server();
    if named && route.servers.is_none() {
        cx.refuse(
            route.path.place,
            "`{server}` in the path takes its value from a list, and there is none",
            "write `servers: [NAME, ...]` instead of one target",
        );
    }
    if let (false, Some(servers)) = (named, &route.servers) {
        cx.note(
            Diagnostic::new(
                servers.place,
                "`servers` needs a path in which `{server}` says which of them is meant",
            )
            .related(route.path.place, "the path is here")
            .remedy(format!(
                "write `\"{}/{{server}}/\"` as path, or `server: NAME`",
                route.path.as_str().trim_end_matches('/')
            )),
        );
    }
}

fn files_only(route: &Route, cx: &mut Context<'_>) {
    if route.files.is_some() {
        if !route.path.is_prefix() {
            cx.refuse(
                route.path.place,
                "`files` is a folder, so its path must end with a slash",
                format!("write `{}/`", *route.path),
            );
        }
        return;
    }
    let cache = route.cache.as_ref().map(|at| ("cache", at.place));
    let servers_json = route
        .servers_json
        .as_ref()
        .map(|at| ("servers_json", at.place));
    for (key, place) in [cache, servers_json].into_iter().flatten() {
        cx.refuse(
            place,
            format!("`{key}` is only for routes with `files`"),
            format!("remove `{key}`"),
        );
    }
}

fn server_only(route: &Route, cx: &mut Context<'_>) {
    if route.files.is_none() {
        return;
    }
    let request_body = route
        .request_body
        .as_ref()
        .map(|at| ("request_body", at.place));
    let expose = route.expose.as_ref().map(|at| ("expose", at.place));
    let timeouts = route.timeouts.as_ref().map(|at| ("timeouts", at.place));
    let methods = route.methods.as_ref().map(|at| ("methods", at.place));
    for (key, place) in [request_body, expose, timeouts, methods]
        .into_iter()
        .flatten()
    {
        cx.refuse(
            place,
            format!("`{key}` is only for routes to a server; files are read with GET and HEAD"),
            format!("remove `{key}`"),
        );
    }
}

/// Checks the generated list of servers.
pub(super) fn servers_json(section: &mut ServersJson, _: Place, cx: &mut Context<'_>) {
    list(&section.servers, "servers", cx);
}

/// A list that must not be empty and has every item once.
fn list<T: Hash + Eq + Display>(items: &At<Vec<At<T>>>, key: &str, cx: &mut Context<'_>) {
    if items.is_empty() && cx.found.is_empty() {
        cx.refuse(
            items.place,
            format!("`{key}` is empty"),
            format!("name at least one, or remove `{key}`"),
        );
    }
    let mut seen: HashSet<&At<T>> = HashSet::with_capacity(items.len());
    for item in items.iter() {
        if let Some(first) = seen.get(item) {
            cx.note(
                Diagnostic::new(item.place, format!("`{item}` is in the list twice"))
                    .related(first.place, "the first one is here")
                    .remedy("remove one of them"),
            );
        }
        seen.insert(item);
    }
}
