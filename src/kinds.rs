//! The protocols spoken by the servers inside: one file each, and one line each in [`KINDS`].
//!
//! A kind says which paths it exposes and how they map, what a request needs on its way in, what an answer needs on its way
//! out, what may be tried again, how long silence is normal, and in which form its clients understand an answer of ours.
//!
//! ```
//! use portcullis::kinds;
//! assert_eq!(kinds::named("icws").unwrap().default_port(true), Some(8019));
//! assert!(kinds::named("gopher").is_none());
//! ```

mod http;
pub mod icws;
pub mod interaction;
pub mod session;
mod shown;
mod webhtml;
mod webtools;

use ::http::Method;
use pingora_core::Result;
use pingora_http::{RequestHeader, ResponseHeader};

use crate::exchange::Call;
use crate::reason::Reason;
use crate::respond::{Answer, Audience};
use crate::rewrite::Scope;
use crate::routing::{Exposed, ExposedPath, LiteralPath, Mapping};
use crate::upstream::Timeouts;
use interaction::Wire;
use session::Sessions;
pub use shown::{shown, shown_within};

/// Every kind a server of the file may have.
pub static KINDS: [&dyn Kind; 4] = [
    &icws::Icws,
    &webtools::Webtools,
    &webhtml::Webhtml,
    &http::Http,
];

/// The kind with this name in the file.
pub fn named(name: &str) -> Option<&'static dyn Kind> {
    KINDS.into_iter().find(|kind| kind.name() == name)
}

/// One protocol.
pub trait Kind: Send + Sync {
    /// Its name in the file.
    fn name(&self) -> &'static str;

    /// The port where such a server listens if the URL names none; `None` for the scheme's own.
    fn default_port(&self, tls: bool) -> Option<u16>;

    /// Timeouts where neither server nor route has its own.
    fn timeouts(&self) -> Timeouts;

    /// Which paths below a route's prefix are exposed, and how they map to the server's. `base` is the path of the server's URL,
    /// `expose` the file's own list if it has one.
    fn mapping(&self, base: &LiteralPath, expose: Option<&[LiteralPath]>) -> Mapping;

    /// Which of the server's paths its cookies and locations are mapped back for.
    fn scope(&self) -> Scope<'static> {
        Scope::Everything
    }

    /// Whether a cookie's Domain that names the server itself is removed.
    fn strips_domain(&self) -> bool {
        true
    }

    /// Whether a request may be sent again when a *reused* connection turned out to be closed before any answer. Never asked for
    /// methods that are not idempotent.
    fn may_repeat(&self, method: &Method, path: &str) -> bool;

    /// Whether this request opens a stream whose silence is normal.
    fn is_stream(&self, head: &RequestHeader) -> bool {
        head.method == Method::GET && accepts_event_stream(head)
    }

    /// What this protocol needs in a request besides what every server gets.
    ///
    /// # Errors
    /// Only for a header value that cannot be built.
    fn request(&self, _call: &Call, _head: &mut RequestHeader) -> Result<()> {
        Ok(())
    }

    /// What this protocol needs in an answer besides the mapping of cookies and locations.
    ///
    /// # Errors
    /// Only for a header value that cannot be built.
    fn response(&self, _call: &Call, _head: &mut ResponseHeader) -> Result<()> {
        Ok(())
    }

    /// Whether the body of this answer should be shown to [`Kind::observed`] once it is complete. Only small answers are, and they
    /// pass on unchanged and without delay.
    fn observes(&self, _call: &Call, _head: &ResponseHeader) -> bool {
        false
    }

    /// A whole small body, after [`Kind::observes`] asked for it. `leads` tells whether a public path of the same host leads to a
    /// server. Returns sentences for the administrator, each logged at most once an hour.
    fn observed(&self, _call: &Call, _body: &[u8], _leads: &dyn Fn(&str) -> bool) -> Vec<String> {
        Vec::new()
    }

    /// Which of the two protocols with chats and callbacks it speaks, if one.
    fn interactions(&self) -> Option<Wire> {
        None
    }

    /// How its users sign in and out, if they do.
    fn sessions(&self) -> Option<&'static dyn Sessions> {
        None
    }

    /// A harmless GET that tells whether such a server works: what health probes and `check --live` ask. `None` if there is none that
    /// all have.
    fn question(&self) -> Option<&'static str> {
        None
    }

    /// Whether a 503 to that says that this is the backup of a pair, and all is well.
    fn stands_by(&self) -> bool {
        false
    }

    /// An answer of our own, in the form this protocol's clients understand.
    fn answer(&self, reason: Reason, audience: &Audience<'_>) -> Answer {
        Answer::plain(reason, audience)
    }
}

/// A path that is a constant of a kind.
#[expect(
    clippy::expect_used,
    reason = "only a constant can make it fail, and then every test does"
)]
fn path(constant: &'static str) -> LiteralPath {
    constant.parse().expect("kinds name well-formed paths")
}

/// Whether a server could read this word somewhere in the path. An escape could hide it, so any escape counts as it.
fn may_say(path: &str, word: &str) -> bool {
    path.contains('%') || path.to_ascii_lowercase().contains(word)
}

/// The file's own list, or what the kind exposes by itself; in any case, since the vendors' servers ignore it.
fn listed(expose: Option<&[LiteralPath]>, default: &'static str) -> Exposed {
    let paths = expose.map_or_else(|| vec![path(default)], <[LiteralPath]>::to_vec);
    Exposed::Only(paths.into_iter().map(ExposedPath::any_case).collect())
}

fn accepts_event_stream(head: &RequestHeader) -> bool {
    let wanted = b"text/event-stream";
    head.headers
        .get_all(::http::header::ACCEPT)
        .iter()
        .any(|value| {
            value
                .as_bytes()
                .windows(wanted.len())
                .any(|part| part.eq_ignore_ascii_case(wanted))
        })
}
