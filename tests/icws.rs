//! ICWS through the gateway, with the simulated Session Managers and the client that behaves like the SDK in a browser.
//!
//! One file per question: [`sessions`] (log in, stay, log out), [`streams`] and [`polls`] (messages), [`switchover`] (other servers),
//! [`content`] and [`uploads`] (what must pass untouched), [`refusals`] (what must not pass), [`crowd`] (two hundred at once).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "icws/content.rs"]
mod content;
#[path = "icws/crowd.rs"]
mod crowd;
#[path = "icws/polls.rs"]
mod polls;
#[path = "icws/refusals.rs"]
mod refusals;
#[path = "icws/sessions.rs"]
mod sessions;
#[path = "icws/stage.rs"]
mod stage;
#[path = "icws/streams.rs"]
mod streams;
#[path = "icws/switchover.rs"]
mod switchover;
#[path = "icws/uploads.rs"]
mod uploads;
