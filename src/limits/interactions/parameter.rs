//! Which limit refused a start, for logs and metrics: a closed list.
//!
//! ```
//! use portcullis::limits::interactions::Parameter;
//! assert_eq!(Parameter::PerAddress.name(), "MaxInteractionsAllowedPerIP");
//! assert_eq!(Parameter::ALL.len(), 11);
//! ```

/// A limit of [`Rules`](super::Rules).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parameter {
    /// Of one address.
    PerAddress,
    /// Of visitors without an account.
    Anonymous,
    /// Of chats, or of callbacks.
    ActiveInteractions,
    /// Of chats.
    ActiveChats,
    /// Of callbacks.
    ActiveCallbacks,
    /// Of one visitor with an account.
    PerUser,
    /// Chats started in a time.
    ChatBurst,
    /// Callbacks started in a time.
    CallbackBurst,
    /// Both started in a time.
    InteractionBurst,
    /// Chats of all pairs.
    TotalChats,
    /// Callbacks of all pairs.
    TotalCallbacks,
}

impl Parameter {
    /// All, in the order in which they are asked.
    pub const ALL: [Self; 11] = [
        Self::PerAddress,
        Self::Anonymous,
        Self::ActiveInteractions,
        Self::ActiveChats,
        Self::ActiveCallbacks,
        Self::PerUser,
        Self::ChatBurst,
        Self::CallbackBurst,
        Self::InteractionBurst,
        Self::TotalChats,
        Self::TotalCallbacks,
    ];

    /// The vendor's name; small letters where the parameter is ours.
    pub fn name(self) -> &'static str {
        match self {
            Self::PerAddress => "MaxInteractionsAllowedPerIP",
            Self::Anonymous => "MaxAnonymousInteractionsAllowed",
            Self::ActiveInteractions => "MaxActiveInteractionsAllowed",
            Self::ActiveChats => "MaxActiveChatsAllowed",
            Self::ActiveCallbacks => "MaxActiveCallbacksAllowed",
            Self::PerUser => "MaxInteractionsAllowedPerUser",
            Self::ChatBurst => "MaxChatsAllowedPerUnitTime",
            Self::CallbackBurst => "MaxCallbacksAllowedPerUnitTime",
            Self::InteractionBurst => "MaxInteractionsAllowedPerUnitTime",
            Self::TotalChats => "total_chats",
            Self::TotalCallbacks => "total_callbacks",
        }
    }
}
