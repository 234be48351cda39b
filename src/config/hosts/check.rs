//! What belongs together within one host and one route.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;

use crate::config::At;
use crate::config::decode::Context;
use crate::config::section::Fields;
use crate::diagnostic::Diagnostic;

use super::{HostParts, RouteParts, ServersJsonParts};

/// Checks what could be read of a host.
pub(super) fn host(_: HostParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    not_empty("routes", fields, cx);
}

/// Checks what could be read of a route.
pub(super) fn route(route: RouteParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    server_in_path(route, fields, cx);
    one_target_only(route, fields, cx);
    for key in ["servers", "methods", "expose"] {
        not_empty(key, fields, cx);
    }
    once(route.servers.and_then(Option::as_deref), cx);
    once(route.methods.and_then(Option::as_deref), cx);
}

/// Checks what could be read of the generated list of servers.
pub(super) fn servers_json(
    section: ServersJsonParts<'_>,
    fields: &Fields<'_, '_>,
    cx: &mut Context<'_>,
) {
    not_empty("servers", fields, cx);
    once(section.servers, cx);
}

fn server_in_path(route: RouteParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    let Some(path) = route.path else { return };
    // A list without `{server}` in the path is for servers that stand in for one another: see `config::stand_ins`.
    if path.has_server() && fields.key_place("servers").is_none() {
        cx.refuse(
            path.place,
            "`{server}` in the path takes its value from a list, and there is none",
            "write `servers: [NAME, ...]` instead of one target",
        );
    }
}

/// Keys that only make sense for files, or only for servers.
fn one_target_only(route: RouteParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    let server = fields.key_place("server").or(fields.key_place("servers"));
    match (fields.key_place("files"), server) {
        (Some(_), None) => {
            if let Some(path) = route.path.filter(|path| !path.is_prefix()) {
                let remedy = format!("write `{path}/`");
                cx.refuse(
                    path.place,
                    "`files` is a folder, so its path must end with a slash",
                    remedy,
                );
            }
            for key in ["request_body", "expose", "timeouts", "methods"] {
                if let Some(place) = fields.key_place(key) {
                    let reason = format!(
                        "`{key}` is only for routes to a server; files are read with GET and HEAD"
                    );
                    cx.refuse(place, reason, format!("remove `{key}`"));
                }
            }
        }
        (None, Some(_)) => {
            for key in ["cache", "servers_json"] {
                if let Some(place) = fields.key_place(key) {
                    cx.refuse(
                        place,
                        format!("`{key}` is only for routes with `files`"),
                        format!("remove `{key}`"),
                    );
                }
            }
        }
        // Both or none has been reported already.
        (Some(_), Some(_)) | (None, None) => {}
    }
}

/// An empty list lets nothing through, which nobody means.
fn not_empty(key: &str, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    if let Some(node) = fields.node(key).filter(|node| node.is_empty_list()) {
        cx.refuse(
            node.place,
            format!("`{key}` is an empty list, so everything would be refused"),
            format!("write at least one item, or remove `{key}`"),
        );
    }
}

/// A list has every item once.
fn once<T: Hash + Eq + Display>(items: Option<&At<Vec<At<T>>>>, cx: &mut Context<'_>) {
    let items = items.map_or(&[][..], |items| items.value.as_slice());
    let mut seen: HashSet<&At<T>> = HashSet::with_capacity(items.len());
    for item in items {
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
