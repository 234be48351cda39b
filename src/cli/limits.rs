//! `limits`: what one client address has used, beside what it may.
//!
//! ```text
//! 192.0.2.7
//!   banned              no; 3 refusals within the window, 500 lead to a ban
//!   connections         2 open, at most 1000
//!   new connections     498 left of 500 at once
//!   requests            991 left of 1000 at once
//!   requests in flight  1 now, at most 1000
//! ```

use std::fmt::Write;

use clap::Subcommand;
use serde_json::Value;

use super::ask::{self, Listener};
use super::bans::time;
use crate::limits::Address;
use crate::observe::line::counted;

#[derive(Subcommand)]
pub(super) enum Limits {
    /// Show one address (of IPv6: its /64)
    Show {
        /// The address, such as 192.0.2.7 or 2001:db8:1:2::1
        address: Address,
        /// Print JSON instead of lines
        #[arg(long)]
        json: bool,
    },
}

/// What the command prints.
pub(super) fn limits(what: &Limits, admin: &Listener) -> Result<String, String> {
    let Limits::Show { address, json } = what;
    let shown = ask::get(admin, &format!("/api/limits?address={address}"))?;
    Ok(if *json {
        format!("{shown:#}\n")
    } else {
        lines(&shown)
    })
}

fn lines(shown: &Value) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {name:<18}  {value}");
    };
    line("banned", banned(shown));
    line("connections", cap(shown.get("connections"), "open"));
    line("new connections", rate(shown.get("new_connections")));
    line("requests", rate(shown.get("requests")));
    line(
        "requests in flight",
        cap(shown.get("requests_in_flight"), "now"),
    );
    let interactions = shown.get("interactions").and_then(Value::as_array);
    for running in interactions.into_iter().flatten() {
        let pair = running.get("pair").and_then(Value::as_str).unwrap_or("?");
        line(
            "interactions",
            format!("{} of {pair}", number(Some(running), "active")),
        );
    }
    let address = shown.get("address").and_then(Value::as_str).unwrap_or("?");
    let known = shown
        .get("tracked")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let unknown = if known {
        ""
    } else {
        " (nothing is known of it now)"
    };
    format!("{address}{unknown}\n{text}")
}

fn banned(shown: &Value) -> String {
    let refusals = counted(number(Some(shown), "refusals"), "refusal");
    let Some(ban) = shown.get("banned").filter(|ban| !ban.is_null()) else {
        return match shown.get("refusals_to_a_ban").and_then(Value::as_u64) {
            Some(most) => {
                let lead = if most == 1 { "leads" } else { "lead" };
                format!("no; {refusals} within the window, {most} {lead} to a ban")
            }
            None => {
                format!("no; {refusals} within the last second, and no number leads to a ban")
            }
        };
    };
    let seconds = |key: &str| time(ban.get(key).and_then(Value::as_u64).unwrap_or(0));
    let cause = ban.get("cause").and_then(Value::as_str).unwrap_or("?");
    format!(
        "for {} more, since {} ago: {cause}",
        seconds("seconds_left"),
        seconds("seconds_since")
    )
}

fn number(value: Option<&Value>, key: &str) -> u64 {
    value
        .and_then(|value| value.get(key)?.as_u64())
        .unwrap_or(0)
}

fn observed(limit: Option<&Value>) -> &'static str {
    match limit.and_then(|limit| limit.get("mode")?.as_str()) {
        Some("observe") => " (observed only)",
        _ => "",
    }
}

fn cap(limit: Option<&Value>, word: &str) -> String {
    let used = number(limit, word);
    match limit.and_then(|limit| limit.get("most")?.as_u64()) {
        Some(most) => format!("{used} {word}, at most {most}{}", observed(limit)),
        None => format!("{used} {word}, no limit"),
    }
}

fn rate(limit: Option<&Value>) -> String {
    let left = limit.and_then(|limit| limit.get("left")?.as_u64());
    match left {
        Some(left) => format!(
            "{left} left of {} at once{}",
            number(limit, "burst"),
            observed(limit)
        ),
        None => "no limit".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_limit_is_a_line_and_a_ban_says_how_long() {
        let shown = json!({
            "address": "192.0.2.7", "tracked": true, "refusals": 3, "refusals_to_a_ban": 500,
            "banned": { "seconds_left": 61, "seconds_since": 5, "cause": "an operator" },
            "connections": { "open": 2, "most": 64, "mode": "observe" },
            "new_connections": { "left": null, "mode": "off" },
            "requests": { "left": 7, "burst": 9, "mode": "enforce" },
            "requests_in_flight": { "now": 1, "most": null, "mode": "off" },
            "interactions": [ { "pair": "chat", "active": 2 } ],
        });
        let text = lines(&shown);
        for line in [
            "192.0.2.7\n",
            "banned              for 1m 1s more, since 5s ago: an operator\n",
            "connections         2 open, at most 64 (observed only)\n",
            "new connections     no limit\n",
            "requests            7 left of 9 at once\n",
            "requests in flight  1 now, no limit\n",
            "interactions        2 of chat\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in:\n{text}");
        }
    }

    #[test]
    fn one_refusal_is_told_in_the_singular() {
        let told = |refusals: u64, most: Option<u64>| {
            banned(&json!({ "refusals": refusals, "refusals_to_a_ban": most, "banned": null }))
        };
        let expected = "no; 1 refusal within the window, 500 lead to a ban";
        assert_eq!(told(1, Some(500)), expected);
        let expected = "no; 0 refusals within the window, 1 leads to a ban";
        assert_eq!(told(0, Some(1)), expected);
        let expected = "no; 1 refusal within the last second, and no number leads to a ban";
        assert_eq!(told(1, None), expected);
    }
}
