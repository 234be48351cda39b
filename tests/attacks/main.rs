//! The gateway under attack: what a hostile client, a hostile server or a careless file can make of it. Every target is a server that
//! the test itself has started on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod admin;
mod answers;
mod bodies;
mod framing;
mod http2;
mod itself;
mod limits;
mod methods;
mod paths;
mod support;
mod tls;
mod upgrades;
