//! A simulated pair of Interaction Web Tools servers (WebProcessorBridge), and a visitor page that talks to it.

mod admission;
mod callback;
mod chat;
pub mod client;
mod configuration;
mod event;
mod media;
mod operation;
mod pair;
mod params;
mod reason;
mod server;
mod site;
mod truth;
mod visit;
pub mod xml;

pub use admission::{Active, Bursts, Limit, Window};
pub use callback::Callback;
pub use chat::{Chat, SharedFile};
pub use configuration::server_configuration;
pub use event::{Event, Party, SYSTEM_ID, State, new_id};
pub use media::Dialect;
pub use operation::{NoOperation, Operation};
pub use pair::{Death, Pair, PairOptions};
pub use params::{AccessControl, Burst, ParameterError, Parameters};
pub use reason::Reason;
pub use server::{Canned, Mode, Refusal, WebToolsServer};
pub use site::{Node, Queue, Site};
pub use truth::{Interactions, Kind, Truth};
pub use visit::{Answer, Visit};
