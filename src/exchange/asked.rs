//! What a client asked for, as far as logs tell it, kept until the request is over: a request that is cut in its middle has no session
//! any more.
//!
//! ```ignore
//! let asked = Asked::of(session.req_header());
//! assert_eq!(asked.version(), "HTTP/1.1");
//! ```

use std::borrow::Cow;

use http::header::{HOST, HeaderValue, USER_AGENT};
use http::{Method, Uri, Version};
use pingora_http::RequestHeader;

/// PERF: shares its bytes with the head, nothing is copied.
#[derive(Debug, Clone)]
pub struct Asked {
    method: Method,
    uri: Uri,
    host: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    version: Version,
}

impl Asked {
    /// Takes over what the head says.
    pub fn of(head: &RequestHeader) -> Self {
        Asked {
            method: head.method.clone(),
            uri: head.uri.clone(),
            host: head.headers.get(HOST).cloned(),
            user_agent: head.headers.get(USER_AGENT).cloned(),
            version: head.version,
        }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path, which may have secrets in it.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// What the client asked for: Host, or HTTP/2's `:authority`.
    pub fn host(&self) -> Option<Cow<'_, str>> {
        let authority = self.uri.authority().map(|authority| authority.as_str());
        text(self.host.as_ref()).or_else(|| authority.map(Cow::Borrowed))
    }

    /// What the client calls itself.
    pub fn user_agent(&self) -> Option<Cow<'_, str>> {
        text(self.user_agent.as_ref())
    }

    /// The version, as a request line has it.
    pub fn version(&self) -> &'static str {
        match self.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2",
            _ => "HTTP/1.1",
        }
    }
}

fn text(value: Option<&HeaderValue>) -> Option<Cow<'_, str>> {
    value.map(|value| String::from_utf8_lossy(value.as_bytes()))
}
