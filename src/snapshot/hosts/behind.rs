//! Servers behind a route: how its paths map to each, and how long each may take.

use std::sync::Arc;

use super::{Work, parse};
use crate::config::value::{PathPrefix, ServerName};
use crate::config::{self, At, Config, Server};
use crate::diagnostic::Diagnostic;
use crate::routing::{LiteralPath, Mapping, Strip};
use crate::snapshot::servers::{Upstreams, timeouts};
use crate::snapshot::{Behind, Target};
use crate::upstream::Upstream;

/// The servers of the file in its order, each with what all routes that narrow nothing have in common.
///
/// PERF: a hundred thousand routes lead to a few hundred servers.
pub(super) struct Prepared(Vec<Option<OfServer>>);

struct OfServer {
    upstream: Arc<Upstream>,
    base: LiteralPath,
    mapping: Arc<Mapping>,
    /// What is wrong with the paths that it exposes, for the routes that lead there.
    wrong: Vec<Diagnostic>,
}

impl Prepared {
    pub(super) fn new(config: &Config, upstreams: &Upstreams, wrong: &mut Vec<Diagnostic>) -> Self {
        let of = |(name, server): (&At<ServerName>, &Server)| {
            // Not there: the server itself is wrong, which has been reported.
            let upstream = upstreams.get(&name.value)?.clone();
            let base: LiteralPath = parse(&server.url.base_path, server.url.place, wrong)?;
            let mut own = Vec::new();
            let expose = match &server.expose {
                Some(list) => Some(literals(list, wrong)?),
                None => None,
            };
            let mapping = upstream.facts.kind.mapping(&base, expose.as_deref());
            let places = server.expose.as_deref().unwrap_or_default();
            unreachable_paths(&upstream, &mapping, places, &mut own);
            Some(OfServer {
                upstream,
                base,
                mapping: Arc::new(mapping),
                wrong: own,
            })
        };
        Prepared(config.servers.iter().map(of).collect())
    }

    fn get(&self, position: usize) -> Option<&OfServer> {
        self.0.get(position)?.as_ref()
    }

    pub(super) fn upstream(&self, position: usize) -> Option<&Arc<Upstream>> {
        Some(&self.get(position)?.upstream)
    }
}

impl Work<'_> {
    pub(super) fn servers(
        &self,
        names: &[At<ServerName>],
        narrowing: &Narrowing<'_>,
        wrong: &mut Vec<Diagnostic>,
    ) -> Option<Target> {
        let mut behind = Vec::with_capacity(names.len());
        for name in names {
            let position = self.config.servers.get_index_of(&name.value);
            let Some(server) = position.and_then(|position| self.prepared.get(position)) else {
                self.one_kind(names, wrong)?;
                return None;
            };
            let mapping = match narrowing.expose {
                None => {
                    wrong.extend(server.wrong.iter().cloned());
                    server.mapping.clone()
                }
                Some(list) => {
                    let expose = literals(list, wrong)?;
                    let kind = server.upstream.facts.kind;
                    let mapping = kind.mapping(&server.base, Some(&expose));
                    unreachable_paths(&server.upstream, &mapping, list, wrong);
                    Arc::new(mapping)
                }
            };
            let own = server.upstream.facts.timeouts;
            let timeouts = narrowing
                .timeouts
                .map_or(own, |written| timeouts(written, own));
            behind.push(Behind {
                name: name.shared(),
                upstream: server.upstream.clone(),
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
}

/// What a route says instead of its server.
#[derive(Default)]
pub(super) struct Narrowing<'a> {
    pub(super) expose: Option<&'a At<Vec<At<PathPrefix>>>>,
    pub(super) timeouts: Option<&'a At<config::Timeouts>>,
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
