//! The admin listener: who is let in, by what, for how long, and what happens to it when the file changes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod browser;
mod chromium;
mod commands;
mod door;
mod process;
mod reload;
mod stage;
mod tls;

#[path = "../command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
#[path = "../command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
#[path = "../webdriver/mod.rs"]
#[allow(dead_code, unused_imports, reason = "each test uses its part of it")]
mod webdriver;
