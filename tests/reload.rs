//! Reloads of a running gateway: what is unchanged stays untouched, what is wrong changes nothing, and everybody can see how it ended.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "reload/connections.rs"]
mod connections;
#[path = "reload/outcome.rs"]
mod outcome;
#[path = "reload/refused.rs"]
mod refused;
#[path = "reload/support.rs"]
mod support;
#[path = "reload/unchanged.rs"]
mod unchanged;
