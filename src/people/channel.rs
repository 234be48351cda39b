//! A channel over which somebody is there without asking anything: an event stream, a WebSocket.
//!
//! ```ignore
//! exchange.guards.push(Box::new(people.channel(session)?));
//! ```

use std::sync::Arc;

use crate::limits::Clock;

use super::{People, SessionKey};

/// Counts for as long as it lives, however it ends.
#[must_use = "a dropped channel is closed"]
pub struct Channel {
    people: Arc<People>,
    session: SessionKey,
    generation: u64,
}

impl Channel {
    pub(super) fn new(people: Arc<People>, session: SessionKey, generation: u64) -> Self {
        Channel {
            people,
            session,
            generation,
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.people
            .closed(self.session, self.generation, Clock::now());
    }
}
