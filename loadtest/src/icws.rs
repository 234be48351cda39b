//! A simulated ICWS (Session Manager) that a client of the real one cannot tell apart, and a client that behaves like the SDK.
//!
//! Protocol facts come from the vendor's "ICWS Making Requests" and "ICWS Web Proxies" and from what public clients observed;
//! where those are silent the choice is marked `INFERRED` in the code.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use loadtest::icws::{ClientOptions, IcwsClient, IcwsOptions, IcwsServer};
//!
//! let server = IcwsServer::start(IcwsOptions::named("icserver1")).await?;
//! let options = ClientOptions::new("http://{host}:8018").resolve("icserver1:8018", server.wire().address());
//! let mut client = IcwsClient::new(options);
//! client.login("icserver1", "agent1", "secret1").await?;
//! server.push(client.session_id().unwrap_or_default(), serde_json::json!({"__type": "urn:example:hello", "isDelta": true}));
//! assert_eq!(client.poll().await?.len(), 1);
//! client.logout().await?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod behaviour;
mod client;
mod login;
mod mailbox;
mod messaging;
mod proof;
mod resources;
mod routes;
mod server;
mod session;
mod sso;
mod station;
mod status;
mod token;
mod transfer;
mod users;
mod webchat;

pub use behaviour::{Behaviour, CookieOrder, Role};
pub use client::{
    Body, ClientError, ClientOptions, Cookie, CookieJar, Event, EventStream, IcwsClient, Login,
    Protocol, Response, Trust,
};
pub use mailbox::{Channel, Mailbox, Truth};
pub use server::{IcwsOptions, IcwsServer};
pub use session::Session;
pub use token::CsrfToken;
