//! The real program: what it prints, what signals do to it, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod admin;
#[allow(dead_code, reason = "each test uses its part of it")]
mod client;
mod ends;
mod hangup;
mod starts;

#[path = "../command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
#[path = "../command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
