//! What belongs together across sections. Runs on whatever could be read, so that one wrong key does not hide the rest.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use indexmap::IndexMap;

use crate::diagnostic::Diagnostic;

use super::admin::Admin;
use super::decode::Context;
use super::hosts::Host;
use super::itself;
use super::limits::{COUNTED, Limits};
use super::listeners::Listener;
use super::section::Fields;
use super::servers::{Kind, Server};
use super::stand_ins;
use super::suggest::nearest;
use super::tls::Tls;
use super::tree::{Data, Node};
use super::value::{HostKey, PairName, ServerName};
use super::{At, Sections};

/// Checks all sections against one another.
pub(super) fn sections(sections: Sections<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    let Sections {
        admin,
        listeners,
        tls,
        servers,
        hosts,
        limits,
        ..
    } = sections;
    if servers.is_some() {
        references(cx);
    }
    if let Some(servers) = servers {
        pairs(servers, cx);
        if let Some(hosts) = hosts {
            stand_ins::check(servers, hosts, cx);
        }
        if let Some(limits) = limits {
            totals(limits, servers, cx);
        }
        itself::check(
            servers,
            admin,
            listeners.map_or(&[], |listeners| listeners),
            cx,
        );
    }
    if let (Some(admin), Some(hosts)) = (admin, hosts) {
        names(admin, hosts, cx);
    }
    if let Some(listeners) = listeners {
        addresses(admin, listeners, cx);
        // Whether something is missing can only be said when every listener could be read.
        let written = fields.node("listeners").map_or(0, Node::len);
        if listeners.len() == written {
            tls_listeners(fields, listeners, tls, cx);
            if let Some(hosts) = hosts {
                ports(hosts, listeners, cx);
            }
        }
    }
    let empty_hosts = fields
        .node("hosts")
        .is_some_and(|node| matches!(node.data, Data::Map(_)) && node.len() == 0);
    if empty_hosts {
        cx.refuse(
            fields.key_place("hosts"),
            "without hosts everything is refused",
            "add a host and what is behind it",
        );
    }
}

/// Every server that is named must be declared.
fn references(cx: &mut Context<'_>) {
    for reference in std::mem::take(&mut cx.references) {
        if cx.declared.contains(&*reference) {
            continue;
        }
        let known = cx.declared.iter().map(ServerName::as_str);
        let remedy = match nearest(reference.as_str(), known) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("add `{reference}` to `servers`, with its kind and URL"),
        };
        cx.refuse(
            reference.place,
            format!("there is no server `{reference}`"),
            remedy,
        );
    }
}

/// Servers of one pair speak the same protocol.
fn pairs(servers: &IndexMap<At<ServerName>, Server>, cx: &mut Context<'_>) {
    let mut first: HashMap<&PairName, (&At<ServerName>, Kind)> = HashMap::new();
    for (name, server) in servers {
        let Some(pair) = &server.pair else { continue };
        let (other, kind) = *first.entry(&pair.value).or_insert((name, *server.kind));
        if kind != *server.kind {
            cx.note(
                Diagnostic::new(
                    pair.place,
                    format!(
                        "`{name}` is of kind `{}` and its pair `{pair}` of kind `{kind}`",
                        *server.kind
                    ),
                )
                .related(other.place, "the other server is here")
                .remedy("give pairs of different kinds different names"),
            );
        }
    }
}

/// A total above what all pairs together are counted up to would never be reached.
fn totals(limits: &Limits, servers: &IndexMap<At<ServerName>, Server>, cx: &mut Context<'_>) {
    let Some(interactions) = &limits.interactions else {
        return;
    };
    let counted = servers
        .iter()
        .filter(|(_, server)| matches!(*server.kind, Kind::Webtools | Kind::Icws));
    let pairs: HashSet<&str> = counted
        .map(|(name, server)| {
            server
                .pair
                .as_ref()
                .map_or(name.as_str(), |pair| pair.as_str())
        })
        .collect();
    // Without any there is nothing to be refused, whatever the number.
    let pairs = u32::try_from(pairs.len()).unwrap_or(u32::MAX).max(1);
    let most = pairs.saturating_mul(COUNTED);
    let totals = [
        ("total_chats", &interactions.total_chats),
        ("total_callbacks", &interactions.total_callbacks),
    ];
    for (key, total) in totals {
        let Some(total) = total.as_ref().filter(|total| total.get() > most) else {
            continue;
        };
        cx.refuse(
            total.place,
            format!("`{key}` would never be reached: of each pair {COUNTED} chats and callbacks are counted, and there are {pairs} such pairs or servers"),
            format!("write at most {most}, or remove `{key}`"),
        );
    }
}

