//! The dashboard: its files, its stream of samples, and the page in a real browser.
//!
//! The browser tests need Debian's `chromium` and `chromium-driver` on the `PATH` and say so where they skip themselves.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod browser;
mod files;
#[path = "../command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
mod live;
mod stage;
#[path = "../command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
#[path = "../webdriver/mod.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod webdriver;
