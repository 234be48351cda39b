//! The `hosts` section, compiled: route tables and the host map.

mod behind;
mod kept;
mod site;

use std::collections::HashSet;
use std::sync::Arc;

use behind::{Narrowing, Prepared};
use http::Method;

use super::draft::{Draft, conflict};
use super::folders::Folders;
use super::limits::ForRoutes;
use super::servers::Upstreams;
use super::{Before, Host, Route, Target};
use crate::config::{self, At, Config};
use crate::diagnostic::{Diagnostic, Place};
use crate::every_core;
use crate::files::SiteRules;
use crate::observe::metrics::RouteMeter;
use crate::routing::{HostKey, HostMap, PathPattern, RouteTable};
use crate::runtime::Runtime;

/// The map of hosts, and the names in it without their ports.
type Hosts = (HostMap<Arc<Host>>, HostMap<()>);

pub(super) fn compile(
    config: &Config,
    upstreams: &Upstreams,
    runtime: &Runtime,
    before: Option<Before<'_>>,
    wrong: &mut Vec<Diagnostic>,
) -> Option<Hosts> {
    let work = Work {
        config,
        prepared: Prepared::new(config, upstreams, wrong),
        limits: ForRoutes::new(config, runtime),
        folders: Folders::look(config),
        // Every route carries limits of the whole process, so with other limits no host is what it was.
        before: before.filter(|before| before.config.limits == config.limits),
    };
    let all: Vec<_> = config.hosts.iter().collect();
    let mut hosts = Vec::with_capacity(all.len());
    let mut names = Vec::with_capacity(all.len());
    let mut seen = HashSet::with_capacity(all.len());
    for (compiled, more_wrong) in every_core::map(&all, || (), |(), some| work.some(some)) {
        wrong.extend(more_wrong);
        for Compiled { full, bare, host } in compiled {
            if seen.insert(bare.clone()) {
                names.push((bare, ()));
            }
            hosts.extend(host.map(|host| (full, host)));
        }
    }
    let map = HostMap::build(hosts).map_err(|twice| {
        wrong.extend(
            twice
                .iter()
                .map(|twice| Diagnostic::new(None, twice.to_string())),
        );
    });
    Some((map.ok()?, HostMap::build(names).ok()?))
}

/// A host on its way into the map.
struct Compiled {
    full: HostKey,
    bare: HostKey,
    /// `None`: something in it is wrong.
    host: Option<Arc<Host>>,
}

/// Parses what the file's reader has already checked with the same grammar; a difference between the two is reported, not lost.
fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: &str,
    place: impl Into<Option<Place>>,
    wrong: &mut Vec<Diagnostic>,
) -> Option<T> {
    text.parse()
        .map_err(|error: T::Err| wrong.push(Diagnostic::new(place, error.to_string())))
        .ok()
}

struct Work<'a> {
    config: &'a Config,
    prepared: Prepared,
    limits: ForRoutes<'a>,
    folders: Folders<'a>,
    before: Option<Before<'a>>,
}

