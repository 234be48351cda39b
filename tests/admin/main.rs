//! The admin listener: who is let in, by what, for how long, and what happens to it when the file changes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod browser;
mod door;
mod reload;
mod stage;
mod tls;
