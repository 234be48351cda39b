//! Reloads at the worst moment: files cut off, replaced or turned into something else, and signals in masses or too early or too late.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "reload_attacks/certificates.rs"]
mod certificates;
#[path = "reload_attacks/files.rs"]
mod files;
#[path = "command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
#[path = "reload_attacks/signals.rs"]
mod signals;
#[path = "reload_attacks/stage.rs"]
mod stage;
#[path = "command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
