//! Servers to try Portcullis against, none of them the real thing and none that a client of the real thing would tell from it.
//!
//! [`wire`] is the raw HTTP server under them, [`rude`] servers and clients misbehave, [`edge`] is a gateway in this process.

pub mod edge;
pub mod rude;
pub mod wire;
