//! A raw HTTP/1.1 server for simulations: exact bytes in, exact bytes out, and everything on record.
//!
//! A general HTTP library tidies up: it lower-cases names, merges headers, reframes bodies. A simulated upstream has to see what
//! a gateway really sent and to answer with the bytes of the product it stands for, so this layer does its own framing.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use std::time::Duration;
//! use loadtest::wire::{Reply, Respond, Server, ServerOptions};
//!
//! let server = Server::start(ServerOptions::default(), Respond(|_| Reply::new(200).body("hello"))).await?;
//! println!("listening on {}", server.base_url());
//! let seen = server.recorder().wait_for(|r| r.target() == "/a%2Fb", Duration::from_secs(5)).await;
//! # drop(seen); Ok(())
//! # }
//! ```

pub(crate) mod body;
pub(crate) mod connection;
mod exchange;
mod faults;
mod io;
mod recorder;
mod reply;
mod request;
mod server;
mod serving;
mod tls;

pub use body::Framing;
pub use exchange::{BodyWriter, Exchange, Respond, Service};
pub use faults::{Fault, Faults};
pub use io::Io;
pub use recorder::{NotSeen, Record, Recorder};
pub use reply::Reply;
pub use request::{Connected, Request};
pub use server::{Server, ServerOptions};
pub use tls::{Authority, Identity, ServerTls};
