//! The memory of a full table, as the system counts it: prints the growth of the resident set with 1,000,000 addresses, and then with
//! as many bans as there may be.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use portcullis::limits::{Address, Clock, ConnectionRules, Mode, RateLimit, Table};

fn main() {
    let client = |number| Address::from(IpAddr::from(Ipv4Addr::from_bits(number)));
    let hourly = RateLimit::new(NonZeroU32::MIN, Duration::from_secs(3600), NonZeroU32::MIN);
    let rules = ConnectionRules {
        new: Some((hourly, Mode::Enforce)),
        open: None,
    };
    let before = resident();
    let table = Table::new(1_000_000);
    println!("empty: {} MB", (resident() - before) / 1_000_000);
    for number in 0..1_000_000 {
        drop(table.connect(client(number), &rules, None, Clock::now()));
    }
    println!(
        "{} addresses: {} MB",
        table.len(),
        (resident() - before) / 1_000_000
    );
    for number in 1_000_000..1_200_000 {
        drop(table.connect(client(number), &rules, None, Clock::now()));
    }
    println!(
        "full, {} of {}: {} MB",
        table.len(),
        table.capacity(),
        (resident() - before) / 1_000_000
    );
    let banned = (0..1_000_000).filter(|number| {
        let lasts = Duration::from_secs(3600);
        table.ban(client(*number), lasts, Clock::now()).is_ok()
    });
    println!(
        "{} bans too: {} MB",
        banned.count(),
        (resident() - before) / 1_000_000
    );
    println!("stated: {} MB at most", table.bytes() / 1_000_000);
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}
