//! The `hosts` section, compiled: route tables and the host map.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::draft::{Draft, conflict};
use super::limits::ForRoutes;
use super::servers::{Upstreams, timeouts};
use super::{Behind, Host, Route, Target};
use crate::config::value::{FilePath, Lifetime, PathPrefix, ServerName};
use crate::config::{self, At, Config};
use crate::diagnostic::{Diagnostic, Place};
use crate::files::{Cache, CacheRule, ServersJson, ServersJsonError, Site, SiteError, SiteRules};
use crate::routing::{
    Exposed, HostKey, HostMap, LiteralPath, Mapping, PathPattern, RouteTable, Strip,
};
use crate::runtime::Runtime;
use crate::upstream::Upstream;

/// The map of hosts, and the names in it without their ports.
type Hosts = (HostMap<Arc<Host>>, HostMap<()>);

pub(super) fn compile(
    config: &Config,
    upstreams: &Upstreams,
    runtime: &Runtime,
    wrong: &mut Vec<Diagnostic>,
) -> Option<Hosts> {
    let mut hosts = Vec::with_capacity(config.hosts.len());
    let mut names = Vec::with_capacity(config.hosts.len());
    let mut seen = HashSet::new();
    let work = Work {
        config,
        upstreams,
        limits: ForRoutes::new(config, runtime),
    };
    for (key, host) in &config.hosts {
        let place = key.place;
        let keys = (
            parse::<HostKey>(&key.to_string(), place, wrong),
            parse::<HostKey>(key.host.as_str(), place, wrong),
        );
        let (Some(full), Some(bare)) = keys else {
            continue;
        };
        if seen.insert(bare.clone()) {
            names.push((bare, ()));
        }
        if let Some(compiled) = work.host(key.to_string(), host, wrong) {
            hosts.push((full, Arc::new(compiled)));
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
    upstreams: &'a Upstreams,
    limits: ForRoutes<'a>,
}

impl Work<'_> {
    fn host(&self, name: String, host: &config::Host, wrong: &mut Vec<Diagnostic>) -> Option<Host> {
        let mut drafts = Vec::new();
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
        for route in host.routes.iter().flat_map(|routes| routes.iter()) {
            drafts.extend(self.draft(&name, route, wrong));
        }
        let routes: Option<Vec<Arc<Route>>> =
            drafts.iter().map(|draft| draft.route.clone()).collect();
        let table = match routes {
            Some(routes) => {
                let specs = drafts.iter().zip(routes);
                RouteTable::build(specs.map(|(draft, route)| draft.spec(route)).collect()).map(Some)
            }
            // Something behind a route is wrong, which is no reason to say nothing of the paths.
            None => {
                RouteTable::build(drafts.iter().map(|draft| draft.spec(())).collect()).map(|_| None)
            }
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
            expose: route.expose.as_ref(),
            timeouts: route.timeouts.as_ref(),
        };
        let target = if let Some(server) = &route.server {
            self.servers(std::slice::from_ref(server), &narrowing, wrong)
        } else if let Some(servers) = &route.servers {
            self.servers(servers, &narrowing, wrong)
        } else {
            let rules = self.site_rules(route, wrong);
            let site = self.files(
                route.files.as_ref()?,
                rules.clone().unwrap_or_default(),
                wrong,
            );
            site.filter(|_| rules.is_some())
        };
        let name = format!("{host}{pattern}");
        Some(Draft {
            pattern,
            place: route.path.place,
            names: route.servers.as_deref().map(Vec::as_slice),
            route: target.map(|target| self.route(name, target, Some(route))),
        })
    }

    fn route(&self, name: String, target: Target, written: Option<&config::Route>) -> Arc<Route> {
        let methods = written.and_then(|route| route.methods.as_ref());
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
            methods: methods
                .map(|methods| methods.iter().map(|method| method.get().clone()).collect()),
            body_limit,
        })
    }

    fn servers(
        &self,
        names: &[At<ServerName>],
        narrowing: &Narrowing<'_>,
        wrong: &mut Vec<Diagnostic>,
    ) -> Option<Target> {
        let mut behind = Vec::with_capacity(names.len());
        for name in names {
            // Not there: the server itself is wrong, which has been reported.
            let (Some(upstream), Some(server)) = (
                self.upstreams.get(&name.value).cloned(),
                self.config.servers.get(&name.value),
            ) else {
                self.one_kind(names, wrong)?;
                return None;
            };
            let expose = match narrowing.expose {
                Some(list) => Some(literals(list, wrong)?),
                None => server
                    .expose
                    .as_ref()
                    .map(|list| literals(list, wrong))
                    .map_or(Some(None), |list| list.map(Some))?,
            };
            let base = parse(&server.url.base_path, server.url.place, wrong)?;
            let mapping = upstream.facts.kind.mapping(&base, expose.as_deref());
            if let Some(places) = narrowing
                .expose
                .map(|list| list.as_slice())
                .or(server.expose.as_deref())
            {
                unreachable_paths(&upstream, &mapping, places, wrong);
            }
            let own = upstream.facts.timeouts;
            let timeouts = narrowing
                .timeouts
                .map_or(own, |written| timeouts(written, own));
            behind.push(Behind {
                name: name.to_string(),
                upstream,
                mapping,
                timeouts,
            });
        }
        self.one_kind(names, wrong)?;
        Some(Target::Servers(behind))
    }

    /// All servers of one route speak one protocol: the route's clients know only one.
    fn one_kind(&self, names: &[At<ServerName>], wrong: &mut Vec<Diagnostic>) -> Option<()> {
        let kind = |name: &At<ServerName>| {
            let server = self.config.servers.get(&name.value)?;
            Some(*server.kind)
        };
        let first = names.first()?;
        let other = names
            .iter()
            .find(|name| kind(name).is_some_and(|other| Some(other) != kind(first)));
        let (Some(other), Some(kind_of_first)) = (other, kind(first)) else {
            return Some(());
        };
        let kind_of_other = kind(other).map_or("", |kind| kind.word());
        wrong.push(
            Diagnostic::new(
                other.place,
                format!("`{other}` is of kind `{kind_of_other}` and `{first}` of kind `{kind_of_first}`, but one route speaks one protocol"),
            )
            .related(first.place, "the other server is here")
            .remedy("give each kind a route of its own"),
        );
        None
    }

    fn site_rules(&self, route: &config::Route, wrong: &mut Vec<Diagnostic>) -> Option<SiteRules> {
        let mut cache = Vec::new();
        for rule in route.cache.iter().flat_map(|rules| rules.iter()) {
            let pattern = parse(&rule.pattern.for_cache(), rule.pattern.place, wrong)?;
            let cache_for = match rule.lifetime.value {
                Lifetime::Never => Cache::Never,
                Lifetime::For(duration) => Cache::For(duration.get()),
            };
            cache.push(CacheRule {
                pattern,
                cache: cache_for,
            });
        }
        let servers_json = match &route.servers_json {
            None => None,
            Some(list) => {
                let wrong_list = |error: ServersJsonError| {
                    let place = match &error {
                        ServersJsonError::Template => list.template.place,
                        ServersJsonError::Path(_) => list.at.place.or(list.place),
                        ServersJsonError::Host(host) => {
                            let named = list.servers.iter().find(|name| name.as_str() == host);
                            named.and_then(|name| name.place)
                        }
                    };
                    Diagnostic::new(place, error.to_string()).remedy(
                        "write for example `at: config/servers.json` and `template: \"https://proxy.example.com/apps/client/api/{host}/\"`",
                    )
                };
                let shown = list.servers.iter().map(|name| {
                    let server = self.config.servers.get(&name.value);
                    let display = server.and_then(|server| server.display_name.as_ref());
                    (
                        name.to_string(),
                        display.map_or_else(|| name.to_string(), ToString::to_string),
                    )
                });
                let shown: Vec<(String, String)> = shown.collect();
                let shown: Vec<(&str, &str)> = shown
                    .iter()
                    .map(|(name, display)| (name.as_str(), display.as_str()))
                    .collect();
                let made = ServersJson::new(&shown, list.template.as_str())
                    .and_then(|made| made.at(list.at.as_str()));
                Some(made.map_err(|error| wrong.push(wrong_list(error))).ok()?)
            }
        };
        Some(SiteRules {
            cache,
            servers_json,
        })
    }
}

