//! Who is connected, through the running gateway: what it lists is what the simulated servers have, and nobody can make it list or
//! drop somebody else.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod answers;
#[path = "../interactions/client.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod client;
mod command;
mod listed;
mod sessions;
#[path = "../icws/stage.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod stage;
mod storm;
mod strangers;
#[path = "../interactions/support.rs"]
#[allow(dead_code, unused_imports, reason = "each test uses its part of it")]
mod support;
mod visitors;
