//! Servers that stand in for one another: which of them it would be now, as the running gateway sees them.
//!
//! ```text
//!   servers   wall1, wall2: the first that is not down
//!             wall1 is down since 12s: connection refused
//!             wall2 is up since 2h 5m
//! ```

use serde_json::Value;

use super::text::Text;
use crate::cli::ask::{self, Listener};
use crate::cli::bans::time;
use crate::config::Admin;
use crate::routing::fail_over::{Asked, next};
use crate::snapshot::{Behind, Route, Target};

/// The server that a request would go to first; `None` where the route leaves no choice.
pub(super) async fn chosen<'r>(
    text: &mut Text,
    route: &'r Route,
    admin: &Admin,
) -> Option<&'r Behind> {
    let Target::InTurn(servers) = &route.target else {
        return None;
    };
    let names: Vec<&str> = servers.iter().map(|behind| &*behind.name).collect();
    text.line(
        "servers",
        &format!("{}: the first that is not down", names.join(", ")),
    );
    let listener = Listener::of(admin);
    let asked = tokio::task::spawn_blocking(move || ask::get(&listener?, "/api/servers"));
    let told = asked.await.ok().and_then(Result::ok).unwrap_or_default();
    let known: Vec<Option<&Value>> = servers.iter().map(|behind| find(&told, behind)).collect();
    if known.iter().all(Option::is_none) {
        let nobody = format!(
            "how they are is not known: no gateway with them answers on {}",
            *admin.listen
        );
        text.line("", &nobody);
    }
    for (behind, known) in servers.iter().zip(&known) {
        if let Some(known) = known {
            text.line("", &how(&behind.name, known));
        }
    }
    let usable = |at: usize| {
        let known = known.get(at).copied().flatten();
        known.is_none_or(|known| word(known, "health") != "down")
    };
    servers.get(next(servers.len(), Asked::default(), usable)?)
}

/// What the running gateway says of the server. Another file may have another server under the name.
fn find<'v>(told: &'v Value, behind: &Behind) -> Option<&'v Value> {
    let facts = &behind.upstream.facts;
    let servers = told.get("servers").and_then(Value::as_array)?;
    servers
        .iter()
        .find(|server| word(server, "name") == &*facts.name && word(server, "url") == facts.url)
}

fn how(name: &str, known: &Value) -> String {
    let since = known.get("since_seconds").and_then(Value::as_u64);
    let health = word(known, "health");
    let mut text = format!("{name} is {health} since {}", time(since.unwrap_or(0)));
    match word(known, "why") {
        "" => {}
        why => {
            text.push_str(": ");
            text.push_str(why);
        }
    }
    text
}

fn word<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
