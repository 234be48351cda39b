//! What measurements of the real program share: the gateway as a process of its own, a quick server, a polite client with exact times.

pub(crate) mod cores;
pub(crate) mod figures;
pub(crate) mod gateway;
pub mod polite;
pub(crate) mod server;

/// The host that the measured gateway serves.
pub(crate) const HOST: &str = "proxy.example.com";