/// What a route says instead of its server.
#[derive(Default)]
struct Narrowing<'a> {
    expose: Option<&'a At<Vec<At<PathPrefix>>>>,
    timeouts: Option<&'a At<config::Timeouts>>,
}

/// A path that the kind's mapping never leads to would silently expose nothing.
fn unreachable_paths(
    upstream: &Upstream,
    mapping: &Mapping,
    expose: &[At<PathPrefix>],
    wrong: &mut Vec<Diagnostic>,
) {
    let below = match mapping.strip() {
        Strip::Prefix => mapping.inner_prefix().to_owned(),
        Strip::BeforeSegment(segment) => format!("/{segment}/"),
    };
    for path in expose {
        let inside = path
            .as_str()
            .get(..below.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(&below));
        if !inside {
            let name = &upstream.facts.name;
            wrong.push(
                Diagnostic::new(
                    path.place,
                    format!("`{path}` is never reached: requests to `{name}` begin with `{below}`"),
                )
                .remedy(format!(
                    "write the path as the server sees it, such as `{below}{}`",
                    path.as_str().trim_start_matches('/')
                )),
            );
        }
    }
}

fn literals(paths: &[At<PathPrefix>], wrong: &mut Vec<Diagnostic>) -> Option<Vec<LiteralPath>> {
    paths
        .iter()
        .map(|path| parse(path.as_str(), path.place, wrong))
        .collect()
}

