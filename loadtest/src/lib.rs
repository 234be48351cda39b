//! Servers to try Portcullis against, none of them the real thing and none that a client of the real thing would tell from it.
//!
//! [`icws`], [`webtools`] and [`webhtml`] stand for the CIC server, [`rude`] servers and clients misbehave, [`wire`] is the raw HTTP server
//! under all of them, and [`edge`] is a gateway in this process.

pub mod edge;
pub mod icws;
pub mod rude;
pub mod webhtml;
pub mod webtools;
pub mod wire;
