//! Chats and callbacks through the running gateway: what it counts is what the simulated servers have, and what it refuses they never hear of.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod answers;
mod client;
mod life;
mod rules;
mod rush;
mod starts;
mod storm;
mod support;
