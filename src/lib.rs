//! Portcullis, the edge gateway of a contact center: the map of the house.
//!
//! A request comes in through the [`front_door`], where listeners, TLS and the reading of the head are; [`gateway`] is the list of
//! the steps it then takes. [`routing`] finds its route by host and path, [`kinds`] knows what the protocol behind the route needs,
//! [`rewrite`] maps paths in and cookies and locations back out, [`upstream`] reaches the server, [`files`] serves folders.
//! [`limits`] is what each client has used and who is shut out, [`people`] who is signed in. What the gateway answers by itself has a [`reason`] and comes from [`respond`].
//!
//! [`config`] reads the YAML file and reports every mistake as a [`diagnostic`]; [`snapshot`] is the file compiled, immutable and
//! replaced whole; both read through [`regular_file`]. [`runtime`] is what has happened and outlives it. [`server`] starts and stops all
//! of it, [`load`] and [`reload`] bring a changed file into force, [`handover`] gives everything to a new process, [`state`] remembers over a
//! restart, [`admin`] and [`observe`] let people look, [`cli`] holds the commands.

pub mod admin;
pub mod cli;
pub mod config;
pub mod diagnostic;
mod every_core;
pub mod exchange;
pub mod files;
pub mod front_door;
pub mod gateway;
pub mod handover;
pub mod itself;
pub mod kinds;
pub mod limits;
pub mod load;
pub mod observe;
pub mod people;
pub mod reason;
pub mod regular_file;
pub mod reload;
pub mod request_id;
pub mod respond;
pub mod rewrite;
pub mod routing;
pub mod runtime;
pub mod server;
pub mod snapshot;
pub mod state;
pub mod upstream;
