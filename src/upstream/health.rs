//! Whether servers work: asked now and then by probes, and seen by requests.
//!
//! A condition is for people, and for routes that let one server stand in for another (`routing::fail_over`). On every other route
//! a request goes to the server that its client has chosen, whatever is known of that: the clients of ICWS and Web Tools look for
//! another server themselves, and a 503 of such a server is a part of its protocol.
//!
//! * [`tally`](Tally): signs in a row make a condition
//! * [`rule`](Rule): how a server is probed
//! * [`probe`](fn@probe): one probe
//! * `failure`: why one failed
//! * `server`: what is known of one server
//! * `rounds`: when it is probed
//! * `watch`: who is probed

mod failure;
mod probe;
mod rounds;
mod rule;
mod server;
mod tally;
mod watch;

pub use failure::{Failure, is_tls_alert};
pub use probe::{Outcome, probe};
pub use rule::{Meaning, Rule, judge};
pub use server::{Change, Probed, ServerHealth, View};
pub use tally::{Condition, Sign, Tally, Thresholds};
pub use watch::Watch;
