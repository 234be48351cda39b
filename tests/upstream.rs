//! The way inside over plain HTTP: what is sent again, how long it waits, what a rude server can do, what comes through unchanged.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "upstream/answers.rs"]
mod answers;
#[path = "upstream/cut.rs"]
mod cut;
#[path = "upstream/endless.rs"]
mod endless;
#[path = "upstream/http2.rs"]
mod http2;
#[path = "upstream/repeats.rs"]
mod repeats;
#[path = "upstream/rude.rs"]
mod rude;
#[path = "upstream/support.rs"]
mod support;
#[path = "upstream/timeouts.rs"]
mod timeouts;
#[path = "upstream/tunnels.rs"]
mod tunnels;