impl Work<'_> {
    fn some(
        &self,
        hosts: &[(&At<config::value::HostKey>, &config::Host)],
    ) -> (Vec<Compiled>, Vec<Diagnostic>) {
        let mut wrong = Vec::new();
        let mut compiled = Vec::with_capacity(hosts.len());
        for (key, host) in hosts {
            let place = key.place;
            let keys = (
                parse::<HostKey>(&key.to_string(), place, &mut wrong),
                parse::<HostKey>(key.host.as_str(), place, &mut wrong),
            );
            let (Some(full), Some(bare)) = keys else {
                continue;
            };
            let fresh = || self.host(key.to_string(), host, &mut wrong).map(Arc::new);
            let host = self.kept(&key.value, &full, host).or_else(fresh);
            compiled.push(Compiled { full, bare, host });
        }
        (compiled, wrong)
    }

    fn host(&self, name: String, host: &config::Host, wrong: &mut Vec<Diagnostic>) -> Option<Host> {
        let mut drafts = Vec::with_capacity(host.all_routes().count() + 1);
        let whole = |place, target: Option<Target>| {
            let route = target.map(|target| self.route(format!("{name}/"), target, None));
            Draft {
                pattern: PathPattern::root(),
                place,
                names: None,
                route,
            }
        };
        if let Some(server) = &host.server {
            let only = std::slice::from_ref(server);
            let target = self.servers(only, &Narrowing::default(), wrong);
            drafts.push(whole(server.place, target));
        }
        if let Some(folder) = &host.files {
            let target = self.files(folder, SiteRules::default(), wrong);
            drafts.push(whole(folder.place, target));
        }
        for route in host.all_routes() {
            drafts.extend(self.draft(&name, route, wrong));
        }
        let table = if drafts.iter().all(|draft| draft.route.is_some()) {
            RouteTable::build(drafts.iter_mut().filter_map(Draft::spec).collect()).map(Some)
        } else {
            // Something behind a route is wrong, which is no reason to say nothing of the paths.
            let specs = drafts.iter_mut().map(Draft::spec_alone);
            RouteTable::build(specs.collect()).map(|_| None)
        };
        match table {
            Ok(routes) => Some(Host {
                name,
                routes: routes?,
            }),
            Err(conflicts) => {
                wrong.extend(conflicts.iter().map(|found| conflict(found, &drafts)));
                None
            }
        }
    }

    fn draft<'c>(
        &self,
        host: &str,
        route: &'c config::Route,
        wrong: &mut Vec<Diagnostic>,
    ) -> Option<Draft<'c>> {
        let pattern: PathPattern = parse(route.path.as_str(), route.path.place, wrong)?;
        let narrowing = Narrowing {
            expose: route.expose.as_deref(),
            timeouts: route.timeouts.as_deref(),
        };
        let target = if let Some(server) = &route.server {
            self.servers(std::slice::from_ref(server), &narrowing, wrong)
        } else if let Some(servers) = &route.servers {
            let target = self.servers(servers, &narrowing, wrong);
            match target {
                Some(Target::Servers(servers)) if !pattern.has_server() => {
                    Some(Target::InTurn(servers))
                }
                target => target,
            }
        } else {
            let rules = self.site_rules(route, wrong);
            let site = self.files(
                route.files.as_deref()?,
                rules.clone().unwrap_or_default(),
                wrong,
            );
            site.filter(|_| rules.is_some())
        };
        let name = format!("{host}{pattern}");
        let names = route.servers.as_deref().map(|names| names.as_slice());
        Some(Draft {
            names: names.filter(|_| pattern.has_server()),
            pattern,
            place: route.path.place,
            route: target.map(|target| self.route(name, target, Some(route))),
        })
    }

    fn route(&self, name: String, target: Target, written: Option<&config::Route>) -> Arc<Route> {
        let methods = written.and_then(|route| route.methods.as_deref());
        let body = written.and_then(|route| route.request_body.as_ref());
        let limits = written.and_then(|route| route.limits.as_ref());
        let body_limit = body.map_or(self.config.limits.request_body.size.bytes(), |size| {
            size.bytes()
        });
        let kind = target.kind().map(|kind| kind.name());
        Arc::new(Route {
            limits: self
                .limits
                .of(&name, kind, limits.map(|limits| &limits.value)),
            name,
            target,
            meter: RouteMeter::default(),
            methods: methods.map(|methods| with_head(methods.iter().map(|method| method.get()))),
            body_limit,
        })
    }
}

/// A route that lets GET through lets HEAD through: it asks for the same, and whoever serves one serves the other (RFC 9110, 9.1).
fn with_head<'a>(listed: impl Iterator<Item = &'a Method>) -> Vec<Method> {
    let mut methods: Vec<Method> = listed.cloned().collect();
    if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
        methods.push(Method::HEAD);
    }
    methods
}