/// SECURITY: cookies know no ports, so a browser would send that of an operator's session to the servers behind a host of the same name.
fn names(admin: &Admin, hosts: &IndexMap<At<HostKey>, Host>, cx: &mut Context<'_>) {
    for name in &admin.names {
        let Some(host) = hosts.keys().find(|key| key.host == name.value) else {
            continue;
        };
        cx.note(
            Diagnostic::new(
                name.place,
                format!("`{name}` is a public host as well, so browsers would send an operator's session to its servers"),
            )
            .related(host.place, "the host is here")
            .remedy("give the admin listener a name of its own"),
        );
    }
}

/// Every address is listened on once.
fn addresses(admin: Option<&Admin>, listeners: &[Listener], cx: &mut Context<'_>) {
    let admin = admin.map(|admin| (&admin.listen, "the admin listener"));
    let all: Vec<(&At<SocketAddr>, &str)> = admin
        .into_iter()
        .chain(
            listeners
                .iter()
                .map(|listener| (&listener.listen, "the other listener")),
        )
        .collect();
    for (index, (address, _)) in all.iter().enumerate() {
        let earlier = all
            .iter()
            .take(index)
            .find(|(earlier, _)| overlap(earlier, address));
        if let Some((earlier, what)) = earlier {
            cx.note(
                Diagnostic::new(
                    address.place,
                    format!("`{address}` is taken by {what} on `{earlier}`"),
                )
                .related(earlier.place, "it is here")
                .remedy("keep one of them, or give them different ports"),
            );
        }
    }
}

/// Whether the system would refuse to listen on both. Port 0 is never the same twice.
fn overlap(a: &SocketAddr, b: &SocketAddr) -> bool {
    let same_family = a.is_ipv4() == b.is_ipv4();
    let covers = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && same_family && covers
}

fn tls_listeners(
    fields: &Fields<'_, '_>,
    listeners: &[Listener],
    tls: Option<&Tls>,
    cx: &mut Context<'_>,
) {
    if listeners.is_empty() && fields.node("listeners").is_some() {
        cx.refuse(
            fields.key_place("listeners"),
            "without listeners nobody can reach the gateway",
            "add for example `- { listen: 0.0.0.0:443, tls: {} }`",
        );
    }
    let first_tls = listeners.iter().find_map(|listener| listener.tls.as_ref());
    match first_tls {
        None => {
            for redirect in listeners
                .iter()
                .filter_map(|listener| listener.redirect.as_ref())
            {
                cx.refuse(
                    redirect.place,
                    "this redirects to https, and no listener has `tls`",
                    "add `tls: {}` to a listener, or remove `redirect`",
                );
            }
        }
        Some(listener) => {
            // Certificates that are written but wrong have been reported themselves.
            let wrong = fields
                .node("tls")
                .and_then(|node| node.get("certificates"))
                .is_some_and(|node| node.len() != 0);
            if tls.is_some_and(|tls| tls.certificates.is_empty()) && !wrong {
                cx.refuse(
                    listener.place,
                    "a listener with `tls` needs a certificate, and the section `tls` has none",
                    "add `tls: { certificates: [{ cert: FILE, key: FILE }] }`",
                );
            }
        }
    }
}

/// A host with a port is for the listener with that port.
fn ports(hosts: &IndexMap<At<HostKey>, Host>, listeners: &[Listener], cx: &mut Context<'_>) {
    let ports: HashSet<u16> = listeners
        .iter()
        .filter(|listener| listener.redirect.is_none())
        .map(|listener| listener.listen.port())
        .collect();
    // The port that the system chooses can be any.
    if ports.contains(&0) || listeners.is_empty() {
        return;
    }
    for key in hosts.keys() {
        let Some(port) = key.port.filter(|port| !ports.contains(port)) else {
            continue;
        };
        cx.refuse(
            key.place,
            format!("no listener that forwards has port {port}, so `{key}` cannot be reached"),
            format!(
                "add a listener with port {port}, or write `{}` for all listeners",
                key.host
            ),
        );
    }
}
