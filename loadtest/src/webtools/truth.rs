//! What is really active on a simulated pair, for comparing a gateway's counters with.
//!
//! ```
//! use loadtest::webtools::{Kind, Truth};
//! let mut truth = Truth::default();
//! truth.add(Kind::Chat, "192.0.2.7", "chat-1");
//! assert_eq!(truth.of("192.0.2.7"), 1);
//! assert_eq!(truth.chats(), 1);
//! ```

use std::collections::{BTreeMap, BTreeSet};

/// What an interaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A chat.
    Chat,
    /// A callback.
    Callback,
}

/// The ids of one visitor address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interactions {
    /// Ids of active chats.
    pub chats: BTreeSet<String>,
    /// Ids of active callbacks.
    pub callbacks: BTreeSet<String>,
}

/// The exact set of active chats and callbacks at one moment, by the address of the visitor who started them. An ended
/// chat is not in it, even while its page has not fetched the last events yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// By visitor address; an address without interactions is not listed.
    pub by_address: BTreeMap<String, Interactions>,
}

impl Truth {
    /// Adds one interaction.
    pub fn add(&mut self, kind: Kind, address: &str, id: &str) {
        let of_address = self.by_address.entry(address.to_owned()).or_default();
        match kind {
            Kind::Chat => of_address.chats.insert(id.to_owned()),
            Kind::Callback => of_address.callbacks.insert(id.to_owned()),
        };
    }

    /// Chats and callbacks of one address.
    pub fn of(&self, address: &str) -> usize {
        self.by_address
            .get(address)
            .map_or(0, |own| own.chats.len() + own.callbacks.len())
    }

    /// All chats.
    pub fn chats(&self) -> usize {
        self.by_address.values().map(|own| own.chats.len()).sum()
    }

    /// All callbacks.
    pub fn callbacks(&self) -> usize {
        self.by_address
            .values()
            .map(|own| own.callbacks.len())
            .sum()
    }
}
