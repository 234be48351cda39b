//! Upstream servers that break the rules of HTTP/1.1, one rule each, and a client that does the same.
//!
//! Every server binds a loopback port of the system's choice and records what it received; dropping it ends it.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use std::time::Duration;
//! use loadtest::rude::{self, client::Dial};
//! let server = rude::two_lengths().await?;
//! let got = Dial::plain(server.address()).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Duration::from_secs(1)).await?;
//! assert_eq!(got.status(), Some(200));
//! assert_eq!(server.seen().len(), 1);
//! # Ok(())
//! # }
//! ```

pub mod client;
mod connection;
mod cutting;
mod framing;
mod listener;
mod streaming;
mod websocket;

pub use connection::Connection;
pub use cutting::{
    chunked_body_cut, closes_on_next_request, half_a_head, length_body_cut, resets_at_once,
};
pub use framing::{
    bare_line_feed, body_after_head, body_in_no_content, body_in_not_modified, endless_header,
    flood_of_informational, huge_header, invalid_location, length_and_chunked, many_cookies,
    obsolete_fold, says, two_lengths, wrong_reason,
};
pub use listener::{End, NotSeen, Rude, Seen};
pub use streaming::{answers_early, drips, echoes_request, endless_events, never_reads};
pub use websocket::{Upgrade, accept_key, websocket_echo};
