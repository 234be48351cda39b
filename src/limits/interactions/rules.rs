//! The limits of one pair as the snapshot has compiled them: plain data that comes with each call.
//!
//! ```
//! use portcullis::limits::interactions::Rules;
//! let rules = Rules { per_address: 150, ..Rules::default() };
//! assert_eq!(rules.chat_burst.most, 5, "the vendor's default");
//! ```

use std::time::Duration;

use super::parameter::Parameter;
use super::tally::Kind;
use crate::limits::rules::Mode;

/// Much longer than a page waits for its answer.
const LONGEST_DOUBT: Duration = Duration::from_secs(15 * 60);

/// The vendor's parameters (Interaction Web Tools Technical Reference, "Denial of Service Parameters") and two of ours. Those of
/// queues are not here: WebProcessor limits a queue, and the gateway does not know queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Whether what exceeds a limit is refused, or passes and is told. `None`: nothing is limited, only counted.
    pub mode: Option<Mode>,
    /// `MaxInteractionsAllowedPerIP`: chats and callbacks of one address.
    pub per_address: u32,
    /// `MaxInteractionsAllowedPerUser`: chats and callbacks of one visitor with an account.
    pub per_user: u32,
    /// `MaxAnonymousInteractionsAllowed`: chats and callbacks of visitors without an account; 0 forbids them.
    pub anonymous: u32,
    /// `MaxActiveInteractionsAllowed`: so many chats, and so many callbacks beside them.
    pub active_interactions: u32,
    /// `MaxActiveChatsAllowed`. The vendor has no default.
    pub active_chats: Option<u32>,
    /// `MaxActiveCallbacksAllowed`. The vendor has no default.
    pub active_callbacks: Option<u32>,
    /// Chats of all pairs together. Ours.
    pub total_chats: Option<u32>,
    /// Callbacks of all pairs together. Ours.
    pub total_callbacks: Option<u32>,
    /// `MaxInteractionsAllowedPerUnitTime` in `InteractionsAllowedUnitTime`: starts of both.
    pub interaction_burst: Burst,
    /// `MaxChatsAllowedPerUnitTime` in `ChatsAllowedUnitTime`: starts of chats.
    pub chat_burst: Burst,
    /// `MaxCallbacksAllowedPerUnitTime` in `CallbacksAllowedUnitTime`: starts of callbacks.
    pub callback_burst: Burst,
    /// After which silence an interaction is taken for ended.
    pub silence: Silence,
}

/// At most so many starts in any window of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// Starts; 0 admits none.
    pub most: u32,
    /// Length of the window, which includes its beginning and not its end. Zero makes the limit void.
    pub within: Duration,
}

/// How long nothing may be heard of an interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// Of a chat. Its page polls every few seconds, and fails over within half a minute.
    pub chat: Duration,
    /// Of a callback. It waits for its agent with the page closed.
    pub callback: Duration,
}

impl Rules {
    pub(super) fn burst(&self, kind: Kind) -> (Burst, Parameter) {
        match kind {
            Kind::Chat => (self.chat_burst, Parameter::ChatBurst),
            Kind::Callback => (self.callback_burst, Parameter::CallbackBurst),
        }
    }

    pub(super) fn active(&self, kind: Kind) -> (Option<u32>, Parameter) {
        match kind {
            Kind::Chat => (self.active_chats, Parameter::ActiveChats),
            Kind::Callback => (self.active_callbacks, Parameter::ActiveCallbacks),
        }
    }

    pub(super) fn total(&self, kind: Kind) -> (Option<u32>, Parameter) {
        match kind {
            Kind::Chat => (self.total_chats, Parameter::TotalChats),
            Kind::Callback => (self.total_callbacks, Parameter::TotalCallbacks),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        let burst = Burst {
            most: 5,
            within: Duration::from_secs(1),
        };
        Self {
            mode: Some(Mode::Enforce),
            per_address: 15,
            per_user: 5,
            anonymous: 1500,
            active_interactions: 1500,
            active_chats: None,
            active_callbacks: None,
            total_chats: None,
            total_callbacks: None,
            interaction_burst: burst,
            chat_burst: burst,
            callback_burst: burst,
            silence: Silence::default(),
        }
    }
}

impl Silence {
    pub(super) fn of(&self, kind: Kind) -> Duration {
        match kind {
            Kind::Chat => self.chat,
            Kind::Callback => self.callback,
        }
    }

    /// How long a start of which nobody heard the answer counts. A callback may wait for hours in silence, but its place is not held
    /// so long for one that perhaps never came about.
    pub(super) fn in_doubt(&self, kind: Kind) -> Duration {
        self.of(kind).min(LONGEST_DOUBT)
    }
}

impl Default for Silence {
    fn default() -> Self {
        Self {
            chat: Duration::from_secs(180),
            callback: Duration::from_secs(8 * 3600),
        }
    }
}
