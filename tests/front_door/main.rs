//! The front door through real sockets, polite clients and rude ones.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod gateway;
mod http1;
mod http2;
mod lifecycle;
mod proxy_protocol;
mod support;
mod tls;
