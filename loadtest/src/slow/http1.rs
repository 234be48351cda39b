//! Slow clients of HTTP/1.1, over TLS or without.
//!
//! ```
//! assert!(loadtest::slow::http1().iter().any(|attack| attack.name == "head, dripped"));
//! ```

use std::time::Duration;

use super::{Attack, BRIEF, ENDLESS, HOST};

/// Shorter than any deadline on silence.
const PAUSE: Duration = Duration::from_millis(100);

/// All of them.
pub fn http1() -> Vec<Attack> {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n");
    let post = |length: &str| format!("POST {BRIEF} HTTP/1.1\r\nHost: {HOST}\r\n{length}\r\n\r\n");
    let fixed = post("Content-Length: 1000000");
    let chunked = post("Transfer-Encoding: chunked");
    let head = format!("{}X: ", get(BRIEF));
    let mut second = format!("{}\r\n", get(BRIEF));
    let idle = second.clone();
    second.push_str("GET /");
    vec![
        Attack::new("silent connect", "idle_connection", ""),
        Attack::new("head, stopped", "head_timeout", head.clone()),
        Attack::new("head, dripped", "head_timeout", head).drip("x", PAUSE),
        Attack::new("second head, dripped", "head_timeout", second).drip("x", PAUSE),
        Attack::new("body, stopped", "body_timeout", format!("{fixed}abc")),
        Attack::new("body, dripped", "body_too_slow", fixed).drip("x", PAUSE),
        Attack::new(
            "chunks, stopped",
            "body_timeout",
            format!("{chunked}5\r\nab"),
        ),
        Attack::new("chunks, dripped", "body_too_slow", chunked).drip("1\r\nx\r\n", PAUSE),
        Attack::new("idle keep-alive", "", idle).counted_against_nobody(),
        Attack::new(
            "never reads",
            "slow_reader",
            format!("{}\r\n", get(ENDLESS)),
        )
        .deaf(),
        Attack::new(
            "reads slowly",
            "slow_reader",
            format!("{}\r\n", get(ENDLESS)),
        )
        .sip(20, PAUSE),
        Attack::new(
            "head of 200 KiB",
            "head_too_large",
            format!("{}X: {}", get(BRIEF), "x".repeat(200 << 10)),
        )
        .at_once(),
        Attack::new(
            "head of 1000 fields",
            "too_many_fields",
            format!("{}{}\r\n", get(BRIEF), "x: y\r\n".repeat(1000)),
        )
        .at_once(),
    ]
}
