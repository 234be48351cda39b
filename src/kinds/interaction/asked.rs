//! What the body of a start or a reconnect says: who asks, and what is gone on with.
//!
//! ```
//! use http::HeaderMap;
//! use portcullis::kinds::interaction::{Asked, Media};
//! let body = br#"{"participant": {"name": "Wally Webuser", "credentials": "s3cr3t"}, "target": "Marketing"}"#;
//! assert_eq!(Asked::read(&Media::of(&HeaderMap::new()), body), Asked::Named("Wally Webuser".into()));
//! ```

use super::document::{Document, Doubtful, Value};
use super::{Id, Interaction, MAX_ID_BYTES, Media};

/// Largest body of a start or a reconnect that is looked at, in bytes.
pub const MAX_ASKED_BYTES: usize = 64 * 1024;

/// Who asks for a chat or a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Somebody with an account, under the name of it. Whether the credentials are right is for the server to say.
    Named(Box<str>),
    /// Somebody without.
    Anonymous,
    /// The body cannot be read, or two readers could read it differently. To be counted like [`Self::Anonymous`]: a body that only the
    /// server can read must not be the way around that limit.
    Unknown,
}

impl Asked {
    /// Reads the body of a start. The credentials in it end here: they are neither kept nor shown.
    pub fn read(media: &Media, body: &[u8]) -> Self {
        Document::read(media, body, MAX_ASKED_BYTES)
            .ok()
            .and_then(|document| Self::found(&document.top))
            .unwrap_or(Self::Unknown)
    }

    fn found(top: &Value) -> Option<Self> {
        let fields = top.fields()?;
        match fields.sole("participant") {
            Ok(Some(participant)) => Self::participant(participant),
            // ICWS knows no accounts in these requests: `participantName` of a chat, `name` of a callback.
            Ok(None) => top
                .last("participantName")
                .or_else(|| top.last("name"))
                .map(|_| Self::Anonymous),
            Err(Doubtful) => None,
        }
    }

    fn participant(participant: &Value) -> Option<Self> {
        let fields = participant.fields()?;
        let credentials = match fields.sole("credentials").ok()? {
            // "Specify null for the credentials" (Developer's Guide, "Start a Chat").
            None | Some(Value::Nothing) => return Some(Self::Anonymous),
            Some(Value::Text(text)) if text.is_empty() => return Some(Self::Anonymous),
            Some(credentials) => credentials.text()?,
        };
        // A truth value is no credential, and XML cannot tell one from a text.
        if matches!(credentials, "true" | "false") {
            return None;
        }
        let name = fields.sole("name").ok()??.text()?;
        (name.len() <= MAX_ID_BYTES).then(|| Self::Named(name.into()))
    }
}

/// What a reconnect names in its body. Web Tools' answer says it all again; ICWS answers with a bare 204.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejoin {
    /// The chat's or the callback's id.
    pub id: Id,
    /// The participant's id so far, which in ICWS stays what it is.
    pub participant: Option<Id>,
}

