//! The vendor's parameters against floods (Interaction Web Tools Technical Reference, "Denial of Service"), and two of ours.
//!
//! ```
//! use portcullis::limits::interactions::{Parameter, Rules};
//! assert_eq!(Rules::default().per_address, 15);
//! assert_eq!(Parameter::PerAddress.name(), "MaxInteractionsAllowedPerIP");
//! ```

use std::time::Duration;

use crate::limits::rules::Mode;

/// So many starts within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// So many.
    pub most: u32,
    /// Within this.
    pub within: Duration,
}

/// Limits of one pair. The defaults are the vendor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Whether they are enforced; `None`: interactions are counted, not limited.
    pub mode: Option<Mode>,
    /// Active chats and callbacks of one address.
    pub per_address: u32,
    /// Active chats and callbacks of one user who signed in.
    pub per_user: u32,
    /// Active chats and callbacks of visitors who did not.
    pub anonymous: u32,
    /// Active chats.
    pub chats: u32,
    /// Active callbacks.
    pub callbacks: u32,
    /// Starts of both.
    pub starts: Burst,
    /// Starts of chats.
    pub chat_starts: Burst,
    /// Starts of callbacks.
    pub callback_starts: Burst,
    /// Active chats of all pairs together.
    pub total_chats: Option<u32>,
    /// Active callbacks of all pairs together.
    pub total_callbacks: Option<u32>,
    /// A chat ends when nothing was heard of it for so long.
    pub chat_silence: Duration,
    /// A callback ends when nothing was heard of it for so long.
    pub callback_silence: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        let five_a_second = Burst {
            most: 5,
            within: Duration::from_secs(1),
        };
        Rules {
            mode: Some(Mode::Enforce),
            per_address: 15,
            per_user: 5,
            anonymous: 1500,
            chats: 1500,
            callbacks: 1500,
            starts: five_a_second,
            chat_starts: five_a_second,
            callback_starts: five_a_second,
            total_chats: None,
            total_callbacks: None,
            chat_silence: Duration::from_secs(180),
            callback_silence: Duration::from_secs(8 * 3600),
        }
    }
}

/// Which limit a start exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// [`Rules::per_address`]
    PerAddress,
    /// [`Rules::per_user`]
    PerUser,
    /// [`Rules::anonymous`]
    Anonymous,
    /// [`Rules::chats`]
    Chats,
    /// [`Rules::callbacks`]
    Callbacks,
    /// [`Rules::starts`]
    Starts,
    /// [`Rules::chat_starts`]
    ChatStarts,
    /// [`Rules::callback_starts`]
    CallbackStarts,
    /// [`Rules::total_chats`]
    TotalChats,
    /// [`Rules::total_callbacks`]
    TotalCallbacks,
}

impl Parameter {
    /// Its name in the file, which is the vendor's where the vendor has it.
    pub fn name(self) -> &'static str {
        match self {
            Parameter::PerAddress => "MaxInteractionsAllowedPerIP",
            Parameter::PerUser => "MaxInteractionsAllowedPerUser",
            Parameter::Anonymous => "MaxAnonymousInteractionsAllowed",
            Parameter::Chats => "MaxActiveChatsAllowed",
            Parameter::Callbacks => "MaxActiveCallbacksAllowed",
            Parameter::Starts => "MaxInteractionsAllowedPerUnitTime",
            Parameter::ChatStarts => "MaxChatsAllowedPerUnitTime",
            Parameter::CallbackStarts => "MaxCallbacksAllowedPerUnitTime",
            Parameter::TotalChats => "total_chats",
            Parameter::TotalCallbacks => "total_callbacks",
        }
    }
}
