//! Limits per client address through the running gateway: rates, numbers at a time, bans, and the operator's hands.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod addresses;
mod bans;
mod commands;
mod cut;
mod flood;
mod observe;
mod support;
