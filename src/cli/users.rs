//! `users`: who is connected through the running gateway.
//!
//! ```text
//! USER       KIND      SERVER      ADDRESS        SINCE     LAST      CHANNEL  REQUESTS
//! agent1     icws      icserver1   192.0.2.7      2h 5m     0s ago    open     4121
//! -          webtools  chat1       203.0.113.9    3m 12s    1s ago    -        97
//! ```

use std::fmt::Write;

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::ask::{self, Listener};
use super::bans::time;
use super::columns::columns;

#[derive(Args)]
#[group(skip)]
pub(super) struct Users {
    /// Only those of this kind: icws, webtools or webchat
    #[arg(long)]
    kind: Option<String>,
    /// Only those on this server, by its name in the configuration
    #[arg(long)]
    server: Option<String>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// What the command prints.
pub(super) fn users(what: &Users, admin: &Listener) -> Result<String, String> {
    let pairs = [("kind", &what.kind), ("server", &what.server)];
    let given = pairs.into_iter().filter_map(|(key, value)| {
        let value = utf8_percent_encode(value.as_deref()?, NON_ALPHANUMERIC);
        Some(format!("{key}={value}"))
    });
    let query = given.collect::<Vec<_>>().join("&");
    let answer = ask::get(admin, &format!("/api/users?{query}"))?;
    Ok(match what.json {
        true => format!("{answer:#}\n"),
        false => table(&answer),
    })
}

const HEAD: [&str; 8] = [
    "USER", "KIND", "SERVER", "ADDRESS", "SINCE", "LAST", "CHANNEL", "REQUESTS",
];

fn table(answer: &Value) -> String {
    let users = answer.get("users").and_then(Value::as_array);
    let rows: Vec<[String; 8]> = users.into_iter().flatten().map(row).collect();
    let mut table = String::new();
    if rows.is_empty() {
        table.push_str("nobody is connected\n");
    } else {
        table.push_str(&columns(HEAD, &rows));
    }
    let unlisted = answer.get("not_listed_since_start").and_then(Value::as_u64);
    if let Some(unlisted @ 1..) = unlisted {
        let _ = writeln!(
            table,
            "and {unlisted} sign-ins since the start that found no room in the list"
        );
    }
    table
}

fn row(user: &Value) -> [String; 8] {
    let text = |key: &str| {
        user.get(key)
            .and_then(Value::as_str)
            .unwrap_or("-")
            .to_owned()
    };
    let number = |key: &str| user.get(key).and_then(Value::as_u64).unwrap_or(0);
    let live = user.get("live").and_then(Value::as_bool) == Some(true);
    [
        text("user"),
        text("kind"),
        text("server"),
        text("address"),
        time(number("seconds_since")),
        format!("{} ago", time(number("seconds_idle"))),
        if live { "open" } else { "-" }.to_owned(),
        number("requests").to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn users_are_a_table_and_nobody_is_a_sentence() {
        let agent = json!({ "user": "agent1", "kind": "icws", "server": "icserver1", "address": "192.0.2.7",
            "seconds_since": 7500, "seconds_idle": 0, "live": true, "requests": 4121 });
        let visitor = json!({ "user": null, "kind": "webtools", "server": "chat1", "address": "2001:db8:0:7::/64",
            "seconds_since": 192, "seconds_idle": 1, "live": false, "requests": 97 });
        let lines = table(&json!({ "users": [agent, visitor], "not_listed_since_start": 3 }));
        assert_eq!(
            lines,
            "USER    KIND      SERVER     ADDRESS            SINCE   LAST    CHANNEL  REQUESTS\n\
             agent1  icws      icserver1  192.0.2.7          2h 5m   0s ago  open     4121\n\
             -       webtools  chat1      2001:db8:0:7::/64  3m 12s  1s ago  -        97\n\
             and 3 sign-ins since the start that found no room in the list\n"
        );
        assert_eq!(table(&json!({ "users": [] })), "nobody is connected\n");
    }
}