impl Rejoin {
    /// Reads the body of a reconnect. `None` if it names nothing.
    ///
    /// SECURITY: nor if it names two, or something of the other kind: the server would rejoin the one, and the gateway count the other
    /// as a chat that it has never heard of.
    pub fn read(interaction: Interaction, media: &Media, body: &[u8]) -> Option<Self> {
        let document = Document::read(media, body, MAX_ASKED_BYTES).ok()?;
        let fields = document.top.fields()?;
        let id = |name| fields.only_text(name).and_then(Id::new);
        let own = match interaction {
            Interaction::Chat => "chatID",
            Interaction::Callback => "callbackID",
        };
        Some(Rejoin {
            id: id(own)?,
            participant: id("participantID"),
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::CONTENT_TYPE;

    use super::*;

    fn asked(body: &str) -> Asked {
        Asked::read(&Media::of(&HeaderMap::new()), body.as_bytes())
    }

    #[test]
    fn whoever_gives_credentials_is_named() {
        let wally = Asked::Named("Wally".into());
        for (body, expected) in [
            (
                r#"{"participant": {"name": "Wally", "credentials": "x"}}"#,
                wally.clone(),
            ),
            (
                r#"{"participant": {"name": " Wally ", "credentials": 7}}"#,
                wally.clone(),
            ),
            (
                r#"{"participant": {"name": "Wally", "credentials": null}}"#,
                Asked::Anonymous,
            ),
            (
                r#"{"participant": {"name": "Wally", "credentials": ""}}"#,
                Asked::Anonymous,
            ),
            (r#"{"participant": {"name": "Wally"}}"#, Asked::Anonymous),
            (
                r#"{"participantName": "Wally", "targetName": "Sales"}"#,
                Asked::Anonymous,
            ),
            (
                r#"{"name": "Wally", "telephone": "1", "targetQueue": "Sales"}"#,
                Asked::Anonymous,
            ),
            (
                "<chat><participant><name>Wally</name><credentials>x</credentials></participant></chat>",
                wally.clone(),
            ),
            (
                "<chat><participant name='Wally' credentials='x'/></chat>",
                wally.clone(),
            ),
            (
                "<c:chat xmlns:c='u'><c:participant c:name='Wally'><c:credentials>x</c:credentials></c:participant></c:chat>",
                wally,
            ),
            (
                "<chat><participant name='Wally' credentials=''/></chat>",
                Asked::Anonymous,
            ),
            (
                "<chat><participant><name>Wally</name><credentials nil='true'/></participant></chat>",
                Asked::Anonymous,
            ),
            (
                "<chat><participant><name>Wally</name><credentials/></participant></chat>",
                Asked::Anonymous,
            ),
        ] {
            assert_eq!(asked(body), expected, "{body}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_unknown() {
        for body in [
            "",
            "x",
            "{",
            "[]",
            "{}",
            r#"{"participant": null}"#,
            r#"{"participant": "Wally"}"#,
            r#"{"participant": {"name": "Wally", "credentials": "  "}}"#,
            r#"{"participant": {"name": "Wally", "credentials": true}}"#,
            r#"{"participant": {"name": "Wally", "credentials": {}}}"#,
            r#"{"participant": {"name": "Wally", "credentials": ["x"]}}"#,
            r#"{"participant": {"name": "Wally", "credentials": "", "credentials": "x"}}"#,
            r#"{"participant": {"name": "Wally", "credentials": "x", "credentials": ""}}"#,
            r#"{"participant": {"name": "Wally", "Credentials": "x"}}"#,
            r#"{"participant": {"name": "Wally", "name": "Ann", "credentials": "x"}}"#,
            r#"{"participant": {"credentials": "x"}}"#,
            r#"{"participant": {"name": "", "credentials": "x"}}"#,
            r#"{"participant": {"name": "Wally"}, "participant": {"name": "Ann", "credentials": "x"}}"#,
            r#"{"Participant": {"name": "Wally", "credentials": "x"}}"#,
            "<chat><participant name='Wally' credentials='x'><credentials/></participant></chat>",
            "<chat/>",
        ] {
            assert_eq!(asked(body), Asked::Unknown, "{body}");
        }
        let long = "n".repeat(MAX_ID_BYTES + 1);
        let body = format!(r#"{{"participant": {{"name": "{long}", "credentials": "x"}}}}"#);
        assert_eq!(asked(&body), Asked::Unknown);
    }

    #[test]
    fn a_large_body_and_a_wrong_media_type_are_unknown() {
        let body = r#"{"participant": {"name": "Wally"}, "customInfo": ""#.to_owned();
        for (length, expected) in [
            (MAX_ASKED_BYTES - 2 - body.len(), Asked::Anonymous),
            (MAX_ASKED_BYTES - 1 - body.len(), Asked::Unknown),
        ] {
            assert_eq!(
                asked(&format!("{body}{}\"}}", "x".repeat(length))),
                expected
            );
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/xml".parse().unwrap());
        let body = br#"{"participant": {"name": "Wally"}}"#;
        assert_eq!(Asked::read(&Media::of(&headers), body), Asked::Unknown);
    }

    #[test]
    fn credentials_are_in_no_result() {
        for body in [
            r#"{"participant": {"name": "Wally", "credentials": "s3cr3t"}}"#,
            r#"{"participant": {"credentials": "s3cr3t"}}"#,
            r#"{"participant": {"name": "Wally", "credentials": "s3cr3t}}"#,
        ] {
            assert!(!format!("{:?}", asked(body)).contains("s3cr3t"), "{body}");
        }
    }

    #[test]
    fn a_reconnect_names_what_it_goes_on_with() {
        let read = |interaction, body: &str| {
            Rejoin::read(interaction, &Media::of(&HeaderMap::new()), body.as_bytes())
        };
        let rejoin = |id, participant: Option<&str>| {
            let participant = participant.and_then(Id::new);
            Some(Rejoin {
                id: Id::new(id).unwrap(),
                participant,
            })
        };
        let (chat, callback) = (Interaction::Chat, Interaction::Callback);
        for (interaction, body, expected) in [
            (chat, r#"{"chatID": "c"}"#, rejoin("c", None)),
            (
                chat,
                r#"{"chatId": "c", "participantId": "p"}"#,
                rejoin("c", Some("p")),
            ),
            (callback, r#"{"callbackID": "b"}"#, rejoin("b", None)),
            (chat, "<chat><chatID>c</chatID></chat>", rejoin("c", None)),
            (callback, "<callback callbackID='b'/>", rejoin("b", None)),
            (
                callback,
                r#"{"chatID": "c", "callbackID": "b"}"#,
                rejoin("b", None),
            ),
            (callback, r#"{"chatID": "c"}"#, None),
            (chat, r#"{"callbackID": "b"}"#, None),
            (chat, r#"{"chatID": "c", "chatID": "d"}"#, None),
            (chat, r#"{"chatID": "c", "chatId": "d"}"#, None),
            (
                chat,
                r#"{"chatId": "c", "participantId": "p", "participantID": "q"}"#,
                rejoin("c", None),
            ),
            (chat, r#"{"chatID": ""}"#, None),
            (chat, "{}", None),
            (chat, "", None),
        ] {
            assert_eq!(read(interaction, body), expected, "{body}");
        }
    }
}
