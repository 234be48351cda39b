//! The error codes a failed answer carries in `status.reason`.
//!
//! ```
//! use loadtest::webtools::Reason;
//! assert_eq!(Reason::Unavailable.code(), "error.websvc.unavailable");
//! ```

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The request's charset is not UTF-8.
    InvalidCharset,
    /// The request's media type is neither JSON nor XML.
    InvalidContentType,
    /// The body cannot be read.
    InvalidContent,
    /// The body lacks something the operation needs.
    MissingData,
    /// The chat or callback is gone.
    UnknownSession,
    /// No such participant on this server.
    UnknownParticipant,
    /// The target cannot be contacted.
    BadTarget,
    /// No such queue.
    InvalidQueue,
    /// No such kind of queue.
    InvalidQueueType,
    /// The visitor's account does not match.
    BadCredentials,
    /// The account to register is taken.
    AccountExists,
    /// A limit was reached.
    Unavailable,
    /// The interaction is not connected.
    NotConnected,
    /// Not offered here.
    UnsupportedOperation,
}

impl Reason {
    /// The code as it stands on the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidCharset => "error.websvc.contentType.invalidCharset",
            Self::InvalidContentType => "error.websvc.contentType.invalidContentType",
            Self::InvalidContent => "error.websvc.content.invalid",
            Self::MissingData => "error.websvc.content.invalid.missingData",
            Self::UnknownSession => "error.websvc.unknownEntity.session",
            Self::UnknownParticipant => "error.websvc.unknownEntity.participant",
            Self::BadTarget => "error.websvc.unknownEntity.badTarget",
            Self::InvalidQueue => "error.websvc.unknownEntity.invalidQueue",
            Self::InvalidQueueType => "error.websvc.unknownEntity.invalidQueueType",
            Self::BadCredentials => "error.websvc.userdb.badCredentials",
            Self::AccountExists => "error.websvc.userdb.accountExists",
            Self::Unavailable => "error.websvc.unavailable",
            Self::NotConnected => "error.websvc.entity.notconnected",
            Self::UnsupportedOperation => "error.websvc.unsupportedOperation",
        }
    }
}
