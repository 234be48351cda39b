//! `bans`: who is shut out, and the operator's hand in it.
//!
//! ```text
//! ADDRESS              ENDS IN   BEGAN     CAUSE
//! 192.0.2.7            9m 41s    19s ago   500 refusals
//! 2001:db8:0:7::/64    59m 2s    58s ago   an operator
//! ```

use std::fmt::Write;

use clap::Subcommand;
use serde_json::{Value, json};

use super::ask::{self, Listener};
use crate::config::value::Duration;
use crate::limits::Address;

#[derive(Subcommand)]
pub(super) enum Bans {
    /// List the addresses that are banned now
    List {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Ban an address (of IPv6: its /64); nothing new is accepted, and what is under way finishes unless it is cut
    Add {
        /// The address, such as 192.0.2.7 or 2001:db8:1:2::/64
        address: Address,
        /// How long, such as 30m, 8h or 7d
        #[arg(long = "for", value_name = "TIME", default_value = "1h")]
        lasts: Duration,
        /// End at once what the address has open: connections, WebSockets, event streams, requests
        #[arg(long)]
        cut: bool,
    },
    /// Lift the ban of an address
    Lift {
        /// The address, as `bans list` shows it
        address: Address,
    },
}

/// What the command prints.
pub(super) fn bans(what: &Bans, admin: &Listener) -> Result<String, String> {
    match what {
        Bans::List { json: true } => Ok(format!("{:#}\n", ask::get(admin, "/api/bans")?)),
        Bans::List { json: false } => Ok(table(&ask::get(admin, "/api/bans")?)),
        Bans::Add {
            address,
            lasts,
            cut,
        } => {
            let what =
                json!({ "address": address.to_string(), "seconds": lasts.as_secs(), "cut": cut });
            ask::post(admin, "/api/bans", &what)?;
            let ended = if *cut {
                ", and what it had open ends"
            } else {
                ""
            };
            Ok(format!("{address} is banned for {lasts}{ended}\n"))
        }
        Bans::Lift { address } => {
            let what = json!({ "address": address.to_string() });
            ask::post(admin, "/api/bans/lift", &what)?;
            Ok(format!("the ban of {address} is lifted\n"))
        }
    }
}

fn table(answer: &Value) -> String {
    let bans = answer.get("bans").and_then(Value::as_array);
    let Some(bans) = bans.filter(|bans| !bans.is_empty()) else {
        return "no address is banned\n".to_owned();
    };
    let mut table = format!(
        "{:<28} {:<9} {:<13} {}\n",
        "ADDRESS", "ENDS IN", "BEGAN", "CAUSE"
    );
    for ban in bans {
        let text = |key: &str| ban.get(key).and_then(Value::as_str).unwrap_or("?");
        let seconds = |key: &str| time(ban.get(key).and_then(Value::as_u64).unwrap_or(0));
        let began = format!("{} ago", seconds("seconds_since"));
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "{:<28} {:<9} {began:<13} {}",
            text("address"),
            seconds("seconds_left"),
            text("cause"),
        );
    }
    table
}

/// Seconds in the two largest units.
pub(super) fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_units() {
        for (seconds, told) in [
            (0, "0s"),
            (59, "59s"),
            (61, "1m 1s"),
            (3600, "1h 0m"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(time(seconds), told);
        }
    }

    #[test]
    fn bans_are_a_table_and_none_is_a_sentence() {
        let ban = json!({ "address": "192.0.2.7", "seconds_left": 581, "seconds_since": 19, "cause": "500 refusals" });
        let lines = table(&json!({ "bans": [ban] }));
        assert!(
            lines.contains("192.0.2.7                    9m 41s    19s ago       500 refusals"),
            "{lines}"
        );
        assert_eq!(table(&json!({ "bans": [] })), "no address is banned\n");
    }
}