impl Work<'_> {
    fn files(
        &self,
        folder: &At<FilePath>,
        rules: SiteRules,
        wrong: &mut Vec<Diagnostic>,
    ) -> Option<Target> {
        // SECURITY: `files: .` beside the certificates would hand their keys to everybody.
        if let Some(key) = self.keys().find(|key| is_below(key.path(), folder.path())) {
            wrong.push(
                Diagnostic::new(
                    folder.place,
                    format!("the private key {} is below this folder", key.as_str()),
                )
                .related(key.place, "the key is named here")
                .remedy(
                    "serve a folder of its own, with nothing in it but what everybody may read",
                ),
            );
            return None;
        }
        site(folder, rules, wrong)
    }

    /// Every private key that the file names.
    fn keys(&self) -> impl Iterator<Item = &At<FilePath>> {
        let ours = self.config.tls.certificates.iter();
        let servers = self.config.servers.values();
        let shown = servers.filter_map(|server| server.client_certificate.as_ref());
        ours.chain(shown.map(|files| &files.value))
            .map(|files| &files.key)
    }
}

/// Whether a file is in a folder, links followed.
fn is_below(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        // What is not there is reported for itself.
        _ => false,
    }
}

fn site(folder: &At<FilePath>, rules: SiteRules, wrong: &mut Vec<Diagnostic>) -> Option<Target> {
    match Site::open(folder.path().to_owned(), rules) {
        Ok(site) => Some(Target::Files(
            Arc::new(site),
            Mapping::below(LiteralPath::root(), Exposed::Everything),
        )),
        Err(SiteError::Root { source, .. }) => {
            wrong.push(
                Diagnostic::new(
                    folder.place,
                    format!("cannot serve files from {}: {source}", folder.as_str()),
                )
                .remedy("name a folder that is there and that the gateway's user may read"),
            );
            None
        }
    }
}
