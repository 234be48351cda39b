//! Slow and abusive clients: each is ended, counted with its reason, and costs those beside it nothing. And honest clients that look a
//! little like them, which are not ended.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod attacks;
mod handshakes;
mod honest;
mod support;
