//! What a reload changes, in the words of the file: a few lines for the log, whatever the size of the change.
//!
//! ```text
//! hosts added: chat.example.com
//! host proxy.example.com: routes[/us/icserver1/].server: icserver1 -> icserver2
//! limits.requests.rate: 200/s -> 300/s
//! file tls/edge.pem has new content: proxy.example.com, until Jan  4 10:00:00 2027 GMT
//! ```
//!
//! SECURITY: everything is told as `check --show` would print it, so a secret is told by where it is from and never by what it is.

mod values;

#[cfg(test)]
mod tests;

use std::path::Path;

use indexmap::IndexMap;

use crate::config::value::{HostKey, ServerName};
use crate::config::{At, Config, Host, Server};
use crate::every_core;
use crate::observe::line::counted;
use crate::upstream::tls::Contents;

/// Lines of one kind, and names in one line, at most.
const SHOWN: usize = 20;

/// What differs between two configurations and between the files that they name.
pub(super) fn between(
    (old, old_contents): (&Config, &Contents),
    (new, new_contents): (&Config, &Contents),
    folder: &Path,
) -> Vec<String> {
    let mut lines = Vec::new();
    hosts(old, new, &mut lines);
    servers(old, new, &mut lines);
    let mut rest = Vec::new();
    values::differ(
        "",
        Some(&old.encode_rest()),
        Some(&new.encode_rest()),
        &mut rest,
    );
    shorten(&mut rest, "more settings changed");
    lines.extend(rest);
    let replaced = old_contents.replaced_in(new_contents);
    let mut files: Vec<String> = replaced
        .into_iter()
        .map(|(path, whose)| {
            let path = path.strip_prefix(folder).unwrap_or(path).display();
            let whose = whose.map_or(String::new(), |whose| format!(": {whose}"));
            format!("file {path} has new content{whose}")
        })
        .collect();
    shorten(&mut files, "more files have new content");
    lines.extend(files);
    lines
}

/// Whether two configurations are the same in everything that can be seen of them.
pub(super) fn are_same(old: &Config, new: &Config) -> bool {
    let spelled = |config: &Config| -> Vec<String> {
        let pairs = config
            .servers
            .values()
            .filter_map(|server| server.pair.as_ref());
        let names = config.servers.keys().map(ToString::to_string);
        let named = config.hosts.values().flat_map(Host::servers);
        let named = named.map(ToString::to_string);
        names
            .chain(pairs.map(ToString::to_string))
            .chain(named)
            .collect()
    };
    // Upper and lower case of a server's name find the same server, but people and clients see the name as it is written.
    old == new && spelled(old) == spelled(new)
}

fn hosts(old: &Config, new: &Config, lines: &mut Vec<String>) {
    let name = |key: &At<HostKey>| key.to_string();
    come_and_go("hosts", &old.hosts, &new.hosts, name, lines);
    let all: Vec<(&At<HostKey>, &Host)> = new.hosts.iter().collect();
    let changed = every_core::map(
        &all,
        || (),
        |(), some| {
            let both = some.iter().filter_map(|(key, host)| {
                let before = old.hosts.get(&key.value)?;
                (before != *host).then_some((*key, before, *host))
            });
            both.collect::<Vec<_>>()
        },
    )
    .concat();
    let told = changed.iter().take(SHOWN);
    lines.extend(told.map(|(key, old, new)| format!("host {key}: {}", values::of(*old, *new))));
    let more = changed.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.push(format!("and {} changed", counted(more, "more host")));
    }
}

fn servers(old: &Config, new: &Config, lines: &mut Vec<String>) {
    // By the name as it is written: another spelling is another name to whoever sees it.
    let name = |key: &At<ServerName>| key.to_string();
    come_and_go("servers", &old.servers, &new.servers, name, lines);
    let changed = |(key, server): (&At<ServerName>, &Server)| {
        let (_, old_key, before) = old.servers.get_full(&key.value)?;
        let renamed = old_key.as_str() != key.as_str();
        let pair = |server: &Server| server.pair.as_ref().map(ToString::to_string);
        if before == server && !renamed && pair(before) == pair(server) {
            return None;
        }
        let mut told = values::of(before, server);
        if renamed {
            told = format!("was {old_key}; {told}");
        }
        Some(format!("server {key}: {told}"))
    };
    let mut all: Vec<String> = new.servers.iter().filter_map(changed).collect();
    shorten(&mut all, "more servers changed");
    lines.extend(all);
}

fn come_and_go<K: Eq + std::hash::Hash, T>(
    what: &str,
    old: &IndexMap<At<K>, T>,
    new: &IndexMap<At<K>, T>,
    name: impl Fn(&At<K>) -> String,
    lines: &mut Vec<String>,
) {
    for (word, here, there) in [("added", new, old), ("removed", old, new)] {
        let gone = here.keys().filter(|key| !there.contains_key(&key.value));
        let count = gone.clone().count();
        let names: Vec<String> = gone.take(SHOWN).map(&name).collect();
        if count > 0 {
            lines.push(format!(
                "{what} {word}: {}",
                and_more(&names.join(", "), count)
            ));
        }
    }
}

fn and_more(names: &str, count: usize) -> String {
    match count.saturating_sub(SHOWN) {
        0 => names.to_owned(),
        more => format!("{names} and {more} more"),
    }
}

/// Cuts a list, and says how much is missing.
fn shorten(lines: &mut Vec<String>, what: &str) {
    let more = lines.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.truncate(SHOWN);
        lines.push(format!("and {more} {what}"));
    }
}
