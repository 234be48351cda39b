//! Folders behind a host: which files are served, and under which rules.

use std::sync::Arc;

use super::{Work, parse};
use crate::config::value::{FilePath, Lifetime};
use crate::config::{self, At};
use crate::diagnostic::Diagnostic;
use crate::files::{Cache, CacheRule, ServersJson, ServersJsonError, Site, SiteError, SiteRules};
use crate::routing::{Exposed, LiteralPath, Mapping};
use crate::snapshot::Target;

impl Work<'_> {
    pub(super) fn site_rules(
        &self,
        route: &config::Route,
        wrong: &mut Vec<Diagnostic>,
    ) -> Option<SiteRules> {
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

    pub(super) fn files(
        &self,
        folder: &At<FilePath>,
        rules: SiteRules,
        wrong: &mut Vec<Diagnostic>,
    ) -> Option<Target> {
        // SECURITY: `files: .` beside the certificates would hand their keys to everybody.
        if let Some(key) = self.folders.key_below(folder) {
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
