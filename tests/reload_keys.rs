//! Every key of the configuration, changed by a reload: what it names changes, and nothing else does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "reload_keys/admin.rs"]
mod admin;
#[path = "reload_keys/behind.rs"]
mod behind;
#[path = "reload_keys/bystanders.rs"]
mod bystanders;
#[path = "reload_keys/chats.rs"]
mod chats;
#[path = "reload_keys/clients.rs"]
mod clients;
#[path = "reload_keys/ground.rs"]
mod ground;
#[path = "reload_keys/hosts.rs"]
mod hosts;
#[path = "reload_keys/interactions.rs"]
mod interactions;
#[path = "reload_keys/lifecycle.rs"]
mod lifecycle;
#[path = "reload_keys/limits.rs"]
mod limits;
#[path = "reload_keys/listeners.rs"]
mod listeners;
#[path = "reload_keys/log.rs"]
mod log;
#[path = "reload_keys/looks.rs"]
mod looks;
#[path = "reload_keys/people.rs"]
mod people;
#[path = "reload_keys/pools.rs"]
mod pools;
#[path = "reload_keys/row.rs"]
mod row;
#[path = "reload_keys/schema.rs"]
mod schema;
#[path = "reload_keys/servers.rs"]
mod servers;
#[path = "reload_keys/slow.rs"]
mod slow;

#[path = "command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
#[path = "command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
