//! Kinds of people: whom the gateway can tell apart, as metrics and lists call them.
//!
//! ```
//! use portcullis::people::Kind;
//! assert_eq!(Kind::named("webtools"), Some(Kind::Webtools));
//! ```

/// What somebody is here for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A user of ICWS: an agent, a supervisor, an administrator.
    Icws,
    /// A visitor of Interaction Web Tools, in a chat or waiting for a callback.
    Webtools,
    /// The same by the calls of ICWS for chats and callbacks, which need no session.
    Webchat,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Icws, Kind::Webtools, Kind::Webchat];

    /// For metrics and lists.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Icws => "icws",
            Kind::Webtools => "webtools",
            Kind::Webchat => "webchat",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
