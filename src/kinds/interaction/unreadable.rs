//! Why a body could not be read. Such a body passes on as it is; the sentence is for the log and repeats nothing of the body.
//!
//! ```
//! use portcullis::kinds::interaction::Unreadable;
//! assert_eq!(Unreadable::TooLarge.to_string(), "the body is larger than is looked at");
//! ```

use super::Dialect;

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A content coding that is not known here.
    #[error("the body has a content coding that is not known here")]
    UnknownCoding,
    /// More than one content coding, one around the other.
    #[error("the body has several content codings")]
    SeveralCodings,
    /// What is inside the coding is cut short or damaged.
    #[error("the body cannot be decompressed")]
    Decompression,
    /// Larger than the cap, compressed or not.
    #[error("the body is larger than is looked at")]
    TooLarge,
    /// Nothing where something should be.
    #[error("the body is empty")]
    Empty,
    /// Bytes that are not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Neither the media type nor the first character names a form.
    #[error("the body is neither JSON nor XML")]
    UnknownForm,
    /// Not well formed.
    #[error("the body is not well-formed {0}")]
    Malformed(Dialect),
    /// Nested too deeply, or of too many parts.
    #[error("the body is nested too deeply or has too many parts")]
    TooIntricate,
    /// A document type definition or an entity of its own.
    #[error("the body defines or uses XML entities")]
    Entities,
    /// Well formed, but not an answer of this operation.
    #[error("the body is not an answer of this operation")]
    NotAnAnswer,
    /// A success that names no chat and no callback.
    #[error("the body says success and names no chat or callback")]
    NoId,
}
