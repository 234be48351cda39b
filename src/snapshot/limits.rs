//! The `limits` section, compiled: what one client address may use, by the whole process, by kind and by route.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::config::{Cap, Config, Mode, RateLimit, RouteLimits};
use crate::kinds::KINDS;
use crate::limits::{self, BanRules, ConnectionRules, RequestRules, ScopeId};
use crate::runtime::Runtime;

/// Limits of requests with what each is scoped to, beginning with the whole process.
pub type Scoped = Arc<[(ScopeId, RequestRules)]>;

/// What one client address may use.
#[derive(Clone)]
pub struct Limits {
    /// Never limited and never banned.
    pub exempt: Arc<[IpNet]>,
    /// Connections, over all listeners.
    pub connections: ConnectionRules,
    /// Requests that no route took: the limits of the whole process alone.
    pub requests: Scoped,
    /// What many refusals lead to; `None` if they lead to nothing.
    pub ban: Option<BanRules>,
}

impl Limits {
    /// Whether no limit holds for `client`. The caller has made it canonical.
    pub fn exempts(&self, client: IpAddr) -> bool {
        self.exempt.iter().any(|network| network.contains(&client))
    }
}

pub(super) fn compile(config: &Config) -> Limits {
    let written = &config.limits;
    let compile = Compile::new(config);
    let ban = &written.ban;
    Limits {
        exempt: written.exempt.iter().map(|network| ***network).collect(),
        connections: ConnectionRules {
            new: compile.rate(&written.new_connections),
            open: compile.cap(&written.connections),
        },
        requests: Arc::new([(ScopeId::PROCESS, process(config))]),
        ban: compile.mode(ban.mode.as_ref()).map(|mode| BanRules {
            refusals: ban.refusals.get(),
            within: ban.within.get(),
            lasts: ban.lasts.get(),
            mode,
        }),
    }
}

/// Limits of requests, ready to be shared by the routes.
pub(super) struct ForRoutes<'a> {
    config: &'a Config,
    runtime: &'a Runtime,
    /// PERF: shared by every route that has none of its own, of which there may be 100,000.
    by_kind: HashMap<Option<&'static str>, Scoped>,
}

impl<'a> ForRoutes<'a> {
    pub(super) fn new(config: &'a Config, runtime: &'a Runtime) -> Self {
        let kinds = KINDS.iter().map(|kind| Some(kind.name()));
        let mut all = ForRoutes {
            config,
            runtime,
            by_kind: HashMap::new(),
        };
        for kind in kinds.chain([None]) {
            let written = kind.and_then(|kind| Some((kind, config.limits.kinds.of(kind)?)));
            let own =
                written.and_then(|(kind, written)| all.scope(&format!("kind {kind}"), written));
            let scoped = [(ScopeId::PROCESS, process(config))];
            all.by_kind
                .insert(kind, scoped.into_iter().chain(own).collect());
        }
        all
    }

    /// The limits of a route: those of the process, of its kind (`None`: files) and its own.
    pub(super) fn of(&self, name: &str, kind: Option<&str>, own: Option<&RouteLimits>) -> Scoped {
        let of_kind = self.by_kind.get(&kind).cloned().unwrap_or_default();
        match own.and_then(|own| self.scope(&format!("route {name}"), own)) {
            None => of_kind,
            Some(own) => of_kind.iter().cloned().chain([own]).collect(),
        }
    }

    /// The number under which the limits of a route are counted.
    pub(super) fn scope_of(&self, route: &str) -> ScopeId {
        self.runtime.limits.scope(&format!("route {route}"))
    }

    fn scope(&self, name: &str, written: &RouteLimits) -> Option<(ScopeId, RequestRules)> {
        let compile = Compile::new(self.config);
        let rate = written.requests.as_ref();
        let cap = written.requests_in_flight.as_ref();
        let rules = RequestRules {
            rate: rate.and_then(|rate| compile.rate(rate)),
            in_flight: cap.and_then(|cap| compile.cap(cap)),
        };
        let any = rules.rate.is_some() || rules.in_flight.is_some();
        any.then(|| (self.runtime.limits.scope(name), rules))
    }
}

fn process(config: &Config) -> RequestRules {
    let written = &config.limits;
    let compile = Compile::new(config);
    RequestRules {
        rate: compile.rate(&written.requests),
        in_flight: compile.cap(&written.requests_in_flight),
    }
}

pub(super) struct Compile {
    mode: Mode,
}

impl Compile {
    pub(super) fn new(config: &Config) -> Self {
        Compile {
            mode: *config.limits.mode,
        }
    }

    /// `None`: switched off.
    pub(super) fn mode(&self, own: Option<&crate::config::At<Mode>>) -> Option<limits::Mode> {
        match self.mode.mildest(own) {
            Mode::Enforce => Some(limits::Mode::Enforce),
            Mode::Observe => Some(limits::Mode::Observe),
            Mode::Off => None,
        }
    }

    fn rate(&self, written: &RateLimit) -> Option<(limits::RateLimit, limits::Mode)> {
        let mode = self.mode(written.mode.as_ref())?;
        let rate = &written.rate;
        let limit = limits::RateLimit::new(rate.count, rate.per.duration(), written.burst());
        Some((limit, mode))
    }

    fn cap(&self, written: &Cap) -> Option<(u32, limits::Mode)> {
        let mode = self.mode(written.mode.as_ref())?;
        Some((written.most.get(), mode))
    }
}
