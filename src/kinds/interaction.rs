//! Chats and callbacks as they look on the wire, in Web Tools and in ICWS: what a request does to one, who asks for it, what an
//! answer says of it, and the answer the gateway gives in the server's place.
//!
//! All of it is pure and bounded, and nothing here decides anything: the counts and the limits belong to `limits::interactions`.
//! What cannot be read is an [`Unreadable`], to be passed on untouched and logged.
//!
//! ```
//! use http::{HeaderMap, Method};
//! use portcullis::kinds::interaction::{Answer, Interaction, Media, Operation, Wire};
//!
//! let start = Operation::of(Wire::Webtools, &Method::POST, "/websvcs/chat/%73tart").unwrap();
//! assert_eq!(start, Operation::Start(Interaction::Chat));
//!
//! let body = br#"{"chat": {"participantID": "p1", "chatID": "c1", "status": {"type": "success"}}}"#;
//! let media = Media::of(&HeaderMap::new());
//! let answer = Answer::read(Wire::Webtools, &start, 200, &media, body).unwrap();
//! assert!(answer.is_success());
//! assert_eq!(answer.id.unwrap().as_str(), "c1");
//! ```

mod answer;
mod asked;
mod coding;
mod document;
mod id;
mod json;
mod media;
mod operation;
mod refusal;
mod unreadable;
mod xml;

#[cfg(test)]
mod tests;

pub use answer::{Answer, FailureReason, Outcome};
pub use asked::{Asked, MAX_ASKED_BYTES, Rejoin};
pub use coding::readable_codings;
pub use document::{MAX_BODY_BYTES, MAX_DEPTH, MAX_VALUES};
pub use id::{Id, MAX_ID_BYTES};
pub use media::{Dialect, Media};
pub use operation::{Operation, Subject};
pub use refusal::{Refusal, refusal};
pub use unreadable::Unreadable;

/// The texts of these fields at the top of a body, compressed or not; of several with one name the last.
///
/// # Errors
/// The body cannot be read.
pub fn texts<const N: usize>(
    media: &Media,
    body: &[u8],
    names: [&str; N],
) -> Result<[Option<String>; N], Unreadable> {
    let document = document::Document::read(media, body, MAX_BODY_BYTES)?;
    Ok(names.map(|name| document.top.text_of(name).map(str::to_owned)))
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Interaction {
    /// A chat.
    Chat,
    /// A request to be called back.
    Callback,
}

/// Whose protocol a route speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// Interaction Web Tools: `/websvcs/`, JSON and XML in envelopes, failures as 200.
    Webtools,
    /// ICWS: `/icws/web-chat/` and `/icws/web-callback/`, flat JSON, failures as 4xx with an `errorId`.
    Icws,
}
