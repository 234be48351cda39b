//! Sessions of ICWS: `POST /icws/connection` begins one, every path `/icws/{sessionId}/...` is within it, `DELETE` of its `connection`
//! ends it (ICWS Making Requests).
//!
//! ```text
//! POST   /icws/connection                201, ININ-ICWS-Session-ID: 1234567890, {"sessionId": "1234567890", "userID": "agent1", ...}
//! GET    /icws/1234567890/...            with the cookie icws_1234567890 and the header ININ-ICWS-CSRF-Token
//! DELETE /icws/1234567890/connection     200
//! any    /icws/1234567890/...            401, {"errorCode": 2}: there is no such session any more
//! ```

use ::http::header::{CONTENT_TYPE, COOKIE, LOCATION};
use ::http::{HeaderMap, Method, StatusCode};
use pingora_http::ResponseHeader;

use crate::kinds::interaction::{self, Media};
use crate::kinds::session::{Begun, Credential, Deed, Sessions, Told};
use crate::people::Kind;
use crate::routing::path_safety;

/// In the answer to a sign-in.
const SESSION_ID: &str = "ININ-ICWS-Session-ID";
/// In every request but the reading of messages, where a browser's EventSource could not send it.
const CSRF_TOKEN: &str = "ININ-ICWS-CSRF-Token";
/// `errorCode` of a 401: the id is none or has expired, and no such session.
const GONE: [&str; 2] = ["1", "2"];
/// The longest id that is taken for one; known ones have ten digits.
const MAX_ID_BYTES: usize = 64;

pub(super) struct IcwsSessions;

impl Sessions for IcwsSessions {
    fn kind(&self) -> Kind {
        Kind::Icws
    }

    fn deed<'p>(&self, method: &Method, path: &'p str) -> Option<Deed<'p>> {
        // SECURITY: of a path with two readings nothing is concluded; the server's success might be about the other one. A preflight is
        // answered without any proof.
        if !path_safety::is_plain(path) || matches!(*method, Method::OPTIONS | Method::TRACE) {
            return None;
        }
        let mut segments = path.strip_prefix('/')?.split('/');
        let (root, first) = (segments.next()?, segments.next()?);
        if !root.eq_ignore_ascii_case("icws") {
            return None;
        }
        let (second, more) = (segments.next().unwrap_or_default(), segments.next());
        let is = |segment: &str, word: &str| segment.eq_ignore_ascii_case(word);
        if is(first, "connection") {
            return (second.is_empty() && method == Method::POST).then_some(Deed::SignIn);
        }
        if is(first, "web-chat") || is(first, "web-callback") || second.is_empty() {
            return None;
        }
        let session = plain_id(first)?;
        Some(
            match method == Method::DELETE && is(second, "connection") && more.is_none() {
                true => Deed::SignOut(session),
                false => Deed::Stay(session),
            },
        )
    }

    fn begun<'h>(&self, head: &'h ResponseHeader) -> Begun<'h> {
        if head.status != StatusCode::CREATED {
            return Begun::No;
        }
        let text = |value: &'h ::http::HeaderValue| value.to_str().ok();
        let told = head.headers.get(SESSION_ID).and_then(text);
        let located = || {
            let location = head.headers.get(LOCATION).and_then(text)?;
            location
                .strip_suffix("/connection")?
                .rsplit_once('/')
                .map(|(_, id)| id)
        };
        match told.or_else(located).and_then(plain_id) {
            Some(session) => Begun::Session(session),
            None => Begun::InBody,
        }
    }

    fn told(&self, media: &Media, body: &[u8]) -> Told {
        let texts = interaction::texts(media, body, ["sessionId", "userID"]);
        let [session, user] = texts.unwrap_or_default();
        let session = session.and_then(|session| plain_id(&session).map(str::to_owned));
        Told { session, user }
    }

    fn credentials<'r>(
        &self,
        session: &str,
        path: &str,
        request: &'r HeaderMap,
    ) -> [Credential<'r>; 2] {
        let cookie = match cookie(session, request) {
            Some(value) => Credential::Sent(value),
            None => Credential::Missing,
        };
        let reads_messages = path.to_ascii_lowercase().ends_with("/messaging/messages");
        let token = match request.get(CSRF_TOKEN) {
            _ if reads_messages => Credential::Unasked,
            Some(token) => Credential::Sent(token.as_bytes()),
            None => Credential::Missing,
        };
        [cookie, token]
    }

    fn may_tell_end(&self, status: u16) -> bool {
        status == 401
    }

    fn tells_end(&self, media: &Media, body: &[u8]) -> bool {
        let texts = interaction::texts(media, body, ["errorCode"]);
        let [code] = texts.unwrap_or_default();
        code.is_some_and(|code| GONE.contains(&code.as_str()))
    }

    fn opens_channel(&self, head: &ResponseHeader) -> bool {
        let media = head.headers.get(CONTENT_TYPE);
        let media = media.and_then(|media| media.to_str().ok()?.split(';').next());
        head.status == StatusCode::OK
            && media.is_some_and(|media| media.trim().eq_ignore_ascii_case("text/event-stream"))
    }
}

/// An id as it is remembered. SECURITY: a server that reads `007` as a number takes it for `7`, and one session must not be two users.
fn plain_id(text: &str) -> Option<&str> {
    let usable = !text.is_empty() && text.len() <= MAX_ID_BYTES;
    let is_number = text.bytes().all(|digit| digit.is_ascii_digit());
    let short = text.trim_start_matches('0');
    usable.then_some(match is_number && !short.is_empty() {
        true => short,
        false => text,
    })
}

/// The value of the session's cookie. Clients send the strangest things beside it, so nothing else is looked at.
fn cookie<'r>(session: &str, request: &'r HeaderMap) -> Option<&'r [u8]> {
    let fields = request.get_all(COOKIE).iter();
    let mut pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let name = pair.trim_ascii_start().strip_prefix(b"icws_")?;
        let given = name.split(|byte| *byte == b'=').next()?;
        let id = std::str::from_utf8(given).ok().and_then(plain_id)?;
        (id == session).then(|| name.get(given.len() + 1..))?
    })
}

#[cfg(test)]
mod tests;
