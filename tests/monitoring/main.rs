//! What is shipped for monitoring, judged: rules and dashboard against the program's own metrics, by a real Prometheus that scrapes a
//! running gateway, and against the documentation.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "../prometheus/center.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod center;
mod dashboard;
mod expression;
#[path = "../command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
#[path = "../prometheus/names.rs"]
mod names;
#[path = "../prometheus/server.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod prometheus;
mod rules;
mod scraped;
#[path = "../command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
