//! What an answer says of a chat or a callback.
//!
//! Web Tools wraps everything in an object and says failure as a 200; ICWS says it plainly and fails with a 4xx. An agent who leaves
//! ends nothing, since the chat may have been transferred: what counts is the visitor's own participant.
//!
//! ```
//! use http::{HeaderMap, Method};
//! use portcullis::kinds::interaction::{Answer, Media, Operation, Wire};
//! let poll = Operation::of(Wire::Webtools, &Method::GET, "/websvcs/chat/poll/p1").unwrap();
//! let body = br#"{"chat": {"status": {"type": "failure", "reason": "error.websvc.unknownEntity.session"}}}"#;
//! let answer = Answer::read(Wire::Webtools, &poll, 200, &Media::of(&HeaderMap::new()), body).unwrap();
//! assert!(answer.unknown_session && !answer.ended);
//! ```

use std::fmt;

use super::document::{Document, MAX_BODY_BYTES, Value};
use super::{Id, Interaction, Media, Operation, Subject, Unreadable, Wire};

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether the server did what it was asked.
    pub outcome: Outcome,
    /// What the answer is about. For a start this is the server's word, and it stands above the request's path.
    pub interaction: Option<Interaction>,
    /// The chat's or the callback's id, where the answer names it. A start that succeeded always does.
    pub id: Option<Id>,
    /// The visitor's participant id, where the answer names it.
    pub participant: Option<Id>,
    /// The server does not know the session (any more). Said by a server that the chat is not on now, it means nothing.
    pub unknown_session: bool,
    /// The interaction is over: the visitor's own participant is disconnected, the callback is, or an exit has succeeded.
    pub ended: bool,
}

/// Whether the server did what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Success,
    /// It did not, and says why.
    Failure(FailureReason),
    /// It answered with this status and no reason that could be read.
    Status(u16),
}

/// The server's word for a failure: at most 128 letters, digits, dots, dashes and underscores, so that it can be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct FailureReason(Box<str>);

impl FailureReason {
    fn new(text: &str) -> Self {
        let is_code = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        FailureReason(text.chars().filter(is_code).take(128).collect())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is(&self, code: &str) -> bool {
        self.0.eq_ignore_ascii_case(code)
    }

    fn ends_in(&self, words: &[&str]) -> bool {
        let last = self.0.rsplit('.').next().unwrap_or_default();
        words.iter().any(|word| last.eq_ignore_ascii_case(word))
    }
}

impl fmt::Debug for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Answer {
    /// Reads the whole answer to an operation. `body` is as it is on the wire, compressed or not.
    ///
    /// # Errors
    /// The body cannot be read or says nothing of use. A start may have succeeded all the same, and a participant whose poll was
    /// answered lives.
    pub fn read(
        wire: Wire,
        operation: &Operation,
        status: u16,
        media: &Media,
        body: &[u8],
    ) -> Result<Self, Unreadable> {
        let answer = match wire {
            Wire::Webtools => webtools(operation, status, media, body)?,
            Wire::Icws => icws(operation, status, media, body)?,
        };
        let starts = matches!(operation, Operation::Start(_));
        match starts && answer.is_success() && answer.id.is_none() {
            true => Err(Unreadable::NoId),
            false => Ok(answer),
        }
    }

    /// Whether the server did what it was asked.
    pub fn is_success(&self) -> bool {
        self.outcome == Outcome::Success
    }

    /// Whether a start that did not succeed may have begun something all the same: something between us and the chat broke. A 503 is
    /// the word of a backup server, which starts nothing.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self.outcome, Outcome::Status(500 | 502 | 504))
    }

    fn of(subject: Subject, outcome: Outcome) -> Self {
        let interaction = match subject {
            Subject::Chat => Some(Interaction::Chat),
            Subject::Callback => Some(Interaction::Callback),
            Subject::Party => None,
        };
        Answer {
            outcome,
            interaction,
            id: None,
            participant: None,
            unknown_session: false,
            ended: false,
        }
    }

    /// What a success says, in the fields that both protocols have.
    fn take_in(&mut self, operation: &Operation, fields: &Value) {
        let id = |name| fields.text_of(name).and_then(Id::new);
        self.id = match self.interaction {
            Some(Interaction::Chat) => id("chatID"),
            Some(Interaction::Callback) => id("callbackID"),
            None => None,
        };
        if self.interaction.is_some() {
            self.participant = id("participantID");
        }
        let own = operation.participant().or(self.participant.as_ref());
        let gone = own.is_some_and(|own| is_gone(own, fields));
        let exited = matches!(operation, Operation::Exit { .. });
        self.ended = exited || gone || self.is_callback_over(operation, fields);
    }

