//! `servers`: how the servers behind the running gateway are.
//!
//! ```text
//! SERVER     KIND      HEALTH   SINCE  LAST PROBE         WHY
//! icserver1  icws      up       2h 5m  3s ago, 2 ms
//! chat2      webtools  standby  2h 5m  9s ago, 1 ms
//! wall1      http      down     12s    1s ago, connect    connection refused
//! ```

use clap::Args;
use serde_json::Value;

use super::ask::{self, Listener};
use super::bans::time;
use super::columns::columns;

#[derive(Args)]
#[group(skip)]
pub(super) struct Servers {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// What the command prints.
pub(super) fn servers(what: &Servers, admin: &Listener) -> Result<String, String> {
    let answer = ask::get(admin, "/api/servers")?;
    Ok(match what.json {
        true => format!("{answer:#}\n"),
        false => table(&answer),
    })
}

const HEAD: [&str; 6] = ["SERVER", "KIND", "HEALTH", "SINCE", "LAST PROBE", "WHY"];

fn table(answer: &Value) -> String {
    let servers = answer.get("servers").and_then(Value::as_array);
    let rows: Vec<[String; 6]> = servers.into_iter().flatten().map(row).collect();
    match rows.is_empty() {
        true => "the configuration has no servers\n".to_owned(),
        false => columns(HEAD, &rows),
    }
}

fn row(server: &Value) -> [String; 6] {
    let text = |key: &str| {
        let text = server.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let since = server.get("since_seconds").and_then(Value::as_u64);
    [
        text("name"),
        text("kind"),
        text("health"),
        time(since.unwrap_or_default()),
        server.get("probe").map_or_else(String::new, last_probe),
        text("why"),
    ]
}

fn last_probe(probe: &Value) -> String {
    let number = |key: &str| probe.get(key).and_then(Value::as_f64);
    let (Some(ago), Some(took)) = (number("last_seconds_ago"), number("last_seconds")) else {
        return "-".to_owned();
    };
    let outcome = probe.get("last_outcome").and_then(Value::as_str);
    let ago = time(ago.max(0.0) as u64);
    match outcome {
        Some("up" | "standby") | None => format!("{ago} ago, {:.0} ms", took * 1000.0),
        Some(failed) => format!("{ago} ago, {failed}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn servers_are_a_table() {
        let probe = |ago: f64, outcome: &str, took: f64| {
            json!({ "path": "/x", "interval_seconds": 10.0, "last_seconds_ago": ago,
                "last_outcome": outcome, "last_seconds": took })
        };
        let servers = json!({ "servers": [
            { "name": "icserver1", "kind": "icws", "health": "up", "since_seconds": 7500, "why": null,
              "probe": probe(3.2, "up", 0.002) },
            { "name": "wall1", "kind": "http", "health": "down", "since_seconds": 12, "why": "connection refused",
              "probe": probe(1.0, "connect", 0.0) },
            { "name": "new", "kind": "http", "health": "unknown", "since_seconds": 0, "why": null,
              "probe": { "path": null, "last_seconds_ago": null, "last_seconds": null, "last_outcome": null } },
            { "name": "off", "kind": "http", "health": "unchecked", "since_seconds": 61, "why": null, "probe": null },
        ] });
        assert_eq!(
            table(&servers),
            "SERVER     KIND  HEALTH     SINCE  LAST PROBE       WHY\n\
             icserver1  icws  up         2h 5m  3s ago, 2 ms\n\
             wall1      http  down       12s    1s ago, connect  connection refused\n\
             new        http  unknown    0s     -\n\
             off        http  unchecked  1m 1s  -\n"
        );
        let none = table(&json!({ "servers": [] }));
        assert_eq!(none, "the configuration has no servers\n");
    }
}
