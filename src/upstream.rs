//! The servers inside: where they are, how they are reached, and that they are who they say.
//!
//! * [`server`]: one server of the file, compiled: its peer for Pingora, its Host, its timeouts
//! * [`tls`]: CAs and client certificates read from files
//! * [`resolve`]: names to addresses, in the background
//! * [`health`]: whether they work
//! * [`instant_upgrade`]: the connector that does not lose WebSockets

pub mod health;
pub mod instant_upgrade;
pub mod resolve;
pub mod server;
pub mod tls;

pub use resolve::{Addresses, Resolver};
pub use server::{Timeouts, Upstream, Wait};