    /// `acdStatus.interactionState` in Web Tools. INFERRED: in ICWS, whose status has a `state`, the same word.
    fn is_callback_over(&self, operation: &Operation, fields: &Value) -> bool {
        let acd = fields.last("acdStatus").unwrap_or(fields);
        let state = acd.text_of("interactionState").or_else(|| {
            let asked = matches!(operation, Operation::Status { .. });
            asked.then(|| fields.text_of("state")).flatten()
        });
        self.interaction == Some(Interaction::Callback)
            && state.is_some_and(|state| state.eq_ignore_ascii_case("disconnected"))
    }
}

/// Web Tools: only a 2xx has an envelope, and the envelope says whether it is a success.
fn webtools(
    operation: &Operation,
    status: u16,
    media: &Media,
    body: &[u8],
) -> Result<Answer, Unreadable> {
    if !(200..300).contains(&status) {
        return Ok(Answer::of(operation.subject(), Outcome::Status(status)));
    }
    let document = Document::read(media, body, MAX_BODY_BYTES)?;
    let mut envelopes = [
        ("chat", Subject::Chat),
        ("callback", Subject::Callback),
        ("partyInfo", Subject::Party),
    ];
    // The operation's own comes first; another one is what the server took the request for.
    envelopes.sort_by_key(|(_, subject)| *subject != operation.subject());
    let mut envelopes = envelopes
        .into_iter()
        .filter_map(|(name, subject)| Some((subject, document.named(name)?)));
    let (subject, fields) = envelopes.next().ok_or(Unreadable::NotAnAnswer)?;
    let state = fields.last("status");
    let kind = state.and_then(|state| state.text_of("type").or_else(|| state.text()));
    let has_failed = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("failure"));
    if has_failed {
        let reason = state.and_then(|state| state.text_of("reason"));
        let reason = FailureReason::new(reason.unwrap_or("error.websvc"));
        let mut answer = Answer::of(subject, Outcome::Status(status));
        answer.unknown_session = reason.is("error.websvc.unknownEntity.session");
        answer.outcome = Outcome::Failure(reason);
        return Ok(answer);
    }
    let mut answer = Answer::of(subject, Outcome::Success);
    answer.take_in(operation, fields);
    match kind {
        None if answer.id.is_none() => Err(Unreadable::NotAnAnswer),
        _ => Ok(answer),
    }
}

/// ICWS: the status says whether it is a success, 202 and 204 included, and a failure has an `errorId`.
fn icws(
    operation: &Operation,
    status: u16,
    media: &Media,
    body: &[u8],
) -> Result<Answer, Unreadable> {
    let subject = operation.subject();
    if !(200..300).contains(&status) {
        let mut answer = Answer::of(subject, Outcome::Status(status));
        let document = Document::read(media, body, MAX_BODY_BYTES).ok();
        let reason = document.as_ref().and_then(|d| d.top.text_of("errorId"));
        // A 5xx stays one, so that a start that broke in the middle is known for it.
        if let (Some(reason), 400..500) = (reason, status) {
            let reason = FailureReason::new(reason);
            let gone = ["invalidParticipantId", "invalidChatId", "invalidCallbackId"];
            answer.unknown_session = reason.ends_in(&gone);
            answer.outcome = Outcome::Failure(reason);
        }
        return Ok(answer);
    }
    let mut answer = Answer::of(subject, Outcome::Success);
    match Document::read(media, body, MAX_BODY_BYTES) {
        Ok(document) => answer.take_in(operation, &document.top),
        Err(Unreadable::Empty) => answer.ended = matches!(operation, Operation::Exit { .. }),
        Err(why) => return Err(why),
    }
    Ok(answer)
}

/// Whether the last that the events say of this participant is that it is disconnected.
fn is_gone(own: &Id, fields: &Value) -> bool {
    let mut gone = false;
    // ICWS calls its events messages.
    for name in ["events", "messages"] {
        if let Some(events) = fields.last(name) {
            each_event(events, &mut |event| {
                let state = event.text_of("state");
                let whose = event.text_of("participantID").and_then(Id::new);
                if let (Some(state), true) = (state, whose.as_ref() == Some(own)) {
                    // ICWS numbers the states; 4 is Disconnected in the vendor's generated library.
                    gone = state.eq_ignore_ascii_case("disconnected") || state == "4";
                }
            });
        }
    }
    gone
}

/// Shows every change of a participant's state: the items of a list, or elements of whatever name. The document's depth is bounded.
fn each_event<'v>(value: &'v Value, show: &mut impl FnMut(&'v Value)) {
    match value {
        Value::List(items) => items.iter().for_each(|item| each_event(item, show)),
        Value::Fields(fields) => {
            let kind = value.text_of("type").or_else(|| value.text_of("__type"));
            // `participantStateChanged`, or `urn:inin.com:webChat:chatParticipantStateChangedMessage`.
            match kind.map(|kind| kind.to_ascii_lowercase()) {
                Some(kind) if kind.contains("participantstatechanged") => show(value),
                Some(_) => {}
                None => fields
                    .named
                    .iter()
                    .for_each(|(_, inner)| each_event(inner, show)),
            }
        }
        Value::Nothing | Value::Text(_) => {}
    }
}

#[cfg(test)]
mod tests;
