//! Whether servers work: probes of polite and of rude servers, what requests tell, reloads, and servers that stand in for one another.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod alert;
mod command;
mod conditions;
mod fail_over;
mod probes;
mod reloads;
mod requests;
mod scarce;
mod stage;

#[path = "../command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
#[path = "../upstream/support.rs"]
mod inside;
#[path = "../command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
