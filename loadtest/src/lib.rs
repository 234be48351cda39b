//! Servers to try Portcullis against, none of them the real thing and none that a client of the real thing would tell from it.
//!
//! [`icws`], [`webtools`] and [`webhtml`] stand for the CIC server, [`rude`] servers and clients misbehave, [`slow`] clients attack,
//! [`wire`] is the raw HTTP server under all of them, [`edge`] is a gateway in this process, [`demo`] is all of it together, [`flood`]
//! and [`reloads`] measure what clients notice, with what [`measured`] holds, [`large`] is a configuration to measure with, and [`traffic`] is what must not notice a reload, an upgrade or a drain.

pub mod demo;
pub mod edge;
pub mod flood;
pub mod icws;
pub mod large;
pub mod measured;
pub mod reloads;
pub mod rude;
pub mod slow;
pub mod traffic;
pub mod webhtml;
pub mod webtools;
pub mod wire;
