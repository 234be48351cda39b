//! Users' sessions as a protocol shows them: which of its answers sign somebody in, keep him signed in and sign him out.
//!
//! A kind whose users sign in says so by [`Kind::sessions`](super::Kind::sessions). Nothing here decides who is there: that is for
//! `people`, which believes a server's answers and no request.
//!
//! ```
//! use http::Method;
//! use portcullis::kinds::{self, session::Deed};
//! let icws = kinds::named("icws").unwrap().sessions().unwrap();
//! assert_eq!(icws.deed(&Method::POST, "/icws/connection"), Some(Deed::SignIn));
//! assert_eq!(icws.deed(&Method::GET, "/icws/1234/messaging/messages"), Some(Deed::Stay("1234")));
//! assert_eq!(icws.deed(&Method::DELETE, "/icws/1234/connection"), Some(Deed::SignOut("1234")));
//! ```

use http::{HeaderMap, Method};
use pingora_http::ResponseHeader;

use super::interaction::Media;
use crate::people::Kind;

/// What a request does to a session, if the server lets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed<'p> {
    /// Begins one.
    SignIn,
    /// Is made within this one.
    Stay(&'p str),
    /// Ends this one.
    SignOut(&'p str),
}

/// What the answer to a sign-in says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun<'h> {
    /// Nobody is signed in by it.
    No,
    /// This session has begun.
    Session(&'h str),
    /// One has begun, and only the body names it.
    InBody,
}

/// What the body of such an answer says. SECURITY: a session's id speaks for its user, so there is no `Debug`.
#[derive(Default)]
pub struct Told {
    /// The session.
    pub session: Option<String>,
    /// The user, by the name that the server has for him.
    pub user: Option<String>,
}

/// One of the things by which a server knows that a request belongs to a session. SECURITY: without `Debug`.
#[derive(Clone, Copy)]
pub enum Credential<'r> {
    /// The server does not ask for it in this request, so that it proves nothing here.
    Unasked,
    /// It is not there.
    Missing,
    /// It is there.
    Sent(&'r [u8]),
}

/// The sessions of one protocol.
pub trait Sessions: Sync {
    /// How its users are told from others.
    fn kind(&self) -> Kind;

    /// What a request does, by its method and its path as the server sees it, without the query.
    fn deed<'p>(&self, method: &Method, path: &'p str) -> Option<Deed<'p>>;

    /// Whether the answer to a sign-in is that somebody is in.
    fn begun<'h>(&self, head: &'h ResponseHeader) -> Begun<'h>;

    /// What its body says.
    fn told(&self, media: &Media, body: &[u8]) -> Told;

    /// What a request within `session` shows for itself.
    fn credentials<'r>(
        &self,
        session: &str,
        path: &str,
        request: &'r HeaderMap,
    ) -> [Credential<'r>; 2];

    /// Whether an answer with this status may say that the session is no more.
    fn may_tell_end(&self, status: u16) -> bool;

    /// Whether its body says so.
    fn tells_end(&self, media: &Media, body: &[u8]) -> bool;

    /// Whether this answer is a channel that stays open, over which the user is there without a request.
    fn opens_channel(&self, head: &ResponseHeader) -> bool;
}
